"""Transforms of a pair, from file names to tensors: plain dict in, plain dict out.

The dataset says what (paths, joints, sizes), the transforms do it, so a pipeline in a
config needs no arguments that the dataset has already.
"""

from .affine import AffinePair
from .color import ColorJitterPair
from .common import SIDES, TRUTH_TYPES, random_of
from .crop import CropPair
from .degrade import DegradePair
from .flip import FlipPair
from .joints import DropJoints, JointNoise, SwapJoints
from .loading import LoadPairImages, LoadTruth
from .packing import PackPair
from .resize import ResizePair, resize_image

__all__ = [
    'SIDES',
    'TRUTH_TYPES',
    'AffinePair',
    'ColorJitterPair',
    'CropPair',
    'DegradePair',
    'DropJoints',
    'FlipPair',
    'JointNoise',
    'LoadPairImages',
    'LoadTruth',
    'PackPair',
    'ResizePair',
    'SwapJoints',
    'random_of',
    'resize_image',
]
