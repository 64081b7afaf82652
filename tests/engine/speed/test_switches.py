"""The ways that a switch chooses between compute the same."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest
import torch

from posegen.engine.benchmark import Amount
from posegen.engine.compile import compile_networks
from posegen.engine.speed import SWITCHES, failures, format_speed, measure_speed
from posegen.engine.speed import switches as module
from posegen.utils.errors import ConfigError
from tests.engine.benchmark.helpers import tiny_case

ONCE = Amount(1, 1)
CASE = replace(tiny_case(), size=(64, 32), batch_size=1)
#: Switch -> comparisons, and by how much results may differ.
EXPECTED = dict(
    parts=(2, 1e-4), features=(2, 1e-5), similarity=(2, 1e-5), amp=(1, 0.05)
)


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, 'SIMILARITY_SHAPE', (8, 16, 16))
    eager = partial(compile_networks, backend='eager')
    monkeypatch.setattr(module, 'compile_networks', eager)


@pytest.mark.parametrize('name', EXPECTED)
def test_results_are_equal_and_numbers_there(name: str) -> None:
    report = measure_speed(CASE, ONCE, [name])
    assert not failures(report)
    rows = report['switches'][name]
    comparisons, tolerance = EXPECTED[name]
    assert len({row['what'] for row in rows}) == comparisons
    for row in rows:
        assert row['output_error'] <= tolerance, row
        assert (row['gradient_error'] or 0) <= tolerance, row
        assert row['peak_mb'] > 0 and row['ms_p50'] > 0
    text = format_speed(report)
    assert all(row['way'] in text and row['what'] in text for row in rows)


def test_half_batches_are_accumulated() -> None:
    (comparison,) = SWITCHES['accumulate'](replace(CASE, batch_size=2))
    assert [way.name for way in comparison.ways] == ['1 x 2', '2 x 1']
    assert [way.run() for way in comparison.ways] == [([], []), ([], [])]
    with pytest.raises(ConfigError, match='a batch of 1 cannot be halved'):
        next(SWITCHES['accumulate'](CASE))


def test_an_average_does_not_change_training() -> None:
    (comparison,) = SWITCHES['ema'](CASE)
    for _ in range(2):
        (expected, _), (found, _) = (way.run() for way in comparison.ways)
        assert expected
        torch.testing.assert_close(found, expected)


def test_the_compiled_generator_is_the_same() -> None:
    """GFLA's, which is traced sooner."""
    (comparison,) = SWITCHES['compile'](tiny_case('gfla'))
    (expected, _), (found, _) = (way.run() for way in comparison.ways)
    torch.testing.assert_close(found, expected)
    torch.compiler.reset()


def test_a_switch_that_fails_leaves_the_others() -> None:
    case = replace(tiny_case('gfla'), size=(64, 32), batch_size=1)
    report = measure_speed(case, ONCE, ['parts', 'similarity'])
    (sentence,) = failures(report)
    assert sentence.startswith('parts: ') and 'has no parts' in sentence
    assert sentence in format_speed(report)
    assert len(report['switches']['similarity']) == 4


def test_losses_that_are_not_there_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    build = module.build_subject

    def without_style(*args, **options):
        subject = build(*args, **options)
        del subject.model.losses['sty']
        return subject

    monkeypatch.setattr(module, 'build_subject', without_style)
    with pytest.raises(ConfigError, match=r"has no losses \['sty'\]"):
        next(SWITCHES['features'](CASE))
