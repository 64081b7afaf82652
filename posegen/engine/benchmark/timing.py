"""Clocks that wait for the device."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np
import torch


def wait_for(device: str) -> None:
    """Return when the device has done all that it was given; a CPU always has."""
    if torch.device(device).type == 'cuda':
        torch.cuda.synchronize(device)


def time_calls(
    run: Callable[[], object], iterations: int, warmup: int, device: str
) -> list[float]:
    """Seconds of each of several calls.

    The device is waited for before and after each, as training waits for it once an
    iteration, when it looks whether losses and gradients are finite.

    Args:
        run: What to time.
        iterations: Calls that are timed, at least one.
        warmup: Calls before them that are not.
        device: Device that the call works on.
    """
    for _ in range(warmup):
        run()
    seconds = []
    for _ in range(iterations):
        wait_for(device)
        start = time.perf_counter()
        run()
        wait_for(device)
        seconds.append(time.perf_counter() - start)
    return seconds


def summarise(seconds: Sequence[float], images: int) -> dict[str, float | int]:
    """Latency and throughput of timed calls.

    Args:
        seconds: Of each call.
        images: Images that one call works on.

    Returns:
        ``iterations``; ``latency_ms_mean``, ``latency_ms_p50`` and ``latency_ms_p95``,
        percentiles with linear interpolation between calls; ``images_per_second`` over
        all calls together.
    """
    p50, p95 = np.percentile(seconds, [50, 95])
    mean = float(np.mean(seconds))
    return dict(
        iterations=len(seconds),
        latency_ms_mean=mean * 1e3,
        latency_ms_p50=float(p50) * 1e3,
        latency_ms_p95=float(p95) * 1e3,
        images_per_second=images / mean,
    )
