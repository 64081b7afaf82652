"""Joints to what networks and metrics read: maps, parts, masks, file formats."""

from .formats import read_openpose_json, scale_keypoints, write_openpose_json
from .heatmaps import keypoints_to_heatmaps
from .joints import DEFAULT_PARTS, JOINT_NAMES, LEFT_RIGHT_PAIRS, LIMBS, NUM_JOINTS
from .masks import pose_mask
from .names import PAIR_SEPARATOR, pair_stem, split_pair_stem
from .parts import (
    keypoints_to_limb_maps,
    ordered_parts,
    part_boxes,
    part_images,
    part_masks,
)
from .stickman import keypoints_to_stickman

__all__ = [
    'DEFAULT_PARTS',
    'JOINT_NAMES',
    'LEFT_RIGHT_PAIRS',
    'LIMBS',
    'NUM_JOINTS',
    'PAIR_SEPARATOR',
    'keypoints_to_heatmaps',
    'keypoints_to_limb_maps',
    'keypoints_to_stickman',
    'pair_stem',
    'ordered_parts',
    'part_boxes',
    'part_images',
    'part_masks',
    'pose_mask',
    'read_openpose_json',
    'scale_keypoints',
    'split_pair_stem',
    'write_openpose_json',
]
