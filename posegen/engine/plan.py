"""Which stages a command has to run, and where each starts."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mmengine.logging import print_log

from posegen.engine.stage_record import StageRecord, read_record
from posegen.engine.weights import (
    link_latest,
    newest_checkpoint,
    number_of,
    numbered_checkpoints,
    set_aside,
    without_advice,
    written_by,
)
from posegen.utils.checkpoint import read_checkpoint
from posegen.utils.errors import ConfigError, WeightsError


@dataclass(frozen=True)
class Step:
    """One stage to run.

    Attributes:
        stage: Its name.
        index: Its place among the stages of the config.
        resume_from: Checkpoint of the same stage to go on from; None starts it.
    """

    stage: str
    index: int
    resume_from: Path | None = None


def plan_steps(
    work_dir: Path,
    limits: Mapping[str, int],
    stage: str | None = None,
    resume: bool | str | Path = False,
) -> list[Step]:
    """Look at a work dir and say what is to be done.

    Args:
        work_dir: The folder.
        limits: Stage -> iterations that the config asks for, in order; 0 is not known.
        stage: The only stage to run, or None.
        resume: As in :meth:`posegen.engine.StagedRunner.train`.

    Returns:
        The steps in order; none where all is done.

    Raises:
        ConfigError: There is no such stage, or what is there may not be overwritten.
        WeightsError: A checkpoint cannot be read.
    """
    names = list(limits)
    if stage is not None and stage not in names:
        raise ConfigError(f'there is no stage {stage!r}; the stages are {names}')
    wanted = [stage] if stage is not None else names
    if resume in (False, None):
        refuse_results(work_dir, wanted)
        return [Step(name, names.index(name)) for name in wanted]
    if resume not in (True, 'auto'):
        first, checkpoint = _given_checkpoint(Path(resume), names, stage)
        _go_back_to(work_dir / first, checkpoint)
    else:
        first = _first_to_run(work_dir, wanted, limits)
        if first is None:
            print_log('All stages have finished; there is nothing to resume', 'current')
            return []
        checkpoint = _newest(work_dir / first)
    later = wanted[wanted.index(first) + 1 :]
    refuse_results(work_dir, later, because=first)
    steps = [Step(first, names.index(first), checkpoint)]
    return steps + [Step(name, names.index(name)) for name in later]


def refuse_results(
    work_dir: Path, stages: Sequence[str], because: str | None = None
) -> None:
    """Never overwrite what somebody may have waited days for.

    Args:
        work_dir: The folder.
        stages: Stages that are to be started.
        because: Stage before them that is going to change, or None.

    Raises:
        ConfigError: One of them has a result or checkpoints.
    """
    for name in stages:
        folder = work_dir / name
        record = read_record(folder)
        done = record is not None and record.finished
        if not done and not numbered_checkpoints(folder):
            continue
        if because is not None:
            raise ConfigError(
                f'{folder} holds training that started from an earlier result of stage '
                f'{because!r}, which is not finished now: move it away, or use another '
                '--work-dir'
            )
        state = 'the finished' if done else 'an unfinished'
        raise ConfigError(
            f'{folder} holds {state} stage {name!r}: go on with --resume, or choose '
            'another --work-dir'
        )


def _first_to_run(
    work_dir: Path, stages: Sequence[str], limits: Mapping[str, int]
) -> str | None:
    """The first stage that is not done, or whose result the next one cannot read."""
    before = None
    for name in stages:
        folder = work_dir / name
        if not _is_done(folder, limits[name]):
            starts = before is not None and not numbered_checkpoints(folder)
            return (
                before if starts and not _has_whole_result(work_dir / before) else name
            )
        before = name
    return None


def _is_done(folder: Path, limit: int) -> bool:
    """Finished, and not asked for more iterations than it was then."""
    record: StageRecord | None = read_record(folder)
    return record is not None and record.finished and record.max_iterations >= limit


def _has_whole_result(folder: Path) -> bool:
    """Whether the result of a finished stage can be read.

    Where it is damaged, the stage goes on from the checkpoint before and ends with the
    same result: the next stage must not start from an earlier state of it.
    """
    path = folder / (read_record(folder).checkpoint or '')
    if not path.is_file():
        return True  # somebody removed it; who needs it will say so
    try:
        read_checkpoint(path)
    except WeightsError as error:
        print_log(
            f'THE RESULT OF STAGE {folder.name!r} IS DAMAGED: {without_advice(error)} '
            'The end of the stage is trained again.',
            'current',
            logging.WARNING,
        )
        return False
    return True


def _newest(folder: Path) -> Path | None:
    """The checkpoint to go on from; damaged ones are put out of the way.

    They would stay the newest by their number, and the good ones would be removed as
    the older.
    """
    found = newest_checkpoint(folder)
    if found is None:
        return None
    paths = numbered_checkpoints(folder)
    _step_back(folder, paths[: paths.index(found[0])], 'cannot be read', '.corrupt')
    return found[0]


def _given_checkpoint(
    path: Path, names: Sequence[str], stage: str | None
) -> tuple[str, Path]:
    writer = written_by(read_checkpoint(path))
    if writer not in names:
        raise ConfigError(
            f'{path} was not written by a stage of this config ({list(names)}); to '
            'start from its weights use --cfg-options load_from=...'
        )
    if stage is not None and stage != writer:
        raise ConfigError(f'{path} belongs to stage {writer!r}, not to {stage!r}')
    return writer, path.resolve()


def _go_back_to(folder: Path, checkpoint: Path) -> None:
    """Going back to an older checkpoint: the newer ones must not be resumed later."""
    number = number_of(checkpoint)
    if number is None:
        return
    newer = [p for p in numbered_checkpoints(folder) if number_of(p) > number]
    _step_back(folder, newer, f'is newer than {checkpoint.name}', '.old')


def _step_back(folder: Path, paths: list[Path], why: str, ending: str) -> None:
    """Rename checkpoints, and let no other file of the stage speak of them."""
    if not paths:
        return
    record = read_record(folder)
    if record is not None and record.finished:
        record.finished, record.checkpoint = False, None
        record.save(folder)
    set_aside(paths, why, ending)
    newest = next(iter(numbered_checkpoints(folder)), None)
    if newest is None:
        (folder / 'latest.pth').unlink(missing_ok=True)
    else:
        link_latest(newest)
