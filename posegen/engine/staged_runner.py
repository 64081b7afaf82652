"""Training through several stages, and testing what came out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.dist import (
    barrier,
    broadcast_object_list,
    get_world_size,
    is_main_process,
)
from mmengine.logging import print_log

from posegen.engine.agreement import any_process
from posegen.engine.config import (
    check_config,
    explain_build_error,
    fill_defaults,
    merge_stage,
    stage_entries,
)
from posegen.engine.hooks import PreemptionHook, SaveImagesHook, StageRecordHook
from posegen.engine.plan import Step, plan_steps
from posegen.engine.preemption import StopSignal, stop_signal
from posegen.engine.stage_record import StageRecord, read_record
from posegen.engine.stage_runner import StageRunner
from posegen.engine.summary import print_summary
from posegen.engine.weights import numbered_checkpoints, written_by
from posegen.utils.checkpoint import read_checkpoint
from posegen.utils.compat import init_distributed
from posegen.utils.errors import ConfigError

# How often a name was given to a run of this process. MMEngine's logger, message hub
# and visualizer are shared by all runs of one name that start in the same second.
_names: Counter[str] = Counter()


class StagedRunner:
    """Takes a model through the stages of its config.

    Each stage has a folder of its own under the work dir, with its checkpoints, its
    logs, its sample pictures and its record ``stage.json``; its weights start from the
    result of the stage before. A config without ``stages`` is one stage, ``train``.

    Args:
        cfg: A checked config.
        work_dir: Folder for all results.
    """

    def __init__(self, cfg: Config, work_dir: str | Path) -> None:
        self.cfg = cfg
        self.work_dir = Path(work_dir)
        self.entries = stage_entries(cfg)

    @classmethod
    def from_cfg(cls, cfg: Config | Mapping[str, Any]) -> StagedRunner:
        """Check a config and make its runner.

        Args:
            cfg: The config; its ``work_dir`` is ``work_dirs/<name of the config file>``
                where it states none.

        Returns:
            The runner; nothing is built yet.

        Raises:
            ConfigError: The config is wrong; see
                :func:`posegen.engine.config.check_config`.
        """
        if not isinstance(cfg, Config):
            cfg = Config(dict(cfg))
        check_config(cfg)
        work_dir = cfg.get('work_dir')
        if work_dir is None:
            if cfg.filename is None:
                raise ConfigError('work_dir: a config that is no file must state it')
            work_dir = Path('work_dirs', Path(cfg.filename).stem)
        return cls(cfg, work_dir)

    @property
    def stage_names(self) -> list[str]:
        """Names of the stages, in their order."""
        return [entry['name'] for entry in self.entries]

    # -- training ----------------------------------------------------------------------

    def train(
        self, stage: str | None = None, resume: bool | str | Path = False
    ) -> list[StageRecord]:
        """Train all stages, or one.

        Args:
            stage: Name of the only stage to train; it starts from the finished one
                before it. None trains all.
            resume: True (or ``'auto'``) goes on where the work dir stopped: in the
                first stage that has not finished, from its newest checkpoint. A path
                goes on from that checkpoint in the stage that wrote it.

        Returns:
            The records of all stages that have one.

        Raises:
            ConfigError: There is no such stage, the stage before has no result, or the
                work dir holds results and ``resume`` is not given.
            WeightsError: A checkpoint cannot be read or does not fit.
            NonFiniteError: A loss or gradient is no number; the state is saved.
            Preempted: SIGTERM came; the state is saved.
        """
        self._join_processes()
        with stop_signal(watch=get_world_size() > 1) as stop:
            for step in self._plan(stage, resume):
                self._run(step, stop)
        records = self.records()
        if is_main_process():
            print_summary(records, self.work_dir)
        return records

    def records(self) -> list[StageRecord]:
        """The records in the work dir, in the order of the stages."""
        found = [read_record(self.folder(name)) for name in self.stage_names]
        return [record for record in found if record is not None]

    def folder(self, stage: str) -> Path:
        """Folder of a stage."""
        return self.work_dir / stage

    def stage_config(self, stage: str) -> Config:
        """The merged and completed config of a stage."""
        entry = self.entries[self.stage_names.index(stage)]
        return fill_defaults(merge_stage(self.cfg, entry))

    def _plan(self, stage: str | None, resume: bool | str | Path) -> list[Step]:
        """The main process looks at the files, the others are told."""
        outcome: list[Any] = [None]
        if is_main_process():
            try:
                limits = {name: self._max_iters(name) for name in self.stage_names}
                outcome = [plan_steps(self.work_dir, limits, stage, resume)]
            except Exception as error:
                outcome = [error]
        broadcast_object_list(outcome)
        if isinstance(outcome[0], Exception):
            raise outcome[0]
        return outcome[0]

    def _max_iters(self, stage: str) -> int:
        train_cfg = self.stage_config(stage).get('train_cfg') or {}
        return train_cfg.get('max_iters') or 0

    def _run(self, step: Step, stop: StopSignal) -> None:
        folder = self.folder(step.stage)
        folder.mkdir(parents=True, exist_ok=True)
        cfg = self._config_of(step)
        record = read_record(folder) if step.resume_from else None
        runner = build_runner(cfg)
        runner.register_hook(StageRecordHook(record or StageRecord(step.stage)))
        runner.register_hook(PreemptionHook(stop))
        _log_start(step, runner)
        try:
            runner.train()
        except Exception as error:
            raise explain_build_error(error, cfg) from error
        self._finish(step.stage, runner)

    def _config_of(self, step: Step) -> Config:
        cfg = self.stage_config(step.stage)
        entry = self.entries[self.stage_names.index(step.stage)]
        own_start = cfg.get('load_from') if step.index == 0 else entry.get('load_from')
        cfg.work_dir = str(self.folder(step.stage))
        cfg.experiment_name = self._name(step.stage)
        cfg.resume = step.resume_from is not None
        if step.resume_from:
            cfg.load_from = str(step.resume_from)
            _take_seed(cfg, step.resume_from)
        elif own_start or step.index == 0:
            cfg.load_from = own_start
        else:
            cfg.load_from = str(self._result(self.stage_names[step.index - 1]))
        return cfg

    def _result(self, stage: str) -> Path:
        """The final checkpoint of a finished stage."""
        record = read_record(self.folder(stage))
        if record is None or not record.finished or record.checkpoint is None:
            raise ConfigError(
                f'the stage after {stage!r} starts from its result, and '
                f'{self.folder(stage)} has none: train {stage!r} first, or give the '
                'later stage a load_from'
            )
        return self.folder(stage) / record.checkpoint

    def _finish(self, stage: str, runner: StageRunner) -> None:
        """Write down the result, so that the next stage finds it."""
        folder = self.folder(stage)
        name = f'iter_{runner.iter}.pth'
        newest = next(iter(numbered_checkpoints(folder)), None)
        by_epoch = newest is not None and newest.name.startswith('epoch_')
        missing = not by_epoch and not (folder / name).is_file()
        # The first process looks for all: they save together, or none does.
        if any_process(is_main_process() and missing):
            meta = dict(epoch=runner.epoch, iter=runner.iter)
            runner.save_checkpoint(str(folder), name, meta=meta, by_epoch=False)
        if is_main_process():
            record = read_record(folder)
            record.finished = True
            record.checkpoint = newest.name if by_epoch else name
            record.save(folder)
        close_logs(runner)
        barrier()

    def _name(self, stage: str) -> str:
        stem = Path(self.cfg.filename).stem if self.cfg.filename else self.work_dir.name
        name = f'{stem}-{stage}'
        _names[name] += 1
        return name if _names[name] == 1 else f'{name}-{_names[name]}'

    def _join_processes(self) -> None:
        env_cfg = self.cfg.get('env_cfg') or {}
        init_distributed(self.cfg.get('launcher') or 'none', env_cfg.get('dist_cfg'))

    # -- testing -----------------------------------------------------------------------

    def test(
        self,
        checkpoint: str | Path,
        out: str | Path | None = None,
        stage: str | None = None,
    ) -> dict[str, float]:
        """Run the test set through trained weights.

        Args:
            checkpoint: Weights; loaded strictly.
            out: Folder for the pictures, ``<from stem>___<to stem>.png``.
            stage: Stage whose model is tested; by default the one that wrote the
                checkpoint, else the last.

        Returns:
            The metrics.

        Raises:
            ConfigError: The config has no test set, or no such stage.
            WeightsError: The checkpoint cannot be read or does not fit the model.
        """
        self._join_processes()
        stage = stage or self._stage_of(checkpoint)
        if stage not in self.stage_names:
            raise ConfigError(
                f'there is no stage {stage!r}; the stages are {self.stage_names}'
            )
        cfg = self._test_config(stage, checkpoint)
        runner = build_runner(cfg)
        if out is not None:
            runner.register_hook(SaveImagesHook(out))
        try:
            metrics = runner.test()
        except Exception as error:
            raise explain_build_error(error, cfg) from error
        close_logs(runner)
        return metrics

    def _test_config(self, stage: str, checkpoint: str | Path) -> Config:
        cfg = self.stage_config(stage)
        if cfg.get('test_dataloader') is None:
            raise ConfigError(
                'test_dataloader: the config has no test set; give it test_dataloader '
                'and test_evaluator'
            )
        for name in ('train', 'val'):
            cfg[f'{name}_dataloader'] = cfg[f'{name}_cfg'] = None
        cfg.optim_wrapper = cfg.param_scheduler = cfg.val_evaluator = None
        cfg.work_dir = str(self.work_dir / 'test')
        cfg.experiment_name = self._name('test')
        cfg.load_from, cfg.resume = str(checkpoint), False
        return cfg

    def _stage_of(self, checkpoint: str | Path) -> str:
        if Path(checkpoint).suffix == '.safetensors':
            return self.stage_names[-1]
        stage = written_by(read_checkpoint(checkpoint))
        return stage if stage in self.stage_names else self.stage_names[-1]


def build_runner(cfg: Config) -> StageRunner:
    """Build the runner of one stage.

    Args:
        cfg: Its merged and completed config, with a ``work_dir``.

    Raises:
        ConfigError: A component could not be built; the place is named.
    """
    try:
        return StageRunner.from_cfg(cfg)
    except Exception as error:
        raise explain_build_error(error, cfg) from error


def close_logs(runner: StageRunner) -> None:
    """Close the log files of a run, which MMEngine keeps open to the end."""
    for handler in runner.logger.handlers:
        if hasattr(handler, 'baseFilename'):
            handler.close()


def _log_start(step: Step, runner: StageRunner) -> None:
    start = step.resume_from or runner.cfg.get('load_from') or 'scratch'
    how = 'resumes from' if step.resume_from else 'starts from'
    print_log(f'Stage {step.stage} {how} {start}, in {runner.work_dir}', 'current')


def _take_seed(cfg: Config, checkpoint: Path) -> None:
    """The order of samples hangs on the seed, which MMEngine brings back too late."""
    seed = read_checkpoint(checkpoint).get('meta', {}).get('seed')
    randomness = cfg.get('randomness') or {}
    if seed is not None and randomness.get('seed') is None:
        cfg.randomness = {**randomness, 'seed': seed}
