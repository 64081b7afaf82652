"""A table of losses and scores over the iterations of all stages."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Mapping
from pathlib import Path

import torch
from mmengine.dist import master_only
from mmengine.hooks import Hook
from mmengine.runner import Runner

from posegen.registry import HOOKS

#: Columns beside stage and iteration: the generator's objective, then what it logs.
LOSSES = ('loss', 'loss_rec')


@HOOKS.register_module()
class ScoreCurveHook(Hook):
    """Writes a row of a CSV file at the start and after every validation.

    Columns: ``stage``; ``iteration`` within it; ``loss``, the sum of the generator's
    losses, and ``loss_rec``, each the mean since the row before; the metrics of
    ``val_evaluator`` that are named. What a stage does not have stays empty. A stage
    that is trained anew replaces its rows.

    Args:
        file: The CSV file; stages of one config share it.
        stage: Name of the stage in the table; None takes that of the work dir.
        scores: Names of metrics.
    """

    priority = 'VERY_LOW'

    def __init__(
        self,
        file: str,
        stage: str | None = None,
        scores: tuple[str, ...] = ('l1', 'ssim', 'st_lpips'),
    ) -> None:
        self.file, self.stage, self.scores = Path(file), stage, tuple(scores)
        self._rows: list[dict[str, str]] = []
        self._sums: dict[str, float] = {}
        self._count = 0

    def before_train(self, runner: Runner) -> None:
        """Score what the stage starts from."""
        stage = self.stage = self.stage or Path(runner.work_dir).name
        self._rows = [row for row in read_curve(self.file) if row['stage'] != stage]
        if runner.val_loop is not None:
            runner.val_loop.run()

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: object = None,
        outputs: Mapping | None = None,
    ) -> None:
        """Add up the losses."""
        self._count += 1
        for name, value in generator_losses(outputs or {}).items():
            self._sums[name] = self._sums.get(name, 0.0) + value

    @master_only
    def after_val_epoch(
        self, runner: Runner, metrics: dict[str, float] | None = None
    ) -> None:
        """Write a row."""
        means = {name: self._sums.get(name, 0.0) / self._count for name in self._sums}
        values = means | {k: v for k, v in (metrics or {}).items() if k in self.scores}
        row = {name: f'{value:.5g}' for name, value in values.items()}
        self._rows.append(dict(stage=self.stage, iteration=str(runner.iter)) | row)
        self._sums, self._count = {}, 0
        self._write()

    def _write(self) -> None:
        columns = ('stage', 'iteration', *LOSSES, *self.scores)
        text = io.StringIO()
        writer = csv.DictWriter(text, columns, restval='', lineterminator='\n')
        writer.writeheader()
        writer.writerows(self._rows)
        self.file.parent.mkdir(parents=True, exist_ok=True)
        partial = self.file.with_name(f'.{self.file.name}.partial')
        partial.write_text(text.getvalue(), encoding='utf-8')
        os.replace(partial, self.file)


def generator_losses(outputs: Mapping) -> dict[str, float]:
    """``loss``, the sum of what the generator minimises, and ``loss_rec`` if it has it.

    Args:
        outputs: What ``train_step`` logged; keys of losses start with ``loss_``, those
            of discriminators with ``loss_d_``.
    """
    terms = {
        key: torch.as_tensor(value).item()
        for key, value in outputs.items()
        if key.startswith('loss_') and not key.startswith('loss_d_')
    }
    if not terms:
        return {}
    rec = {'loss_rec': terms['loss_rec']} if 'loss_rec' in terms else {}
    return {'loss': sum(terms.values())} | rec


def read_curve(file: str | Path) -> list[dict[str, str]]:
    """The rows of a table of :class:`ScoreCurveHook`; none where there is no file."""
    path = Path(file)
    if not path.is_file():
        return []
    with path.open(encoding='utf-8', newline='') as lines:
        return list(csv.DictReader(lines))
