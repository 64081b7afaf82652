"""Which files are pictures, which of them are read, and what to do about the others.

Goes by the endings of names and, where a file has been opened, by its first bytes.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from pathlib import Path, PurePath
from typing import BinaryIO

from PIL import Image

_HEIC = ('.heic', '.heif', '.hif')
#: Endings that are read wherever Pillow reads them.
_PICTURES = (
    *('.jpg', '.jpeg', '.jpe', '.jfif', '.png', '.bmp', '.webp', '.tif', '.tiff'),
    *('.avif', *_HEIC),
)
#: Endings of pictures that are not read: several frames, vectors, raw sensor data.
_OTHERS = (
    *('.gif', '.jxl', '.jp2', '.j2k', '.tga', '.ppm', '.pgm', '.psd', '.svg', '.ico'),
    *('.dng', '.cr2', '.cr3', '.nef', '.arw', '.raf', '.orf', '.rw2', '.exr', '.hdr'),
)
_SAME = {'.jpeg': '.jpg', '.jpe': '.jpg', '.jfif': '.jpg', '.tiff': '.tif'}
_CURES = {
    'heic': 'is HEIC, which Pillow reads with the package pillow-heif '
    '(pip install pillow-heif)',
    'avif': 'is AVIF, which Pillow reads from 11.3 on (pip install --upgrade pillow)',
    'webp': 'is WebP, which this build of Pillow does not read '
    '(pip install --force-reinstall pillow)',
    'other': 'is of a type that is not read: save it as .png or .jpg',
}
_BRANDS = {b'avif': 'avif', b'avis': 'avif'} | dict.fromkeys(
    (b'heic', b'heix', b'heim', b'heis', b'hevc', b'hevx', b'mif1', b'msf1'), 'heic'
)


@cache
def image_endings() -> tuple[str, ...]:
    """Endings, in lower case, of the files that are read as pictures here."""
    with suppress(ImportError):  # nothing of ours needs it: it is the user's to install
        importlib.import_module('pillow_heif').register_heif_opener()
    known = Image.registered_extensions()
    return tuple(end for end in _PICTURES if known.get(end) in Image.OPEN)


def is_image(name: str | PurePath) -> bool:
    """Whether a file is called as pictures are that are read here."""
    return PurePath(name).suffix.lower() in image_endings()


def type_of(name: str | PurePath) -> str:
    """The ending of a name, the same for all spellings of a type."""
    ending = PurePath(name).suffix.lower()
    return _SAME.get(ending, ending)


def unread_images(names: Iterable[str]) -> dict[str, list[str]]:
    """Pictures among files that are not read: what to do about them -> their names."""
    found: dict[str, list[str]] = {}
    for name in names:
        ending = PurePath(name).suffix.lower()
        if ending in (*_PICTURES, *_OTHERS) and ending not in image_endings():
            kind = 'heic' if ending in _HEIC else ending[1:]
            found.setdefault(_CURES.get(kind, _CURES['other']), []).append(name)
    return found


def describe_unread(names: Iterable[str], limit: int = 5) -> list[str]:
    """A sentence for each kind of picture that is not read, with numbers and names."""
    sentences = []
    for cure, files in unread_images(names).items():
        more = f' and {len(files) - limit:,} more' * (len(files) > limit)
        named = ', '.join(files[:limit])
        sentences.append(f'{len(files):,} not read ({named}{more}): each {cure}')
    return sentences


def cure_for(file: str | Path | BinaryIO) -> str | None:
    """What to do about a picture that Pillow does not know; None for anything else."""
    start = _first_bytes(file)
    kind = _BRANDS.get(start[8:12]) if start[4:8] == b'ftyp' else None
    return kind and _CURES[kind]


def _first_bytes(file: str | Path | BinaryIO) -> bytes:
    try:
        if isinstance(file, str | Path):
            with open(file, 'rb') as stream:
                return stream.read(12)
        file.seek(0)
        return file.read(12)
    except OSError:
        return b''
