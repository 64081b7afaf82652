"""DeepFashion as NTED and PIDM have it: nested names, and pairs with the target first.

PATN's lists call a picture ``fashionWOMENTees_Tanksid0000796209_1front.jpg``, and a
pair is ``from,to``. NTED and PIDM keep the tree, with
``img/WOMEN/Tees_Tanks/id_00007962/09_1_front.jpg`` in lists of pairs and the joints in
``pose/WOMEN/...txt``, and a line of pairs is ``target,source[,source ...]``.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from posegen.datasets.prepare.names import (
    DEEPFASHION_EXAMPLE,
    DeepFashionName,
    parse_deepfashion,
)
from posegen.utils.errors import ConfigError, DataError
from posegen.utils.image_files import make_parent, write_whole

from .annotations import read_pairs, write_pairs

NAMES = ('keep', 'flat', 'nested')
IMAGE_FOLDER = 'img/'


def nested(name: DeepFashionName) -> str:
    """``WOMEN/Tees_Tanks/id_00007962/09_1_front.jpg``."""
    folder = f'{name.gender}/{name.category}/id_{name.item}'
    return f'{folder}/{name.look}_{name.view[0]}_{name.view[1:]}.jpg'


def rename(names: Sequence[str], to: str) -> list[str]:
    """Call DeepFashion's pictures as one of the two conventions does.

    Args:
        names: in any spelling that
            :func:`~posegen.datasets.prepare.names.parse_deepfashion` knows.
        to: 'flat' (PATN's lists), 'nested' (below ``img``), or 'keep'.

    Raises:
        ConfigError: ``to`` is something else.
        DataError: a name is not one of DeepFashion's.
    """
    if to not in NAMES:
        raise ConfigError(f"names must be one of {NAMES}, got '{to}'")
    if to == 'keep':
        return list(names)
    parsed = [parse_deepfashion(name) for name in names]
    if None in parsed:
        raise DataError(
            f"'{names[parsed.index(None)]}' is no name of a DeepFashion picture such "
            f"as '{DEEPFASHION_EXAMPLE}'; keep the names"
        )
    return [name.flat if to == 'flat' else nested(name) for name in parsed]


def read_target_first_pairs(file: str | os.PathLike) -> list[tuple[str, str]]:
    """Read a list of pairs of NTED or PIDM.

    Args:
        file: lines of ``target,source[,source ...]``.

    Returns:
        (source, target) as everywhere in posegen, in the order of the file, one for
        each source of a line; names without their ``img/``.

    Raises:
        DataError: the file is missing, or a line has no two names.
    """
    try:
        text = Path(file).read_text(encoding='utf-8-sig')
    except FileNotFoundError:
        raise DataError(f'{file} does not exist; check the path') from None
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f'{file} cannot be read as text: {error}') from error
    pairs = []
    for number, line in enumerate(text.splitlines(), start=1):
        names = [name.strip().removeprefix(IMAGE_FOLDER) for name in line.split(',')]
        if names == ['']:
            continue
        if len(names) < 2 or not all(names) or names == ['from', 'to']:
            raise DataError(
                f"{file}, line {number}: expected 'target,source[,source ...]', got "
                f'{line[:80]!r}'
            )
        target, *sources = names
        pairs += [(source, target) for source in sources]
    return pairs


def write_target_first_pairs(
    file: str | os.PathLike, pairs: Iterable[tuple[str, str]]
) -> None:
    """Write (source, target) pairs as ``img/<target>,img/<source>`` lines.

    Raises:
        DataError: a name has a comma or a line break, or the file cannot be written.
    """
    lines = []
    for pair in pairs:
        if any(set(name) & set(',\r\n') for name in pair):
            raise DataError(f'{file} cannot hold {pair}: a name has a comma in it')
        source, target = (f'{IMAGE_FOLDER}{name}' for name in pair)
        lines.append(f'{target},{source}\n')
    make_parent(Path(file))
    write_whole(Path(file), ''.join(lines).encode())


def convert_pairs(
    source: str | os.PathLike,
    target: str | os.PathLike,
    names: str | None = None,
    overwrite: bool = False,
) -> int:
    """Convert a list of pairs between csv (``from,to``) and txt (target first).

    Args:
        source: list to read; its ending says which it is.
        target: list to write.
        names: how to call the pictures, see :func:`rename`; by default 'flat' in a csv
            and 'nested' in a txt.
        overwrite: replace the target.

    Returns:
        The number of pairs.

    Raises:
        ConfigError: an ending is neither .csv, .csv.gz nor .txt.
        DataError: the source is broken, or the target exists or cannot be written.
    """
    read = read_pairs if _is_csv(source) else read_target_first_pairs
    write = write_pairs if _is_csv(target) else write_target_first_pairs
    if Path(target).exists() and not overwrite:
        raise DataError(f'{target} exists already; remove it, or say to overwrite it')
    pairs = read(source)
    names = names or ('flat' if _is_csv(target) else 'nested')
    sources, targets = (
        (rename(side, names) for side in zip(*pairs)) if pairs else ((), ())
    )
    write(target, list(zip(sources, targets)))
    return len(pairs)


def _is_csv(file: str | os.PathLike) -> bool:
    name = str(file).lower()
    if not name.endswith(('.csv', '.csv.gz', '.txt')):
        raise ConfigError(f'{file} must end in .csv, .csv.gz (from,to) or .txt')
    return not name.endswith('.txt')
