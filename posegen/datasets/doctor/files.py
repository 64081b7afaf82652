"""Is everything there, in its place, and under its name?"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path

from .findings import Finding, group
from .layouts import Split, spelling_key

ARCHIVES = ('.zip', '.tar', '.tgz', '.tar.gz', '.rar', '.7z')
_MAX_FOLDERS = 200  # that are searched for what is not in its place


def disguise_of(path: Path) -> str | None:
    """What a file really is that is neither an image nor a list; None if unknown."""
    try:
        with open(path, 'rb') as file:
            start = file.read(256).lstrip()
    except OSError as error:
        return f'unreadable ({error.strerror})'
    if not start:
        return 'empty'
    if start.startswith(b'version https://git-lfs'):
        return 'a Git LFS pointer'
    if re.match(rb'<(!doctype|html|\?xml|head)', start, re.IGNORECASE):
        return 'a web page, as a failed download leaves it'
    if start.startswith(b'PK\x03\x04'):
        return 'a zip archive'
    return 'compressed with gzip' if start.startswith(b'\x1f\x8b') else None


def disguise_cure(disguise: str, name: str) -> str:
    """What to do about a file that is something else."""
    gz, packed = f'{name}.gz', f'{name}.zip'
    if 'LFS' in disguise:
        return 'fetch the contents with `git lfs pull` where the files were cloned.'
    if 'gzip' in disguise:
        return f'run `{shell("mv", name, gz)} && {shell("gunzip", gz)}`.'
    if 'zip' in disguise:
        return f'run `{shell("mv", name, packed)} && {shell("unzip", packed)}`.'
    if '8-bit RGB' in disguise:
        return 'save the pictures as 8-bit RGB.'
    if 'pip install' in disguise:
        return 'install what reads them, or save them as .png or .jpg.'
    return 'fetch the files again and look at one of them before going on.'


def shell(*words: str | Path) -> str:
    """Words of a command line, in quotes where they have blanks."""
    return shlex.join(map(str, words))


def root_option(folder: str | Path) -> str:
    """The option that names a data folder."""
    return f'--cfg-options {shell(f"data_root={folder}")}'


def check_root(root: Path) -> list[Finding]:
    """The data folder itself."""
    if root.is_dir():
        return []
    parent = root.parent
    names = [p.name for p in _folders(parent)] if parent.is_dir() else []
    near = [name for name in names if spelling_key(name) == spelling_key(root.name)]
    near += get_close_matches(root.name, names, n=2)
    hint = f'; there is {parent / near[0]}' if near else ''
    where = near[0] if near else 'DIR'
    what = 'is a file, not a folder' if root.exists() else 'does not exist'
    return [
        Finding(
            'error',
            'data folder',
            f'the data folder {root} {what}{hint}.',
            'point to the right one with '
            f'`{root_option(parent / where if near else where)}`.',
        )
    ]


def check_places(split: Split) -> list[Finding]:
    """Folder and lists of a split: missing, misspelt, one level off, still packed."""
    missing = [path for path in split.paths if not path.exists()]
    if split.truth is not None and not split.truth.is_dir():
        missing.append(split.truth)
    if not missing:
        return []
    relative = [str(path.relative_to(split.root)) for path in missing]
    if shifted := _elsewhere(split.root, relative):
        return [_level_finding(split, shifted, relative)]
    return [_missing_finding(split, path) for path in missing]


def check_archives(split: Split) -> list[Finding]:
    """Archives that lie in the data folder."""
    packed = [name for name in os.listdir(split.root) if name.endswith(ARCHIVES)]
    if not packed:
        return []
    if all(path.exists() for path in split.paths):
        return group(
            'note',
            'archives',
            sorted(packed),
            f'{{n}} archives lie in {split.root}; all that they should hold is there.',
        )
    first = split.root / sorted(packed)[0]
    command = shell('unzip', '-q', first, '-d', split.root)
    if first.suffix != '.zip':
        command = f'tar -xf {first} -C {split.root}'
    return group(
        'error',
        'archives',
        sorted(packed),
        f'{{n}} archives in {split.root} are not unpacked, and files are missing.',
        f'unpack them: `{command}`.',
    )


def _folders(parent: Path) -> Iterator[Path]:
    with os.scandir(parent) as entries:
        yield from (Path(entry.path) for entry in entries if entry.is_dir())


def _elsewhere(root: Path, relative: list[str]) -> Path | None:
    """Another folder, above or below ``root``, that has all of these."""
    below = [p for p, _ in zip(_folders(root), range(_MAX_FOLDERS))]
    deeper = [q for p in below for q, _ in zip(_folders(p), range(_MAX_FOLDERS))]
    places = [*below, root.resolve().parent, *deeper[:_MAX_FOLDERS]]
    return next((p for p in places if all((p / r).exists() for r in relative)), None)


def _level_finding(split: Split, place: Path, relative: list[str]) -> Finding:
    what = ', '.join(relative)
    message = f'{split.name}: {what} not in {split.root}, but in {place}.'
    if len(relative) == 3:
        cure = f'set data_root: `{root_option(place)}`.'
    else:
        moved = [place / name for name in relative]
        cure = f'bring them together: `{shell("mv", *moved, split.root)}`.'
    return Finding('error', 'one level off', message, cure, count=len(relative))


def _missing_finding(split: Split, path: Path) -> Finding:
    if other := _misspelt(path):
        return Finding(
            'error',
            'spelling',
            f'{split.name}: {path} is missing; {other.name} is there instead.',
            _rename_cure(other, path),
        )
    if path == split.images:
        return _missing_images(split)
    if resized := _resized_lists(path):
        return Finding(
            'error',
            'joint frame',
            f'{split.name}: {path} is missing; {resized.name} is there, whose joints '
            'lie on the 176 wide crop of the images.',
            'get the other list, or use images of that crop and set '
            f"annotation_file='{resized.name}' and annotation_size=(256, 176).",
        )
    kind = 'annotations' if path == split.annotations else 'pairs'
    if path == split.truth:
        return Finding(
            'error',
            'truth missing',
            f'{split.name}: the folder {path} of the true flows is missing.',
            f'make the set again with {split.prepare}, or set truth_dir=None.',
        )
    return Finding(
        'error',
        f'{kind} missing',
        f'{split.name}: the list of {kind}, {path}, is missing.',
        _list_cure(split, kind),
    )


def _misspelt(path: Path) -> Path | None:
    if not path.parent.is_dir():
        return None
    key = spelling_key(path.name)
    names = sorted(n for n in os.listdir(path.parent) if spelling_key(n) == key)
    return path.parent / names[0] if names else None


def _rename_cure(other: Path, path: Path) -> str:
    if other.suffix == '.gz' and path.suffix != '.gz':
        return f'unpack it: `{shell("gunzip", "-c", other)} > {shell(path)}`.'
    return f'rename it: `{shell("mv", other, path)}`.'


def _resized_lists(path: Path) -> Path | None:
    key = spelling_key(path.name).replace('annotation', 'resizeannotation')
    if not path.parent.is_dir():
        return None
    names = (n for n in os.listdir(path.parent) if spelling_key(n) == key)
    return next((path.parent / name for name in names), None)


def _missing_images(split: Split) -> Finding:
    raw = [
        name for name in ('img', 'img_highres', 'WOMEN') if (split.root / name).is_dir()
    ]
    message = f'{split.name}: the folder of the images, {split.images}, is missing'
    if raw:
        message += f'; {raw[0]}/ holds them as they unpack, under other names'
    return Finding(
        'error',
        'images missing',
        f'{message}.',
        f'write it with {split.prepare}, or put the images there.',
    )


def _list_cure(split: Split, kind: str) -> str:
    published = split.family in ('deepfashion', 'market1501')
    if kind == 'pairs' and published and split.annotations.is_file():
        sample = ', sample=12000' if (split.family, split.name[:4]) == (
            'market1501',
            'test',
        ) else ''  # fmt: skip
        code = (
            'from posegen.datasets import build_pairs, write_pairs; '
            f"write_pairs('{split.pairs}', "
            f"build_pairs('{split.annotations}', '{split.family}'{sample}))"
        )
        return f'it follows from the annotation: `python -c {shlex.quote(code)}`.'
    if split.family == 'own':
        return (
            f'have it written from photos and keypoints: {split.prepare}; '
            '`tools/datasets/convert_keypoints.py` converts keypoints alone.'
        )
    return f'{split.prepare} writes the whole folder.'
