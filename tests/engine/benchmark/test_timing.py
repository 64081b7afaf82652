"""Percentiles, throughput, and what is timed."""

from __future__ import annotations

import random
import statistics
import time

import pytest
import torch

from posegen.engine.benchmark import timing
from posegen.engine.benchmark.timing import summarise, time_calls, wait_for


def test_percentiles_lie_between_calls() -> None:
    seconds = [0.001 * i for i in range(1, 102)]
    random.Random(0).shuffle(seconds)
    found = summarise(seconds, images=4)
    assert found['iterations'] == 101
    assert found['latency_ms_p50'] == pytest.approx(51)
    assert found['latency_ms_p95'] == pytest.approx(96)
    assert found['latency_ms_mean'] == pytest.approx(51)
    assert found['images_per_second'] == pytest.approx(4 / 0.051)


def test_percentiles_agree_with_the_standard_library() -> None:
    seconds = [random.Random(1).random() for _ in range(37)]
    cuts = statistics.quantiles(seconds, n=20, method='inclusive')
    found = summarise(seconds, images=1)
    assert found['latency_ms_p50'] == pytest.approx(cuts[9] * 1e3)
    assert found['latency_ms_p95'] == pytest.approx(cuts[18] * 1e3)


def test_an_outlier_moves_the_95th_percentile_and_not_the_median() -> None:
    found = summarise([1.0] * 9 + [5.0], images=1)
    assert found['latency_ms_p50'] == 1000
    assert found['latency_ms_p95'] == pytest.approx(1000 + 0.55 * 4000)


def test_only_calls_after_the_warmup_are_timed() -> None:
    calls = []

    def run() -> None:
        calls.append(len(calls))
        time.sleep(0.05 if len(calls) <= 2 else 0.002)

    seconds = time_calls(run, iterations=3, warmup=2, device='cpu')
    assert len(calls) == 5
    assert len(seconds) == 3
    assert all(0.002 <= s < 0.05 for s in seconds)


def test_a_gpu_is_waited_for_before_and_after_each_call(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    events: list[str] = []
    monkeypatch.setattr(torch.cuda, 'synchronize', lambda device: events.append(device))
    time_calls(lambda: events.append('run'), 2, 1, 'cuda:1')
    assert events == ['run', *(['cuda:1', 'run', 'cuda:1'] * 2)]
    wait_for('cpu')
    assert len(events) == 7


def test_the_clock_of_a_call_holds_the_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing, 'wait_for', lambda device: time.sleep(0.01))
    assert time_calls(lambda: None, 1, 0, 'cuda')[0] >= 0.01
