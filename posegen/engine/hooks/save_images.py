"""Writing the pictures of a test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner

from posegen.codecs.names import pair_stem
from posegen.registry import HOOKS
from posegen.utils.errors import DataError
from posegen.utils.images import save_image


@HOOKS.register_module()
class SaveImagesHook(Hook):
    """Writes ``<from stem>___<to stem>.png`` for every tested pair.

    Args:
        out_dir: Folder; made if it is not there.
    """

    def __init__(self, out_dir: str | Path) -> None:
        self.out_dir = Path(out_dir)
        self._pairs: dict[str, tuple[str, str]] = {}

    def before_test(self, runner: Runner) -> None:
        """Make the folder."""
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
            DataError: Two pairs would be written to one file.
        """
        for sample in outputs or ():
            pair = (sample['source_name'], sample['target_name'])
            name = f'{pair_stem(*pair)}.png'
            if self._pairs.setdefault(name, pair) != pair:
                raise DataError(
                    f'the pairs {self._pairs[name]} and {pair} would both be written '
                    f'to {name}, because their names differ in the folder only'
                )
            image = sample['image'].permute(1, 2, 0).cpu().numpy()
            save_image(self.out_dir / name, image)
