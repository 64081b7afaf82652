"""What a prepared folder says about itself, and whether a run fits to it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from posegen.utils.errors import DataError
from posegen.utils.image_files import write_whole

MANIFEST = 'manifest.json'
FORMAT = 1


def read_manifest(out: Path) -> dict[str, Any] | None:
    """The manifest of a folder, None where there is none.

    Raises:
        DataError: it is not one that a prepare script wrote.
    """
    path = out / MANIFEST
    try:
        manifest = json.loads(path.read_text(encoding='utf-8'))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        raise DataError(
            f'{path} cannot be read ({error}): name another --out or remove {out}'
        ) from None
    if not isinstance(manifest, dict) or manifest.get('format') != FORMAT:
        raise DataError(
            f'{path} was not written by this version of the prepare scripts: name '
            f'another --out or remove {out}'
        )
    return manifest


def write_manifest(out: Path, manifest: dict[str, Any]) -> None:
    """Write it, all or nothing."""
    text = json.dumps(manifest, indent=2) + '\n'
    write_whole(out / MANIFEST, text.encode())


def check_same_options(
    out: Path, there: dict[str, Any], wanted: dict[str, Any]
) -> None:
    """Refuse to mix images that were made in two ways.

    Args:
        out: the folder.
        there: its manifest, empty where there is none.
        wanted: what the manifest of this run begins with; a ``raw_view`` of None is
            not compared.

    Raises:
        DataError: a field differs; the message names all that do.
    """
    if not there:
        return
    if there['dataset'] != wanted['dataset']:
        raise DataError(f'{out} holds {there["dataset"]}: name another --out')
    was, now = _flatten(there), _flatten(wanted)
    changes = [
        f'{key} {_show(was.get(key))} there, {_show(value)} now'
        for key, value in now.items()
        if was.get(key) != value
    ]
    if changes:
        raise DataError(
            f'{out} was prepared with other options ({"; ".join(changes)}; see '
            f'{MANIFEST} there): run again with those, name another --out, or remove '
            f'{out}'
        )


def describe_images(manifest: dict[str, Any]) -> str:
    """One line on how the images were made."""
    values = [(key, value) for key, value in _flatten(manifest).items() if value]
    made = ', '.join(f'{key} {_show(value)}' for key, value in values)
    return f'images: {made}; bytes are copied where that changes nothing'


def _flatten(manifest: dict[str, Any]) -> dict[str, Any]:
    view = manifest['raw_view']
    return manifest['options'] | ({'raw_view': view} if view else {})


def _show(value: Any) -> str:
    return 'x'.join(map(str, value)) if isinstance(value, list) else str(value)
