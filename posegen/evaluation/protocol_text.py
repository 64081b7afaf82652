"""Protocols as a table for people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath

from posegen.evaluation.disagreement import describe
from posegen.evaluation.networks import inception_url, trunk_url
from posegen.evaluation.protocols import (
    FID,
    LPIPS,
    PROTOCOLS,
    PSNR,
    SSIM,
    Canvas,
    InceptionScore,
    Metric,
    Protocol,
    Step,
)

_SCORES = ('fid', 'lpips', 'ssim', 'psnr')
_TITLES = ('protocol', 'FID', 'LPIPS', 'SSIM', 'PSNR', 'also', 'results stored as')


def protocols_to_markdown() -> str:
    """What the protocols do, one a row: the fields that make most of a difference.

    A dash means that the published code has no such score. All fields, and where each
    comes from, are in the records.
    """
    rows = []
    for protocol in PROTOCOLS.values():
        cells = [_cell(protocol, name) for name in _SCORES]
        others = [m.name for m in protocol.metrics if _column(m) is None]
        stored = protocol.stored
        how = [word for word in (stored.format, stored.quantise) if word]
        cells += [', '.join(others) or '-', ', '.join(how) or 'not known']
        rows.append([f'`{protocol.name}`', *cells])
    return _table(_TITLES, rows)


def sources_to_markdown() -> str:
    """What each protocol is, and the published files that were read for it."""
    rows = [
        [f'`{protocol.name}`', protocol.description, protocol.code]
        for protocol in PROTOCOLS.values()
    ]
    return _table(('protocol', 'what it is', 'read from'), rows)


def mistakes_to_markdown() -> str:
    """Mistakes and accidents that protocols reproduce, and in which of their scores."""
    found: dict[str, dict[str, dict[str, None]]] = {}
    for protocol in PROTOCOLS.values():
        for path, effect in protocol.faults().items():
            scores = found.setdefault(effect, {}).setdefault(protocol.name, {})
            scores[path.partition('.')[0]] = None
    rows = [
        [effect, '; '.join(f'`{name}`: {", ".join(by[name])}' for name in by)]
        for effect, by in found.items()
    ]
    return _table(('what it does', 'where'), rows)


def weights_to_markdown() -> str:
    """Files that are downloaded: address, start of the SHA-256, who looks at them."""
    found: dict[str, dict[str, dict[str, None]]] = {}
    for protocol in PROTOCOLS.values():
        for metric in protocol.metrics:
            if isinstance(metric, LPIPS):
                url = trunk_url(metric.net)
            elif isinstance(metric, FID | InceptionScore):
                url = inception_url(metric.weights)
            else:
                continue
            found.setdefault(url, {}).setdefault(metric.name, {})[protocol.name] = None
    rows = [
        [
            f'<{url}>',
            f'`{PurePosixPath(url).stem.rpartition("-")[2]}`',
            '; '.join(f'{name}: {", ".join(by)}' for name, by in metrics.items()),
        ]
        for url, metrics in found.items()
    ]
    return _table(('file', 'SHA-256 starts with', 'needed by'), rows)


def _table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [titles, ['---'] * len(titles), *rows]
    return '\n'.join(f'| {" | ".join(line)} |' for line in lines) + '\n'


def _cell(protocol: Protocol, name: str) -> str:
    found = [metric for metric in protocol.metrics if _column(metric) == name]
    own = [', '.join(_own_words(metric)) for metric in found]
    images = list(dict.fromkeys(_image_words(metric) for metric in found))
    if len(images) == 1:  # once for all
        return '; '.join([*own, *images[0]])
    each = (', '.join([text, *_image_words(m)]) for text, m in zip(own, found))
    return '; '.join(each) or '-'


def _column(metric: Metric) -> str | None:
    """The column that a score goes into, if any."""
    name = metric.name.split('_')[0]
    return name if name in _SCORES and metric.mask == 'none' else None


def _own_words(metric: Metric) -> list[str]:
    if isinstance(metric, SSIM):
        own = metric.data_range == 'generated'
        words = [
            describe(metric.window),
            'range of each image' if own else f'range {metric.data_range}',
        ]
        return words if metric.border == 'cut' else [*words, 'borders mirrored']
    if isinstance(metric, PSNR):
        pooled = '' if metric.mean == 'image' else f', error pooled by {metric.mean}'
        return [metric.arithmetic + pooled]
    dropped = getattr(metric, 'last_batch', 'keep') == 'drop'
    words = [f'rest of {metric.batch_size} dropped'] if dropped else []  # type: ignore[attr-defined]
    if isinstance(metric, FID):
        real = 'not known' if metric.real_set is None else metric.real_set
        return [metric.weights, metric.normalisation, f'to {real}', *words]
    assert isinstance(metric, LPIPS)
    return [metric.net, f'input {metric.input_range}', *words]


def _image_words(metric: Metric) -> tuple[str, ...]:
    """What images go through first."""
    if metric.fake == metric.real:
        return tuple(map(_short, metric.fake))
    sides = (('generated', metric.fake), ('real', metric.real))
    return tuple(
        f'{side}: {", ".join(map(_short, steps))}' for side, steps in sides if steps
    )


def _short(step: Step) -> str:
    if isinstance(step, Canvas):
        white = ', white margins put back' if step.kind.endswith('white') else ''
        return f'cut to 176 columns{white}'
    by_result = isinstance(step.size, str)
    size = "the result's height" if by_result else '{}x{}'.format(*step.size)
    smooth = '' if step.antialias else ', not anti-aliased'
    return f'resized to {size} ({step.library} {step.filter}{smooth})'
