"""Keypoints of other tools and other frames, to and from the canonical record."""

from .coco import coco_dataset, read_coco
from .frames import CROP_LEFT, FRAMES, SCALINGS, move_frame, scale_keypoints
from .layouts import LAYOUTS, Layout, from_canonical, is_present, to_canonical
from .mediapipe import mediapipe_record, read_mediapipe
from .openpose import (
    openpose_person,
    parse_openpose,
    read_openpose_json,
    write_openpose_json,
)
from .text import keypoints_text, read_keypoints_text

__all__ = [
    'CROP_LEFT',
    'FRAMES',
    'LAYOUTS',
    'SCALINGS',
    'Layout',
    'coco_dataset',
    'from_canonical',
    'is_present',
    'keypoints_text',
    'mediapipe_record',
    'move_frame',
    'openpose_person',
    'parse_openpose',
    'read_coco',
    'read_keypoints_text',
    'read_mediapipe',
    'read_openpose_json',
    'scale_keypoints',
    'to_canonical',
    'write_openpose_json',
]
