"""From raw data as it unpacks to the folders that the configs read."""

from .deepfashion import DeepFashionPreparation, prepare_deepfashion
from .flow import Preparation
from .market1501 import Market1501Preparation, prepare_market1501
from .options import ImageOptions
from .report import Report

__all__ = [
    'DeepFashionPreparation',
    'ImageOptions',
    'Market1501Preparation',
    'Preparation',
    'Report',
    'prepare_deepfashion',
    'prepare_market1501',
]
