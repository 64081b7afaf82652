"""Image files: read with every fault reported, and written.

Imports no torch, so that tools which only touch files start at once.
"""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from struct import unpack_from
from typing import BinaryIO

import cv2
import numpy as np
from PIL import Image, UnidentifiedImageError

from posegen.utils.errors import DataError

#: What Pillow raises, when opening or when decoding, for a file that is no whole image.
BROKEN_IMAGE = (
    *(OSError, SyntaxError, ValueError, EOFError, zlib.error),
    Image.DecompressionBombError,
)
JPEG_QUALITY = 95

_START, _END = b'\xff\xd8', b'\xff\xd9'
_BASELINE, _SCAN = (0xC0, 0xC1), 0xDA
#: Segments that may stand before the scan: APPn, tables, restart interval, comment.
_HEADERS = {*range(0xE0, 0xF0), 0xC4, 0xDB, 0xDD, 0xFE}
#: Inside a scan 0xFF is followed by 0 (a plain 0xFF) or is a restart or fill byte.
_MARKER = re.compile(rb'\xff[^\x00\xd0-\xd7\xff]')
_AS_STORED = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION


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

    Orientation tags are ignored, as joints were annotated on the pixels that are
    stored; transparency is dropped.

    Ordinary JPEGs that are whole go through OpenCV, which takes half to two thirds of
    Pillow's time; the decoder under both is the same, and so are the pixels. All else
    goes through Pillow, as in the published code: it knows more types, and it reports
    damaged files where OpenCV returns grey blocks.

    Raises:
        DataError: the bytes are not a whole image; the message calls it ``name``.
    """
    if is_plain_jpeg(data):
        image = cv2.imdecode(np.frombuffer(data, np.uint8), _AS_STORED)
        if image is not None:
            return image
    with open_image(io.BytesIO(data), name) as image:
        return to_rgb(image)


def is_plain_jpeg(data: bytes) -> bool:
    """Whether the bytes are a whole baseline JPEG of three channels.

    Reads the headers and looks for the marker that ends the one scan: in a file that
    was cut, it is not there; in most that were damaged, another comes before it. Images
    larger than Pillow accepts are not plain either, so that Pillow refuses them.
    """
    if not (data.startswith(_START) and data.endswith(_END)):
        return False
    place, pixels = 2, 0
    while place + 10 <= len(data) and data[place] == 0xFF:
        kind = data[place + 1]
        if kind == _SCAN:
            marker = _MARKER.search(data, place + 2)
            return pixels > 0 and marker is not None and marker.end() == len(data)
        if kind in _BASELINE:
            bits, height, width, channels = unpack_from('>BHHB', data, place + 4)
            pixels = height * width
            if (bits, channels) != (8, 3) or pixels > (
                Image.MAX_IMAGE_PIXELS or pixels
            ):
                return False
        elif kind not in _HEADERS:
            return False
        place += 2 + int.from_bytes(data[place + 2 : place + 4], 'big')
    return False


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
        ValueError: the array is of another type or shape.
        DataError: the ending is that of no image type, or the file cannot be written.
    """
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(
            f'image must be uint8 (H, W, 3), got {image.dtype} {image.shape}'
        )
    check_image_ending(path)
    try:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path, quality=JPEG_QUALITY)  # others do not mind
    except OSError as error:
        raise DataError(
            f'{path} cannot be written ({error.strerror or error}): name another place'
        ) from error


def check_image_ending(path: str | Path) -> None:
    """Check that an image can be written under a name.

    Raises:
        DataError: its ending is that of no image type.
    """
    ending = Path(path).suffix.lower()
    types = Image.registered_extensions()
    if types.get(ending) not in Image.SAVE:
        raise DataError(
            f'{path} does not end as an image that can be written does: name it .png'
        )
