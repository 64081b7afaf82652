"""Where the weight files of metric networks are looked for."""

from __future__ import annotations

from pathlib import Path

from posegen.models.feature_nets.weights import hub_file, named_file

_CURE = (
    'or, in a config, give its path as file; --offline-features scores with stand-ins '
    '(st_lpips, fd_efficientnet_lite0) that need no download'
)


def find_file(file: str | Path | None, url: str, sha256: str | None = None) -> Path:
    """The user's file, or that of an address, cached by torch hub.

    Args:
        file: Path that the user gave, or None.
        url: Address of the published file.
        sha256: Its SHA-256, or None where its name says the start of it.

    Raises:
        WeightsError: There is no such file; or it can't be downloaded, and the message
            says address, file name, folder and checksum; or it is damaged.
    """
    if file is None:
        return hub_file(url, sha256, cure=_CURE)
    return named_file(file, ('random',))
