"""Def-GAN (Siarohin et al., CVPR 2018): model, networks, geometry of the parts."""

from posegen.models.def_gan.discriminator import DefGANDiscriminator
from posegen.models.def_gan.generator import DefGANGenerator
from posegen.models.def_gan.geometry import (
    PartGeometry,
    part_geometry,
    part_masks,
    part_transforms,
)
from posegen.models.def_gan.model import DefGAN
from posegen.models.def_gan.warp import PartAffineWarp, largest_of_parts

__all__ = [
    'DefGAN',
    'DefGANDiscriminator',
    'DefGANGenerator',
    'PartAffineWarp',
    'PartGeometry',
    'largest_of_parts',
    'part_geometry',
    'part_masks',
    'part_transforms',
]
