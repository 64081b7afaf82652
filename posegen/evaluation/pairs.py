"""Folders of images to pairs of (result, ground truth), with every doubt refused."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np

from posegen.evaluation.naming import NamingScheme, image_key, read_names
from posegen.utils.errors import DataError
from posegen.utils.folders import list_files
from posegen.utils.image_types import describe_unread, is_image, type_of
from posegen.utils.images import open_image, to_rgb, upright_size

_PLAIN_MODES = frozenset({'RGB', 'L', 'P', 'CMYK'})

STRIP_PANELS: Mapping[int, tuple[str, ...]] = MappingProxyType(
    {
        3: ('source', 'target', 'generated'),  # Def-GAN
        5: ('source', 'source pose', 'target', 'target pose', 'generated'),  # PATN
    }
)
"""Panels of the strips that some codes save instead of the result, left to right."""

CROPPED_RATIO = 176 / 256  # width to height of DeepFashion's crop


@dataclass(frozen=True)
class Pair:
    """One image to score.

    Attributes:
        source: Real image that the result was made from; None where the names of the
            results do not say, or the folder of real images has no sources.
        target: Real image that shows the same person in the target pose.
        image: The image to score; the source itself for "copy the source".
        names: Keys of source and target, see
            :func:`~posegen.evaluation.naming.image_key`.
    """

    source: Path | None
    target: Path
    image: Path
    names: tuple[str | None, str]

    @property
    def name(self) -> str:
        """The pair for people: ``<source>___<target>``."""
        return '___'.join(name for name in self.names if name is not None)

    def copy_source(self) -> Pair:
        """The same pair, with the unchanged source in the place of a result.

        Raises:
            DataError: It is not known which image the source is.
        """
        if self.source is None:
            raise DataError(
                f"'{self.image}': no source is known to copy; it must be in its name "
                'and in the folder of real images'
            )
        return Pair(self.source, self.target, self.source, self.names)


class ImageFolder:
    """The images of a folder by key (:func:`~posegen.evaluation.naming.image_key`).

    Where the folder itself holds no image, those of its subfolders are taken, as in
    DeepFashion's own layout; :func:`~posegen.utils.folders.list_files` says which.

    Attributes:
        path: The folder.
        by_key: Key -> files.
        unread: Sentences on pictures of types that are not read.

    Raises:
        DataError: The folder does not exist or holds no image.
    """

    def __init__(self, folder: str | Path) -> None:
        self.path = Path(folder)
        if not self.path.is_dir():
            raise DataError(f"'{folder}' is not a folder of images")
        self.by_key: dict[str, list[Path]] = defaultdict(list)
        names = list_files(self.path)
        own = [name for name in names if '/' not in name]
        self.unread = describe_unread(own if any(map(is_image, own)) else names)
        for name in filter(is_image, own if any(map(is_image, own)) else names):
            self.by_key[image_key(name)].append(self.path / name)
        if not self.by_key:
            reasons = ''.join(f'; {sentence}' for sentence in self.unread)
            raise DataError(f"no image such as .png or .jpg in '{folder}'{reasons}")

    @property
    def keys(self) -> frozenset[str]:
        """Keys of all images."""
        return frozenset(self.by_key)

    @property
    def files(self) -> list[Path]:
        """All images, sorted by path."""
        return sorted(self.find(key) for key in self.by_key)

    @property
    def types(self) -> Counter[str]:
        """How many images there are of each type, by endings."""
        return Counter(type_of(f) for files in self.by_key.values() for f in files)

    def relative(self, file: Path) -> str:
        """Name of one of its files with '/' between folders."""
        return file.relative_to(self.path).as_posix()

    def find(self, key: str, wanted_by: Path | None = None) -> Path:
        """The image of a key.

        Raises:
            DataError: There is none, or there are two, by endings or by folders.
        """
        files = self.by_key.get(key, [])
        if len(files) == 1:
            return files[0]
        reason = f" ('{wanted_by}' needs it)" if wanted_by else ''
        if not files:
            raise DataError(f"no image '{key}' in '{self.path}'{reason}")
        names = ' and '.join(f"'{self.relative(file)}'" for file in files)
        raise DataError(f"'{self.path}' has both {names}: keep one{reason}")


def find_pairs(
    generated: ImageFolder, real: ImageFolder, scheme: str | None = None
) -> tuple[NamingScheme, list[Pair]]:
    """Pairs that a folder of results covers, sorted by name.

    Args:
        generated: Images whose names say the target, and mostly the source
            (:data:`~posegen.evaluation.naming.NAMING_SCHEMES`).
        real: Folder of the targets, and mostly the sources.
        scheme: Naming scheme; None finds it.

    Returns:
        The scheme that the names follow, and the pairs.

    Raises:
        ConfigError: There is no such scheme.
        DataError: Names are not of one scheme or of two, their images are not in
            ``real``, or two files are results of one pair.
    """
    files = sorted(file for files in generated.by_key.values() for file in files)
    chosen, readings = read_names(
        [generated.relative(file) for file in files],
        real.keys,
        scheme,
        where=f"'{generated.path}'",
    )
    pairs = []
    seen: dict[tuple[str | None, str], Path] = {}
    for file, names in zip(files, readings):
        source, target = names
        said = source is not None or chosen.separator is None
        key = names if said else (None, generated.relative(file.with_suffix('')))
        other = seen.setdefault(key, file)
        if other is not file:
            raise DataError(f"'{other}' and '{file}' are results of one pair: keep one")
        found = None if source is None else real.find(source, wanted_by=file)
        pairs.append(Pair(found, real.find(target, wanted_by=file), file, names))
    return chosen, pairs


def read_image(path: Path) -> np.ndarray:
    """Read an image file as uint8 (H, W, 3) RGB, upright as a camera noted.

    What :func:`~posegen.utils.images.to_rgb` would have to make up, no score should be
    taken of: the background of transparent pixels, the range of more than 8 bits.

    Raises:
        DataError: The file does not decode, is cut short, or has an alpha channel or
            more than 8 bits.
    """
    with open_image(path, f"'{path}'") as image:
        if image.mode not in _PLAIN_MODES or 'transparency' in image.info:
            raise DataError(
                f"'{path}' must be 8-bit RGB without transparency, it is {image.mode}"
            )
        return to_rgb(image, f"'{path}'")


def image_size(path: Path) -> tuple[int, int]:
    """(height, width) of an image file as :func:`read_image` gives it.

    Raises:
        DataError: The file is no image.
    """
    with open_image(path, f"'{path}'") as image:
        return upright_size(image)


def cut_strip(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The generated panel of a strip; an image that is no strip as it is.

    A strip is 3 or 5 times as wide as a picture with the target's proportions or those
    of DeepFashion's crop (176 of 256 columns); see :data:`STRIP_PANELS`.

    Args:
        image: uint8 (H, W, 3), what was saved.
        size: (height, width) of the target.

    Returns:
        uint8 (H, W / panels, 3), a view.
    """
    height, width = image.shape[:2]
    for count, panels in STRIP_PANELS.items():
        panel = width // count
        if width % count == 0 and panel / height in (size[1] / size[0], CROPPED_RATIO):
            start = panels.index('generated') * panel
            return image[:, start : start + panel]
    return image
