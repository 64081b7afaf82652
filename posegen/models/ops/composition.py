"""A picture as a choice, pixel by pixel, between candidates made of a source."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from posegen.models.ops.precision import at_least_float32
from posegen.models.ops.warp import positions, read_at

#: (top, left, height, width) as fractions of a map's height and width.
Box = tuple[float, float, float, float]
WHOLE: Box = (0.0, 0.0, 1.0, 1.0)

#: Pixels of a picture that are composed at once where no gradient is needed.
STRIP_PIXELS = 2**18


def compose(
    source: Tensor,
    painted: Tensor,
    flows: Mapping[str, Tensor],
    masks: Tensor,
    box: Box = WHOLE,
) -> Tensor:
    """Sum the source, a painted picture and the source's warps, weighted by masks.

    The source may be of any size, such as that of a photo whose maps come from a net
    that saw it small: the maps are resampled to the source, whose own pixels are
    moved. Maps that have its size already are taken as they are.

    Where nothing needs a gradient, strips of rows of about `STRIP_PIXELS` pixels are
    composed one after the other, with the same result.

    Args:
        source: (B, 3, H, W) in [-1, 1].
        painted: (B, 3, h, w) in [-1, 1]; enlarged bicubically and clamped.
        flows: part -> (B, 2, h', w'), dx and dy in pixels of its own map; resampled
            bilinearly and counted in pixels of the source.
        masks: (B, 2 + parts, h, w), weights that sum to 1, of the source, the painted
            picture and the parts in the order of ``flows``; resampled bilinearly.
        box: where the source lies on all maps, as a photo does on a letterboxed canvas:
            (top, left, height, width) as fractions of a map's height and width.

    Returns:
        (B, 3, H, W) in [-1, 1], in float32 or better.

    Raises:
        ValueError: the shapes do not belong together.
    """
    _check(source, painted, flows, masks)
    size = tuple(source.shape[-2:])
    scaled = [_in_pixels(flow, size, box) for flow in flows.values()]
    maps = [_reduce(x, size, box) for x in (masks, painted, *scaled)]
    source = at_least_float32(source)
    tracked = torch.is_grad_enabled() and any(x.requires_grad for x in (source, *maps))
    rows = size[0] if tracked else max(STRIP_PIXELS // size[1], 1)
    strips = [
        _compose_rows(source, *maps, rows=(top, min(top + rows, size[0])), box=box)
        for top in range(0, size[0], rows)
    ]
    return strips[0] if len(strips) == 1 else torch.cat(strips, 2)


def _compose_rows(
    source: Tensor,
    masks: Tensor,
    painted: Tensor,
    *flows: Tensor,
    rows: tuple[int, int],
    box: Box,
) -> Tensor:
    top, bottom = rows
    size = tuple(source.shape[-2:])
    weights = _take_rows(masks, size, rows, box)
    if not _fits(masks, size, box):
        weights = weights / weights.sum(1, keepdim=True)
    picture = _take_rows(painted, size, rows, box, 'bicubic').clamp(-1, 1)
    result = weights[:, :1] * source[..., top:bottom, :] + weights[:, 1:2] * picture
    for index, flow in enumerate(flows, start=2):
        column, row = positions(_take_rows(flow, size, rows, box), first_row=top)
        result = result + weights[:, index : index + 1] * read_at(source, column, row)
    return result


def _take_rows(
    maps: Tensor,
    size: tuple[int, int],
    rows: tuple[int, int],
    box: Box,
    mode: str = 'bilinear',
) -> Tensor:
    """Rows top..bottom of maps as they are at ``size``, pixel areas aligned."""
    if _fits(maps, size, box):
        return maps[..., rows[0] : rows[1], :]
    row = _centers(*rows, size[0], maps.shape[-2], box[0], box[2], like=maps)
    column = _centers(0, size[1], size[1], maps.shape[-1], box[1], box[3], like=maps)
    row, column = torch.meshgrid(row, column, indexing='ij')
    batch = (len(maps), *row.shape)
    return read_at(maps, column.expand(batch), row.expand(batch), mode)


def _fits(maps: Tensor, size: tuple[int, int], box: Box) -> bool:
    return tuple(maps.shape[-2:]) == size and box == WHOLE


def _centers(
    first: int,
    end: int,
    length: int,
    map_length: int,
    start: float,
    extent: float,
    like: Tensor,
) -> Tensor:
    """Pixel centers first..end of an axis of ``length``, in pixels of a map."""
    center = torch.arange(first, end, dtype=like.dtype, device=like.device) + 0.5
    return center * (extent * map_length / length) + (start * map_length - 0.5)


def _in_pixels(flow: Tensor, size: tuple[int, int], box: Box) -> Tensor:
    """A flow in pixels of its map -> in pixels of what lies in the box."""
    height, width = flow.shape[-2:]
    x, y = at_least_float32(flow).split(1, dim=1)
    scale = size[1] / (width * box[3]), size[0] / (height * box[2])
    return torch.cat([x * scale[0], y * scale[1]], 1)


def _reduce(maps: Tensor, size: tuple[int, int], box: Box) -> Tensor:
    """Average maps that are finer than the source, which sampling would alias."""
    maps, own = at_least_float32(maps), tuple(maps.shape[-2:])
    needed = tuple(
        min(length, math.ceil(pixels / extent))
        for length, pixels, extent in zip(own, size, box[2:])
    )
    if needed == own:
        return maps
    return F.interpolate(maps, needed, mode='bilinear', antialias=True)


def _check(
    source: Tensor, painted: Tensor, flows: Mapping[str, Tensor], masks: Tensor
) -> None:
    batch = len(source)
    expected = {'source': (source, 3), 'painted': (painted, 3)}
    expected |= {f'flows[{part!r}]': (flow, 2) for part, flow in flows.items()}
    expected['masks'] = (masks, 2 + len(flows))
    for name, (value, channels) in expected.items():
        if value.dim() != 4 or value.shape[:2] != (batch, channels):
            raise ValueError(
                f'{name} must be ({batch}, {channels}, height, width), got '
                f'{tuple(value.shape)}'
            )
