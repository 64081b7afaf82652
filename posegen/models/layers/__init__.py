"""Blocks that two methods or more use; shapes are stated on each."""

from posegen.models.layers.blocks import (
    EncoderBlock,
    Jump,
    OutputHead,
    ResBlock,
    ResBlockDecoder,
    ResBlockEncoder,
    init_orthogonal,
)
from posegen.models.layers.encoder import FeatureEncoder, ResidualDecoder
from posegen.models.layers.flow_net import PoseFlowNet
from posegen.models.layers.hybrid_dilated import HybridDilatedBlock
from posegen.models.layers.pyramid_nonlocal import PyramidNonLocalBlock

__all__ = [
    'EncoderBlock',
    'FeatureEncoder',
    'HybridDilatedBlock',
    'Jump',
    'OutputHead',
    'PoseFlowNet',
    'PyramidNonLocalBlock',
    'ResBlock',
    'ResBlockDecoder',
    'ResBlockEncoder',
    'ResidualDecoder',
    'init_orthogonal',
]
