"""Do the joints look like people, in the frame that they are said to be in?

The thresholds rest on the published annotations of Market-1501 and DeepFashion: no
joint outside its frame, necks above hips in every image, the right ear on the side of
the right shoulder in 99.5 % of the people, eyes before shoulders in 82 % and more.
"""

from __future__ import annotations

import numpy as np

from posegen.codecs.formats import are_fractions
from posegen.datasets.annotations import Annotations

from .findings import Finding, group
from .images import ImageState
from .layouts import Size, Split

MIN_PEOPLE = 10  # a rule that holds for most people needs that many to be judged by
NOSE, NECK, R_SHOULDER, L_SHOULDER, R_HIP, L_HIP = 0, 1, 2, 5, 8, 11
R_EYE, L_EYE, R_EAR, L_EAR = 14, 15, 16, 17
CONVERT = '`tools/datasets/convert_keypoints.py`'


def check_joints(
    split: Split, annotations: Annotations, states: dict[str, ImageState]
) -> list[Finding]:
    """Everything that joints and sizes of images tell together.

    Args:
        split: names the frame of the joints.
        annotations: of the split, sound rows only.
        states: of its images; those that are missing or broken are not judged.
    """
    present = annotations.keypoints[..., 2] > 0
    findings = _check_nobody(split, present)
    if not present.any():
        return findings
    findings += _check_units(split, annotations)
    pixels = ~are_fractions(annotations.keypoints)
    names = [name for name, keep in zip(annotations.names, pixels) if keep]
    annotations = Annotations(names, annotations.keypoints[pixels])
    present = present[pixels]
    if not present.any():
        return findings
    zeros = _check_zeros(split, annotations, present)
    turned = _check_columns(split, annotations.keypoints, present)
    findings += zeros + turned
    if not turned:
        findings += _check_outside(split, annotations, present, states)
        findings += _check_deepfashion_frame(split, annotations.keypoints, present)
        findings += _check_sides(split, annotations.keypoints, present)
    return findings


def _check_nobody(split: Split, present: np.ndarray) -> list[Finding]:
    count = int((~present.any(1)).sum())
    if not count:
        return []
    every = count == len(present)
    return [
        Finding(
            'error' if every else 'note',
            'nobody',
            f'{split.name}: in {count:,} of {len(present):,} rows every joint is '
            'missing.',
            f'detect or convert the joints again ({CONVERT}).' if every else '',
        )
    ]


def _check_units(split: Split, annotations: Annotations) -> list[Finding]:
    """Judged one by one: a list may have fractions of some images only."""
    rows = np.flatnonzero(are_fractions(annotations.keypoints))
    return group(
        'error',
        'joint units',
        [annotations.names[row] for row in rows],
        f'{split.name}: {{n}} rows have fractions of the image as joints, not pixels.',
        'multiply x by the width and y by the height of each image '
        f'({CONVERT} with `--images`).',
    )


def _check_zeros(
    split: Split, annotations: Annotations, present: np.ndarray
) -> list[Finding]:
    """Joints at (0, 0) are a detector's way to say missing; two in a row are no corner.

    A person can touch the corner with one joint; the published lists have three such.
    """
    zeros = present & (annotations.keypoints[..., :2] == 0).all(-1)
    rows = np.flatnonzero(zeros.sum(1) >= 2)
    return group(
        'error',
        'missing as 0',
        [f'{annotations.names[row]}: {zeros[row].sum()} joints' for row in rows],
        f'{split.name}: in {{n}} rows several joints are at (0, 0), which some '
        'detectors write for missing ones; here that is -1.',
        f'convert the list with {CONVERT} and `--zeros-missing`, which writes -1.',
    )


def _check_columns(
    split: Split, keypoints: np.ndarray, present: np.ndarray
) -> list[Finding]:
    """Is y the axis that people stand along?"""
    seen = present[:, [NECK, R_HIP, L_HIP]].all(1)
    if seen.sum() < MIN_PEOPLE:
        return []
    points = keypoints[seen][..., :2]
    down = points[:, [R_HIP, L_HIP]].mean(1) - points[:, NECK]
    x_grows, y_grows = (down > 0).mean(0)
    if y_grows > 0.8:
        return []
    if x_grows > 0.9:
        message = f'in {x_grows:.0%} of the people the hips lie right of the neck, not '
        message += 'below it: the columns of y and x are exchanged.'
        cure = "write the file again with the header's order, y before x."
    elif y_grows < 0.2:
        message = f'in {1 - y_grows:.0%} of the people the hips are above the neck.'
        cure = 'let y count from the top of the image downwards.'
    else:
        message = f'in only {y_grows:.0%} of the people the hips are below the neck.'
        cure = f'see in the sheet whether joints have their order ({CONVERT}).'
    return [Finding('error', 'joint columns', f'{split.name}: {message}', cure)]


