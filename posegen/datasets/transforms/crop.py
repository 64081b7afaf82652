"""Random windows of images, with joints and true flows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from posegen.codecs.formats import scale_keypoints
from posegen.registry import TRANSFORMS
from posegen.utils.errors import DataError

from .common import (
    SIDES,
    check_number,
    check_range,
    random_of,
    require_unresized,
    truth_of,
)


class Window(NamedTuple):
    """A rectangle of whole pixels."""

    top: int
    left: int
    height: int
    width: int

    def cut(self, array: np.ndarray) -> np.ndarray:
        """The window of an array ``(H, W, ...)``, a view."""
        rows = slice(self.top, self.top + self.height)
        return array[rows, self.left : self.left + self.width]


def draw_window(
    rng: np.random.Generator, scale: tuple[float, float], ratio: tuple[float, float]
) -> np.ndarray:
    """A window in shares of the image: (top, left, height, width), float64.

    Args:
        rng: to draw from.
        scale: limits of the share of the area, uniform.
        ratio: limits of (width / height) relative to that of the image, log-uniform. A
            side that would be longer than the image is as long as it.
    """
    area, stretch = rng.uniform(*scale), np.exp(rng.uniform(*np.log(ratio)) / 2)
    lengths = np.minimum(np.sqrt(area) * np.array([1 / stretch, stretch]), 1)
    return np.concatenate([rng.random(2) * (1 - lengths), lengths])


def window_of(shares: np.ndarray, size: tuple[int, int]) -> Window:
    """The whole pixels of an image of ``size`` (height, width) next to such shares."""
    lengths = np.maximum(np.rint(shares[2:] * size), 1)
    corner = np.minimum(np.rint(shares[:2] * size), np.array(size) - lengths)
    return Window(*np.concatenate([corner, lengths]).astype(int).tolist())


def crop_keypoints(keypoints: np.ndarray, window: Window) -> np.ndarray:
    """Joints ``(18, 3)`` in pixels of a window; those that lie outside are missing."""
    corner = np.array([window.left, window.top], np.float32)
    points, score = keypoints[:, :2] - corner, keypoints[:, 2:]
    inside = (points >= -0.5) & (points < np.array([window.width, window.height]) - 0.5)
    kept = inside.all(1, keepdims=True) & (score > 0)
    return np.where(kept, np.concatenate([points, score], 1), np.float32(0))


def crop_truth(
    truth: Mapping[str, np.ndarray], source: Window, target: Window
) -> dict[str, np.ndarray]:
    """The ground truth between two windows; exact, as pixels stay whole.

    Args:
        truth: ``flow`` ``(2, H, W)``, ``visibility`` and ``part_labels`` ``(H, W)``.
        source, target: windows of the two images.

    Returns:
        The same arrays, of the target's window. What lies outside the source's window
        is not visible.
    """
    move = np.float32([target.left - source.left, target.top - source.top])
    flow = np.stack([target.cut(plane) for plane in truth['flow']])
    flow += move[:, None, None]
    x = flow[0] + np.arange(target.width)
    y = flow[1] + np.arange(target.height)[:, None]
    shown = (x >= -0.5) & (x < source.width - 0.5)
    shown &= (y >= -0.5) & (y < source.height - 0.5)
    return {
        'flow': flow,
        'visibility': target.cut(truth['visibility']) & shown,
        'part_labels': target.cut(truth['part_labels']).copy(),
    }


@TRANSFORMS.register_module()
class CropPair:
    """Cut a random window out of each image; joints and truth follow exactly.

    It comes before ``ResizePair`` or ``AffinePair``, which then brings the windows to
    ``image_size``: images are resampled once. Windows are of whole pixels of the stored
    images. Joints outside a window become missing. The published code does not crop.

    Args:
        scale: (least, greatest) share of the image's area, in (0, 1].
        ratio: (least, greatest) width / height of a window relative to that of its
            image, above 0; other than 1 it stretches people.
        same: the same window, in shares of the image, for both images of a pair;
            otherwise one for each.
        prob: chance of a pair to be cropped.

    Raises:
        ConfigError: an argument is out of range, or it comes before the images are
            loaded or after they were resized.
        DataError: the truth is of ``image_size`` and the stored images are not.
    """

    def __init__(
        self,
        scale: tuple[float, float] = (0.5, 1.0),
        ratio: tuple[float, float] = (0.9, 1.1),
        same: bool = False,
        prob: float = 1.0,
    ) -> None:
        self.scale = check_range('scale', scale, 1e-4, 1)
        self.ratio = check_range('ratio', ratio, 1e-2, 1e2)
        self.same, self.prob = same, check_number('prob', prob, 0, 1)

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        require_unresized(results, self)
        rng = random_of(results)
        if rng.random() >= self.prob:
            return results
        windows = self._draw(rng, results)
        moved = _crop_truth_of(results, windows)
        for side, window in windows.items():
            image = results[f'{side}_image']
            size = image.shape[:2]
            frame = results['annotation_size'] or size
            # Exact here; what 'gfla' cuts off is cut off once, by the resize.
            keypoints = scale_keypoints(
                results[f'{side}_keypoints'], frame, size, 'center'
            )
            moved[f'{side}_keypoints'] = crop_keypoints(keypoints, window)
            moved[f'{side}_image'] = np.ascontiguousarray(window.cut(image))
        moved |= {'annotation_size': None, 'moved_by': type(self).__name__}
        if not self.same:
            moved['same_place'] = False
        return results | moved

    def _draw(
        self, rng: np.random.Generator, results: Mapping[str, Any]
    ) -> dict[str, Window]:
        shares = [draw_window(rng, self.scale, self.ratio) for _ in SIDES]
        shares = [shares[0]] * 2 if self.same else shares
        sizes = [results[f'{side}_image'].shape[:2] for side in SIDES]
        return dict(zip(SIDES, map(window_of, shares, sizes)))


def _crop_truth_of(
    results: Mapping[str, Any], windows: Mapping[str, Window]
) -> dict[str, Any]:
    """Entries of the truth to update; none for a pair without truth."""
    truth = truth_of(results)
    if not truth:
        return {}
    stored = results['target_image'].shape[:2]
    if results.get('truth_frame') != 'image':
        raise DataError(
            f'CropPair needs a truth of the size of the stored images, {stored}, got '
            f'one of image_size {tuple(results["image_size"])}'
        )
    return crop_truth(truth, **windows)
