"""Peak memory is that of the process, from its own start."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from posegen.engine.benchmark import memory
from posegen.engine.benchmark.memory import memory_report, peak_resident
from posegen.engine.benchmark.processes import in_fresh_process

BIG = 200 * 2**20


def fill(count: int) -> tuple[int, int]:
    """Peak of this process before and after it has filled and freed some bytes."""
    before = peak_resident()
    numbers = np.ones(count, np.uint8)
    del numbers
    return before, peak_resident()


def test_a_peak_stays_after_the_memory_was_freed() -> None:
    before, after = fill(BIG)
    assert after >= before
    assert peak_resident() >= after
    report = memory_report('cpu', before)
    assert report == dict(kind='resident', peak=peak_resident(), libraries=before)


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


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a GPU')
def test_a_gpu_s_peak_is_that_of_its_allocator() -> None:
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    torch.ones(BIG, dtype=torch.uint8, device='cuda')
    report = memory_report('cuda', 0)
    assert report['kind'] == 'allocated'
    assert BIG <= report['peak'] - before < BIG + 2**20
    assert report['reserved'] >= report['peak']
