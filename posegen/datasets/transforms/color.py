"""Other light and other colours, the same for both images of a pair."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from posegen.registry import TRANSFORMS

from .common import SIDES, check_number, random_of

_MIDDLE = 127.5
#: Rec. 601 luma and two chroma axes (YIQ) of RGB.
_YIQ = np.array(
    [[0.299, 0.587, 0.114], [0.5959, -0.2746, -0.3213], [0.2115, -0.5227, 0.3112]]
)


def color_matrix(
    brightness: float = 1.0,
    contrast: float = 1.0,
    saturation: float = 1.0,
    hue: float = 0.0,
) -> np.ndarray:
    """Brightness, contrast, saturation and hue, in this order, as one matrix.

    Args:
        brightness: factor of all values.
        contrast: factor of their distance from mid grey, 127.5. It is not the image's
            own mean, so that one colour becomes one colour wherever it is.
        saturation: factor of the distance from the grey of the same luma.
        hue: turn of the colour circle, in turns; the luma stays.

    Returns:
        ``(3, 4)`` float64 on (R, G, B, 1) of range 0 to 255.
    """
    turn = 2 * np.pi * hue
    cos, sin = saturation * np.cos(turn), saturation * np.sin(turn)
    chroma = np.array([[1, 0, 0], [0, cos, -sin], [0, sin, cos]])
    mix = np.linalg.solve(_YIQ, chroma @ _YIQ)
    offset = mix @ np.full(3, (1 - contrast) * _MIDDLE)
    return np.column_stack([contrast * brightness * mix, offset])


@TRANSFORMS.register_module()
class ColorJitterPair:
    """Change the colours of both images by one and the same draw.

    A value that two pixels share before, they share after, in whichever image they
    are. Values beyond 0 and 255 are cut once, at the end. The published code leaves
    colours alone.

    Args:
        brightness: factors are uniform in [1 - brightness, 1 + brightness].
        contrast: likewise.
        saturation: likewise.
        hue: turns of the colour circle, uniform in [-hue, hue]; at most 0.5.
        prob: chance of a pair to be changed.

    Raises:
        ConfigError: an argument is out of range.
    """

    def __init__(
        self,
        brightness: float = 0.1,
        contrast: float = 0.1,
        saturation: float = 0.1,
        hue: float = 0.02,
        prob: float = 1.0,
    ) -> None:
        self.brightness = check_number('brightness', brightness, 0, 1)
        self.contrast = check_number('contrast', contrast, 0, 1)
        self.saturation = check_number('saturation', saturation, 0, 1)
        self.hue = check_number('hue', hue, 0, 0.5)
        self.prob = check_number('prob', prob, 0, 1)

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        rng = random_of(results)
        if rng.random() >= self.prob:
            return results
        limits = np.array([self.brightness, self.contrast, self.saturation, self.hue])
        matrix = color_matrix(*(rng.uniform(-limits, limits) + [1, 1, 1, 0]))
        for side in SIDES:
            results[f'{side}_image'] = cv2.transform(results[f'{side}_image'], matrix)
        return results
