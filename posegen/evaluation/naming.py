"""How result files are called: the published schemes as data, and how one is chosen.

A scheme is chosen by what it reads: the names of all results of a folder must come out
as names of real images. Where two schemes read a folder differently, nobody guesses.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath, PurePosixPath
from types import MappingProxyType

from posegen.codecs.names import name_key, short_stem
from posegen.utils.errors import ConfigError, DataError
from posegen.utils.image_types import is_image

Reading = tuple[str | None, str]
"""Keys of source (None where it is not said) and target, see :func:`image_key`."""

_SHOWN = 3  # names in an error


@dataclass(frozen=True)
class NamingScheme:
    """One way to name results.

    Attributes:
        name: What the scheme is asked for by.
        separator: Text between the names of source and target; None where the result
            carries the target's name alone.
        ending: Text behind the target's name.
        used_by: Who writes such names.
    """

    name: str
    separator: str | None
    ending: str
    used_by: str

    @property
    def pattern(self) -> str:
        """The scheme for people, as in ``<source>_2_<target>_vis``."""
        source = '' if self.separator is None else f'<source>{self.separator}'
        return f'{source}<target>{self.ending}'

    def split(self, text: str) -> Iterator[Reading]:
        """All readings of a name without suffix; a separator may be in it twice."""
        if not text.endswith(self.ending):
            return
        body = text[: len(text) - len(self.ending)]
        if self.separator is None:
            yield None, body
            return
        for match in re.finditer(f'(?={re.escape(self.separator)})', body):
            source = body[: match.start()]
            target = body[match.start() + len(self.separator) :]
            if source and target:
                yield source, target


_SCHEMES = (
    NamingScheme('posegen', '___', '', 'posegen test'),
    NamingScheme('patn', '___', '_vis', 'PATN and its kin, strips of 5 panels'),
    NamingScheme('gfla', '_2_', '_vis', 'GFLA and its kin'),
    NamingScheme('mcld', '_2_', '', 'MCLD'),
    NamingScheme('pcdms', '_to_', '', 'PCDMs'),
    NamingScheme('prasunroy', '@', '', 'prasunroy/pose-transfer'),
    NamingScheme('pocold-recent', '-', '', 'gzzzzzz781, besides _2_ and _to_'),
    NamingScheme('def_gan', '_', '', 'Def-GAN, strips of 3 panels'),
    NamingScheme('target', None, '', 'MCLD and others: the target alone'),
    NamingScheme('target_vis', None, '_vis', 'the same with the ending of GFLA'),
)

NAMING_SCHEMES: Mapping[str, NamingScheme] = MappingProxyType(
    {scheme.name: scheme for scheme in _SCHEMES}
)
"""All schemes by name.

