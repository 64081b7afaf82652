"""Protocols: everything that changes a number, as data."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

from posegen.utils.errors import ConfigError


@dataclass(frozen=True)
class Protocol:
    """How a folder of images is scored.

    Images are compared as stored, uint8 RGB, at their own size; means are taken over
    images.

    Attributes:
        name: What the protocol is asked for by.
        description: One sentence for tables and documents.
        ssim_sigma: Standard deviation in pixels of the SSIM window; data range 255.
        st_lpips_net: Trunk of the offline stand-in for LPIPS.
    """

    name: str
    description: str
    ssim_sigma: float
    st_lpips_net: str


PROTOCOLS: MappingProxyType[str, Protocol] = MappingProxyType(
    {
        'posegen': Protocol(
            name='posegen',
            description='stored images as they are, float PSNR, SSIM with sigma 1.5 '
            'and data range 255, nothing padded and nothing dropped',
            ssim_sigma=1.5,
            st_lpips_net='alex',
        ),
    }
)
"""All protocols by name."""

HIGHER_IS_BETTER: MappingProxyType[str, bool] = MappingProxyType(
    {
        'ssim': True,
        'psnr': True,
        'l1': False,
        'mask_ssim': True,
        'mask_psnr': True,
        'mask_l1': False,
        'st_lpips': False,
        'fd_efficientnet_lite0': False,
    }
)
"""Result names in the order of tables, and which way they improve."""


def get_protocol(name: str) -> Protocol:
    """Look a protocol up.

    Raises:
        ConfigError: There is none of that name; the message lists those there are.
    """
    if name not in PROTOCOLS:
        raise ConfigError(f"no protocol '{name}'; there are: {', '.join(PROTOCOLS)}")
    return PROTOCOLS[name]
