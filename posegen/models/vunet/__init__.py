"""VU-Net (Esser et al., CVPR 2018): model, networks and the conversion of weights."""

from posegen.models.vunet.generator import VUNetGenerator
from posegen.models.vunet.losses import LatentKLLoss
from posegen.models.vunet.model import VUNet

__all__ = ['LatentKLLoss', 'VUNet', 'VUNetGenerator']
