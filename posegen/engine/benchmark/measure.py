"""The measurements of one case, each to be made in a process of its own."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from posegen.engine.benchmark.cases import Case
from posegen.engine.benchmark.memory import MemoryWatch
from posegen.engine.benchmark.subject import Subject, build_subject
from posegen.engine.benchmark.timing import summarise, time_calls
from posegen.utils.env import describe_env
from posegen.utils.errors import ConfigError


def measure_training(case: Case, iterations: int, warmup: int) -> dict[str, Any]:
    """Time training steps and say what they need.

    A step is the model's own ``train_step`` with the optimizers of the config on a
    batch that lies in memory, and the update of the generator's moving average where
    the config has one; loading data, logs and checkpoints are no part of it.

    Args:
        case: What to train.
        iterations: Steps that are timed.
        warmup: Steps before them.

    Returns:
        :func:`~posegen.engine.benchmark.timing.summarise`, with ``images`` a step;
        ``memory`` since the process began, building the model and the first step
        included; ``notes``. Where the memory did not do: ``error``.
    """

    def run(subject: Subject) -> tuple[Callable[[], object], int]:
        return subject.train_step, subject.images_a_step

    return _measure(case, True, run, iterations, warmup)


def measure_inference(case: Case, iterations: int, warmup: int) -> dict[str, Any]:
    """Time ``model.generate`` on a batch that lies on the device.

    Args:
        case: What to ask.
        iterations: Batches that are timed.
        warmup: Batches before them.

    Returns:
        As :func:`measure_training`.
    """

    def run(subject: Subject) -> tuple[Callable[[], object], int]:
        inputs = subject.inputs()
        return lambda: subject.generate(inputs), case.batch_size

    return _measure(case, False, run, iterations, warmup)


def describe_machine(device: str) -> dict[str, Any]:
    """Where numbers come from: device, versions, threads, settings, load.

    Raises:
        ConfigError: There is no such device.
    """
    on_gpu = _checked_type(device) == 'cuda'
    about: dict[str, Any] = dict(
        device=torch.cuda.get_device_name(device) if on_gpu else _processor(),
        torch=torch.__version__,
        versions=describe_env(),
        threads=torch.get_num_threads(),
        cores=os.cpu_count(),
        load=os.getloadavg()[0],
    )
    if on_gpu:
        about |= dict(
            cuda=torch.version.cuda,
            device_memory=torch.cuda.get_device_properties(device).total_memory,
            tf32_convolutions=torch.backends.cudnn.allow_tf32,
            tf32_products=torch.backends.cuda.matmul.allow_tf32,
        )
    return about


def is_lack_of_memory(error: RuntimeError) -> bool:
    """Whether an error says that there is not enough memory."""
    # On a CPU it is a plain RuntimeError of the allocator.
    named = isinstance(error, torch.OutOfMemoryError)
    return named or "can't allocate memory" in str(error)


def _measure(
    case: Case,
    training: bool,
    prepare: Callable[[Subject], tuple[Callable[[], object], int]],
    iterations: int,
    warmup: int,
) -> dict[str, Any]:
    memory = MemoryWatch(case.device)
    try:
        subject = build_subject(case, training)
        run, images = prepare(subject)
        for _ in range(warmup):
            run()
        memory.steady()
        seconds = time_calls(run, iterations, 0, case.device)
    except RuntimeError as error:
        if not is_lack_of_memory(error):
            raise
        return dict(error='out of memory')
    return dict(
        **summarise(seconds, images),
        images=images,
        warmup=warmup,
        memory=memory.report(),
        notes=subject.notes,
    )


def _checked_type(device: str) -> str:
    try:
        kind = torch.device(device).type
    except RuntimeError:
        kind = 'unknown'
    if kind not in ('cpu', 'cuda'):
        raise ConfigError(f"device must be 'cpu', 'cuda' or 'cuda:N', got {device!r}")
    number = torch.device(device).index or 0
    if kind == 'cuda' and number >= torch.cuda.device_count():
        raise ConfigError(
            f'device {device!r} is not there: PyTorch sees '
            f'{torch.cuda.device_count()} GPUs; take another, or cpu'
        )
    return kind


def _processor() -> str:
    file = Path('/proc/cpuinfo')
    lines = file.read_text().splitlines() if file.is_file() else []
    names = [line.partition(':')[2].strip() for line in lines if 'model name' in line]
    return names[0] if names else platform.processor() or platform.machine()
