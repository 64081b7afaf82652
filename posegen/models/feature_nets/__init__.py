"""Frozen nets whose features losses and metrics compare."""

from posegen.models.feature_nets.base import FeatureNet
from posegen.models.feature_nets.efficientnet_lite import EfficientNetLite0Features
from posegen.models.feature_nets.vgg import VGG19Features

__all__ = ['EfficientNetLite0Features', 'FeatureNet', 'VGG19Features']
