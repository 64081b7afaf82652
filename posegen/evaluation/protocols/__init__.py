"""Protocols: everything that changes a number, as data, with where it comes from.

No two repositories of this field compute their numbers the same way. Each protocol here
is one frozen record of what one of them does, mistakes included, so that old numbers
can be told apart and explained; ``posegen`` is the one to use for new ones.
"""

from __future__ import annotations

from types import MappingProxyType

from posegen.evaluation.protocols.diffusion import DIFFUSION_PROTOCOLS
from posegen.evaluation.protocols.gan import GAN_PROTOCOLS
from posegen.evaluation.protocols.recommended import POSEGEN
from posegen.evaluation.protocols.records import (
    FID,
    KID,
    L1,
    LPIPS,
    MSSSIM,
    PAIR_METRICS,
    PSNR,
    SSIM,
    Canvas,
    Gaussian,
    InceptionScore,
    Metric,
    Protocol,
    Resize,
    Step,
    Stored,
    Uniform,
)
from posegen.utils.errors import ConfigError

PROTOCOLS: MappingProxyType[str, Protocol] = MappingProxyType(
    {
        protocol.name: protocol
        for protocol in (POSEGEN, *GAN_PROTOCOLS, *DIFFUSION_PROTOCOLS)
    }
)
"""All protocols by name, the recommended one first.

:meta hide-value:
"""

HIGHER_IS_BETTER: MappingProxyType[str, bool] = MappingProxyType(
    {
        'ssim': True,
        'ssim_win51': True,
        'ms_ssim': True,
        'psnr': True,
        'l1': False,
        'mae_ratio': False,
        'mask_ssim': True,
        'mask_psnr': True,
        'mask_l1': False,
        'lpips': False,
        'lpips_vgg': False,
        'lpips_squeeze': False,
        'mask_lpips': False,
        'fid': False,
        'clean_fid': False,
        'kid': False,
        'inception_score': True,
        'st_lpips': False,
        'fd_efficientnet_lite0': False,
        'hue_correlation': True,
    }
)
"""Result names in the order of tables, and which way they improve.

:meta hide-value:
"""


def get_protocol(name: str) -> Protocol:
    """Look a protocol up.

    Raises:
        ConfigError: There is none of that name; the message lists those there are.
    """
    if name not in PROTOCOLS:
        raise ConfigError(f"no protocol '{name}'; there are: {', '.join(PROTOCOLS)}")
    return PROTOCOLS[name]


__all__ = [
    'FID',
    'HIGHER_IS_BETTER',
    'KID',
    'L1',
    'LPIPS',
    'MSSSIM',
    'PAIR_METRICS',
    'PROTOCOLS',
    'PSNR',
    'SSIM',
    'Canvas',
    'Gaussian',
    'InceptionScore',
    'Metric',
    'Protocol',
    'Resize',
    'Step',
    'Stored',
    'Uniform',
    'get_protocol',
]
