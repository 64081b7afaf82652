"""Small turns, shifts and scalings of images, joints and true flows together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from posegen.registry import TRANSFORMS
from posegen.utils.errors import ConfigError

from .common import SIDES, check_number, random_of, start_resizing
from .resize import resize_image, resize_keypoints
from .truth import move_truth_of, resize_matrix

RESAMPLES = {'nearest': cv2.INTER_NEAREST, 'bilinear': cv2.INTER_LINEAR}
GREY = (128, 128, 128)
#: Of a Gaussian, in pixels: below it, a neighbour weighs less than half a percent.
_MIN_SIGMA = 0.3


def affine_matrix(
    size: tuple[int, int],
    angle: float = 0.0,
    shift: tuple[float, float] = (0.0, 0.0),
    scale: float = 1.0,
) -> np.ndarray:
    """The matrix that turns and scales an image about its centre, then shifts it.

    Args:
        size: (height, width) of the image.
        angle: degrees, clockwise.
        shift: (right, down) in pixels.
        scale: above 1 enlarges.

    Returns:
        ``(3, 3)`` float64 on (x, y, 1): where a pixel goes, integers being pixel
        centres. It turns about (W / 2, H / 2), as published, which lies half a pixel
        from the middle of the frame. The parameters that change nothing give exactly
        the identity.
    """
    centre = np.array([size[1] / 2, size[0] / 2])
    cos, sin = np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))
    matrix = np.eye(3)
    matrix[:2, :2] = scale * np.array([[cos, -sin], [sin, cos]])
    matrix[:2, 2] = centre - matrix[:2, :2] @ centre + shift
    return matrix


def warp_image(
    image: np.ndarray,
    matrix: np.ndarray,
    size: tuple[int, int],
    resample: str = 'nearest',
    fill: Sequence[int] = GREY,
) -> np.ndarray:
    """Move an image, reading each pixel of the result once.

    Args:
        image: uint8 ``(H, W, 3)``.
        matrix: ``(3, 3)``, from pixels of ``image`` to pixels of the result.
        size: (height, width) of the result.
        resample: 'nearest' or 'bilinear'.
        fill: colour where the result lies outside ``image``.

    Returns:
        uint8 ``(*size, 3)``. Where the matrix shrinks, ``image`` is smoothed first by
        as much as :func:`resize_image` averages, so both look alike.
    """
    inverse = np.linalg.inv(matrix)
    image = _smooth(image, inverse)
    warped = _warp(image, inverse, size, RESAMPLES[resample], cv2.BORDER_REPLICATE)
    inside = np.ones(image.shape[:2], np.uint8)
    outside = _warp(inside, inverse, size, cv2.INTER_NEAREST, cv2.BORDER_CONSTANT) == 0
    warped[outside] = fill
    return warped


def _smooth(image: np.ndarray, inverse: np.ndarray) -> np.ndarray:
    """Take away what the result is too small to show.

    Pillow's filter spans ``step`` pixels of the image for each of the result: a
    triangle, of variance step^2 / 6. Reading between pixels brings 1 / 6 of that.
    """
    steps = np.linalg.norm(inverse[:2, :2], axis=1)
    sigma = np.sqrt(np.maximum(steps**2 - 1, 0) / 6)
    if (sigma < _MIN_SIGMA).all():
        return image
    sigma = np.maximum(sigma, 1e-3)  # 0 would mean: the same as the other axis
    return cv2.GaussianBlur(
        image, (0, 0), *sigma.tolist(), borderType=cv2.BORDER_REPLICATE
    )


def _warp(
    image: np.ndarray,
    inverse: np.ndarray,
    size: tuple[int, int],
    resample: int,
    border: int,
) -> np.ndarray:
    return cv2.warpAffine(
        image,
        inverse[:2],
        size[::-1],
        flags=resample | cv2.WARP_INVERSE_MAP,
        borderMode=border,
    )


def move_keypoints(keypoints: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Joints ``(..., 3)`` x, y, score where a matrix takes them; missing ones stay."""
    points = keypoints[..., :2] @ matrix[:2, :2].T + matrix[:2, 2]
    moved = np.concatenate([points, keypoints[..., 2:]], -1, dtype=np.float32)
    return np.where(keypoints[..., 2:] > 0, moved, keypoints)


