"""Reading what a training run has logged: ``scalars.json`` of all its stages.

``LocalVisBackend`` writes a line of values every few iterations, and one after every
validation, to ``<work dir>/<stage>/<start>/vis_data/scalars.json``. A stage that was
resumed has a folder for every start; here they are joined to one history.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from posegen.engine.stage_record import StageRecord, read_record
from posegen.utils.errors import ConfigError, DataError

Curve = Mapping[int, float]
"""Iteration -> value, iterations rising."""

#: Place of the log below the folder of a start.
LOG = Path('vis_data', 'scalars.json')
#: What is logged of the speed.
SPEED = ('time', 'data_time', 'memory')

# What says where a line belongs, not what was measured.
_PLACES = ('iter', 'step', 'epoch')


@dataclass(frozen=True)
class StageLog:
    """What a stage has logged.

    Attributes:
        stage: Its name.
        training: Name -> curve of what is logged between iterations: losses, gradient
            norms, learning rates, ``time`` and ``data_time`` in seconds per iteration,
            ``memory`` in MB where there is a GPU. Most are means since the line before.
        scores: Name -> curve of the metrics of validations.
        record: The record of the stage, where it lies beside the log.
    """

    stage: str
    training: Mapping[str, Curve]
    scores: Mapping[str, Curve]
    record: StageRecord | None = None

    @property
    def curves(self) -> dict[str, Curve]:
        """All curves by name; a metric that is logged in training too has ``val/``."""
        scores = {
            f'val/{name}' if name in self.training else name: curve
            for name, curve in self.scores.items()
        }
        return {**self.training, **scores}

    @property
    def iterations(self) -> int:
        """Iterations done, as far as they are logged or recorded."""
        logged = max(iteration for curve in self.curves.values() for iteration in curve)
        return max(logged, self.record.iterations if self.record else 0)


@dataclass(frozen=True)
class RunLog:
    """What a run has logged: its name, and its stages in their order."""

    name: str
    stages: Sequence[StageLog]


def read_runs(arguments: Sequence[str | Path]) -> list[RunLog]:
    """Read ``[NAME=]RUN`` arguments; without a name the folder's own is taken.

    Args:
        arguments: Each a path for :func:`read_run`, with or without a name.

    Raises:
        ConfigError: Two runs have the same name, or one has an empty one.
        DataError: As :func:`read_run`.
    """
    paths: dict[str, Path] = {}
    for argument in map(str, arguments):
        name, separator, path = argument.partition('=')
        if not separator or Path(argument).exists():
            name, path = _own_name(Path(argument)), argument
        if not (name and path):
            raise ConfigError(f"'{argument}' must be NAME=RUN or RUN, as in A=work_dir")
        if name in paths:
            raise ConfigError(
                f"two runs are called '{name}': name them, as in A={paths[name]} "
                f'B={path}'
            )
        paths[name] = Path(path)
    return [read_run(path, name) for name, path in paths.items()]


def read_run(path: str | Path, name: str | None = None) -> RunLog:
    """Read the log of a run, at whatever place it is now.

    Args:
        path: A work dir, the folder of a stage, or a ``scalars.json``.
        name: What to call it; None takes the name of the folder.

    Raises:
        DataError: There is no log, or a line of it cannot be read.
    """
    path = Path(path)
    if not path.exists():
        raise DataError(f'{path} does not exist; give a work dir or a scalars.json')
    if path.is_file():
        stages = [_join(_stage_name(path), [path], None)]
    elif (path / LOG).is_file():
        stages = [_join(path.resolve().parent.name, [path / LOG], None)]
    else:
        folders = [path] if _logs(path) else _stage_folders(path)
        stages = [read_stage(folder) for folder in folders]
    if not any(stage.curves for stage in stages):
        raise DataError(
            f'{path} has no log of a training: expected a work dir, the folder of a '
            'stage, or a scalars.json, which the LocalVisBackend of the config '
            'writes from the first logged iteration on'
        )
    return RunLog(name or _own_name(path), [stage for stage in stages if stage.curves])


def read_stage(folder: Path) -> StageLog:
    """Read the folder of a stage, with all the starts that it took.

    Raises:
        DataError: A line cannot be read, or ``stage.json`` is not a record.
    """
    return _join(folder.resolve().name, _logs(folder), read_record(folder))


def _own_name(path: Path) -> str:
    return _stage_name(path) if path.is_file() else path.resolve().name


def _stage_name(file: Path) -> str:
    """Of ``<stage>/<start>/vis_data/scalars.json``; the file's own at another place."""
    file = file.resolve()
    return file.parents[2].name if file.parent.name == LOG.parent.name else file.stem


