"""Writing the pictures of a test."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch.distributed as dist
from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner
from PIL import Image

from posegen.codecs.names import pair_stem
from posegen.engine.agreement import control_group, from_all
from posegen.registry import HOOKS
from posegen.utils.errors import ConfigError, DataError

_Picture = tuple[tuple[str, str], bytes]


@HOOKS.register_module()
class SaveImagesHook(Hook):
    """Writes ``<from stem>___<to stem>.png`` for every tested pair.

    Of several processes the first writes all pictures, so that only its machine needs
    the folder; the others send it theirs after every batch, encoded already. Pairs that
    the sampler repeats, to give all processes equally many, are written once.

    Args:
        out_dir: Folder; made if it is not there.
    """

    def __init__(self, out_dir: str | Path) -> None:
        self.out_dir = Path(out_dir)
        self._pairs: dict[str, tuple[str, str]] = {}

    def before_test(self, runner: Runner) -> None:
        """Make the folder.

        Raises:
            ConfigError: Processes have different numbers of batches.
        """
        if control_group() is not None:
            _check_counts(from_all(len(runner.test_dataloader)))
        if is_main_process():
            self.out_dir.mkdir(parents=True, exist_ok=True)

    def after_test_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Mapping[str, Any] | None = None,
        outputs: Sequence[Mapping[str, Any]] | None = None,
    ) -> None:
        """Write the pictures of a batch.

        Raises:
            DataError: Two pairs would be written to one file, or it cannot be written.
        """
        for pair, content in _of_all([_encode(sample) for sample in outputs or ()]):
            self._write(pair, content)

    def _write(self, pair: tuple[str, str], content: bytes) -> None:
        name = f'{pair_stem(*pair)}.png'
        known = self._pairs.get(name)
        if known not in (None, pair):
            raise DataError(
                f'the pairs {known} and {pair} would both be written '
                f'to {name}, because their names differ in the folder only'
            )
        if known == pair:
            return
        self._pairs[name] = pair
        path = self.out_dir / name
        try:
            path.write_bytes(content)
        except OSError as error:
            raise DataError(
                f'{path} cannot be written ({error.strerror or error}): name another '
                'place'
            ) from error


def _check_counts(counts: Sequence[int]) -> None:
    if len(set(counts)) > 1:
        raise ConfigError(
            'test_dataloader.sampler: to write pictures all processes must have '
            f'equally many batches, and they have {counts}; give the sampler '
            'round_up=True, which counts no pair twice'
        )


def _encode(sample: Mapping[str, Any]) -> _Picture:
    image = sample['image'].permute(1, 2, 0).cpu().numpy()
    content = io.BytesIO()
    Image.fromarray(image).save(content, 'png')
    return (sample['source_name'], sample['target_name']), content.getvalue()


def _of_all(pictures: list[_Picture]) -> Iterator[_Picture]:
    """The pictures of all processes in the first, none in the others."""
    group = control_group()
    if group is None:
        yield from pictures
        return
    everyones = [[]] * dist.get_world_size(group) if is_main_process() else None
    dist.gather_object(pictures, everyones, dst=0, group=group)
    for some in everyones or ():
        yield from some
