"""The command in processes of its own that start at once, and may be killed.

A server process imports everything once; each command is a fork of it.
"""

from __future__ import annotations

import multiprocessing
import os
import resource
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import forkserver
from multiprocessing.context import BaseContext, ForkServerContext, ForkServerProcess
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from torch.multiprocessing import start_processes

ROOT = Path(__file__).resolve().parents[2]
SECONDS_TO_WAIT = 200


class _Process(ForkServerProcess):
    """Has the environment that its starter had, as a spawned one would."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._env = dict(os.environ)

    def run(self) -> None:
        os.environ.clear()
        os.environ.update(self._env)
        super().run()


class _Context(ForkServerContext):
    Process = _Process


_context = _Context()
_context.set_forkserver_preload(['tests.helpers.preloaded'])


@dataclass
class Forked:
    """A running command.

    Attributes:
        process: Its process.
        log: File with all that it printed.
    """

    process: BaseProcess
    log: Path

    def wait(self) -> int:
        """Its exit code; minus the number of the signal that killed it."""
        self.process.join(SECONDS_TO_WAIT)
        code = self.process.exitcode
        self.end()
        assert code is not None, f'still running: {self.shown()}'
        return code

    def kill(self) -> None:
        """SIGKILL; what it started, such as loaders of data, is not asked either."""
        self.process.kill()
        self.process.join()
        self.end()

    def end(self) -> None:
        """Leave nothing running."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.join()

    def shown(self) -> str:
        """What it printed so far."""
        return self.log.read_text() if self.log.exists() else ''

    def errors(self) -> list[str]:
        """The sentences that the command ended with."""
        return [x for x in self.shown().split('\n') if x.startswith('posegen: ')]

    def wait_for(self, condition: Callable[[], bool]) -> None:
        """Wait until something holds."""
        deadline = time.monotonic() + SECONDS_TO_WAIT
        while not condition():
            assert self.process.is_alive(), self.shown()
            assert time.monotonic() < deadline
            time.sleep(0.002)


def fork(target: Callable[..., object], *args: object) -> BaseProcess:
    """Call a function in a fork of the server, with the environment of now."""
    process = context().Process(target=target, args=args)
    process.start()
    return process


def run_ranks(function: Callable[..., object], *args: object, count: int = 2) -> None:
    """Call a function in forks, which get their number first; all must end well.

    As ``torch.multiprocessing.spawn``, whose processes import everything again.
    """
    context()
    start_processes(
        _with_environment,
        (dict(os.environ), function, *args),
        nprocs=count,
        start_method='forkserver',
    )


def context(method: str = 'spawn') -> BaseContext:
    """In place of ``multiprocessing.get_context('spawn')``, where its start is slow."""
    if method != 'spawn':
        raise ValueError(f"expected 'spawn', got {method!r}")
    with _environment_of_the_server():
        forkserver.ensure_running()
    return _context


def _with_environment(
    rank: int, env: Mapping[str, str], function: Callable[..., object], *args: object
) -> None:
    os.environ.clear()
    os.environ.update(env)
    function(rank, *args)


@contextmanager
def _environment_of_the_server() -> Iterator[None]:
    """What it sees when it imports; that of a test comes with each process."""
    before = dict(os.environ)
    # Asked through the driver, whether there is a GPU would keep forks from using it.
    os.environ.update(
        PYTHONPATH=str(ROOT), OMP_NUM_THREADS='1', PYTORCH_NVML_BASED_CUDA_CHECK='1'
    )
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def start(
    *arguments: str | Path,
    log: Path,
    env: Mapping[str, str] | None = None,
    file_limit: int | None = None,
) -> Forked:
    """Start ``posegen ARGUMENTS``.

    Args:
        *arguments: Of the command.
        log: File for all that it prints; it is made anew.
        env: Environment variables to set.
        file_limit: Bytes beyond which no file can be written (RLIMIT_FSIZE).
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    log.unlink(missing_ok=True)
    words = [str(argument) for argument in arguments]
    process = fork(_run, words, str(log), dict(env or {}), file_limit)
    return Forked(process, log)


def run(*arguments: str | Path, log: Path, **options) -> Forked:
    """:func:`start` that has to end well; arguments as there."""
    command = start(*arguments, log=log, **options)
    code = command.wait()
    assert code == 0, f'{code}: {command.shown()}'
    return command


def start_ranks(
    *arguments: str | Path, log: Path, count: int = 2, file_limit: int | None = None
) -> list[Forked]:
    """The command in several processes, as torchrun would start them.

    Args:
        *arguments: Of the command.
        log: File for all that a process prints; it gets the rank at its end.
        count: Processes.
        file_limit: As in :func:`start`, for each of them.
    """
    shared = dict(
        WORLD_SIZE=str(count), MASTER_ADDR='127.0.0.1', MASTER_PORT=str(free_port())
    )
    return [
        start(
            *arguments,
            *('--launcher', 'pytorch'),
            log=log.with_name(f'{log.name}.{rank}'),
            env=dict(shared, RANK=str(rank), LOCAL_RANK=str(rank)),
            file_limit=file_limit,
        )
        for rank in range(count)
    ]


def free_port() -> int:
    """A port that nobody listens to."""
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


def _run(
    words: Sequence[str], log: str, env: Mapping[str, str], file_limit: int | None
) -> None:
    os.setsid()
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for number in (1, 2):
        os.dup2(output, number)
    os.environ.update(env)
    if file_limit is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (file_limit, file_limit))
    import torch

    from posegen.cli import main

    torch.set_num_threads(1)
    multiprocessing.set_start_method('fork', force=True)  # as in any other process
    sys.exit(main(words))
