"""Telling pixels from fractions of the picture, a person at a time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from posegen.utils.errors import DataError

#: No person is this small in pixels, nor lies this near to the corner as a whole;
#: fractions of people who are partly outside their picture reach a little beyond 1.
LARGEST_FRACTION = 3.0
#: Where more joints than this share lie left of or above 0, the numbers count from the
#: middle of something: [-1, 1], or meters from the hips.
_NEGATIVE_SHARE, _NEGATIVE = 0.25, -0.05


def are_fractions(
    keypoints: np.ndarray, largest: float = LARGEST_FRACTION
) -> np.ndarray:
    """Whose coordinates are fractions of a picture (or in [-1, 1]), not pixels.

    Each person is judged by the extent of its joints, one of which must be on the
    picture. Whole numbers are pixels, and so
    is a single joint, unless it lies inside the first pixel.

    Args:
        keypoints: ``(..., J, 3)`` x, y, score; missing joints have a score of 0.
        largest: a person whose joints all lie this near to 0 is measured in fractions.

    Returns:
        ``(...)`` bool; False for people without a joint.
    """
    points, present = keypoints[..., :2], keypoints[..., 2] > 0
    here = present[..., None]
    small = (np.abs(points) <= largest).all(-1)
    near = (np.abs(points) <= 1).all(-1)
    whole = (points == np.trunc(points)).all(-1)
    high = points.max(-2, where=here, initial=-np.inf)
    low = points.min(-2, where=here, initial=np.inf)
    single = present.sum(-1) == 1
    first_pixel = (low > 0).all(-1) & (high < 1).all(-1)
    return (
        present.any(-1)
        & (small | ~present).all(-1)
        & (near & present).any(-1)
        & ~(whole | ~present).all(-1)
        & (~single | first_pixel)
    )


def fractions_to_pixels(
    keypoints: np.ndarray, size: Sequence[int] | None, where: str, cure: str
) -> np.ndarray:
    """Fractions of a picture to its pixels.

    An edge of the picture is half a pixel off the centre of its first one, so that
    x = fraction * width - 0.5.

    Args:
        keypoints: ``(J, 3)`` x, y, score of a person.
        size: (height, width) of the picture; None where it is not known.
        where: whose joints they are, for errors.
        cure: how the size can be given, for errors.

    Returns:
        ``(J, 3)`` float32; missing joints are zeros.

    Raises:
        DataError: the size is not known, or the coordinates count from the middle.
    """
    points, present = keypoints[:, :2].astype(np.float64), keypoints[:, 2:] > 0
    negative = (points < _NEGATIVE).any(1)[present[:, 0]].mean()
    if negative > _NEGATIVE_SHARE:
        raise DataError(
            f'{where} has coordinates around 0 ({_range(keypoints)}), as in [-1, 1] or '
            'in meters from the hips; joints are in pixels: x of [-1, 1] becomes '
            '(x + 1) / 2 * width - 0.5.'
        )
    if size is None:
        raise DataError(
            f'{where} has fractions of the picture as coordinates ({_range(keypoints)} '
            f'instead of all coordinates in pixels); {cure}.'
        )
    # Rounded, so that whole pixels come back as such.
    pixels = (points * size[::-1] - 0.5).round(6)
    pixels = np.where(present, pixels, 0.0)
    return np.concatenate([pixels, keypoints[:, 2:]], axis=1, dtype=np.float32)


def _range(keypoints: np.ndarray) -> str:
    points = keypoints[keypoints[:, 2] > 0, :2]
    (left, top), (right, bottom) = points.min(0), points.max(0)
    return f'x from {left:.3g} to {right:.3g}, y from {top:.3g} to {bottom:.3g}'
