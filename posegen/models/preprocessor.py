"""Batches of pairs to what models compute with."""

from __future__ import annotations

from typing import Any

import torch
from mmengine.model import BaseDataPreprocessor
from torch import Tensor

from posegen.registry import MODELS


def to_unit_range(images: Tensor) -> Tensor:
    """uint8 images of any shape to torch's default type, float32, in [-1, 1]."""
    if images.dtype != torch.uint8:
        raise TypeError(f'images must be uint8, got {images.dtype}')
    return images.to(torch.get_default_dtype()).div_(127.5).sub_(1)


def images_to_uint8(images: Tensor) -> Tensor:
    """Images in [-1, 1] of any shape to uint8: rounded, and clamped beyond the range.

    The inverse of :func:`to_unit_range` on all 256 values. Half precision is widened.
    """
    wide = torch.promote_types(images.dtype, torch.float32)
    return images.detach().to(wide).add(1).mul_(127.5).round_().clamp_(0, 255).byte()


@MODELS.register_module()
class PosePairPreprocessor(BaseDataPreprocessor):
    """Moves a batch to the model's device and brings its images to [-1, 1].

    Entries whose name ends in ``_image`` and that are uint8 become floats in [-1, 1];
    everything else (joints, names, flow, ...) keeps its values. All floats are given
    torch's default type: float32, unless a program asks for float64 throughout with
    :func:`torch.set_default_dtype` to compare two ways of training to the last digits.
    Bytes travel to the device, so the conversion costs a quarter of the transfer that
    floats would.

    Args:
        non_blocking: copy to the device asynchronously.
    """

    def forward(self, data: dict[str, Any], training: bool = False) -> dict[str, Any]:
        """Batch from ``default_collate`` to a batch on the device.

        Args:
            data: a batch of pairs.
            training: part of MMEngine's interface; the result is the same.
        """
        batch = self.cast_data(data)
        return {
            key: to_unit_range(value) if _is_raw_image(key, value) else _to_float(value)
            for key, value in batch.items()
        }


def _to_float(value: Any) -> Any:
    """Floating tensors in torch's default type, anything else as it is."""
    if isinstance(value, Tensor) and value.is_floating_point():
        return value.to(torch.get_default_dtype())
    return value


def _is_raw_image(key: str, value: object) -> bool:
    return (
        key.endswith('_image')
        and isinstance(value, Tensor)
        and value.dtype == torch.uint8
    )
