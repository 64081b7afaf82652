"""posegen's own method: flow from limbs, truth as teacher, pixels from the photo."""

from posegen.models.limbwarp.composer import CandidateComposer
from posegen.models.limbwarp.flow_net import LimbFlowNet
from posegen.models.limbwarp.generator import LimbWarpGenerator, SourceEncoder
from posegen.models.limbwarp.model import LimbWarp

__all__ = [
    'CandidateComposer',
    'LimbFlowNet',
    'LimbWarp',
    'LimbWarpGenerator',
    'SourceEncoder',
]
