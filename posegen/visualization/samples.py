"""Pictures of what a data set yields: pairs with skeletons, part masks and crops."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from posegen.codecs import part_boxes, part_images, part_masks
from posegen.codecs.joints import DEFAULT_PARTS
from posegen.visualization.flows import flow_to_rgb
from posegen.visualization.poses import draw_pose
from posegen.visualization.sheets import comparison_sheet, draw_label

Sample = Mapping[str, Any]
Parts = Mapping[str, Sequence[int]]

PANEL_HEIGHT = 256  # pixels; smaller images are enlarged to at least that
PART_COLORS = ((255, 80, 80), (80, 220, 90), (90, 140, 255), (250, 210, 60))
_POSE_OPACITY = 0.85
_MASK_OPACITY = 0.45


def draw_pose_on(
    image: np.ndarray, keypoints: Tensor | np.ndarray, scale: int = 1
) -> np.ndarray:
    """Draw a skeleton over the image it belongs to.

    Args:
        image: uint8 (H, W, 3).
        keypoints: (18, 3) in its pixels.
        scale: whole factor by which the picture is enlarged; the lines are drawn after
            it, so they stay smooth.

    Returns:
        uint8 (H * scale, W * scale, 3).
    """
    enlarged = _enlarge(image, scale)
    pose = draw_pose(_scaled(keypoints, scale), enlarged.shape[:2])
    cover = _POSE_OPACITY * (pose.max(2, keepdims=True) > 0)
    return np.rint(enlarged * (1 - cover) + pose * cover).astype(np.uint8)


def draw_parts_on(
    image: np.ndarray,
    keypoints: Tensor | np.ndarray,
    parts: Parts = DEFAULT_PARTS,
    scale: int = 1,
    margin: float = 0.1,
    radius: float = 1 / 16,
) -> np.ndarray:
    """Tint the masks of the parts, each in its colour, and draw their boxes.

    Args:
        image: uint8 (H, W, 3).
        keypoints: (18, 3) in its pixels.
        parts: name -> joint indices; the colours are those of ``PART_COLORS``.
        scale: whole factor by which the picture is enlarged.
        margin: of the boxes (:func:`posegen.codecs.part_boxes`).
        radius: of the masks (:func:`posegen.codecs.part_masks`).

    Returns:
        uint8 (H * scale, W * scale, 3).
    """
    enlarged = _enlarge(image, scale)
    joints = torch.as_tensor(_scaled(keypoints, scale))[None].float()
    size = enlarged.shape[:2]
    masks = [part_masks(joints, ids, size, radius)[0, 0] for ids in parts.values()]
    tint, share = _tint(torch.stack(masks).numpy())
    cover = _MASK_OPACITY * (share > 0)
    mixed = np.rint(enlarged * (1 - cover) + tint * cover).astype(np.uint8)
    canvas = Image.fromarray(mixed)
    pen = ImageDraw.Draw(canvas)
    for index, ids in enumerate(parts.values()):
        boxes, present = part_boxes(joints, ids, size, margin)
        if present[0]:
            # Each box one pixel further in, so that equal ones do not hide each other.
            inside = _clip_box(boxes[0].tolist(), size, 2 * index)
            pen.rectangle(inside, outline=_color(index), width=2)
    return np.asarray(canvas)


def draw_crops(
    image: np.ndarray,
    keypoints: Tensor | np.ndarray,
    parts: Parts = DEFAULT_PARTS,
    margin: float = 0.1,
) -> list[np.ndarray | None]:
    """The sub-images of the parts as a model gets them; None for an absent part.

    Returns:
        One uint8 (H, W, 3) a part, mid grey outside its box.
    """
    joints = torch.as_tensor(np.asarray(keypoints))[None].float()
    pixels = torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None]
    signed = pixels.float() / 127.5 - 1
    crops = [part_images(signed, joints, ids, margin) for ids in parts.values()]
    return [_to_uint8(crop[0]) if present[0] else None for crop, present in crops]


def pair_sheet(
    samples: Sequence[Sample],
    parts: Parts = DEFAULT_PARTS,
    margin: float = 0.1,
    radius: float = 1 / 16,
) -> np.ndarray:
    """Show pairs, one a row, with everything that is derived from their joints.

    Columns: both images as they are and with their skeletons, both with the masks and
    boxes of the parts, the part images of the source, and the true flow and visibility
    where the set has them. The names stand above each pair.

    Args:
        samples: as ``PosePairDataset`` yields them, all of one size.
        parts: name -> joint indices.
        margin: of the parts' boxes, as a fraction of the height.
        radius: of the parts' masks, as a fraction of the height.

    Returns:
        uint8 RGB of the whole sheet.
    """
    if not samples:
        raise ValueError('samples is empty: a sheet needs one sample or more')
    panels = [_pair_panels(sample, parts, margin, radius) for sample in samples]
    titles = list(dict.fromkeys(title for row in panels for title in row))
    lines = []
    for sample, row in zip(samples, panels):
        pictures = comparison_sheet([[row.get(t) for t in titles]], titles, scale=1)
        lines += [draw_label(_caption(sample), pictures.shape[1]), pictures]
    return np.concatenate(lines)


def _pair_panels(
    sample: Sample, parts: Parts, margin: float, radius: float
) -> dict[str, np.ndarray | None]:
    """Column -> picture, all enlarged alike."""
    images = {side: _image(sample, side) for side in ('source', 'target')}
    joints = {side: sample[f'{side}_keypoints'] for side in images}
    scale = -(-PANEL_HEIGHT // images['source'].shape[0])
    panels: dict[str, np.ndarray | None] = {}
    for side, image in images.items():
        panels[side] = _enlarge(image, scale)
        panels[f'{side} pose'] = draw_pose_on(image, joints[side], scale)
    for side, image in images.items():
        drawn = draw_parts_on(image, joints[side], parts, scale, margin, radius)
        panels[f'{side} parts'] = drawn
    crops = draw_crops(images['source'], joints['source'], parts, margin)
    for name, crop in zip(parts, crops):
        panels[f'crop: {name}'] = None if crop is None else _enlarge(crop, scale)
    if 'flow' in sample:
        panels['true flow'] = _enlarge(flow_to_rgb(sample['flow']), scale)
    if 'visibility' in sample:
        seen = np.asarray(sample['visibility'], dtype=np.uint8) * 255
        panels['visible'] = _enlarge(seen[..., None].repeat(3, axis=2), scale)
    return panels


def _caption(sample: Sample) -> str:
    names = f'{sample["source_name"]}  to  {sample["target_name"]}'
    counts = [
        int((np.asarray(sample[f'{side}_keypoints'])[:, 2] > 0).sum())
        for side in ('source', 'target')
    ]
    return f'{names}   ({counts[0]} and {counts[1]} joints)'


def _image(sample: Sample, side: str) -> np.ndarray:
    return np.asarray(sample[f'{side}_image']).transpose(1, 2, 0)


def _enlarge(image: np.ndarray, scale: int) -> np.ndarray:
    return image.repeat(scale, axis=0).repeat(scale, axis=1)


def _scaled(keypoints: Tensor | np.ndarray, scale: int) -> np.ndarray:
    """Joints in an enlarged picture; pixel centres go to pixel centres."""
    joints = torch.as_tensor(keypoints).float().cpu().clone().numpy()
    joints[:, :2] = (joints[:, :2] + 0.5) * scale - 0.5
    return joints


def _color(index: int) -> tuple[int, int, int]:
    return PART_COLORS[index % len(PART_COLORS)]


def _tint(masks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean colour of the parts at each pixel (H, W, 3), and how many cover it."""
    colors = np.array([_color(index) for index in range(len(masks))], dtype=float)
    share = masks.sum(0)[..., None]
    return np.einsum('phw,pc->hwc', masks, colors) / np.maximum(share, 1), share


def _clip_box(box: list[float], size: tuple[int, int], inset: int) -> list[float]:
    x0, y0, x1, y1 = box
    left, right = np.clip([x0, x1], inset, size[1] - 1 - inset)
    top, bottom = np.clip([y0, y1], inset, size[0] - 1 - inset)
    return [left, top, right, bottom]


def _to_uint8(image: Tensor) -> np.ndarray:
    pixels = (image.permute(1, 2, 0) + 1) * 127.5
    return pixels.round().clamp(0, 255).to(torch.uint8).numpy()
