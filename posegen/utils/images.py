"""Image files: read with every fault reported, and written. Pillow and NumPy only."""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, UnidentifiedImageError

from posegen.utils.errors import DataError

#: What Pillow raises, when opening or when decoding, for a file that is no whole image.
BROKEN_IMAGE = (
    *(OSError, SyntaxError, ValueError, EOFError, zlib.error),
    Image.DecompressionBombError,
)
JPEG_QUALITY = 95


@contextmanager
def open_image(file: str | Path | BinaryIO, name: str) -> Iterator[Image.Image]:
    """Open an image for a ``with`` block, in which its pixels may be read.

    Args:
        file: path, or bytes as a file.
        name: how errors call it.

    Raises:
        DataError: when opening or in the block, the file turns out to be missing, no
            image, or not a whole one.
    """
    try:
        with Image.open(file) as image:
            yield image
    except DataError:  # is a ValueError, and says already what is wrong
        raise
    except BROKEN_IMAGE as error:
        unknown = isinstance(error, UnidentifiedImageError)
        reason = 'not an image of a known type' if unknown else error
        raise DataError(f'{name} cannot be decoded: {reason}') from error


def to_rgb(image: Image.Image) -> np.ndarray:
    """Pixels as uint8 ``(H, W, 3)`` RGB, a copy; transparency is dropped."""
    return np.array(image if image.mode == 'RGB' else image.convert('RGB'))


def decode_image(data: bytes, name: str = 'the image') -> np.ndarray:
    """Encoded bytes to RGB uint8 ``(H, W, 3)``.

    By Pillow, as in the published code, and because it reports damaged files where
    OpenCV returns grey blocks. Orientation tags are ignored, as joints were annotated
    on the pixels that are stored.

    Raises:
        DataError: the bytes are not a whole image; the message calls it ``name``.
    """
    with open_image(io.BytesIO(data), name) as image:
        return to_rgb(image)


def read_image(path: str | Path) -> np.ndarray:
    """:func:`decode_image` of a file.

    Raises:
        DataError: the file is missing or not a whole image.
    """
    with open_image(path, str(path)) as image:
        return to_rgb(image)


def save_image(path: str | Path, image: np.ndarray) -> None:
    """Write uint8 ``(H, W, 3)`` RGB in the format of the file's ending; makes folders.

    Raises:
        ValueError: the array is of another type or shape, or the ending is unknown.
    """
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(
            f'image must be uint8 (H, W, 3), got {image.dtype} {image.shape}'
        )
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path, quality=JPEG_QUALITY)  # others take no notice
