"""Where the time of a training step goes, phase by phase, without a change of models.

Methods, modules and optimizers of one model object are watched for as long as a
measurement lasts: a phase begins and ends with a call of them.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import wraps
from typing import Any

from torch import nn
from torch.profiler import record_function

from posegen.engine.benchmark.subject import Subject
from posegen.engine.benchmark.timing import wait_for

#: Methods of a model -> the phase that a call of them is.
METHODS = dict(
    training_batch='data preprocessing',
    discriminator_step='discriminator step',
    step_discriminators='discriminator step',
    generator_losses='losses',
)
#: Modules of a model -> the phase that a forward pass of them is.
MODULES = dict(
    generator='generator forward',
    discriminators='discriminators forward',
    feature_net='feature net',
)
#: Methods of an optimizer wrapper -> phase.
OPTIMIZING = dict(backward='backward', step='optimizer', zero_grad='optimizer')

REST = 'rest'
Path = tuple[str, ...]


class PhaseClock:
    """Adds up the time between events under the phases that are open.

    The device is waited for at each event, so that work goes to the phase that ordered
    it; a GPU that runs ahead of the program otherwise is thereby slowed down a little.

    Args:
        device: Device that works.

    Attributes:
        seconds: Open phases, outer ones first -> time that no inner phase took.
    """

    def __init__(self, device: str) -> None:
        self.device = device
        self.seconds: dict[Path, float] = defaultdict(float)
        self._open: list[tuple[str, record_function]] = []
        self._last = 0.0

    def start(self) -> None:
        """Begin a step."""
        wait_for(self.device)
        self._last = time.perf_counter()

    def stop(self) -> None:
        """End it."""
        self._charge()

    def enter(self, name: str) -> None:
        """Open a phase inside of those that are open."""
        self._charge()
        mark = record_function(name)
        mark.__enter__()
        self._open.append((name, mark))

    def leave(self) -> None:
        """Close the phase that was opened last."""
        self._charge()
        self._open.pop()[1].__exit__(None, None, None)

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """A phase that lasts as long as a block."""
        self.enter(name)
        try:
            yield
        finally:
            self.leave()

    def _charge(self) -> None:
        wait_for(self.device)
        now = time.perf_counter()
        self.seconds[tuple(name for name, _ in self._open)] += now - self._last
        self._last = now


@contextmanager
def watched(subject: Subject, clock: PhaseClock) -> Iterator[None]:
    """Let a clock know of all phases of a subject's training steps, inside a block.

    Args:
        subject: Built for training.
        clock: Who is told.
    """
    model = subject.model
    with ExitStack() as stack:
        for name, phase in METHODS.items():
            _watch_method(stack, model, name, clock, phase)
        for name, phase in MODULES.items():
            _watch_module(stack, getattr(model, name, None), clock, phase)
        for term, loss in model.losses.items():
            _watch_module(stack, loss, clock, term)
            for name in ('generator', 'discriminator'):  # an adversarial loss has two
                _watch_method(stack, loss, name, clock, term)
        for wrapper in subject.optimizers.values():
            for name, phase in OPTIMIZING.items():
                _watch_method(stack, wrapper, name, clock, phase)
        if subject.average is not None:
            average = subject.average
            _watch_method(stack, average, 'after_train_iter', clock, 'EMA')
        yield


def phase_rows(seconds: dict[Path, float], steps: int) -> list[dict[str, Any]]:
    """The phases of a clock, inner ones below the phase that they are part of.

    Args:
        seconds: Of a :class:`PhaseClock`.
        steps: Training steps that it has seen.

    Returns:
        ``phase`` (list of names, outer ones first), ``ms`` a step, ``share`` of the
        step. What a phase with inner ones took beside them is its last inner one,
        ``'rest'``, and so is what no phase took. Shares of the first level sum to 1,
        those of inner ones to that of their phase.
    """
    total = sum(seconds.values())
    paths = [path for path in seconds if path]
    rows = []

    def add(path: Path, amount: float) -> None:
        row = dict(phase=list(path), ms=amount / steps * 1e3, share=amount / total)
        rows.append(row)

    def descend(outer: Path) -> None:
        for path in paths:
            if path[:-1] == outer:
                add(path, _whole(seconds, path))
                descend(path)
        if any(path[:-1] == outer for path in paths):
            add((*outer, REST), seconds[outer])

    descend(())
    return rows


def _whole(seconds: dict[Path, float], outer: Path) -> float:
    return sum(s for path, s in seconds.items() if path[: len(outer)] == outer)


def _watch_module(
    stack: ExitStack, module: nn.Module | None, clock: PhaseClock, phase: str
) -> None:
    if module is None:
        return
    before = module.register_forward_pre_hook(lambda *_: clock.enter(phase))
    after = module.register_forward_hook(lambda *_: clock.leave(), always_call=True)
    stack.callback(before.remove)
    stack.callback(after.remove)


def _watch_method(
    stack: ExitStack, owner: object, name: str, clock: PhaseClock, phase: str
) -> None:
    """Put a method of an object before that of its class, until the stack closes."""
    method: Callable | None = getattr(owner, name, None)
    if method is None:
        return

    @wraps(method)
    def watched_method(*args: Any, **kwargs: Any) -> Any:
        with clock.phase(phase):
            return method(*args, **kwargs)

    setattr(owner, name, watched_method)
    stack.callback(delattr, owner, name)
