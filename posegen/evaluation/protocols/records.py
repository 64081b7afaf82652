"""What a protocol is made of: frozen records, every field of which changes a number.

``None`` in a field always means *not established by the published code*, and the
protocol's ``unknown`` says why; whatever simply does not take place is an empty tuple
or a word of its own, such as ``'none'``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Literal

# --- What happens to an image before a metric sees it ------------------------------


@dataclass(frozen=True)
class Canvas:
    """Which columns of a DeepFashion image are looked at.

    Attributes:
        kind: 'crop176' cuts 256x256 to columns 40..215; 'crop176_white' then puts 40
            white columns on either side. Images 176 wide count as cut already; all
            others (Market-1501) are left alone, as in the published code.
    """

    kind: Literal['crop176', 'crop176_white']


@dataclass(frozen=True)
class Resize:
    """A change of size; not done at all where the size is right already.

    Attributes:
        size: (height, width), or 'height of the generated': the width follows, cut to
            an integer.
        filter: Interpolation.
        library: Whose: the same filter differs between them. 'tf1' is TensorFlow 1,
            where pixel p reads p * scale, with no shift of half a pixel.
        antialias: Whether the filter widens when it shrinks an image.
        output: 'float', or how results become uint8 again.
    """

    size: tuple[int, int] | Literal['height of the generated']
    filter: Literal['bilinear', 'bicubic', 'lanczos']
    library: Literal['cv2', 'torch', 'pil', 'tf1']
    antialias: bool
    output: Literal['float', 'truncate', 'round']


Step = Canvas | Resize

# --- Windows of SSIM ---------------------------------------------------------------


@dataclass(frozen=True)
class Gaussian:
    """Gaussian window that reaches 3.5 sigma: 11 taps at 1.5, 9 at 1.2."""

    sigma: float


@dataclass(frozen=True)
class Uniform:
    """Square window of equal weights, ``size`` pixels wide."""

    size: int


# --- Metrics -----------------------------------------------------------------------

MaskRule = Literal['none', 'pose-black', 'pose-grey', 'silhouette']
"""'pose-*': the Market-1501 mask of the target's joints, everything else black (0 of
0..255) or mid grey (0 of [-1, 1]); 'silhouette': a mask that comes with the images.
"""


@dataclass(frozen=True, kw_only=True)
class Metric:
    """What all metrics have.

    Attributes:
        name: Column of the result table.
        fake: Steps that a generated image goes through first, in order.
        real: The same for the ground truth.
        mask: What is blacked out after the steps, in both images.
    """

    name: str
    fake: tuple[Step, ...] = ()
    real: tuple[Step, ...] = ()
    mask: MaskRule = 'none'

    def faults(self) -> dict[str, str]:
        """Mistakes and accidents in it: dotted field -> what they do."""
        return {
            path: effect
            for path, value in _leaves(self.name, self)
            if (effect := _fault(path, value))
        }


@dataclass(frozen=True, kw_only=True)
class SSIM(Metric):
    """Structural similarity; higher is better.

    Attributes:
        window: Weights of the neighbourhood.
        data_range: Distance between the least and greatest value, for images of
            0..255; 'generated': maximum - minimum of that generated image, after the
            steps and the mask.
        sample_covariance: Whether variances are divided by n - 1.
        border: 'cut': the mean leaves out pixels whose window crosses the frame;
            'reflect': it counts them, the image being mirrored at its edges.
        channels: Planes whose scores are averaged; their order makes no difference.
        mean: Over the images.
    """

    window: Gaussian | Uniform
    data_range: float | Literal['generated']
    sample_covariance: bool
    border: Literal['cut', 'reflect'] = 'cut'
    channels: Literal['rgb'] = 'rgb'
    mean: Literal['image'] = 'image'


@dataclass(frozen=True, kw_only=True)
class MSSSIM(Metric):
    """Multi-scale SSIM with the five weights of its paper; higher is better.

    Attributes:
        sigma: Of the 11-tap Gaussian window.
        data_range: As for :class:`SSIM`.
        mean: Over the images.
    """

    sigma: float
    data_range: float
    mean: Literal['image'] = 'image'


@dataclass(frozen=True, kw_only=True)
class PSNR(Metric):
    """Peak signal-to-noise ratio in dB; higher is better.

    Attributes:
        arithmetic: 'float', or 'uint8-wrap': difference and square are taken modulo
            256, which is a mistake that was published with.
        data_range: For images of 0..255.
        mean: 'image' averages dB; 'batch' takes the mean squared error of a batch
            first, so that the result depends on ``batch_size``; 'set' of everything.
        batch_size: Only looked at for 'batch'.
    """

    arithmetic: Literal['float', 'uint8-wrap'] = 'float'
    data_range: float = 255
    mean: Literal['image', 'batch', 'set'] = 'image'
    batch_size: int = 1


@dataclass(frozen=True, kw_only=True)
class L1(Metric):
    """Mean absolute difference; lower is better.

    Attributes:
        scale: Range of the values that are compared, or 'ratio': the sum of the
            differences over the sum of both images.
        mean: Over the images.
    """

    scale: Literal['[-1,1]', '[0,1]', 'ratio']
    mean: Literal['image'] = 'image'


@dataclass(frozen=True, kw_only=True)
class LPIPS(Metric):
    """Learned perceptual distance, version 0.1 of its linear heads; lower is better.

    Attributes:
        net: Trunk.
        input_range: What black and white are when the net sees them. It was made for
            '[-1,1]'; '[0,1]' is a mistake that was published with.
        batch_size: Only matters with ``last_batch='drop'``.
        last_batch: 'drop': an incomplete last batch is thrown away; fewer images than
            a batch are one batch, as in the published code.
        mean: Over the images.
    """

    net: Literal['alex', 'vgg', 'squeeze']
    input_range: Literal['[-1,1]', '[0,1]']
    batch_size: int
    last_batch: Literal['keep', 'drop']
    mean: Literal['image'] = 'image'


InceptionWeights = Literal['torchvision', 'pytorch-fid', 'tf2015']
"""'torchvision': trained on ImageNet by PyTorch's people; 'pytorch-fid' and 'tf2015':
the network of 2015 from TensorFlow that FID was defined with, as two packages port it.
"""

Normalisation = Literal['imagenet-misapplied', 'half', 'tf128']
"""From [0, 1]: 'half' is 2x - 1; 'tf128' is (255x - 128) / 128; 'imagenet-misapplied'
turns ImageNet-normalised input into [-1, 1], but is given [0, 1]:
x * std / 0.5 + (mean - 0.5) / 0.5 per channel.
"""


@dataclass(frozen=True, kw_only=True)
class FID(Metric):
    """Frechet distance between Inception features of real and generated images.

    Attributes:
        weights: Of Inception v3, 2048 pooled features.
        input_resize: To the network's 299x299.
        normalisation: Of the network's input.
        real_set: 'train': all images of the training list; 'targets': the ground truth
            of the pairs, one for each.
        real_count: Images of that set on DeepFashion, for a check.
        batch_size: Only matters with ``last_batch='drop'``.
        last_batch: 'drop': an incomplete last batch is thrown away, in both sets; fewer
            images than a batch are one batch, as in the published code.
        covariance: 'n-1'.
    """

    name: str = 'fid'
    weights: InceptionWeights
    input_resize: Resize
    normalisation: Normalisation
    real_set: Literal['train', 'targets'] | None
    real_count: int | None
    batch_size: int
    last_batch: Literal['keep', 'drop']
    covariance: Literal['n-1'] = 'n-1'


@dataclass(frozen=True, kw_only=True)
class KID(FID):
    """Kernel distance (cubic polynomial) between the same features; lower is better.

    Attributes:
        subsets: Number of random subsets that are averaged.
        subset_size: Images of each, or all where there are fewer.
        factor: What the result is multiplied by.
    """

    subsets: int | None
    subset_size: int | None
    factor: float


@dataclass(frozen=True, kw_only=True)
class InceptionScore(Metric):
    """Inception score of the generated images alone; higher is better.

    Attributes:
        weights: Of Inception v3.
        input_resize: To the network's 299x299.
        normalisation: Of the network's input.
        logits_bias: Whether the last layer's bias is added.
        splits: Parts of the set whose scores are averaged, in the order of the names.
    """

    name: str = 'inception_score'
    weights: InceptionWeights
    input_resize: Resize | None
    normalisation: Normalisation
    logits_bias: bool
    splits: int


PAIR_METRICS = (SSIM, MSSSIM, PSNR, L1)
"""Metrics of a pair that need no network."""

# --- The protocol ------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Stored:
    """What the published code wrote its results as.

    Scoring takes images as they are stored; results in another type than this score
    differently for that reason alone.

    Attributes:
        format: File type.
        quantise: How floats became 0..255.
    """

    format: Literal['jpeg', 'png', 'any'] | None
    quantise: Literal['truncate', 'round'] | None


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """How a folder of images is scored.

    Attributes:
        name: What the protocol is asked for by.
        description: One sentence for tables and documents.
        code: The files that say so.
        stored: What the published code wrote its results as.
        metrics: In the order of tables.
        sources: Dotted field, such as 'fid' or 'ssim.window.sigma' -> where its value
            comes from. A field without an entry has that of the nearest one above it.
        unknown: Dotted field, or name of a metric that cannot be had at all -> why the
            published code does not establish it.
    """

    name: str
    description: str
    code: str
    stored: Stored
    metrics: tuple[Metric, ...]
    sources: Mapping[str, str]
    unknown: Mapping[str, str] = field(default_factory=dict)

    def metric(self, name: str) -> Metric:
        """The metric of a column.

        Raises:
            KeyError: The protocol has none of that name; the message says why, if it
                is known.
        """
        for metric in self.metrics:
            if metric.name == name:
                return metric
        reason = self.unknown.get(name, 'it is no part of it')
        raise KeyError(f'no {name} under protocol {self.name}: {reason}')

    def source(self, path: str) -> str:
        """Where the value of a dotted field comes from, or why it is not known."""
        above = path
        while above:
            if above in self.unknown:
                return f'unknown: {self.unknown[above]}'
            if above in self.sources:
                return self.sources[above]
            above = above.rpartition('.')[0]
        raise KeyError(f'no source for {path!r} of protocol {self.name}')

    def values(self) -> dict[str, object]:
        """Every dotted field that changes a number -> its value."""
        found = dict(_leaves('stored', self.stored))
        for metric in self.metrics:
            found |= _leaves(metric.name, metric)
        return found

    def missing(self, metric: str) -> list[str]:
        """Fields of a metric that are not known and without which it has no value."""
        return [
            path
            for path, value in self.values().items()
            if path.startswith(f'{metric}.')
            and value is None
            and not path.endswith('.real_count')
        ]

    def faults(self) -> dict[str, str]:
        """Mistakes and accidents that it reproduces: dotted field -> what they do."""
        found: dict[str, str] = {}
        for metric in self.metrics:
            found |= metric.faults()
        return found


_FAULTS: dict[tuple[str, object], str] = {
    ('arithmetic', 'uint8-wrap'): 'difference and square wrap around modulo 256: about '
    '30 dB whatever the images',
    ('normalisation', 'imagenet-misapplied'): 'the network sees a shifted third of its '
    'range: values are comparable with nothing but the same mistake',
    ('last_batch', 'drop'): 'images of an incomplete last batch are not counted',
    ('input_range', '[0,1]'): 'the network sees half the contrast: another scale',
    ('kind', 'crop176_white'): 'white margins that are equal in both images flatter '
    'every score',
    ('input_resize.antialias', False): 'images larger than the 299x299 of the network '
    'shrink without a filter, which leaves aliasing',
    ('antialias', False): 'images that shrink do so without a filter, which leaves '
    'aliasing that Inception features notice',
    ('data_range', 'generated'): 'images of little contrast are judged more strictly',
    ('mean', 'batch'): 'the result depends on the batch size',
}


def _fault(path: str, value: object) -> str | None:
    """What the value of a dotted field does, if it is a mistake."""
    for (ending, wrong), effect in _FAULTS.items():
        if path.endswith(f'.{ending}') and value == wrong:
            return effect
    return None


def _leaves(path: str, value: object) -> Iterator[tuple[str, object]]:
    """Dotted paths of the plain values of nested records."""
    if is_dataclass(value):
        for item in fields(value):
            if item.name != 'name':
                yield from _leaves(f'{path}.{item.name}', getattr(value, item.name))
    elif isinstance(value, tuple) and value and is_dataclass(value[0]):
        for index, item in enumerate(value):
            yield from _leaves(f'{path}.{index}', item)
    else:
        yield path, value