:meta hide-value:
"""

# Gender, category, item, look, number and view; what stands between them differs.
_DEEPFASHION = re.compile(
    r'(?:fashion|fasion|img)?(WOMEN|MEN)([A-Z][A-Za-z]*?)id(\d{8})(\d\d)(\d)([a-z]+)'
)


def image_key(name: str | PurePath) -> str:
    """What an image is known by, whatever folders and suffix its name has.

    DeepFashion's names come flat (``fashionWOMENDressesid0000262902_3back``), nested
    (``img/WOMEN/Dresses/id_00002629/02_3_back``) and joined by hyphens; all become
    ``WOMEN/Dresses/00002629/02/3back``. Any other name is its stem, in one spelling
    (:func:`~posegen.codecs.names.name_key`) and of a length that fits into the name of
    a pair.

    Args:
        name: Path with or without suffix, relative to its folder.
    """
    path = PurePosixPath(name_key(name))
    parts = (*path.parts[:-1], _stem(path))
    for count in range(1, len(parts) + 1):
        letters = re.sub('[^0-9A-Za-z]', '', ''.join(parts[-count:]))
        if match := _DEEPFASHION.fullmatch(letters):
            gender, category, item, look, number, view = match.groups()
            return f'{gender}/{category}/{item}/{look}/{number}{view}'
    return short_stem(parts[-1])


def _stem(path: PurePosixPath) -> str:
    """Name without suffixes of images; other dots belong to the name."""
    while is_image(path):
        path = path.with_suffix('')
    return path.name


def read_names(
    names: Sequence[str],
    known: frozenset[str],
    scheme: str | None = None,
    where: str = 'the results',
) -> tuple[NamingScheme, list[Reading]]:
    """Read the names of all results of a folder by one scheme.

    Args:
        names: Names relative to the folder, with suffix.
        known: Keys of the real images (:func:`image_key`).
        scheme: Name of the scheme; None finds the one that reads all names.
        where: How errors call the folder.

    Returns:
        The scheme, and source and target of each name. Sources are None throughout
        where the scheme has none, or where no source is among the real images.

    Raises:
        ConfigError: There is no such scheme.
        DataError: No scheme reads all names, two do and disagree, or a name can be
            read in two ways.
    """
    tried = [get_scheme(scheme)] if scheme else list(NAMING_SCHEMES.values())
    for sources_known in (True, False):
        found = {s: _read_all(s, names, known, sources_known) for s in tried}
        whole = {s: readings for s, readings in found.items() if all(readings)}
        if whole:
            return _only_reading(names, whole, where)
        best = max(found, key=lambda s: sum(map(bool, found[s])))
        unmatched = [name for name, read in zip(names, found[best]) if not read]
        if len(unmatched) < len(names):
            break  # some are read with their sources, so others lack theirs
    raise DataError(_unmatched_text(names, unmatched, best, tried, known, where))


def get_scheme(name: str) -> NamingScheme:
    """Look a scheme up.

    Raises:
        ConfigError: There is none of that name; the message lists those there are.
    """
    if name not in NAMING_SCHEMES:
        known = ', '.join(f'{s.name} ({s.pattern})' for s in _SCHEMES)
        raise ConfigError(f"no naming scheme '{name}'; there are: {known}")
    return NAMING_SCHEMES[name]


def _read_all(
    scheme: NamingScheme,
    names: Sequence[str],
    known: frozenset[str],
    sources_known: bool,
) -> list[list[Reading]]:
    """For each name its readings whose target (and source) is a real image."""
    return [_readings(scheme, name, known, sources_known) for name in names]


def _readings(
    scheme: NamingScheme, name: str, known: frozenset[str], sources_known: bool
) -> list[Reading]:
    path = PurePosixPath(name)
    texts = dict.fromkeys([_stem(path), str(path.parent / _stem(path))])
    found: dict[Reading, None] = {}
    for text in texts:
        for source, target in scheme.split(text):
            keys = source and image_key(source), image_key(target)
            if keys[1] not in known:
                continue
            if not sources_known:
                found[None, keys[1]] = None
            elif keys[0] is None or keys[0] in known:
                found[keys] = None
    return list(found)


def _only_reading(
    names: Sequence[str],
    found: Mapping[NamingScheme, list[list[Reading]]],
    where: str,
) -> tuple[NamingScheme, list[Reading]]:
    """The reading that all schemes agree on; schemes that name a source go first."""
    ranked = sorted(found, key=lambda scheme: scheme.separator is None)
    first = ranked[0]
    for index, name in enumerate(names):
        options = {
            (reading, scheme.name)
            for scheme in ranked
            for reading in found[scheme][index]
        }
        if len({reading for reading, _ in options}) > 1:
            texts = sorted(
                f"{scheme}: '{source}' -> '{target}'"
                for (source, target), scheme in options
            )
            raise DataError(
                f"{where}: the name '{name}' can be read as {' or '.join(texts)}; "
                'choose the scheme by its name, or rename'
            )
    return first, [readings[0] for readings in found[first]]


def _unmatched_text(
    names: Sequence[str],
    unmatched: Sequence[str],
    scheme: NamingScheme,
    tried: Sequence[NamingScheme],
    known: frozenset[str],
    where: str,
) -> str:
    shown = ', '.join(f"'{name}'" for name in unmatched[:_SHOWN])
    more = f' and {len(unmatched) - _SHOWN} more' if len(unmatched) > _SHOWN else ''
    counts = f'{len(unmatched)} of {len(names)} names'
    if len(unmatched) < len(names):
        lacking = f"'{_missing(unmatched[0], scheme, known)}'"
        return (
            f"{where}: {counts} of the form '{scheme.pattern}' match none of the "
            f'{len(known)} real images: {shown}{more}; the first lacks {lacking}'
        )
    patterns = ', '.join(scheme.pattern for scheme in tried)
    return (
        f'{where}: {counts} match none of the {len(known)} real images: {shown}{more}; '
        f'names are read as {patterns}, with the names of real images in them'
    )


def _missing(name: str, scheme: NamingScheme, known: frozenset[str]) -> str:
    """The image that a name says and that is not there, by its likeliest reading."""
    stem = _stem(PurePosixPath(name))
    lacking = [
        [part for part in reading if part and image_key(part) not in known]
        for reading in scheme.split(stem)
    ]
    return min(lacking, key=len)[0] if lacking else stem
