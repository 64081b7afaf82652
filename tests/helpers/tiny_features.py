"""A feature net of four small convolutions, for tests of how training goes.

Importing this module registers it; a config names it in ``custom_imports``.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from posegen.models.feature_nets import FeatureNet
from posegen.registry import MODELS


@MODELS.register_module(force=True)
class TinyFeatures(FeatureNet):
    """Has the layers of EfficientNet-Lite0 that the configs for synthetic people read.

    Args:
        weights: Not read; they are random, and the same at every time.
    """

    levels = dict(
        expand1=1, block2=2, expand3=2, block4=3, expand5=3, block10=4, expand11=4
    )

    def __init__(self, weights: str = 'random') -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.convs = nn.ModuleList()
        for inner, outer in ((3, 6), (6, 8), (8, 8), (8, 8)):
            conv = nn.Conv2d(inner, outer, 3, stride=2, padding=1, bias=False)
            scale = (inner * 9) ** -0.5
            conv.weight.data.normal_(0, scale, generator=generator)
            self.convs.append(conv)
        self.freeze()

    def activations(self, images: Tensor) -> Iterator[tuple[str, Tensor]]:
        names = iter(self.levels)
        x = images
        for level, conv in enumerate(self.convs, start=1):
            x = torch.tanh(conv(x))
            for _ in range(list(self.levels.values()).count(level)):
                yield next(names), x
