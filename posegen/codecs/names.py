"""Names of images: their spellings, and the files that belong to a pair of them."""

from __future__ import annotations

import hashlib
import posixpath
import re
import unicodedata
from collections.abc import Collection, Iterable
from pathlib import PurePath

PAIR_SEPARATOR = '___'
#: Bytes of a stem that always fit: two, the separator and an ending make a file's name,
#: which may have 255.
MAX_STEM = 120
_MAX_PAIR = 255 - len('.png')
# What lists, shells and other systems take for something else, and bytes of no text.
_AWKWARD = re.compile(r'[\s,:;"\'*?<>|/\\\x00-\x1f\x7f\ufffd]+')


def name_key(name: str | PurePath) -> str:
    """What all spellings of an image's name have in common.

    Folders are parted by '/', also in lists from Windows; letters are composed (NFC),
    where macOS stores them decomposed; './', doubled '/' and blanks around the name do
    not count.
    """
    text = str(name)
    if text.isascii() and text.replace('.', '').replace('_', '').isalnum():
        return text  # the most, by far
    text = unicodedata.normalize('NFC', text).replace('\\', '/').strip()
    return posixpath.normpath(text) if text else ''


def respell(names: Iterable[str], known: Collection[str]) -> dict[str, str]:
    """How a list or a folder spells names that are not in it as they stand.

    Args:
        names: as somebody else has them.
        known: as they should be; a set or a mapping.

    Returns:
        Name -> the one in ``known`` that differs from it in spelling only
        (:func:`name_key`). Names that are known as they stand, that are not there, or
        that two are known for are left out.
    """
    other = [name for name in names if name not in known]
    if not other:
        return {}
    by_key: dict[str, str | None] = {}
    for name in known:
        key = name_key(name)
        by_key[key] = None if key in by_key else name
    found = ((name, by_key.get(name_key(name))) for name in other)
    return {name: spelled for name, spelled in found if spelled is not None}


def short_stem(stem: str) -> str:
    """The stem itself, or what is longer than ``MAX_STEM`` bytes, cut and told apart.

    Eight digits of a checksum take the place of what was cut, so that the same stem
    always becomes the same, and others become others.
    """
    data = stem.encode(errors='surrogatepass')
    if len(data) <= MAX_STEM:
        return stem
    digits = hashlib.sha256(data).hexdigest()[:8]
    return f'{data[: MAX_STEM - 9].decode(errors="ignore")}-{digits}'


def safe_stem(name: str | PurePath) -> str:
    """A stem for the file of an image in a list of pairs, from any name.

    Folders become part of it; blanks, commas and what else lists and systems stumble
    over become '_', and so does the separator of pairs; it is of ``MAX_STEM`` bytes at
    most.
    """
    text = name_key(name).encode(errors='surrogateescape').decode(errors='replace')
    path = PurePath(text)
    stem = _AWKWARD.sub('_', path.with_suffix('').as_posix() if path.name else text)
    return short_stem(re.sub(r'_{3,}', '_', stem).strip('_') or 'image')


def pair_stem(source: str | PurePath, target: str | PurePath) -> str:
    """``<from stem>___<to stem>`` of two image names; their folders do not count.

    Results, and the ground truth of synthetic pairs, are called so. Where no file could
    be, the stems are shortened (:func:`short_stem`).
    """
    names = (str(name).replace('\\', '/') for name in (source, target))
    stems = [PurePath(name).stem for name in names]
    pair = PAIR_SEPARATOR.join(stems)
    fits = len(pair.encode(errors='surrogatepass')) <= _MAX_PAIR
    return pair if fits else PAIR_SEPARATOR.join(map(short_stem, stems))


def split_pair_stem(stem: str) -> tuple[str, str]:
    """The stems of the two images that :func:`pair_stem` joined.

    Raises:
        ValueError: ``stem`` is not two names with one separator between them.
    """
    source, _, target = stem.partition(PAIR_SEPARATOR)
    if not source or not target or PAIR_SEPARATOR in target:
        raise ValueError(
            f"expected '<source>{PAIR_SEPARATOR}<target>' of two image names, got "
            f"'{stem}'"
        )
    return source, target
