"""Pure functions: warps, composition, correctness, affine fit, neighbours.

A flow is (B, 2, h, w), dx and dy in pixels of that feature map, and reads backward: the
output at p takes the source at p + flow(p).
"""

from posegen.models.ops.affine import fit_affine
from posegen.models.ops.blocks import conv_blocks, sum_blocks
from posegen.models.ops.composition import compose
from posegen.models.ops.correctness import max_similarity, sampling_correctness
from posegen.models.ops.limb_flow import FLOW_LIMBS, limb_flow
from posegen.models.ops.neighbours import nearest_neighbours
from posegen.models.ops.pull_push import pull_push
from posegen.models.ops.regularization import affine_regularization
from posegen.models.ops.resize import resize_flow, resize_keypoints
from posegen.models.ops.warp import extract_blocks, flow_warp, gaussian_warp

__all__ = [
    'FLOW_LIMBS',
    'affine_regularization',
    'compose',
    'conv_blocks',
    'extract_blocks',
    'fit_affine',
    'flow_warp',
    'gaussian_warp',
    'limb_flow',
    'max_similarity',
    'nearest_neighbours',
    'pull_push',
    'resize_flow',
    'resize_keypoints',
    'sampling_correctness',
    'sum_blocks',
]
