"""Which joint stands where in each tool's output, as tables, and the way between them.

Right and left are the person's own in all of them. The canonical record is OpenPose's
COCO model, 18 joints with a neck. Formats without a neck get the point between the
shoulders, as OpenPose's COCO training data has it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from posegen.codecs.joints import JOINT_NAMES, NUM_JOINTS

#: What a coordinate of a missing joint is in the field's files.
MISSING = -1


@dataclass(frozen=True)
class Layout:
    """The joints of a person in one tool's order.

    Attributes:
        name: how formats and errors call it.
        joints: a name for each place; those of
            :data:`~posegen.codecs.JOINT_NAMES` are what the canonical record takes.
        source: where the order is published.
    """

    name: str
    joints: tuple[str, ...]
    source: str

    def __len__(self) -> int:
        return len(self.joints)

    @cached_property
    def places(self) -> tuple[list[int], list[int]]:
        """Indices of the shared joints: in the canonical record, and here."""
        shared = [joint for joint in JOINT_NAMES if joint in self.joints]
        here = [self.joints.index(joint) for joint in shared]
        return [JOINT_NAMES.index(joint) for joint in shared], here


_COCO_17 = (
    'nose',
    'left_eye',
    'right_eye',
    'left_ear',
    'right_ear',
    'left_shoulder',
    'right_shoulder',
    'left_elbow',
    'right_elbow',
    'left_wrist',
    'right_wrist',
    'left_hip',
    'right_hip',
    'left_knee',
    'right_knee',
    'left_ankle',
    'right_ankle',
)
_COCO_FEET = (
    'left_big_toe',
    'left_small_toe',
    'left_heel',
    'right_big_toe',
    'right_small_toe',
    'right_heel',
)
_COCO_HANDS = tuple(f'{side}_hand_{i}' for side in ('left', 'right') for i in range(21))
_BODY_25 = (
    *JOINT_NAMES[:8],
    'mid_hip',
    *JOINT_NAMES[8:],
    *('left_big_toe', 'left_small_toe', 'left_heel'),
    *('right_big_toe', 'right_small_toe', 'right_heel'),
)
_MEDIAPIPE_33 = (
    'nose',
    *('left_eye_inner', 'left_eye', 'left_eye_outer'),
    *('right_eye_inner', 'right_eye', 'right_eye_outer'),
    *('left_ear', 'right_ear'),
    *('mouth_left', 'mouth_right'),
    *('left_shoulder', 'right_shoulder'),
    *('left_elbow', 'right_elbow'),
    *('left_wrist', 'right_wrist'),
    *('left_pinky', 'right_pinky'),
    *('left_index', 'right_index'),
    *('left_thumb', 'right_thumb'),
    *('left_hip', 'right_hip'),
    *('left_knee', 'right_knee'),
    *('left_ankle', 'right_ankle'),
    *('left_heel', 'right_heel'),
    *('left_foot_index', 'right_foot_index'),
)

# HALPE's own neck is left to the point between the shoulders, as of COCO's joints: that
# is what OpenPose's neck is, and HALPE's lies higher.
_HALPE_26 = (
    *_COCO_17,
    *('head', 'halpe_neck', 'mid_hip'),
    *('left_big_toe', 'right_big_toe', 'left_small_toe', 'right_small_toe'),
    *('left_heel', 'right_heel'),
)

LAYOUTS: dict[str, Layout] = {
    layout.name: layout
    for layout in (
        Layout(
            'openpose',
            JOINT_NAMES,
            "OpenPose's output page, 'Pose Output Format (COCO)'",
        ),
        Layout(
            'body25', _BODY_25, "OpenPose's output page, 'Pose Output Format (BODY_25)'"
        ),
        Layout(
            'coco',
            _COCO_17,
            "'keypoints' of the person category in COCO's person_keypoints_*.json",
        ),
        Layout(
            'wholebody',
            (*_COCO_17, *_COCO_FEET, *(f'face_{i}' for i in range(68)), *_COCO_HANDS),
            'COCO-WholeBody (Jin et al., ECCV 2020), data_format.md; DWPose gives it',
        ),
        Layout(
            'halpe26',
            _HALPE_26,
            'Halpe-FullBody (AlphaPose, TPAMI 2022), 26 joints; RTMPose has them too',
        ),
        Layout(
            'halpe136',
            (*_HALPE_26, *(f'face_{i}' for i in range(68)), *_COCO_HANDS),
            'Halpe-FullBody, 136 joints',
        ),
        Layout('mediapipe', _MEDIAPIPE_33, "MediaPipe's Pose Landmarker guide"),
    )
}
"""The layouts by name: openpose (18), body25, coco (17), wholebody (133), halpe26,
halpe136, mediapipe (33)."""


def is_present(points: np.ndarray, score: np.ndarray | None = None) -> np.ndarray:
    """Which joints are there, in every spelling that formats have for missing.

    Args:
        points: ``(..., 2)`` x, y.
        score: ``(...)`` score, visibility or flag, or None if the format has none.

    Returns:
        ``(...)`` bool: False where a coordinate is -1 or NaN, or the score is NaN, 0 or
        less. Without a score also where x and y are both 0.
    """
    present = ~np.isnan(points).any(-1) & (points != MISSING).all(-1)
    # COCO's way to leave a joint out: 0, 0, and the flag that says so is not here.
    return present & (score > 0 if score is not None else (points != 0).any(-1))


def to_canonical(keypoints: np.ndarray, layout: str | Layout) -> np.ndarray:
    """Joints in a tool's order to the canonical record.

    Args:
        keypoints: ``(..., J, 3)`` x, y, score, or ``(..., J, 2)`` x, y. Missing joints
            may be written in any way that :func:`is_present` knows.
        layout: the order, a name in :data:`LAYOUTS` or a layout.

    Returns:
        ``(..., 18, 3)`` float32 x, y, score; missing joints are zeros, present ones of
        a format without scores get 1. Where the layout has no neck, it is the point
        between the shoulders if both are there, with the lower of their scores.

    Raises:
        ValueError: another number of joints, or a present joint that is not finite.
    """
    layout = _get_layout(layout)
    keypoints = np.asarray(keypoints, dtype=np.float32)
    size = len(layout)
    if keypoints.ndim < 2 or keypoints.shape[-2:] not in ((size, 2), (size, 3)):
        raise ValueError(
            f"keypoints of '{layout.name}' must be (..., {size}, 3) or "
            f'(..., {size}, 2), got {keypoints.shape}'
        )
    there, here = layout.places
    record = np.zeros((*keypoints.shape[:-2], NUM_JOINTS, 3), dtype=np.float32)
    record[..., there, :] = _clean(keypoints[..., here, :])
    if 'neck' not in layout.joints:
        record[..., JOINT_NAMES.index('neck'), :] = _between_shoulders(record)
    return record


def from_canonical(keypoints: np.ndarray, layout: str | Layout) -> np.ndarray:
    """The canonical record to joints in a tool's order.

    Args:
        keypoints: ``(..., 18, 3)`` x, y, score.
        layout: the order, a name in :data:`LAYOUTS` or a layout.

    Returns:
        ``(..., J, 3)`` float32 x, y, score. Joints that the canonical record does not
        have (feet, hands, face, the middle of the hips) are missing, which is zeros,
        and so is a joint with a coordinate of exactly -1, as readers would take it.

    Raises:
        ValueError: another shape, or a present joint that is not finite.
    """
    layout = _get_layout(layout)
    keypoints = np.asarray(keypoints, dtype=np.float32)
    if keypoints.ndim < 2 or keypoints.shape[-2:] != (NUM_JOINTS, 3):
        raise ValueError(
            f'keypoints must be (..., {NUM_JOINTS}, 3), got {keypoints.shape}'
        )
    there, here = layout.places
    joints = np.zeros((*keypoints.shape[:-2], len(layout), 3), dtype=np.float32)
    joints[..., here, :] = _clean(keypoints[..., there, :])
    return joints


def _get_layout(layout: str | Layout) -> Layout:
    if isinstance(layout, Layout):
        return layout
    if layout not in LAYOUTS:
        raise ValueError(f"layout must be one of {tuple(LAYOUTS)}, got '{layout}'")
    return LAYOUTS[layout]


def _clean(keypoints: np.ndarray) -> np.ndarray:
    """``(..., 2 or 3)`` to x, y, score with zeros where missing."""
    points, score = keypoints[..., :2], keypoints[..., 2:]
    present = is_present(points, score[..., 0] if score.size else None)[..., None]
    if not score.size:
        score = np.ones_like(points[..., :1])
    joints = np.where(present, np.concatenate([points, score], -1), np.float32(0))
    if not np.isfinite(joints).all():
        raise ValueError('present joints must have finite coordinates and scores')
    return joints


def _between_shoulders(record: np.ndarray) -> np.ndarray:
    left, right = (
        record[..., JOINT_NAMES.index(f'{side}_shoulder'), :]
        for side in ('left', 'right')
    )
    neck = left / 2 + right / 2  # halves first: their sum may be too large
    neck[..., 2] = np.minimum(left[..., 2], right[..., 2])
    return np.where(neck[..., 2:] > 0, neck, np.float32(0))
