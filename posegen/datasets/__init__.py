"""Annotation files, pairs, the pair dataset and its transforms."""

from .annotations import (
    Annotations,
    read_annotations,
    read_pairs,
    write_annotations,
    write_pairs,
)
from .concat import ConcatDataset
from .keypoint_files import read_keypoint_file, write_keypoint_file
from .pairs import build_pairs
from .pose_pair_dataset import PosePairDataset
from .transforms import (
    AffinePair,
    ColorJitterPair,
    CropPair,
    DegradePair,
    DropJoints,
    FlipPair,
    JointNoise,
    LoadPairImages,
    LoadTruth,
    PackPair,
    ResizePair,
    SwapJoints,
)

__all__ = [
    'AffinePair',
    'Annotations',
    'ColorJitterPair',
    'ConcatDataset',
    'CropPair',
    'DegradePair',
    'DropJoints',
    'FlipPair',
    'JointNoise',
    'LoadPairImages',
    'LoadTruth',
    'PackPair',
    'PosePairDataset',
    'ResizePair',
    'SwapJoints',
    'build_pairs',
    'read_annotations',
    'read_keypoint_file',
    'read_pairs',
    'write_annotations',
    'write_keypoint_file',
    'write_pairs',
]
