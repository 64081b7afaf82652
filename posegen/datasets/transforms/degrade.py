"""Pictures as worse cameras and storage leave them; joints and truth stay."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from posegen.registry import TRANSFORMS
from posegen.utils.errors import ConfigError

from .common import SIDES, check_number, check_range, random_of, require_resized


def blur_image(image: np.ndarray, sigma: float) -> np.ndarray:
    """Gaussian blur of uint8 ``(H, W, 3)``; ``sigma`` in pixels."""
    return cv2.GaussianBlur(image, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)


def lose_resolution(image: np.ndarray, factor: float) -> np.ndarray:
    """Shrink uint8 ``(H, W, 3)`` by a factor, averaging, and enlarge it bilinearly."""
    height, width = image.shape[:2]
    small = max(round(width / factor), 1), max(round(height / factor), 1)
    shrunk = cv2.resize(image, small, interpolation=cv2.INTER_AREA)
    return cv2.resize(shrunk, (width, height), interpolation=cv2.INTER_LINEAR)


def add_noise(image: np.ndarray, std: float, rng: np.random.Generator) -> np.ndarray:
    """Add Gaussian noise, each value of uint8 ``(H, W, 3)`` for itself."""
    noise = rng.standard_normal(image.shape, np.float32)
    return np.rint(image + std * noise).clip(0, 255).astype(np.uint8)


def jpeg_image(image: np.ndarray, quality: int) -> np.ndarray:
    """uint8 ``(H, W, 3)`` RGB after a JPEG file of ``quality``, 1 to 100."""
    options = [cv2.IMWRITE_JPEG_QUALITY, quality]
    _, data = cv2.imencode('.jpg', image[..., ::-1], options)
    return cv2.imdecode(data, cv2.IMREAD_COLOR_RGB)


@dataclass(frozen=True)
class Degradation:
    """What befalls an image, in this order; None: that does not.

    Attributes:
        sigma: of the blur, in pixels.
        factor: that it is shrunk by before it is enlarged again.
        std: of the noise, on 0 to 255.
        quality: of the JPEG file.
    """

    sigma: float | None = None
    factor: float | None = None
    std: float | None = None
    quality: int | None = None

    def __call__(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Degrade uint8 ``(H, W, 3)`` RGB; noise is drawn from ``rng``."""
        if self.sigma is not None:
            image = blur_image(image, self.sigma)
        if self.factor is not None:
            image = lose_resolution(image, self.factor)
        if self.std is not None:
            image = add_noise(image, self.std, rng)
        return image if self.quality is None else jpeg_image(image, self.quality)


@TRANSFORMS.register_module()
class DegradePair:
    """Blur, loss of resolution as in small surveillance crops, noise, JPEG.

    Each happens with a chance of its own and in this order. Joints and truth stay.

    Args:
        blur_prob: chance of a Gaussian blur.
        blur_sigma: limits of its standard deviation, in pixels of ``image_size``.
        downscale_prob: chance to be shrunk (averaging) and enlarged again (bilinear).
        downscale: limits of the factor, 1 and above.
        noise_prob: chance of Gaussian noise.
        noise_std: limits of its standard deviation, on 0 to 255.
        jpeg_prob: chance to be stored as JPEG.
        jpeg_quality: limits of its quality, whole numbers of 1 to 100.
        same: one draw for both images of a pair, but for the noise of each pixel;
            otherwise one for each image.

    Raises:
        ConfigError: an argument is out of range, or it comes before the pair was
            resized.
    """

    def __init__(
        self,
        blur_prob: float = 0.3,
        blur_sigma: tuple[float, float] = (0.3, 1.5),
        downscale_prob: float = 0.3,
        downscale: tuple[float, float] = (1.0, 3.0),
        noise_prob: float = 0.3,
        noise_std: tuple[float, float] = (1.0, 8.0),
        jpeg_prob: float = 0.5,
        jpeg_quality: tuple[int, int] = (30, 95),
        same: bool = True,
    ) -> None:
        self.blur_prob = check_number('blur_prob', blur_prob, 0, 1)
        self.blur_sigma = check_range('blur_sigma', blur_sigma, 0.01)
        self.downscale_prob = check_number('downscale_prob', downscale_prob, 0, 1)
        self.downscale = check_range('downscale', downscale, 1)
        self.noise_prob = check_number('noise_prob', noise_prob, 0, 1)
        self.noise_std = check_range('noise_std', noise_std, 0)
        self.jpeg_prob = check_number('jpeg_prob', jpeg_prob, 0, 1)
        self.jpeg_quality = check_range('jpeg_quality', jpeg_quality, 1, 100)
        if not all(isinstance(quality, int) for quality in jpeg_quality):
            raise ConfigError(f'jpeg_quality must be whole numbers, got {jpeg_quality}')
        self.same = same

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        require_resized(results, self)
        rng = random_of(results)
        draws = [self._draw(rng) for _ in SIDES]
        draws = [draws[0]] * 2 if self.same else draws
        images = {
            f'{side}_image': degrade(results[f'{side}_image'], rng)
            for side, degrade in zip(SIDES, draws)
        }
        return results | images

    def _draw(self, rng: np.random.Generator) -> Degradation:
        happens = rng.random(4) < [
            self.blur_prob,
            self.downscale_prob,
            self.noise_prob,
            self.jpeg_prob,
        ]
        low, high = self.jpeg_quality
        values = [
            rng.uniform(*self.blur_sigma),
            rng.uniform(*self.downscale),
            rng.uniform(*self.noise_std),
            int(rng.integers(low, high, endpoint=True)),
        ]
        return Degradation(*(v if h else None for v, h in zip(values, happens)))
