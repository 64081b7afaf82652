"""Scores of parts: of the body, of what the source shows, and of the harder pairs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from posegen.codecs import DEFAULT_PARTS
from posegen.evaluation import functional as F
from posegen.evaluation.functional.regions import BACKGROUND
from posegen.evaluation.table import SliceRow

_METRICS = ('ssim', 'psnr', 'l1')
_PARTS = (*DEFAULT_PARTS, BACKGROUND)
_SEEN = ('visible', 'hidden')
_FULL_RANGE = 255


def region_names(with_sources: bool) -> list[str]:
    """Scores of regions: ``ssim_head``, ..., ``l1_hidden``.

    Args:
        with_sources: Whether joints of the sources are known, which tell what is
            visible.
    """
    regions = _PARTS + (_SEEN if with_sources else ())
    return [f'{metric}_{region}' for region in regions for metric in _METRICS]


def score_regions(fake: Tensor, real: Tensor, joints: np.ndarray) -> dict[str, Tensor]:
    """Scores over the pixels of each region, on images as they are stored.

    Args:
        fake: uint8 (B, 3, H, W).
        real: The same.
        joints: (B, 2, 18, 3) of targets and sources, those of sources 0 where they are
            not known.

    Returns:
        :func:`region_names` -> (B,) float64, not a number where there is no region.
    """
    target, source = torch.from_numpy(joints).float().unbind(dim=1)
    size = fake.shape[2], fake.shape[3]
    regions = F.part_regions(target, size)
    regions |= F.joint_visibility_regions(source, target, size)
    return F.region_scores(fake, real, regions, _FULL_RANGE)


def region_rows(
    method: str, protocol: str, values: Mapping[str, np.ndarray]
) -> Iterator[SliceRow]:
    """One row a region.

    Args:
        method: Its name.
        protocol: Name of the protocol that the rows stand with.
        values: :func:`region_names` -> (n,), what each pair got.
    """
    for kind, regions in (('part', _PARTS), ('shown by the source', _SEEN)):
        for region in regions:
            found = {m: values.get(f'{m}_{region}', np.empty(0)) for m in _METRICS}
            known = {m: of[~np.isnan(of)] for m, of in found.items()}
            means = {m: float(of.mean()) for m, of in known.items() if len(of)}
            if means:
                count = max(map(len, known.values()))
                yield SliceRow(method, protocol, kind, region, count, means)


def difficulty_rows(
    method: str,
    protocol: str,
    values: Mapping[str, np.ndarray],
    joints: np.ndarray,
    height: int,
) -> Iterator[SliceRow]:
    """Rows for thirds of the pairs, by how far joints move and by how many are shown.

    Args:
        method: Its name.
        protocol: Name of the protocol that the values are of.
        values: Metric -> (n,), what each pair got.
        joints: (n, 2, 18, 3) of targets and sources.
        height: Of the images in pixels.
    """
    target, source = torch.from_numpy(joints).unbind(dim=1)
    difficulties = {
        'pose distance': F.pose_distance(source, target, height),
        'joints shown by the source': F.source_visibility(source, target),
    }
    for kind, difficulty in difficulties.items():
        slices: dict[tuple[str, int], dict[str, float]] = {}
        for metric, scores in values.items():
            for part in F.slice_by(torch.from_numpy(scores), difficulty):
                title = f'{part.low:.2f} to {part.high:.2f}'
                slices.setdefault((title, part.count), {})[metric] = part.mean
        for (title, count), means in slices.items():
            yield SliceRow(method, protocol, kind, title, count, means)


def stack_joints(targets: np.ndarray, sources: np.ndarray | None) -> np.ndarray:
    """(n, 18, 3) twice, or once, to (n, 2, 18, 3)."""
    others = np.zeros_like(targets) if sources is None else sources
    return np.stack([targets, others], axis=1)


def have_sources(joints: Sequence[np.ndarray]) -> bool:
    """Whether joints of sources are among those of all methods."""
    return all(bool(of[:, 1, :, 2].any()) for of in joints)
