"""The profile of a training step: its phases and its most expensive operators."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.autograd import DeviceType
from torch.profiler import ProfilerActivity, profile

from posegen.engine.benchmark.cases import Case
from posegen.engine.benchmark.phases import PhaseClock, phase_rows, watched
from posegen.engine.benchmark.subject import build_subject
from posegen.engine.benchmark.timing import summarise, time_calls
from posegen.utils.errors import ConfigError

TOP = 15
_TRACED_STEPS = 3  # an event for each operator: more steps say no more


def profile_training(case: Case, iterations: int, warmup: int) -> dict[str, Any]:
    """Where the time of a training step goes.

    Args:
        case: What to train.
        iterations: Steps whose phases are timed.
        warmup: Steps before them.

    Returns:
        ``step``: :func:`~posegen.engine.benchmark.timing.summarise` of steps that
        nobody watches; ``phases``: :func:`~posegen.engine.benchmark.phases.phase_rows`;
        ``operators``: those with the most time of their own, see
        :func:`top_operators`; ``notes``.

    Raises:
        ConfigError: The config compiles networks, whose parts cannot be watched.
    """
    if case.load().get('compile'):
        raise ConfigError(
            f'{case.config} compiles its networks, which takes the hooks away that a '
            'profile hangs on: profile with --cfg-options compile=None'
        )
    subject = build_subject(case, training=True)
    step, device = subject.train_step, case.device
    seconds = time_calls(step, iterations, warmup, device)
    clock = PhaseClock(device)
    with watched(subject, clock):
        for _ in range(iterations):
            clock.start()
            step()
            clock.stop()
    return dict(
        step=summarise(seconds, subject.images_a_step),
        phases=phase_rows(clock.seconds, iterations),
        operators=top_operators(step, min(iterations, _TRACED_STEPS), device),
        notes=subject.notes,
    )


def top_operators(
    run: Callable[[], object], calls: int, device: str, count: int = TOP
) -> list[dict[str, Any]]:
    """PyTorch's operators by the time that they take themselves.

    Args:
        run: What to look at.
        calls: How often it is called.
        device: On a GPU the time is that of the kernels that an operator starts, on a
            CPU that of the operator without the operators that it calls.
        count: Operators to name.

    Returns:
        ``operator``, ``calls`` and ``ms`` for each call of ``run``, ``share`` of the
        time of all operators; the most expensive first.
    """
    on_gpu = torch.device(device).type == 'cuda'
    activities = [ProfilerActivity.CPU] + [ProfilerActivity.CUDA] * on_gpu
    with profile(activities=activities) as trace:
        for _ in range(calls):
            run()
    # Kernels are listed beside the operators that start them, and named ranges.
    events = [
        event
        for event in trace.key_averages()
        if event.device_type == DeviceType.CPU and not event.is_user_annotation
    ]
    time_of = _device_time if on_gpu else _own_time
    total = sum(map(time_of, events)) or 1.0
    events.sort(key=time_of, reverse=True)
    return [
        dict(
            operator=event.key,
            calls=event.count / calls,
            ms=time_of(event) / calls / 1e3,
            share=time_of(event) / total,
        )
        for event in events[:count]
    ]


def _own_time(event: Any) -> float:
    return event.self_cpu_time_total


def _device_time(event: Any) -> float:
    return event.self_device_time_total
