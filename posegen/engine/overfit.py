"""Overfitting a few pairs: the first thing that a model must be able to do."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mmengine.config import Config

from posegen.datasets.annotations import read_pairs, write_pairs
from posegen.engine.config import fill_data_root, stage_entries
from posegen.engine.hooks.score_curve import read_curve
from posegen.engine.staged_runner import StagedRunner
from posegen.utils.errors import ConfigError, DataError
from posegen.visualization.curves import draw_score_curve

METRICS = [dict(type='L1'), dict(type='SSIM'), dict(type='STLPIPS')]


def overfit(
    cfg: Config,
    out: str | Path,
    num_pairs: int = 8,
    iterations: Sequence[int] | None = None,
    interval: int = 100,
) -> list[dict[str, str]]:
    """Train a config on a few pairs of its training set and score it on the same.

    Training is that of :class:`~posegen.engine.StagedRunner`: stages, hooks and
    schedules of the config stay as they are.

    Args:
        cfg: A config of :func:`~posegen.engine.config.load_config`; changed in place.
        out: Folder for everything: ``pairs.csv``, ``curve.csv`` and ``curve.png``, the
            folders of the stages.
        num_pairs: Pairs, spread evenly over the training set.
        iterations: Of each stage; None keeps those of the config.
        interval: Iterations between two rows of the curve.

    Returns:
        The rows of ``curve.csv``: stage, iteration, losses, L1 on the [-1, 1] scale,
        SSIM and ST-LPIPS, a stand-in for LPIPS whose weights come in a package.

    Raises:
        ConfigError: The config is wrong, or ``iterations`` does not name one number a
            stage.
        DataError: The training set has fewer pairs.
    """
    out = Path(out)
    fill_data_root(cfg)
    _take_pairs(cfg, out, num_pairs)
    _set_iterations(cfg, iterations, interval)
    curve = out / 'curve.csv'
    hooks = list(cfg.get('custom_hooks') or [])
    cfg.custom_hooks = [*hooks, dict(type='ScoreCurveHook', file=str(curve))]
    cfg.work_dir = str(out)
    StagedRunner.from_cfg(cfg).train()
    rows = read_curve(curve)
    draw_score_curve(rows, curve.with_suffix('.png'))
    return rows


def _take_pairs(cfg: Config, out: Path, count: int) -> None:
    """Let training and validation read the same few pairs, in this process."""
    dataset = cfg.train_dataloader.dataset
    names = read_pairs(Path(dataset.data_root, dataset.pair_file))
    if not 1 <= count <= len(names):
        raise DataError(
            f'{dataset.pair_file} has {len(names)} pairs, so that {count} cannot be '
            'taken from it; ask for as many as there are or fewer'
        )
    chosen = [names[i * len(names) // count] for i in range(count)]
    out.mkdir(parents=True, exist_ok=True)
    write_pairs(out / 'pairs.csv', chosen)
    dataset.pair_file = str((out / 'pairs.csv').resolve())
    for loader in _train_loaders(cfg):
        if 'batch_size' in loader:
            loader.batch_size = min(loader.batch_size, count)
    cfg.train_dataloader.num_workers = 0
    cfg.val_dataloader = dict(
        batch_size=cfg.train_dataloader.batch_size,
        num_workers=0,
        sampler=dict(type='DefaultSampler', shuffle=False),
        collate_fn=dict(type='default_collate'),
        dataset={k: v for k, v in dataset.items() if k != 'pipeline'},
    )
    cfg.val_evaluator = METRICS


def _train_loaders(cfg: Config) -> list:
    entries = cfg.get('stages') or []
    own = [e['train_dataloader'] for e in entries if 'train_dataloader' in e]
    return [cfg.train_dataloader, *own]


def _set_iterations(
    cfg: Config, iterations: Sequence[int] | None, interval: int
) -> None:
    entries = stage_entries(cfg)
    if iterations is not None and len(iterations) != len(entries):
        names = ', '.join(entry['name'] for entry in entries)
        raise ConfigError(
            f'iterations: expected {len(entries)} numbers, one for each of the stages '
            f'{names}, got {len(iterations)}'
        )
    sections = cfg.get('stages') or [cfg]
    for index, section in enumerate(sections):
        train_cfg = dict(section.get('train_cfg') or {})
        if iterations is not None:
            train_cfg['max_iters'] = iterations[index]
        section['train_cfg'] = train_cfg | dict(val_interval=interval)
