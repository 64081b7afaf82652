"""What one process does with one batch of files: read, bring to canvases, score."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from posegen.codecs import pose_mask
from posegen.codecs.formats import other_frame
from posegen.codecs.formats.frames import PUBLISHED
from posegen.evaluation.extractors import feature_network, pair_network
from posegen.evaluation.functional import jpeg_round_trip
from posegen.evaluation.pair_scores import score_pairs
from posegen.evaluation.pairs import Pair, cut_strip, image_size, read_image
from posegen.evaluation.protocols import (
    FID,
    LPIPS,
    InceptionScore,
    Metric,
    Resize,
    Step,
)
from posegen.evaluation.protocols.records import MaskRule
from posegen.evaluation.slicing import region_names, score_regions
from posegen.evaluation.steps import apply_steps
from posegen.utils.errors import DataError

Side = Literal['fake', 'real']
GREY = 127.5  # what 0 of [-1, 1] is of 0..255
_REGION_NAMES = frozenset(region_names(with_sources=True))
_JPEG = ('.jpg', '.jpeg')


@dataclass(frozen=True)
class Variant:
    """One way to compute one score; protocols that agree in it share it.

    Attributes:
        metric: The record, or the name of an offline stand-in or of a region's score.
        jpeg: Whether results that are no jpeg become one first.
    """

    metric: Metric | str
    jpeg: bool = False


@dataclass(frozen=True)
class PairTask:
    """Pairs to score.

    Attributes:
        pairs: Some of a method's.
        joints: (n, 2, 18, 3) of their targets and sources, if known; those of sources
            may be 0 throughout.
    """

    pairs: tuple[Pair, ...]
    joints: np.ndarray | None


@dataclass(frozen=True)
class FeatureTask:
    """Images to take features of.

    Attributes:
        recipe: FID, KID or Inception score record, or the name of a stand-in: whatever
            says how features are made.
        side: Whose steps the images go through.
        files: The images, and for each its counterpart: the target of a result, which
            tells a strip from a picture, or the result of a target, whose height some
            steps ask for; None where there is none.
        jpeg: As for :class:`Variant`.
    """

    recipe: FID | InceptionScore | str
    side: Side
    files: tuple[tuple[Path, Path | None], ...]
    jpeg: bool = False


@dataclass(frozen=True)
class PairValues:
    """Values of the pairs of a task.

    Attributes:
        values: Variant number -> (n,) float64.
        problems: Variant number -> why a pair of the task has no value.
    """

    values: dict[int, np.ndarray]
    problems: dict[int, str]


class Scorer:
    """Scores pairs in all variants, and takes features.

    Args:
        variants: What to score pairs by.
    """

    def __init__(self, variants: Sequence[Variant]) -> None:
        self.variants = variants

    def __call__(self, task: PairTask | FeatureTask) -> PairValues | Tensor:
        """Do a task."""
        return self._pairs(task) if isinstance(task, PairTask) else self._features(task)

    def _pairs(self, task: PairTask) -> PairValues:
        samples = [_read_sample(task, index) for index in range(len(task.pairs))]
        values: dict[int, list[float]] = {n: [] for n in range(len(self.variants))}
        problems: dict[int, str] = {}
        for group in _same_shapes(samples):
            images = PairImages(group)
            for number, variant in enumerate(self.variants):
                if number in problems:
                    continue
                try:
                    values[number] += self._score(variant, images)
                except ValueError:
                    problems[number] = self._problem(variant, group)
        kept = {n: np.array(v) for n, v in values.items() if n not in problems}
        return PairValues(kept, problems)

    def _score(self, variant: Variant, images: PairImages) -> list[float]:
        metric = variant.metric
        if metric in _REGION_NAMES:
            return images.regions[str(metric)].tolist()  # some have no such region
        fake, real = images.get(metric, variant.jpeg)
        if isinstance(metric, str | LPIPS):
            scores = pair_network(metric)(fake, real)
        else:
            scores = score_pairs(metric, fake, real)
        values = scores.double().tolist()
        if any(value != value for value in values):
            raise ValueError('the score is not a number')
        return values

    def _problem(self, variant: Variant, group: Sequence[_Sample]) -> str:
        """The first fault of a group, with the names of its files."""
        for sample in group:
            try:
                self._score(variant, PairImages([sample]))
            except ValueError as error:
                return f"'{sample.pair.image}' and '{sample.pair.target}': {error}"
        raise AssertionError('a group of images fails, none of them does')

    def _features(self, task: FeatureTask) -> Tensor:
        network = feature_network(task.recipe)
        images = (_read_for_features(task, *files) for files in task.files)
        groups = groupby(images, key=lambda image: tuple(image.shape))
        return torch.cat([network(torch.stack([*g])) for _, g in groups])


@dataclass(frozen=True)
class _Sample:
    pair: Pair
    fake: np.ndarray
    real: np.ndarray
    joints: np.ndarray | None

    @property
    def shapes(self) -> tuple:
        return self.fake.shape, self.real.shape


class PairImages:
    """Pairs of one size in all the forms that metrics ask for, each made once."""

    def __init__(self, samples: Sequence[_Sample]) -> None:
        self.samples = samples
        self.made: dict[tuple, Tensor] = {}

    def get(self, metric: Metric | str, jpeg: bool) -> tuple[Tensor, Tensor]:
        """Results and targets as the metric sees them, (B, 3, H, W) each.

        Raises:
            ValueError: They are not of one size then.
        """
        steps = ((), ()) if isinstance(metric, str) else (metric.fake, metric.real)
        fake = self._stepped('fake', steps[0], jpeg)
        real = self._stepped('real', steps[1], jpeg)
        if fake.shape != real.shape:
            sizes = ['{}x{}'.format(*images.shape[2:]) for images in (fake, real)]
            raise ValueError(f'the result is {sizes[0]} but its target {sizes[1]}')
        if isinstance(metric, str) or metric.mask == 'none':
            return fake, real
        return self._masked(metric.mask, fake), self._masked(metric.mask, real)

    def _stepped(self, side: Side, steps: tuple[Step, ...], jpeg: bool) -> Tensor:
        key = side, steps, jpeg and side == 'fake'
        if key not in self.made:
            images = _stack([getattr(sample, side) for sample in self.samples])
            if key[2]:
                images = _through_jpeg(images, [s.pair.image for s in self.samples])
            height = self.samples[0].fake.shape[0]
            self.made[key] = apply_steps(images, steps, height)
        return self.made[key]

    @cached_property
    def regions(self) -> dict[str, Tensor]:
        """Scores of regions of the images as stored."""
        fake, real = self.get('', jpeg=False)
        joints = np.stack([_joints(sample) for sample in self.samples])
        return score_regions(fake, real, joints)

    def _masked(self, rule: MaskRule, images: Tensor) -> Tensor:
        mask = self._mask((images.shape[2], images.shape[3]))
        if rule == 'pose-black':
            return images * mask
        return torch.where(mask.bool(), images.float(), GREY)

    def _mask(self, size: tuple[int, int]) -> Tensor:
        """Masks of the targets' poses, uint8 (B, 1, H, W) of 0 and 1."""
        if ('mask',) not in self.made:
            if size != self.samples[0].real.shape[:2]:
                raise ValueError('masks are for images of the size that is stored')
            masks = [pose_mask(_joints(sample)[0], size) for sample in self.samples]
            self.made['mask',] = torch.from_numpy(np.stack(masks))[:, None].byte()
        return self.made['mask',]


