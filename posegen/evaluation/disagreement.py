"""Sentences that say where two protocols disagree, and which fields make them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from itertools import product

from posegen.evaluation.protocols import (
    HIGHER_IS_BETTER,
    Canvas,
    Gaussian,
    Metric,
    Resize,
    Uniform,
    get_protocol,
)
from posegen.evaluation.steps import acting_steps
from posegen.evaluation.table import ScoreRow, format_score

Sizes = tuple[tuple[int, int], tuple[int, int]]
"""(height, width) of results and of targets, as they are stored."""

_NO_EFFECT = frozenset({'name', 'real_count'})  # on a number


@dataclass(frozen=True)
class _Variant:
    """Ways to compute a score that gave the same, and what the methods got.

    Attributes:
        uses: Protocol -> its record.
        values: Method -> score.
    """

    uses: Mapping[str, Metric]
    values: Mapping[str, float]

    @property
    def title(self) -> str:
        columns = {metric.name for metric in self.uses.values()}
        plain = columns <= _PLAIN_NAMES
        return ', '.join(self.uses) + ('' if plain else f' ({", ".join(columns)})')


_PLAIN_NAMES = frozenset({'ssim', 'psnr', 'l1', 'lpips', 'fid', 'kid', 'ms_ssim'})


def find_disagreements(
    rows: Sequence[ScoreRow], sizes: Sizes | None = None
) -> list[str]:
    """What to say about a table of several protocols.

    Variants of one score are compared with that of the first protocol of the table that
    has it: by how much they differ for the method for which they differ most, and in
    which fields of the records. Where the best method is another one, it is said, and
    so is what a known mistake does.

    Args:
        rows: Rows of :class:`~posegen.evaluation.table.ScoreTable`.
        sizes: Of the images: steps of a protocol that do nothing to them, such as a
            canvas of DeepFashion to Market-1501, are no reason then.

    Returns:
        What to say about each variant that gives other numbers, in a fixed order.
    """
    found = []
    for variants in _families(rows, sizes).values():
        reference, *others = variants
        for other in others:
            found += _compare(reference, other)
    return found


def _families(
    rows: Sequence[ScoreRow], sizes: Sizes | None
) -> dict[tuple, list[_Variant]]:
    """Kind of score and mask -> its variants in the order of the table.

    Fields that make no difference for these images make no variant.
    """
    acting = partial(_with_acting_steps, sizes=sizes)
    uses: dict[tuple[str, str], tuple[Metric, dict[str, float]]] = {}
    for row in rows:
        for metric in map(acting, get_protocol(row.protocol).metrics):
            if metric.name in row.values:
                _, values = uses.setdefault((row.protocol, metric.name), (metric, {}))
                values[row.name] = row.values[metric.name]
    merged: dict[tuple, dict[tuple, dict[str, Metric]]] = {}
    for (protocol, name), (metric, values) in uses.items():
        column = name if name not in _PLAIN_NAMES else ''
        same = merged.setdefault(_family(metric), {})
        key = column, *((method, f'{value:.9g}') for method, value in values.items())
        same.setdefault(key, {})[protocol] = metric
    return {
        family: [
            _Variant(variant, {method: float(value) for method, value in key[1:]})
            for key, variant in same.items()
        ]
        for family, same in merged.items()
    }


def _with_acting_steps(metric: Metric, sizes: Sizes | None) -> Metric:
    """The record without what does nothing to images of these sizes."""
    if sizes is None or not (metric.fake or metric.real):
        return metric
    fake, real = sizes
    return replace(
        metric,
        fake=acting_steps(metric.fake, fake, fake[0]),
        real=acting_steps(metric.real, real, fake[0]),
    )


def _family(metric: Metric) -> tuple:
    # An L1 ratio is another quantity than a mean error, whatever else they share.
    return type(metric), metric.mask != 'none', getattr(metric, 'scale', '') == 'ratio'


def _effective_fields(metric: Metric) -> Iterator[tuple[str, object]]:
    batches_matter = (
        getattr(metric, 'last_batch', 'keep') == 'drop'
        or getattr(metric, 'mean', 'image') == 'batch'
    )
    for item in fields(metric):
        if item.name in _NO_EFFECT:
            continue
        if item.name == 'batch_size' and not batches_matter:
            continue
        yield item.name, getattr(metric, item.name)


def _compare(reference: _Variant, other: _Variant) -> list[str]:
    shared = [name for name in reference.values if name in other.values]
    gaps = {name: _gap(reference.values[name], other.values[name]) for name in shared}
    if not gaps:
        return []
    widest = max(gaps, key=lambda name: gaps[name])
    one, two = (format_score(variant.values[widest]) for variant in (reference, other))
    if one == two:
        return []
    metric = next(iter(reference.uses.values()))
    title = type(metric).__name__ + (
        ' over the person' if metric.mask != 'none' else ''
    )
    before, after = min(
        _uses_of_both(reference, other), key=lambda uses: len(_reasons(*uses))
    )
    reasons = ', '.join(_reasons(before, after))
    sentence = (
        f'{title} of {widest} differs by {format_score(gaps[widest])}: {two} under '
        f'{other.title}, {one} under {reference.title}; {reasons}'
    )
    order = _changed_order(reference, other, shared)
    return [' '.join([f'{sentence}{order}.', *_effects(before, after)])]


def _gap(one: float, two: float) -> float:
    # Of one infinite PSNR and another, which would be no number and hide the others.
    return 0.0 if one == two else abs(one - two)


def _effects(before: Metric, after: Metric) -> Iterator[str]:
    """A sentence for each known mistake that only the second record makes."""
    known = set(before.faults().values())
    for effect in dict.fromkeys(after.faults().values()):
        if effect not in known:
            yield f'{effect[0].upper()}{effect[1:]}.'


def _uses_of_both(one: _Variant, two: _Variant) -> list[tuple[Metric, Metric]]:
    return [*product(one.uses.values(), two.uses.values())]


def _changed_order(reference: _Variant, other: _Variant, shared: list[str]) -> str:
    """What follows where the two do not name the same method first."""
    name = next(iter(reference.uses.values())).name
    best = max if HIGHER_IS_BETTER[name] else min
    one = best(shared, key=lambda name: reference.values[name])
    two = best(shared, key=lambda name: other.values[name])
    return '' if one == two else f'; it puts {two} first, not {one}'


def _reasons(reference: Metric, other: Metric) -> list[str]:
    """Fields of the second that differ, in words."""
    before, after = dict(_effective_fields(reference)), dict(_effective_fields(other))
    texts: list[str] = []
    if before['fake'] == before['real'] and after['fake'] == after['real']:
        _say(texts, 'images', before.pop('fake'), after.pop('fake'))
        del before['real'], after['real']
    for name in after:
        if name in before:  # a batch size counts for one of them only, say
            _say(texts, name, before[name], after[name])
    return texts


def _say(texts: list[str], name: str, before: object, after: object) -> None:
    if before != after:
        words = _WORDS.get(name, name.replace('_', ' '))
        texts.append(f'{words}: {describe(after)} against {describe(before)}')


_WORDS = {
    'fake': 'generated images',
    'real': 'real images',
    'net': 'network',
    'weights': 'Inception weights of',
    'input_resize': 'input of the network',
    'last_batch': 'incomplete last batch',
    'mean': 'mean over each',
    'sample_covariance': 'variances with n - 1',
    'data_range': 'data range',
}


def describe(value: object) -> str:
    """A field's value as words for a sentence.

    Args:
        value: Field of a record: number, word, window, or tuple of steps.
    """
    if isinstance(value, tuple):
        return ', then '.join(map(describe, value)) or 'as stored'
    if isinstance(value, Gaussian):
        return f'gaussian {value.sigma:g}'
    if isinstance(value, Uniform):
        return f'uniform {value.size}'
    if isinstance(value, Canvas):
        white = ' and padded with white again' if value.kind.endswith('white') else ''
        return f'cut to 176 columns{white}'
    if isinstance(value, Resize):
        return _describe_resize(value)
    if isinstance(value, float):
        return f'{value:g}'
    return _PLAIN_WORDS.get(value, str(value))  # type: ignore[call-overload]


_PLAIN_WORDS = {True: 'yes', False: 'no', 'generated': 'that of each generated image'}


def _describe_resize(step: Resize) -> str:
    size = step.size if isinstance(step.size, str) else '{}x{}'.format(*step.size)
    smooth = 'anti-aliased' if step.antialias else 'not anti-aliased'
    return f'resized to {size} ({step.library} {step.filter}, {smooth})'
