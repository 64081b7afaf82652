"""Keypoints of other tools and other frames, to and from the canonical record."""

from .coco import coco_dataset, read_coco
from .frames import (
    CROP_LEFT,
    FRAMES,
    SCALINGS,
    move_frame,
    other_frame,
    outside_frame,
    rescale,
    scale_keypoints,
)
from .layouts import LAYOUTS, Layout, from_canonical, is_present, to_canonical
from .mediapipe import mediapipe_record, read_mediapipe
from .notes import Notes
from .openpose import (
    canvas_size,
    openpose_person,
    parse_openpose,
    read_openpose_canvas,
    read_openpose_json,
    write_openpose_json,
)
from .text import keypoints_text, read_keypoints_text
from .units import are_fractions, fractions_to_pixels

__all__ = [
    'CROP_LEFT',
    'FRAMES',
    'LAYOUTS',
    'SCALINGS',
    'Layout',
    'Notes',
    'are_fractions',
    'canvas_size',
    'coco_dataset',
    'fractions_to_pixels',
    'from_canonical',
    'is_present',
    'keypoints_text',
    'mediapipe_record',
    'move_frame',
    'openpose_person',
    'other_frame',
    'outside_frame',
    'parse_openpose',
    'read_coco',
    'read_keypoints_text',
    'read_mediapipe',
    'read_openpose_canvas',
    'read_openpose_json',
    'rescale',
    'scale_keypoints',
    'to_canonical',
    'write_openpose_json',
]
