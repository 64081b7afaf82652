"""Which stages a command has to run, and where each starts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mmengine.logging import print_log

from posegen.engine.stage_record import StageRecord, read_record
from posegen.engine.weights import (
    newest_checkpoint,
    numbered_checkpoints,
    written_by,
)
from posegen.utils.checkpoint import read_checkpoint
from posegen.utils.errors import ConfigError


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
        _set_aside_newer(work_dir / first, checkpoint)
    else:
        first = next((n for n in wanted if not _is_done(work_dir / n, limits[n])), None)
        if first is None:
            print_log('All stages have finished; there is nothing to resume', 'current')
            return []
        found = newest_checkpoint(work_dir / first)
        checkpoint = found[0] if found else None
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


def _is_done(folder: Path, limit: int) -> bool:
    """Finished, and not asked for more iterations than it was then."""
    record: StageRecord | None = read_record(folder)
    return record is not None and record.finished and record.max_iterations >= limit


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


def _set_aside_newer(folder: Path, checkpoint: Path) -> None:
    """Going back to an older checkpoint: the newer ones must not be resumed later."""
    paths = numbered_checkpoints(folder)
    if checkpoint not in [path.resolve() for path in paths]:
        return
    for path in paths[: [p.resolve() for p in paths].index(checkpoint)]:
        aside = path.with_name(path.name + '.old')
        path.replace(aside)
        print_log(
            f'{path} is newer than {checkpoint.name}: now {aside.name}', 'current'
        )
