"""Folders of images to pairs of (result, ground truth), with every doubt refused."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from posegen.codecs.names import PAIR_SEPARATOR, split_pair_stem
from posegen.utils.errors import DataError
from posegen.utils.images import open_image, to_rgb

IMAGE_SUFFIXES = frozenset({'.png', '.jpg', '.jpeg'})
_PLAIN_MODES = frozenset({'RGB', 'L', 'P', 'CMYK'})


@dataclass(frozen=True)
class Pair:
    """One image to score.

    Attributes:
        source: Real image that the result was made from.
        target: Real image that shows the same person in the target pose.
        image: The image to score; the source itself for "copy the source".
    """

    source: Path
    target: Path
    image: Path

    @property
    def names(self) -> tuple[str, str]:
        """Stems of source and target."""
        return self.source.stem, self.target.stem

    def copy_source(self) -> Pair:
        """The same pair, with the unchanged source in the place of a result."""
        return Pair(self.source, self.target, self.source)


class ImageFolder:
    """The images of one folder by stem; subfolders and other files are not looked at.

    Raises:
        DataError: The folder does not exist or holds no image.
    """

    def __init__(self, folder: str | Path) -> None:
        self.path = Path(folder)
        if not self.path.is_dir():
            raise DataError(f"'{folder}' is not a folder of images")
        self.by_stem: dict[str, list[Path]] = defaultdict(list)
        for file in sorted(self.path.iterdir()):
            if file.suffix.lower() in IMAGE_SUFFIXES and file.name[0] != '.':
                self.by_stem[file.stem].append(file)
        if not self.by_stem:
            raise DataError(f"no .png or .jpg image in '{folder}'")

    @property
    def files(self) -> list[Path]:
        """All images, sorted by stem."""
        return [self.find(stem) for stem in self.by_stem]

    def find(self, stem: str, wanted_by: Path | None = None) -> Path:
        """The image of a stem.

        Raises:
            DataError: There is none, or there are two with different endings.
        """
        files = self.by_stem.get(stem, [])
        if len(files) == 1:
            return files[0]
        reason = f" ('{wanted_by}' needs it)" if wanted_by else ''
        if not files:
            raise DataError(f"no image '{stem}' in '{self.path}'{reason}")
        names = ' and '.join(f"'{file.name}'" for file in files)
        raise DataError(f"'{self.path}' has both {names}: keep one{reason}")


def find_pairs(generated: str | Path, real: ImageFolder) -> list[Pair]:
    """Pairs that a folder of results covers, sorted by name.

    Args:
        generated: Folder of images called ``<source stem>___<target stem>.png``.
        real: Folder with the sources and targets, of the same stems.

    Raises:
        DataError: A name is not of this form, or an image of it is not in ``real``.
    """
    folder = ImageFolder(generated)
    pairs = []
    for file in folder.files:
        try:
            stems = split_pair_stem(file.stem)
        except ValueError:
            raise DataError(
                f"'{file}': results must be called <source>{PAIR_SEPARATOR}<target>.png"
            ) from None
        source, target = (real.find(stem, wanted_by=file) for stem in stems)
        pairs.append(Pair(source, target, file))
    return pairs


def read_image(path: Path) -> Tensor:
    """Read an image file as uint8 (3, H, W) RGB.

    Raises:
        DataError: The file does not decode, is cut short, or has an alpha channel or
            more than 8 bits.
    """
    with open_image(path, f"'{path}'") as image:
        if image.mode not in _PLAIN_MODES or 'transparency' in image.info:
            raise DataError(
                f"'{path}' must be 8-bit RGB without transparency, it is {image.mode}"
            )
        pixels = to_rgb(image)
    return torch.from_numpy(pixels).permute(2, 0, 1)
