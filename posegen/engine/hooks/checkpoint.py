"""When checkpoints are written, and which of them stay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmengine.dist import is_main_process
from mmengine.hooks import CheckpointHook as UpstreamHook
from mmengine.runner import Runner

from posegen.engine.weights import number_of, numbered_checkpoints
from posegen.registry import HOOKS
from posegen.utils.files import remove_partial


@HOOKS.register_module()
class CheckpointHook(UpstreamHook):
    """Saves checkpoints; old ones go only once the new one is complete.

    MMEngine's hook of the same name, whose place this takes in configs, removes the
    oldest file before it writes the new one, so that with ``max_keep_ckpts=1`` a full
    disk leaves none at all. It also knows only the files of which it has kept a list;
    here those in the folder are counted, also after a run was killed or moved.

    A file is called ``iter_N.pth``, with epochs ``epoch_N.pth``, and lies in the folder
    of the stage, because ``--resume`` looks there. So MMEngine's ``out_dir``,
    ``filename_tmpl`` and ``backend_args`` are not taken, nor are ``published_keys``:
    weights are published as safetensors.

    Args:
        interval: Iterations (epochs) between two checkpoints; -1 writes the last only.
        by_epoch: Whether epochs are counted.
        save_optimizer: Without the optimizers a file is smaller by two thirds, and
            training cannot go on from it.
        save_param_scheduler: The same for the schedulers of the learning rate.
        max_keep_ckpts: Checkpoints to keep, the newest; -1 keeps all. One more has room
            on the disk while it is written. With 2, damage to the newest still leaves
            one.
        keep_every: Checkpoints whose number is a multiple of it stay beside the newest
            ones; None keeps none.
        save_last: Whether the last iteration is always saved.
        save_best: Metrics whose best value so far is kept, in ``best_*.pth``, without
            optimizers. The one before goes when the new one is complete.
        rule: 'greater' or 'less', for all metrics or one each.
        save_begin: First iteration (epoch) that may be saved.

    Raises:
        ValueError: ``max_keep_ckpts`` or ``keep_every`` is not a whole number in its
            range, or ``keep_every`` has nothing to keep from being removed.
    """

    def __init__(
        self,
        interval: int = -1,
        by_epoch: bool = True,
        save_optimizer: bool = True,
        save_param_scheduler: bool = True,
        max_keep_ckpts: int = -1,
        keep_every: int | None = None,
        save_last: bool = True,
        save_best: str | Sequence[str] | None = None,
        rule: str | Sequence[str] | None = None,
        save_begin: int = 0,
    ) -> None:
        _check_keep(max_keep_ckpts, keep_every)
        super().__init__(
            interval=interval,
            by_epoch=by_epoch,
            save_optimizer=save_optimizer,
            save_param_scheduler=save_param_scheduler,
            max_keep_ckpts=-1,  # it would remove before it writes
            save_last=save_last,
            save_best=_listed(save_best),
            rule=_listed(rule),
            save_begin=save_begin,
        )
        self.num_kept = max_keep_ckpts
        self.keep_every = keep_every

    def before_train(self, runner: Runner) -> None:
        """Take over what a killed run has left, and clear away what it was writing."""
        super().before_train(runner)
        done = Path(runner.work_dir, self.filename_tmpl.format(self._done(runner)))
        if done.is_file():
            self.last_ckpt = str(done)
        if is_main_process():
            remove_partial(runner.work_dir)
            self._prune()

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: Mapping[str, Any] | None = None,
    ) -> None:
        """Save when it is time, then remove what is too old."""
        before = self.last_ckpt
        super().after_train_iter(runner, batch_idx, data_batch, outputs)
        self._prune_after(before)

    def after_train_epoch(self, runner: Runner) -> None:
        """The same after an epoch."""
        before = self.last_ckpt
        super().after_train_epoch(runner)
        self._prune_after(before)

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float]) -> None:
        """Save what is better than all before, then remove the best so far."""
        before, bests = self.last_ckpt, self._bests()
        self._set_bests(dict.fromkeys(bests))  # it would remove them before it writes
        super().after_val_epoch(runner, metrics)
        written = self._bests()
        self._set_bests({key: path or bests[key] for key, path in written.items()})
        if is_main_process():
            for key, path in bests.items():
                if path and written[key] and path not in written.values():
                    Path(path).unlink(missing_ok=True)
        self._prune_after(before)

    def _bests(self) -> dict[str, str | None]:
        """Paths of the best checkpoints; MMEngine keeps one apart from several."""
        if not self.save_best:
            return {}
        if len(self.key_indicators) == 1:
            return {'': self.best_ckpt_path}  # the metric may be 'auto' yet
        return dict(self.best_ckpt_path_dict)

    def _set_bests(self, paths: Mapping[str, str | None]) -> None:
        if not self.save_best:
            return
        if len(self.key_indicators) == 1:
            self.best_ckpt_path = paths['']
        else:
            self.best_ckpt_path_dict = dict(paths)

    def _done(self, runner: Runner) -> int:
        return runner.epoch if self.by_epoch else runner.iter

    def _prune_after(self, before: str | None) -> None:
        if self.last_ckpt != before and is_main_process():
            self._prune()

    def _prune(self) -> None:
        if self.last_ckpt is None or self.num_kept < 1:
            return
        for path in too_old(Path(self.last_ckpt), self.num_kept, self.keep_every):
            path.unlink(missing_ok=True)


def too_old(newest: Path, count: int, keep_every: int | None = None) -> list[Path]:
    """The checkpoints beside one that are not to be kept.

    Args:
        newest: The checkpoint that was just written; later ones, which can only be of
            another run, are never named.
        count: Checkpoints to keep, this one included.
        keep_every: Those with a multiple of it as their number are kept as well.

    Returns:
        The paths, the newest first.
    """
    kind = newest.name.partition('_')[0]
    older = [
        path
        for path in numbered_checkpoints(newest.parent)
        if path.name.startswith(kind) and number_of(path) <= number_of(newest)
    ]
    return [
        path
        for path in older[count:]
        if keep_every is None or number_of(path) % keep_every != 0
    ]


def _check_keep(max_keep_ckpts: int, keep_every: int | None) -> None:
    whole = isinstance(max_keep_ckpts, int) and not isinstance(max_keep_ckpts, bool)
    if not whole or (max_keep_ckpts < 1 and max_keep_ckpts != -1):
        raise ValueError(
            f'max_keep_ckpts must be a whole number >= 1, or -1 for all, got '
            f'{max_keep_ckpts!r}'
        )
    if keep_every is None:
        return
    if not isinstance(keep_every, int) or keep_every < 1:
        raise ValueError(f'keep_every must be a whole number >= 1, got {keep_every!r}')
    if max_keep_ckpts == -1:
        raise ValueError(
            'keep_every keeps some of the checkpoints that max_keep_ckpts would have '
            'removed, and max_keep_ckpts=-1 removes none: give it a number'
        )


def _listed(value: str | Sequence[str] | None) -> str | list[str] | None:
    return value if value is None or isinstance(value, str) else list(value)