def _logs(folder: Path) -> list[Path]:
    """The logs of a stage; folders of starts are called by their time."""
    return sorted(folder.glob(f'*/{LOG}'))


def _stage_folders(work_dir: Path) -> list[Path]:
    """Folders with logs, by the time of their first start: the order of the stages."""
    found = {folder: logs for folder in work_dir.iterdir() if (logs := _logs(folder))}
    return sorted(found, key=lambda folder: (found[folder][0].parents[1].name, folder))


@dataclass(frozen=True)
class _Line:
    """Values of one iteration; ``scores``: of a validation, not of training."""

    iteration: int
    scores: bool
    values: Mapping[str, float]


def _join(stage: str, logs: Sequence[Path], record: StageRecord | None) -> StageLog:
    """Join the logs of all starts to one.

    A run that is resumed goes back to its last checkpoint: what was logged beyond the
    point where the later log begins was lost, and is left out.
    """
    lines: dict[tuple[int, bool], _Line] = {}
    for log in logs:
        new = list(_read_lines(log))
        start = min((line.iteration for line in new), default=None)
        if start is not None:
            lines = {k: line for k, line in lines.items() if line.iteration <= start}
        lines.update({(line.iteration, line.scores): line for line in new})
    ordered = sorted(lines.values(), key=lambda line: line.iteration)
    training = _curves(line for line in ordered if not line.scores)
    scores = _curves(line for line in ordered if line.scores)
    for name in SPEED:
        scores.pop(name, None)  # of validation batches
    return StageLog(stage, training, scores, record)


def _curves(lines: Iterator[_Line]) -> dict[str, dict[int, float]]:
    curves: dict[str, dict[int, float]] = {}
    for line in lines:
        for name, value in line.values.items():
            curves.setdefault(name, {})[line.iteration] = value
    return curves


def _read_lines(log: Path) -> Iterator[_Line]:
    texts = log.read_text(encoding='utf-8').split('\n')
    last: dict[str, Any] = {}
    for number, text in enumerate(texts, start=1):
        if not text.strip():
            continue
        try:
            content = json.loads(text)
            line = _as_line(content, last)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            if number == len(texts):
                return  # the process was killed, or writes it at this moment
            raise DataError(
                f'{log}, line {number}: expected values of one iteration as json, got '
                f'{text[:60]!r} ({error})'
            ) from error
        if not line.scores:
            last = content
        yield line


def _as_line(content: Mapping[str, Any], last: Mapping[str, Any]) -> _Line:
    """A line of the file; ``last`` is the last one of training before it.

    A line of a validation has no ``iter``. Its ``step`` is the iteration, or the epoch
    where training counts epochs.
    """
    scores = 'iter' not in content
    by_epoch = scores and 'epoch' in last
    iteration = last['iter'] if by_epoch else content['step' if scores else 'iter']
    values = {
        name.removeprefix('train/').removeprefix('val/'): float(value)
        for name, value in content.items()
        if name not in _PLACES
        and isinstance(value, int | float)
        and not isinstance(value, bool)
    }
    return _Line(int(iteration), scores, values)
