"""Peak memory is that of the process, from its own start."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from posegen.engine.benchmark import memory
from posegen.engine.benchmark.memory import MemoryWatch, peak_resident
from posegen.engine.benchmark.processes import in_fresh_process

BIG = 200 * 2**20


def fill(count: int) -> tuple[int, int]:
    """Peak of this process before and after it has filled and freed some bytes."""
    before = peak_resident()
    numbers = np.ones(count, np.uint8)
    del numbers
    return before, peak_resident()


def test_a_peak_stays_after_the_memory_was_freed() -> None:
    watch = MemoryWatch('cpu')
    _, after = fill(BIG)
    watch.steady()
    report = watch.report()
    assert report['kind'] == 'resident'
    assert report['peak'] >= after >= report['libraries'] > 0


def test_a_fresh_process_knows_nothing_of_the_memory_of_this_one() -> None:
    ballast = np.ones(3 * BIG, np.uint8)
    start, peak = in_fresh_process(fill, BIG)
    assert start < peak_resident() - ballast.nbytes / 2
    assert BIG * 0.95 < peak - start < BIG * 1.2


def test_systems_without_the_kernel_s_file_ask_for_resource_usage(
    monkeypatch: pytest.MonkeyPatch, tmp_path
) -> None:
    resource = pytest.importorskip('resource')
    monkeypatch.setattr(memory, '_STATUS', tmp_path / 'none')
    kibibytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    monkeypatch.setattr(memory.sys, 'platform', 'linux')
    assert peak_resident() >= kibibytes * 1024
    monkeypatch.setattr(memory.sys, 'platform', 'darwin')
    assert peak_resident() < kibibytes * 1024


def test_a_peak_before_the_steady_state_stays_the_peak(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    peaks = dict(allocated=70, reserved=100)
    for name in peaks:
        monkeypatch.setattr(
            torch.cuda, f'max_memory_{name}', lambda device, name=name: peaks[name]
        )
    monkeypatch.setattr(
        torch.cuda,
        'reset_peak_memory_stats',
        lambda device: peaks.update(allocated=20, reserved=100),
    )
    watch = MemoryWatch('cuda')
    watch.steady()
    peaks['allocated'] = 30
    assert watch.report() == dict(kind='allocated', peak=70, reserved=100, steady=30)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a GPU')
def test_a_gpu_s_peak_is_that_of_its_allocator() -> None:
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    watch = MemoryWatch('cuda')
    torch.ones(2 * BIG, dtype=torch.uint8, device='cuda')
    watch.steady()
    torch.ones(BIG, dtype=torch.uint8, device='cuda')
    report = watch.report()
    assert report['kind'] == 'allocated'
    assert 2 * BIG <= report['peak'] - before < 2 * BIG + 2**20
    assert BIG <= report['steady'] - before < BIG + 2**20
    assert report['reserved'] >= report['peak']
