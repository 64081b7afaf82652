"""What a camera does to a picture: exposure, lens, sensor, and compression.

All functions take and return (H, W, 3) float32 pictures in [0, 1] and draw nothing at
random but from the generator that they are given.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, replace

import cv2
import numpy as np


@dataclass(frozen=True)
class Capture:
    """How a camera renders a scene.

    Attributes:
        gain: (3,) exposure and white balance.
        gamma: exponent of the tone curve, 1 for none.
        contrast: slope of the tone curve about middle gray.
        saturation: 1 keeps the colors, 0 is gray.
        vignette: share of the light that is lost in the corners.
        blur: standard deviation of the lens's blur in pixels.
        noise: standard deviation of the sensor's noise in [0, 1].
        low_height: height in pixels of the picture that the sensor takes, which is
            enlarged afterwards; None for the full size.
        sharpen: strength of the unsharp mask of a surveillance camera.
        quality: of the JPEG in [1, 95], None for no compression.
    """

    gain: np.ndarray
    gamma: float
    contrast: float
    saturation: float
    vignette: float
    blur: float
    noise: float
    low_height: int | None
    sharpen: float
    quality: int | None


def sample_capture(
    rng: np.random.Generator, size: tuple[int, int], small: bool, mean: float = 0.5
) -> Capture:
    """Draw a camera; dark scenes are exposed for longer, but not to the full.

    Args:
        rng: source of randomness.
        size: (height, width) of the pictures.
        small: people are seen by few pixels, as by a surveillance camera.
        mean: of the place's colors.
    """
    exposure = float(np.clip((0.45 / max(mean, 0.05)) ** 0.5, 1.0, 1.6))
    warmth, green = rng.normal(0, 0.03), rng.normal(0, 0.012)
    gain = (
        exposure * rng.uniform(0.9, 1.1) * np.array([1 + warmth, 1 + green, 1 - warmth])
    )
    low = int(min(rng.uniform(50, 104), 0.75 * size[0])) if small else None
    sharp = rng.random() < 0.4
    return Capture(
        gain=gain,
        gamma=float(np.exp(rng.normal(-0.1, 0.14))),
        contrast=float(rng.uniform(0.85, 1.2)),
        saturation=float(rng.uniform(0.65, 1.1)),
        vignette=float(rng.uniform(0.0, 0.12)),
        blur=0.0 if sharp else float(rng.uniform(0.2, 0.9) * size[0] / 256),
        noise=float(rng.uniform(0.002, 0.012)) * (1.4 if small else 1.0),
        low_height=low,
        sharpen=float(rng.uniform(0.0, 0.8)) if small else 0.0,
        quality=int(rng.integers(60, 96)) if rng.random() < 0.75 else None,
    )


def vary_capture(rng: np.random.Generator, capture: Capture) -> Capture:
    """The same camera at another moment: a little other exposure and balance."""
    spread = 0.02 if rng.random() < 0.8 else 0.08
    gain = capture.gain * (1 + rng.normal(0, spread)) * (1 + rng.normal(0, 0.008, 3))
    blur = capture.blur * float(rng.uniform(0.8, 1.25))
    return replace(capture, gain=gain, blur=blur)


def take_picture(
    rng: np.random.Generator, scene: np.ndarray, capture: Capture
) -> np.ndarray:
    """The picture that a camera takes of a scene, both (H, W, 3) float in [0, 1]."""
    scene = np.asarray(scene, np.float32)
    picture = develop(scene, capture)
    if capture.low_height is not None:
        return _small_picture(rng, picture, capture)
    if capture.blur > 0:
        picture = cv2.GaussianBlur(picture, (0, 0), capture.blur)
    picture = add_noise(rng, picture, capture.noise)
    return compress(picture, capture.quality)


def develop(scene: np.ndarray, capture: Capture) -> np.ndarray:
    """Exposure, white balance, vignette, tone curve, and saturation."""
    height, width = scene.shape[:2]
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, width, dtype=np.float32)[None]
    light = 1 - capture.vignette * (x * x + y * y) / 2
    picture = scene * light[..., None] * capture.gain.astype(np.float32)
    picture = np.clip(picture, 0, 1) ** np.float32(capture.gamma)
    picture = 0.5 + capture.contrast * (picture - 0.5)
    gray = picture @ np.array([0.299, 0.587, 0.114], np.float32)
    picture = gray[..., None] + capture.saturation * (picture - gray[..., None])
    return np.clip(picture, 0, 1).astype(np.float32)


def add_noise(
    rng: np.random.Generator, picture: np.ndarray, deviation: float
) -> np.ndarray:
    """Sensor noise: half of it shared by the channels, weaker in the lights."""
    noise = rng.standard_normal((*picture.shape[:2], 4), np.float32)
    noise = 0.7 * noise[..., :3] + 0.7 * noise[..., 3:]
    return np.clip(picture + deviation * (1.2 - 0.6 * picture) * noise, 0, 1)


def compress(picture: np.ndarray, quality: int | None) -> np.ndarray:
    """A JPEG's artifacts; ``None`` only returns the picture."""
    from PIL import Image

    if quality is None:
        return picture
    stored = io.BytesIO()
    pixels = np.rint(picture * 255).astype(np.uint8)
    Image.fromarray(pixels).save(stored, 'JPEG', quality=quality)
    return np.asarray(Image.open(stored), np.float32) / 255


def _small_picture(
    rng: np.random.Generator, picture: np.ndarray, capture: Capture
) -> np.ndarray:
    """Taken at a low resolution, then enlarged to the full size."""
    height, width = picture.shape[:2]
    low = (max(round(width * capture.low_height / height), 8), capture.low_height)
    small = cv2.resize(picture, low, interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), 0.3 + capture.blur * 0.6)
    small = add_noise(rng, small, capture.noise)
    small = compress(small, capture.quality)
    large = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
    soft = cv2.GaussianBlur(large, (0, 0), 1.5 * height / capture.low_height)
    return np.clip(large + capture.sharpen * (large - soft), 0, 1)