def _joints(sample: _Sample) -> np.ndarray:
    """(2, 18, 3) of target and source."""
    assert sample.joints is not None  # masked variants are planned with joints only
    return sample.joints


def _read_sample(task: PairTask, index: int) -> _Sample:
    pair = task.pairs[index]
    real = _check_range(read_image(pair.target), pair.target)
    fake = _check_range(cut_strip(read_image(pair.image), real.shape[:2]), pair.image)
    joints = None if task.joints is None else task.joints[index]
    if joints is not None:
        _check_frame(joints[0], real, pair.target)
    return _Sample(pair, fake, real, joints)


def _check_frame(joints: np.ndarray, image: np.ndarray, file: Path) -> None:
    if problem := other_frame(joints, image.shape[:2], **PUBLISHED):
        raise DataError(
            f"'{file}': {problem}; the annotations must be in pixels of these images"
        )


def _same_shapes(samples: Sequence[_Sample]) -> Iterator[list[_Sample]]:
    """Neighbours of the same sizes."""
    for _, group in groupby(samples, key=lambda sample: sample.shapes):
        yield list(group)


def _read_for_features(task: FeatureTask, file: Path, other: Path | None) -> Tensor:
    """(3, H, W) after the steps of the recipe."""
    image = read_image(file)
    if task.side == 'fake' and other is not None:
        image = cut_strip(image, image_size(other))
    images = _stack([_check_range(image, file)])
    if isinstance(task.recipe, str):
        return images[0]
    if task.jpeg and task.side == 'fake':
        images = _through_jpeg(images, [file])
    steps = task.recipe.fake if task.side == 'fake' else task.recipe.real
    height = image.shape[0]
    if task.side == 'real' and needs_height(steps) and other is not None:
        height, _ = image_size(other)
    return apply_steps(images, steps, height)[0]


def needs_height(steps: Sequence[Step]) -> bool:
    """Whether a step asks for the height of the generated image."""
    return any(isinstance(s, Resize) and isinstance(s.size, str) for s in steps)


def _through_jpeg(images: Tensor, files: Sequence[Path]) -> Tensor:
    """Images that are no jpeg yet after such a file of Pillow's default quality."""
    stored = [
        image if file.suffix.lower() in _JPEG else jpeg_round_trip(image[None])[0]
        for image, file in zip(images, files)
    ]
    return torch.stack(stored)


def _check_range(image: np.ndarray, file: Path) -> np.ndarray:
    if image.max() <= 1:
        raise DataError(
            f"'{file}' has no value above {image.max()} of 255: it is black, or floats "
            'of [0, 1] were saved as bytes; multiply them by 255 before saving'
        )
    return image


def _stack(images: Sequence[np.ndarray]) -> Tensor:
    """uint8 (H, W, 3) each to (B, 3, H, W)."""
    return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2)
