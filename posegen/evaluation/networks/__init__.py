"""Networks that metrics look through, each with its published input handling.

All take images of 0..255, uint8 or, after a resize, float. Weights come from Python
packages (the stand-ins) or are downloaded once; they are never random unless asked to.
"""

from posegen.evaluation.networks.inception import (
    InceptionNet,
    build_inception,
    inception_url,
)
from posegen.evaluation.networks.lite0 import Lite0Embedding
from posegen.evaluation.networks.lpips import LPIPSNet, build_lpips, trunk_url
from posegen.evaluation.networks.st_lpips import STLPIPSNet

__all__ = [
    'InceptionNet',
    'LPIPSNet',
    'Lite0Embedding',
    'STLPIPSNet',
    'build_inception',
    'build_lpips',
    'inception_url',
    'trunk_url',
]
