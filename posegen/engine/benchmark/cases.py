"""What is measured: a stage of a config at a size, a batch and a precision."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from mmengine.config import Config

from posegen.engine.config import load_config, merge_stage, stage_entries
from posegen.utils.errors import ConfigError

#: Names of precisions on the command line; ``'off'`` leaves the config as it is.
PRECISIONS = ('off', 'bf16', 'fp16')


@dataclass(frozen=True)
class Case:
    """One row of a benchmark; plain values, so that another process can be given it.

    Attributes:
        config: File of the config.
        stage: One of its stages.
        size: (height, width) of the images.
        batch_size: Samples a batch.
        device: ``'cpu'``, ``'cuda'`` or ``'cuda:N'``.
        amp: Out of :data:`PRECISIONS`.
        options: Changes to the config, as ``--cfg-options`` takes them.
        variant: What ``replaced`` makes of the model, for the table.
        replaced: Dotted key of the merged stage -> value that takes its place.
    """

    config: str
    stage: str
    size: tuple[int, int]
    batch_size: int
    device: str = 'cpu'
    amp: str = 'off'
    options: tuple[str, ...] = ()
    variant: str = ''
    replaced: tuple[tuple[str, Any], ...] = ()

    def load(self) -> Config:
        """The config of the stage, with all changes.

        Raises:
            ConfigError: The file cannot be read, or has no such stage or key.
        """
        cfg = load_config(self.config, self.options)
        cfg = merge_stage(cfg, _entry(cfg, self.stage, self.config))
        for key, value in self.replaced:
            section, _, name = key.rpartition('.')
            parent = get_section(cfg, section, self.config)
            if name not in parent:
                raise ConfigError(f'{self.config} has no {key} that could be replaced')
            parent[name] = value
        return cfg


def make_cases(
    configs: Sequence[str],
    sizes: Sequence[tuple[int, int]] = (),
    batch_sizes: Sequence[int] = (),
    stage: str | None = None,
    device: str = 'cpu',
    precisions: Sequence[str] = ('off',),
    options: Sequence[str] = (),
) -> list[Case]:
    """Every combination of what is given; what is not comes from the config.

    Args:
        configs: Files of configs.
        sizes: (height, width) each; none: the one of the config's training images.
        batch_sizes: None given: the stage's own.
        stage: Name of the only stage; None: all that a config has.
        device: See :class:`Case`.
        precisions: Out of :data:`PRECISIONS`.
        options: Changes to every config.

    Raises:
        ConfigError: A config cannot be read, has no such stage, or does not say what
            is not given; or float16 is asked for on a CPU.
    """
    if device == 'cpu' and 'fp16' in precisions:
        raise ConfigError('--amp fp16 needs a GPU; on a CPU take bf16')
    cases = []
    for config in configs:
        cfg = load_config(config, options)
        names = [stage] if stage else [entry['name'] for entry in stage_entries(cfg)]
        for name in names:
            merged = merge_stage(cfg, _entry(cfg, name, config))
            cases += [
                Case(config, name, size, batch, device, amp, tuple(options))
                for size, batch, amp in product(
                    sizes or [_image_size(merged, config)],
                    batch_sizes or [_batch_size(merged, config)],
                    precisions,
                )
            ]
    return cases


def get_section(cfg: Config, key: str, config: str) -> Mapping[str, Any]:
    """The dict at a dotted key.

    Args:
        cfg: A config.
        key: Such as ``'model.generator'``.
        config: Its file, for the message.

    Raises:
        ConfigError: There is none.
    """
    found: Any = cfg
    for name in key.split('.'):
        found = found.get(name) if isinstance(found, Mapping | Config) else None
    if not isinstance(found, Mapping):
        raise ConfigError(f'{config} has no section {key}')
    return found


def _entry(cfg: Config, stage: str, config: str) -> dict[str, Any]:
    entries = {entry['name']: entry for entry in stage_entries(cfg)}
    if stage not in entries:
        raise ConfigError(f'{config} has no stage {stage!r}; it has {[*entries]}')
    return entries[stage]


def _image_size(cfg: Config, config: str) -> tuple[int, int]:
    loader = cfg.get('train_dataloader') or {}
    sizes = [d['image_size'] for d in _datasets(loader.get('dataset'))]
    if not sizes:
        raise ConfigError(
            f'{config} states no image_size of its training set: give --size HxW'
        )
    return tuple(sizes[0])


def _datasets(dataset: Any) -> Iterable[Mapping[str, Any]]:
    """Datasets that state a size, also inside those that wrap others."""
    if not isinstance(dataset, Mapping):
        return
    if dataset.get('image_size'):
        yield dataset
    for inner in dataset.get('datasets') or [dataset.get('dataset')]:
        yield from _datasets(inner)


def _batch_size(cfg: Config, config: str) -> int:
    batch_size = (cfg.get('train_dataloader') or {}).get('batch_size')
    if batch_size is None:
        raise ConfigError(
            f'{config} states no train_dataloader.batch_size: give --batch-size N'
        )
    return batch_size
