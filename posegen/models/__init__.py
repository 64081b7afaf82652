"""Models: one package a method, and what two methods or more share."""

from posegen.models import feature_nets, layers, losses, ops
from posegen.models.base import BasePoseTransfer
from posegen.models.discriminators import DiscriminatorSet, ResDiscriminator
from posegen.models.flow_based import FlowBasedTransfer
from posegen.models.preprocessor import PosePairPreprocessor
from posegen.models.spig import SPIG, SPIGGenerator

__all__ = [
    'SPIG',
    'BasePoseTransfer',
    'DiscriminatorSet',
    'FlowBasedTransfer',
    'PosePairPreprocessor',
    'ResDiscriminator',
    'SPIGGenerator',
    'feature_nets',
    'layers',
    'losses',
    'ops',
]
