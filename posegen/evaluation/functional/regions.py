"""Scores of regions: of the person, of its parts, of what the source shows.

A region is a bool (B, H, W). Two different things are called a masked score:
:func:`black_out` paints over everything else and scores the whole frame, as the
published mask-SSIM does, where the equal background counts as well;
:func:`region_scores` takes the mean over the pixels of the region alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from posegen.codecs import DEFAULT_PARTS, NUM_JOINTS, part_masks
from posegen.evaluation.functional.flow import PART_LABELS
from posegen.evaluation.functional.pixels import l1, psnr
from posegen.evaluation.functional.ssim import ssim_map

BACKGROUND = 'background'


def black_out(images: Tensor, region: Tensor, value: float = 0) -> Tensor:
    """Paint over everything outside a region.

    Args:
        images: (B, C, H, W) of any dtype.
        region: bool (B, H, W).
        value: 0 is black in 0..255 (PATN, Def-GAN) and mid grey in [-1, 1] (GFLA's
            mask-LPIPS).

    Returns:
        (B, C, H, W) of the same dtype.
    """
    if region.shape != (len(images), *images.shape[2:]):
        raise ValueError(
            f'region must be (B, H, W) of images {tuple(images.shape)}, got '
            f'{tuple(region.shape)}'
        )
    return torch.where(region[:, None].bool(), images, images.new_tensor(value))


def part_regions(
    keypoints: Tensor,
    size: tuple[int, int],
    parts: Mapping[str, Sequence[int]] = DEFAULT_PARTS,
    radius: float = 1 / 16,
) -> dict[str, Tensor]:
    """Regions of the parts by joints alone, and the background: what is in no part.

    Parts share the joints where they meet, and so some pixels.

    Args:
        keypoints: (B, 18, 3) in pixels of ``size``.
        size: (height, width).
        parts: Part name -> joint indices.
        radius: Of limbs, as a fraction of the height.

    Returns:
        Part name, and 'background' -> bool (B, H, W).
    """
    regions = {
        name: part_masks(keypoints, joints, size, radius)[:, 0].bool()
        for name, joints in parts.items()
    }
    person = torch.stack([*regions.values()]).any(0)
    return regions | {BACKGROUND: ~person}


def label_regions(
    part_labels: Tensor, label_names: Mapping[int, str] = PART_LABELS
) -> dict[str, Tensor]:
    """Regions of the parts where the truth is known; no pixel is in two of them.

    Args:
        part_labels: (B, H, W) integers, 0 on the background.
        label_names: Label -> part name.

    Returns:
        Part name, and 'background' -> bool (B, H, W).
    """
    regions = {name: part_labels == label for label, name in label_names.items()}
    return regions | {BACKGROUND: part_labels == 0}


def true_visibility_regions(
    visibility: Tensor, part_labels: Tensor
) -> dict[str, Tensor]:
    """Person pixels of the target whose surface the source shows, and the others.

    Args:
        visibility: (B, H, W), 1 where the source shows the surface.
        part_labels: (B, H, W) integers, 0 on the background.

    Returns:
        'visible' and 'hidden' -> bool (B, H, W).
    """
    person, seen = part_labels > 0, visibility.bool()
    return {'visible': person & seen, 'hidden': person & ~seen}


def joint_visibility_regions(
    source_keypoints: Tensor,
    target_keypoints: Tensor,
    size: tuple[int, int],
    radius: float = 1 / 16,
) -> dict[str, Tensor]:
    """The same by joints alone: what the source shows is where its joints are found.

    Coarser than the truth: a limb that is seen from the other side counts as visible.

    Args:
        source_keypoints: (B, 18, 3).
        target_keypoints: (B, 18, 3) in pixels of ``size``.
        size: (height, width) of the target.
        radius: Of limbs, as a fraction of the height.

    Returns:
        'visible' and 'hidden' -> bool (B, H, W), together the person of the target.
    """
    shared = target_keypoints.clone()
    shared[..., 2] *= source_keypoints[..., 2] > 0
    joints = range(NUM_JOINTS)
    person, visible = (
        part_masks(points, joints, size, radius)[:, 0].bool()
        for points in (target_keypoints, shared)
    )
    return {'visible': visible & person, 'hidden': person & ~visible}


def region_scores(
    pred: Tensor,
    target: Tensor,
    regions: Mapping[str, Tensor],
    data_range: float | Tensor,
    sigma: float = 1.5,
) -> dict[str, Tensor]:
    """SSIM, PSNR and L1 over the pixels of each region.

    SSIM is the mean of the map over the region, whose windows look beyond its edge.

    Args:
        pred: (B, C, H, W) of any dtype.
        target: (B, C, H, W) on the same scale.
        regions: Name -> bool (B, H, W).
        data_range: As for :func:`~posegen.evaluation.functional.ssim`.
        sigma: Of the window of SSIM.

    Returns:
        ``ssim_<region>``, ``psnr_<region>`` and ``l1_<region>`` (on [-1, 1]) -> (B,)
        float64, not a number where the image has no such region.
    """
    similarity = ssim_map(pred, target, data_range, sigma)
    scored = similarity.isfinite()
    scores = {}
    for name, region in regions.items():
        counted = region.cpu().bool() & scored
        total = similarity.where(counted, 0.0).sum((1, 2))
        scores[f'ssim_{name}'] = total / counted.sum((1, 2))
        scores[f'psnr_{name}'] = psnr(pred, target, data_range, mask=region)
        scores[f'l1_{name}'] = l1(pred, target, data_range, mask=region)
    return scores
