"""PATN (Zhu et al., CVPR 2019): model, networks and the conversion of its weights."""

from posegen.models.patn.discriminator import PATNDiscriminator
from posegen.models.patn.generator import PATNGenerator
from posegen.models.patn.model import PATN

__all__ = ['PATN', 'PATNDiscriminator', 'PATNGenerator']