@dataclass(frozen=True)
class Jitter:
    """Ranges that the parameters of :func:`affine_matrix` are drawn from.

    Attributes:
        angle: degrees; uniform in [-angle, angle].
        shift: pixels of ``image_size``, along each axis uniform in [-shift, shift].
        scale: uniform between its two numbers.
    """

    angle: float = 0.0
    shift: float = 0.0
    scale: tuple[float, float] = (1.0, 1.0)

    def __post_init__(self) -> None:
        check_number('angle', self.angle, 0, 180)
        check_number('shift', self.shift, 0)
        if len(self.scale) != 2 or not 0 < self.scale[0] <= self.scale[1]:
            raise ConfigError(
                f'scale must be (smallest, largest) above 0, got {self.scale}'
            )

    def draw(self, rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
        """A matrix ``(3, 3)`` for images of ``size``."""
        angle = rng.uniform(-self.angle, self.angle)
        shift = rng.uniform(-self.shift, self.shift, 2)
        return affine_matrix(size, angle, tuple(shift), rng.uniform(*self.scale))


@TRANSFORMS.register_module()
class AffinePair:
    """Bring images and joints to ``image_size`` and jitter both, in one resampling.

    It stands in the place of ``ResizePair``, and does exactly the same for a pair that
    is not jittered and for a side whose ranges are all zero. The truth moves with the
    images where it was loaded before.

    The defaults are the published setting for Market-1501 (GFLA): a draw for the
    source, another for the target with a fifth of the angle, half of the shift and no
    scaling; nearest pixels; grey where nothing is. Departures: images are resized in
    the same step instead of before it, and joints keep the fractions that published
    code cuts off. Joints that leave the frame stay, and so does the tail of their map.

    Args:
        source: ``angle``, ``shift``, ``scale`` of :class:`Jitter` for source images.
        target: likewise for target images.
        prob: chance of a pair to be jittered.
        resample: 'nearest' or 'bilinear'.
        fill: colour (RGB) of what lies outside the image.

    Raises:
        ConfigError: an argument is out of range.
    """

    def __init__(
        self,
        source: Mapping[str, Any] = dict(angle=5.0, shift=5.0, scale=(0.95, 1.05)),
        target: Mapping[str, Any] = dict(angle=1.0, shift=2.5),
        prob: float = 1.0,
        resample: str = 'nearest',
        fill: Sequence[int] = GREY,
    ) -> None:
        if resample not in RESAMPLES:
            raise ConfigError(
                f"resample must be one of {tuple(RESAMPLES)}, got '{resample}'"
            )
        self.jitters = {'source': _jitter(source), 'target': _jitter(target)}
        self.prob = check_number('prob', prob, 0, 1)
        self.resample, self.fill = resample, tuple(fill)

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        start_resizing(results, self)
        size = tuple(results['image_size'])
        matrices = self._draw(random_of(results), size)
        results |= move_truth_of(results, matrices)
        for side in SIDES:
            keypoints = resize_keypoints(results, side)
            results[f'{side}_keypoints'] = move_keypoints(keypoints, matrices[side])
            results[f'{side}_image'] = self._move(
                results[f'{side}_image'], matrices[side], size
            )
        if not np.allclose(matrices['source'], matrices['target']):
            results['same_place'] = False
        return results | {'moved_by': type(self).__name__}

    def _draw(
        self, rng: np.random.Generator, size: tuple[int, int]
    ) -> dict[str, np.ndarray]:
        if rng.random() >= self.prob:
            return {side: np.eye(3) for side in SIDES}
        return {side: self.jitters[side].draw(rng, size) for side in SIDES}

    def _move(
        self, image: np.ndarray, matrix: np.ndarray, size: tuple[int, int]
    ) -> np.ndarray:
        if (matrix == np.eye(3)).all():
            return resize_image(image, size)
        matrix = matrix @ resize_matrix(image.shape[:2], size)
        return warp_image(image, matrix, size, self.resample, self.fill)


def _jitter(ranges: Mapping[str, Any]) -> Jitter:
    try:
        return Jitter(**ranges)
    except TypeError as error:
        raise ConfigError(
            f'a jitter has angle, shift and scale, got {dict(ranges)}'
        ) from error
