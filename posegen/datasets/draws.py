"""Randomness of samples: the same in every run of a seed, resumed or not.

A sampler hands out indices; here each also carries its place among all that the run
draws. What is random in a sample follows from the sampler's seed and that place alone.
So it is another at every visit of a pair, it is the same whichever worker happens to
load the sample, and a resumed run goes on exactly, although no generator of a worker
is in a checkpoint.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from mmengine.dataset import InfiniteSampler


class Draw(int):
    """An index that knows where in a run it was drawn.

    Attributes:
        seed: of the sampler.
        place: how many indices all processes drew before it.
    """

    seed: int
    place: int

    def __new__(cls, index: int, seed: int, place: int) -> Draw:
        draw = super().__new__(cls, index)
        draw.seed, draw.place = seed, place
        return draw

    def __reduce__(self) -> tuple:
        return Draw, (int(self), self.seed, self.place)


def number_draws(sampler: InfiniteSampler, read: int = 0) -> Iterator[Draw]:
    """The rest of a sampler's indices, as :class:`Draw`.

    Args:
        sampler: of this process.
        read: how many of its indices have been read already.
    """
    return (
        Draw(index, sampler.seed, count * sampler.world_size + sampler.rank)
        for count, index in enumerate(sampler.indices, start=read)
    )


def generator_of(index: int) -> np.random.Generator:
    """The generator for all that is random in one sample.

    Args:
        index: as the sampler gave it. A plain integer, which other samplers give, takes
            a seed from torch's generator of the process: workers are seeded, each
            differently, but a resumed run does not go on where it was.
    """
    if isinstance(index, Draw):
        return np.random.default_rng((index.seed, index.place))
    return np.random.default_rng(int(torch.randint(2**63 - 1, ())))
