"""Models: one package a method, and what two methods or more share."""

from posegen.models import feature_nets, layers, losses, ops
from posegen.models.base import BasePoseTransfer
from posegen.models.def_gan import DefGAN, DefGANDiscriminator, DefGANGenerator
from posegen.models.discriminators import DiscriminatorSet, ResDiscriminator
from posegen.models.flow_based import FlowBasedTransfer
from posegen.models.gfla import GFLA, GFLAGenerator
from posegen.models.limbwarp import LimbWarp, LimbWarpGenerator
from posegen.models.patn import PATN, PATNDiscriminator, PATNGenerator
from posegen.models.preprocessor import PosePairPreprocessor
from posegen.models.spig import SPIG, SPIGGenerator
from posegen.models.vunet import VUNet, VUNetGenerator

__all__ = [
    'GFLA',
    'PATN',
    'SPIG',
    'BasePoseTransfer',
    'DefGAN',
    'DefGANDiscriminator',
    'DefGANGenerator',
    'DiscriminatorSet',
    'FlowBasedTransfer',
    'LimbWarp',
    'LimbWarpGenerator',
    'PATNDiscriminator',
    'PATNGenerator',
    'GFLAGenerator',
    'PosePairPreprocessor',
    'ResDiscriminator',
    'SPIGGenerator',
    'VUNet',
    'VUNetGenerator',
    'feature_nets',
    'layers',
    'losses',
    'ops',
]
