"""Several sets of pairs as one."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any

from torch.utils import data

from posegen.registry import DATASETS
from posegen.utils.errors import ConfigError

from .draws import Draw


@DATASETS.register_module()
class ConcatDataset(data.ConcatDataset):
    """Sets of pairs of one ``image_size``, one after the other.

    What is random in a sample stays the same in every run of a seed, as in each set
    alone. For sets of which only some have a truth, give all the others
    ``truth_missing='empty'``.

    Args:
        datasets: sets of pairs, as configs or built.

    Raises:
        ConfigError: there is none, or they differ in ``image_size`` or in whether they
            load a truth.
    """

    def __init__(self, datasets: Sequence[Mapping | data.Dataset]) -> None:
        if not datasets:
            raise ConfigError('datasets of a ConcatDataset is empty')
        super().__init__(
            [DATASETS.build(d) if isinstance(d, Mapping) else d for d in datasets]
        )
        sizes = {dataset.image_size for dataset in self.datasets}
        if len(sizes) > 1:
            raise ConfigError(
                f'datasets of a ConcatDataset must have one image_size, got '
                f'{sorted(sizes)}'
            )
        truths = {dataset.loads_truth for dataset in self.datasets}
        if len(truths) > 1:
            raise ConfigError(
                'of the datasets of a ConcatDataset some load a truth and some do not: '
                "give the others truth_missing='empty'"
            )
        self.image_size = sizes.pop()
        self.metainfo = self.datasets[0].metainfo

    def __getitem__(self, index: int) -> dict[str, Any]:
        if not 0 <= index < len(self):
            raise IndexError(f'pair {index} of {len(self)}')
        place = bisect_right(self.cumulative_sizes, index)
        local = index - (self.cumulative_sizes[place - 1] if place else 0)
        if isinstance(index, Draw):
            local = Draw(local, index.seed, index.place)
        return self.datasets[place][local]
