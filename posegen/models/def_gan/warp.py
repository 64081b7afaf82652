"""Deformable skips: every part is moved by its affine map, the largest value wins."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from posegen.models.def_gan.geometry import PartGeometry, part_geometry
from posegen.models.ops.affine import FITS
from posegen.registry import MODELS

INTERPOLATIONS = ('nearest', 'bilinear')


def affine_sample(
    feat: Tensor, transforms: Tensor, interpolation: str = 'nearest', stride: int = 1
) -> Tensor:
    """Read features where an affine map points to.

    Integer coordinates are pixels of the map, without a shift by half a pixel between
    levels; only the translation is divided by the stride. Outside is zero.

    Args:
        feat: (B, C, h, w); maps in half precision keep their type, but positions are
            computed in float32 or better.
        transforms: (B, 2, 3) map of result to source positions, in pixels of the image.
        interpolation: ``'nearest'`` or ``'bilinear'``.
        stride: Pixels of the image per pixel of the map.

    Returns:
        (B, C, h, w); no gradient reaches ``transforms``.

    Raises:
        ValueError: If ``interpolation`` is unknown.
    """
    _check_interpolation(interpolation)
    exact = torch.promote_types(feat.dtype, torch.float32)
    grid = _grid(transforms, feat.shape[-2:], stride).to(exact)
    sampled = F.grid_sample(feat.to(exact), grid, interpolation, align_corners=True)
    return sampled.to(feat.dtype)


def _check_interpolation(interpolation: str) -> None:
    if interpolation not in INTERPOLATIONS:
        raise ValueError(
            f'interpolation must be one of {INTERPOLATIONS}, got {interpolation!r}'
        )


def _grid(transforms: Tensor, size: torch.Size, stride: int) -> Tensor:
    """Positions (B, h, w, 2) as ``grid_sample`` wants them, in float64."""
    height, width = size
    options = dict(dtype=torch.float64, device=transforms.device)
    x, y = torch.arange(width, **options), torch.arange(height, **options)
    a, b, shift = transforms.detach().double()[..., None, None, :, :].unbind(-1)
    place = a * x[:, None] + b * y[:, None, None] + shift / stride
    last = torch.tensor([max(width - 1, 1), max(height - 1, 1)], **options)
    return place * (2 / last) - 1


class _LargestOfParts(torch.autograd.Function):
    """Running maximum over parts that remembers who won instead of all candidates."""

    @staticmethod
    def forward(
        ctx: torch.autograd.function.FunctionCtx,
        feat: Tensor,
        transforms: Tensor,
        masks: Tensor,
        interpolation: str,
        stride: int,
    ) -> Tensor:
        best = winner = None
        for part in range(transforms.shape[1]):
            moved = affine_sample(feat, transforms[:, part], interpolation, stride)
            moved *= masks[:, part, None]
            if best is None:
                best, winner = moved, torch.zeros_like(moved, dtype=torch.uint8)
                continue
            winner.masked_fill_(moved > best, part)
            # Not `out=best`, which may be the first part's map: what torch 2.11
            # compiles then has a gradient of 0.
            best = torch.maximum(best, moved)
        ctx.save_for_backward(transforms, masks, winner)
        ctx.interpolation, ctx.stride = interpolation, stride
        return best

    @staticmethod
    @once_differentiable
    def backward(ctx, grad: Tensor) -> tuple[Tensor | None, ...]:
        transforms, masks, winner = ctx.saved_tensors
        total = torch.zeros_like(grad)
        for part in range(transforms.shape[1]):
            share = grad * (winner == part)
            share *= masks[:, part, None]
            total += _adjoint(share, transforms[:, part], ctx.interpolation, ctx.stride)
        return total, None, None, None, None


def _adjoint(
    grad: Tensor, transforms: Tensor, interpolation: str, stride: int
) -> Tensor:
    """What :func:`affine_sample` turns a gradient of its result into."""

    def sample(feat: Tensor) -> Tensor:
        return affine_sample(feat, transforms, interpolation, stride)

    # Sampling is linear: its gradient is the same wherever it is taken.
    _, pull_back = torch.func.vjp(sample, torch.zeros_like(grad))
    return pull_back(grad)[0]


def largest_of_parts(
    feat: Tensor,
    transforms: Tensor,
    masks: Tensor,
    interpolation: str = 'nearest',
    stride: int = 1,
) -> Tensor:
    """Maximum over parts of the masked, moved features, without a copy for each part.

    A part is 0 outside its mask, so the result is not negative where any mask is 0, as
    published. Of equal values the first part's is taken, and gets the whole gradient.

    Args:
        feat: (B, C, h, w).
        transforms: (B, P, 2, 3) maps of result to source positions, in pixels of the
            image; at most 256 parts.
        masks: (B, P, h, w) bool.
        interpolation: ``'nearest'`` (published) or ``'bilinear'``.
        stride: Pixels of the image per pixel of the map.

    Returns:
        (B, C, h, w); no gradient reaches ``transforms``, as published.

    Raises:
        ValueError: If ``interpolation`` is unknown.
    """
    return _LargestOfParts.apply(feat, transforms, masks, interpolation, stride)


@MODELS.register_module()
class PartAffineWarp(nn.Module):
    """The deformable skip of Def-GAN: ten parts with an affine map each.

    Args:
        interpolation: ``'nearest'``, as published, or ``'bilinear'``.
        fit: How maps are fitted to joints, see
            :func:`posegen.models.ops.affine.fit_affine`; ``'homogeneous'`` is what
            published weights were trained with.

    Raises:
        ValueError: If ``interpolation`` or ``fit`` is unknown.
    """

    def __init__(
        self, interpolation: str = 'nearest', fit: str = 'homogeneous'
    ) -> None:
        super().__init__()
        _check_interpolation(interpolation)
        if fit not in FITS:
            raise ValueError(f'fit must be one of {FITS}, got {fit!r}')
        self.interpolation = interpolation
        self.fit = fit

    def geometry(
        self,
        source_keypoints: Tensor,
        target_keypoints: Tensor,
        size: tuple[int, int],
    ) -> PartGeometry:
        """Maps and masks for all levels; arguments as in :func:`part_geometry`."""
        return part_geometry(source_keypoints, target_keypoints, size, self.fit)

    def forward(self, feat: Tensor, geometry: PartGeometry) -> Tensor:
        """Move the source's features (B, C, h, w) to the target, same shape."""
        stride = geometry.masks.shape[-2] // feat.shape[-2]
        masks = geometry.masks[..., ::stride, ::stride]
        return largest_of_parts(
            feat, geometry.transforms, masks, self.interpolation, stride
        )

    def extra_repr(self) -> str:
        return f'interpolation={self.interpolation!r}, fit={self.fit!r}'