def _check_outside(
    split: Split,
    annotations: Annotations,
    present: np.ndarray,
    states: dict[str, ImageState],
) -> list[Finding]:
    """Joints that are not in the frame they are said to be in."""
    frames = np.array([_frame(split, states.get(n)) for n in annotations.names])
    x, y = annotations.keypoints[..., 0], annotations.keypoints[..., 1]
    height, width = frames[:, :1], frames[:, 1:]
    outside = present & ((x < -0.5) | (y < -0.5) | (x >= width) | (y >= height))
    share = outside.sum() / present.sum()
    rows = np.flatnonzero(outside.any(1))
    names = [
        f'{annotations.names[row]}: {_worst(annotations.keypoints[row], outside[row])}'
        f' in {frames[row, 0]:g} x {frames[row, 1]:g}'
        for row in rows
    ]
    serious = share > 0.02 or len(rows) > 0.2 * len(outside)
    of_what = 'their image' if split.annotation_size is None else 'annotation_size'
    return group(
        'error' if serious else 'warning',
        'joints outside',
        names,
        f'{split.name}: {{n}} images have joints outside {of_what} (height x width); '
        f'{share:.1%} of all joints are.',
        _outside_cure(split),
    )


def _frame(split: Split, state: ImageState | None) -> Size | tuple[float, float]:
    if split.annotation_size is not None:
        return split.annotation_size
    size = state.size if state else None
    return size or (np.inf, np.inf)


def _worst(keypoints: np.ndarray, outside: np.ndarray) -> str:
    joint = int(np.flatnonzero(outside)[0])
    return f'joint {joint} at x = {keypoints[joint, 0]:g}, y = {keypoints[joint, 1]:g}'


def _outside_cure(split: Split) -> str:
    if split.annotation_size is None:
        return (
            'the joints were found in pictures of another size or orientation: take '
            'those pictures, or set annotation_size to their size.'
        )
    return (
        'set annotation_size to the (height, width) of the pictures that the joints '
        'were found in, or None if that is the size of each image.'
    )


def _check_deepfashion_frame(
    split: Split, keypoints: np.ndarray, present: np.ndarray
) -> list[Finding]:
    """On which of DeepFashion's two canvases are people in the middle?"""
    people = present.sum(1) >= 4
    if split.family != 'deepfashion' or people.sum() < MIN_PEOPLE:
        return []
    x = np.where(present, keypoints[..., 0], np.nan)[people]
    middle = float(np.median(np.nanmedian(x, axis=1)))
    width = 256 if abs(middle - 128) < abs(middle - 88) else 176
    if split.annotation_size not in ((256, 256), (256, 176)):
        return []  # prepared at another size
    stated = split.annotation_size[1]
    if stated == width:
        return []
    return [
        Finding(
            'error',
            'joint frame',
            f'{split.name}: people stand around x = {middle:.0f}, so the joints lie on '
            f'the {width} wide canvas, but annotation_size says {stated}.',
            f'set annotation_size=(256, {width}) and use images of that canvas, or '
            'take the other list: fasion-annotation-*.csv is the 256 wide one, '
            'fasion-resize-annotation-*.csv the 176 wide one.',
        )
    ]


def _check_sides(
    split: Split, keypoints: np.ndarray, present: np.ndarray
) -> list[Finding]:
    """Right eye and ear on the side of the right shoulder, faces with right at left."""
    x = keypoints[..., 0]
    wrong = []
    for name, right, left in (('ears', R_EAR, L_EAR), ('eyes', R_EYE, L_EYE)):
        pair = [right, left, R_SHOULDER, L_SHOULDER]
        seen = x[present[:, pair].all(1)][:, pair]
        same = (seen[:, 0] - seen[:, 1]) * (seen[:, 2] - seen[:, 3]) > 0
        if len(seen) >= MIN_PEOPLE and same.mean() < 0.4:
            wrong.append(f'{name} of {1 - same.mean():.0%} of {len(seen):,} people')
    findings = group(
        'error',
        'left and right',
        wrong,
        f'{split.name}: the {" and the ".join(wrong)} are on the side of the other '
        'shoulder.',
        'exchange columns 14 with 15 and 16 with 17: the order is right eye, left eye, '
        'right ear, left ear.',
    )
    return findings or _check_mirrored(split, x, present)


def _check_mirrored(split: Split, x: np.ndarray, present: np.ndarray) -> list[Finding]:
    faces = present[:, [NOSE, R_EYE, L_EYE, R_SHOULDER, L_SHOULDER]].all(1)
    if faces.sum() < MIN_PEOPLE:
        return []
    mirrored = float((x[faces, R_SHOULDER] > x[faces, L_SHOULDER]).mean())
    if mirrored < 0.6:
        return []
    return [
        Finding(
            'error',
            'left and right',
            f'{split.name}: of the people whose face is seen, {mirrored:.0%} have the '
            'right shoulder at the right: all left and right joints are exchanged.',
            "right is the person's own right: exchange the columns of both sides, or "
            'mirror the images back.',
        )
    ]
