"""What happens to images before a metric sees them: canvases and changes of size."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import interpolate, pad
from torch_fidelity.interpolate_compat_tensorflow import (
    interpolate_bilinear_2d_like_tensorflow1x as resize_like_tf1,
)

from posegen.evaluation.functional import quantise
from posegen.evaluation.protocols import Canvas, Resize, Step

_FULL, _LEFT, _WIDTH = 256, 40, 176  # DeepFashion's frame and the columns that are cut
_WHITE = 255


def apply_steps(images: Tensor, steps: Sequence[Step], height: int) -> Tensor:
    """Bring images to the canvas of a protocol.

    Args:
        images: (B, 3, H, W) of 0..255, uint8 or float.
        steps: Records, done in order.
        height: Of the generated image, for steps that ask for it.

    Returns:
        (B, 3, h, w) of 0..255: uint8, or float32 where a resize leaves floats, which
        may lie a little outside.
    """
    for step in steps:
        if isinstance(step, Canvas):
            images = cut_canvas(images, white=step.kind == 'crop176_white')
        else:
            images = resize(images, step, height)
    return images


def acting_steps(
    steps: Sequence[Step], size: tuple[int, int], height: int
) -> tuple[Step, ...]:
    """Those of the steps that change images of a size at all.

    Args:
        steps: As for :func:`apply_steps`.
        size: (height, width) of the images.
        height: Of the generated image.
    """
    images = torch.zeros(1, 3, *size)
    acting = []
    for step in steps:
        before, images = images, apply_steps(images, (step,), height)
        if images is not before:
            acting.append(step)
    return tuple(acting)


def cut_canvas(images: Tensor, white: bool) -> Tensor:
    """Cut DeepFashion's 256x256 to the 176 columns in the middle.

    Args:
        images: (B, 3, H, W); those of other sizes than 256x256 and 256x176, such as
            Market-1501's, come back as they are.
        white: Put 40 white columns on either side afterwards.
    """
    if images.shape[2:] == (_FULL, _FULL):
        images = images[..., _LEFT : _LEFT + _WIDTH]
    if white and images.shape[2:] == (_FULL, _WIDTH):
        images = pad(images, (_LEFT, _LEFT), value=_WHITE)
    return images


def resize(images: Tensor, step: Resize, height: int) -> Tensor:
    """Change the size of images as the record says; nothing where it is right already.

    Args:
        images: (B, 3, H, W) of 0..255.
        step: Size, filter, library and output type.
        height: Of the generated image, for records that ask for it.
    """
    old = images.shape[2], images.shape[3]
    if isinstance(step.size, str):
        size = height, int(old[1] * height / old[0])
    else:
        size = step.size
    if old == size:
        return images
    return _RESIZERS[step.library](images, step, size)


def _resize_torch(images: Tensor, step: Resize, size: tuple[int, int]) -> Tensor:
    resized = interpolate(
        images.float(), size=size, mode=step.filter, antialias=step.antialias
    )
    return _finish(resized, step)


def _resize_tf1(images: Tensor, step: Resize, size: tuple[int, int]) -> Tensor:
    return _finish(resize_like_tf1(images.float(), size, align_corners=False), step)


_CV2_FILTERS = {
    'bilinear': cv2.INTER_LINEAR,
    'bicubic': cv2.INTER_CUBIC,
    'lanczos': cv2.INTER_LANCZOS4,
}


def _resize_cv2(images: Tensor, step: Resize, size: tuple[int, int]) -> Tensor:
    code = _CV2_FILTERS[step.filter]
    resized = [
        cv2.resize(image, (size[1], size[0]), interpolation=code)
        for image in _to_hwc(images.float())
    ]
    return _finish(_from_hwc(resized), step)


_PIL_FILTERS = {
    'bilinear': Image.Resampling.BILINEAR,
    'bicubic': Image.Resampling.BICUBIC,
    'lanczos': Image.Resampling.LANCZOS,
}


def _resize_pil(images: Tensor, step: Resize, size: tuple[int, int]) -> Tensor:
    code = _PIL_FILTERS[step.filter]
    wanted = size[1], size[0]
    if step.output == 'round' and images.dtype == torch.uint8:  # Pillow rounds itself
        rows = [
            Image.fromarray(image).resize(wanted, code) for image in _to_hwc(images)
        ]
        return _from_hwc([np.array(row) for row in rows])
    planes = [
        np.array(Image.fromarray(plane).resize(wanted, code))  # of mode F
        for plane in images.float().flatten(0, 1).numpy()
    ]
    resized = torch.from_numpy(np.stack(planes)).clamp(0, 255)  # as clean-fid does
    return _finish(resized.view(*images.shape[:2], *size), step)


_Resizer = Callable[[Tensor, Resize, tuple[int, int]], Tensor]
_RESIZERS: dict[str, _Resizer] = {
    'cv2': _resize_cv2,
    'torch': _resize_torch,
    'pil': _resize_pil,
    'tf1': _resize_tf1,
}


def _finish(images: Tensor, step: Resize) -> Tensor:
    """Floats to the type that the record says."""
    return images if step.output == 'float' else quantise(images, step.output)


def _to_hwc(images: Tensor) -> list[np.ndarray]:
    return [*np.ascontiguousarray(images.permute(0, 2, 3, 1).numpy())]


def _from_hwc(images: Sequence[np.ndarray]) -> Tensor:
    return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2)
