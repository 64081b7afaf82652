"""SIGTERM, by which schedulers announce that a machine will be taken away."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

#: What a shell calls a process that SIGTERM ended; schedulers requeue on it.
EXIT_CODE = 128 + signal.SIGTERM
#: Seconds; torchrun kills what has not ended 30 s after its SIGTERM.
PATIENCE = 20.0
#: Environment variable with another number, for launchers that wait longer.
PATIENCE_VARIABLE = 'POSEGEN_SECONDS_TO_SAVE'
# What ends the watch: no signal has the number 0.
_END = bytes(1)
#: Exit code of a process that had to be ended, with nothing saved.
NOT_SAVED = 1


class StopSignal:
    """Whether SIGTERM has come.

    Attributes:
        received: True from then on.
    """

    def __init__(self) -> None:
        self.received = False
        self.heeded = threading.Event()

    def handle(self, *_: object) -> None:
        """What the process does on SIGTERM."""
        self.received = True


@contextmanager
def stop_signal(
    watch: bool = False, patience: float | None = None
) -> Iterator[StopSignal]:
    """Turn SIGTERM into a flag while a block runs.

    Args:
        watch: End this process when it has not left the block ``patience`` seconds
            after the signal, nor set ``heeded``. A process among several may wait for
            one that has died, inside a call that no signal interrupts; torchrun then
            tells it to stop, and it must not hold the others and their GPUs for long.
        patience: Seconds; None takes ``POSEGEN_SECONDS_TO_SAVE``, or 20.

    Yields:
        The flag. Outside of the main thread, which alone receives signals, it never
        changes.
    """
    stop = StopSignal()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    if patience is None:
        patience = float(os.environ.get(PATIENCE_VARIABLE, PATIENCE))
    before = signal.signal(signal.SIGTERM, stop.handle)
    try:
        with _watchdog(stop.heeded, patience) if watch else nullcontext():
            yield stop
    finally:
        signal.signal(signal.SIGTERM, before)


def heed_parent_only() -> None:
    """Let a process that loads data outlive the SIGTERM that its whole group got.

    Schedulers send it to every process of a job. Those that load data are still needed
    for the iteration at whose end training stops. They end when the process that
    started them tells them to, which it does once, when it ends; where it has died,
    torch sees to it.
    """
    if not hasattr(signal, 'sigwaitinfo'):  # macOS, where nobody schedules
        return
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()


def _end_with(parent: int) -> None:
    while signal.sigwaitinfo({signal.SIGTERM}).si_pid != parent:
        pass
    os._exit(0)  # as torch's own handler, which this one takes the place of


@contextmanager
def _watchdog(heeded: threading.Event, patience: float) -> Iterator[None]:
    """End the process where SIGTERM is not heeded in time.

    The signal arrives as a byte in a pipe even while the main thread is blocked.
    """
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    before = signal.set_wakeup_fd(writer)
    watcher = threading.Thread(
        target=_watch, args=(reader, heeded, patience), daemon=True
    )
    watcher.start()
    try:
        yield
    finally:
        heeded.set()
        signal.set_wakeup_fd(before)
        # Closing it would not do: processes that load data have the pipe open, too.
        os.write(writer, _END)
        watcher.join()
        os.close(writer)
        os.close(reader)


def _watch(reader: int, heeded: threading.Event, patience: float) -> None:
    while (number := os.read(reader, 1)) != _END:
        if number[0] == signal.SIGTERM and not heeded.wait(patience):
            sys.stderr.write(
                f'posegen: ended {patience:.0f} s after SIGTERM without saving: no '
                'iteration came to an end, perhaps because another process has died\n'
            )
            sys.stderr.flush()
            os._exit(NOT_SAVED)
