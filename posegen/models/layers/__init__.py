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
from posegen.models.layers.flow_net import (
    PoseFlowNet,
    parameters_of_flow,
    parameters_of_visibility,
    train_visibility_at,
)
from posegen.models.layers.hybrid_dilated import HybridDilatedBlock
from posegen.models.layers.nonlocal_block import NonLocalBlock
from posegen.models.layers.pyramid_nonlocal import PyramidNonLocalBlock
from posegen.models.layers.warping import (
    BilinearWarp,
    LocalAttentionWarp,
    VisibilityConcat,
    VisibilitySelection,
)

__all__ = [
    'BilinearWarp',
    'EncoderBlock',
    'FeatureEncoder',
    'HybridDilatedBlock',
    'Jump',
    'LocalAttentionWarp',
    'NonLocalBlock',
    'OutputHead',
    'PoseFlowNet',
    'PyramidNonLocalBlock',
    'ResBlock',
    'ResBlockDecoder',
    'ResBlockEncoder',
    'ResidualDecoder',
    'VisibilityConcat',
    'VisibilitySelection',
    'init_orthogonal',
    'parameters_of_flow',
    'parameters_of_visibility',
    'train_visibility_at',
]
