"""What a table of scores was made from: versions, counts, checksums of inputs."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from posegen.evaluation.protocols import Protocol
from posegen.utils.env import describe_env

FORMAT = 2
"""Version of the json that :meth:`ScoreTable.to_json` writes; 1 had rows alone."""


def hash_file(file: str | Path) -> str:
    """SHA-256 of a file's bytes, hexadecimal."""
    with open(file, 'rb') as stream:
        return hashlib.file_digest(stream, 'sha256').hexdigest()


def hash_files(files: Iterable[Path], folder: Path) -> str:
    """One SHA-256 over the names and the bytes of files.

    It is that of the text that ``sha256sum`` prints for the files, sorted by name with
    '/' between folders: ``<checksum of the bytes>  <name>``, a line each.

    Args:
        files: Files below ``folder``, in any order.
        folder: What names are relative to.
    """
    names = sorted((file.relative_to(folder).as_posix(), file) for file in files)
    total = hashlib.sha256()
    for name, file in names:
        line = f'{hash_file(file)}  {name}\n'  # a name may have bytes of no text
        total.update(line.encode(errors='surrogateescape'))
    return total.hexdigest()


def describe_images(files: Iterable[Path], folder: Path) -> dict[str, Any]:
    """Folder, number of images and :func:`hash_files` of them."""
    files = list(files)
    return dict(folder=str(folder), images=len(files), sha256=hash_files(files, folder))


def make_manifest(
    inputs: Mapping[str, Any], protocols: Iterable[Protocol], options: Mapping[str, Any]
) -> dict[str, Any]:
    """What goes beside the rows of a table.

    Args:
        inputs: Descriptions of folders and files.
        protocols: Records of the protocols that were asked for.
        options: Everything else that was asked for.
    """
    return dict(
        format=FORMAT,
        created=datetime.now(UTC).isoformat(timespec='seconds'),
        versions=describe_env(),
        options=dict(options),
        inputs=dict(inputs),
        protocols={protocol.name: asdict(protocol) for protocol in protocols},
    )


def write_text(file: str | Path, text: str) -> None:
    """Write all or nothing: under another name first; folders are made."""
    file = Path(file)
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_name(f'.{file.name}.{os.getpid()}')
    # Names of files that are no text keep their bytes.
    partial.write_text(text, encoding='utf-8', errors='surrogateescape')
    partial.replace(file)
