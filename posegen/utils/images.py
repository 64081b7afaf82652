"""Image files: read with every fault reported, and written.

Imports no torch, so that tools which only touch files start at once.
"""

from __future__ import annotations

import io
import re
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import cv2
import numpy as np
from PIL import Image, UnidentifiedImageError

from posegen.utils.errors import DataError, PosegenError
from posegen.utils.image_types import cure_for

#: What Pillow raises, when opening or when decoding, for a file that is no whole image:
#: its plugins stumble over damaged bytes in many ways.
BROKEN_IMAGE = (
    *(OSError, SyntaxError, ValueError, TypeError, AttributeError, EOFError),
    *(ArithmeticError, LookupError, RuntimeError, struct.error, zlib.error),
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

_ORIENTATION = 0x0112  # the EXIF tag
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SIDEWAYS = (5, 6, 7, 8)  # height and width change places
_SIXTEEN_BITS = ('I;16', 'I;16B', 'I;16L', 'I;16N')
_KNOWN_MODES = ('RGB', 'L', 'P', '1', 'CMYK', 'YCbCr', 'HSV', 'RGBX')
_PREMULTIPLIED = {'La': 'LA', 'RGBa': 'RGBA'}


@contextmanager
def decoding(name: str) -> Iterator[None]:
    """Turn whatever Pillow raises in a ``with`` block into a DataError.

    Args:
        name: how errors call the image.

    Raises:
        DataError: in the block, the image turns out to be missing, none, or not whole.
    """
    try:
        yield
    except PosegenError:  # says already what is wrong
        raise
    except UnidentifiedImageError as error:
        raise DataError(
            f'{name} cannot be decoded: not an image of a known type'
        ) from error
    except BROKEN_IMAGE as error:
        reason = str(error) or type(error).__name__
        raise DataError(f'{name} cannot be decoded: {reason}') from error


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
    with decoding(name):
        try:
            image = Image.open(file)
        except UnidentifiedImageError:
            if cure := cure_for(file):
                raise DataError(f'{name} cannot be decoded: {cure}') from None
            raise
        with image:
            yield image


def to_rgb(image: Image.Image, name: str = 'the image') -> np.ndarray:
    """Pixels as uint8 ``(H, W, 3)`` RGB, a copy: what a viewer shows.

    All readers of photos and pictures go through here. The orientation that a camera
    noted (EXIF or XMP) is applied. What is transparent is composited on white, whatever
    color a file holds there. Grey of 16 bits is divided by 257, floats in [0, 1] are
    multiplied by 255, both rounded. Of several frames it is the current one.

    Args:
        image: of any mode.
        name: how errors call it.

    Raises:
        DataError: 32-bit integers, whose range a file does not say, floats outside
            [0, 1], or a color space that has no one way to RGB (LAB).
    """
    upright = _turn(image)
    if image.mode in _SIXTEEN_BITS or image.mode in ('I', 'F'):
        grey = _scale_grey(upright, image.format, name)
        return np.repeat(grey[..., None], 3, axis=2)
    if image.has_transparency_data:
        return _on_white(upright)
    if image.mode not in _KNOWN_MODES:
        raise DataError(
            f'{name} cannot be read: pixels of mode {image.mode} have no one way to '
            'RGB; save it as 8-bit RGB'
        )
    return np.array(upright.convert('RGB') if image.mode != 'RGB' else upright)


def orientation_of(image: Image.Image) -> int:
    """The orientation that a camera noted, 1 to 8; 1 is upright, or no such note.

    A broken note is none, as for viewers. PNGs may carry theirs behind the pixels, so
    that one without a note in front is decoded.
    """
    try:
        value = image.getexif().get(_ORIENTATION, 1)
    except (*BROKEN_IMAGE, AssertionError):
        return 1
    return value if isinstance(value, int) and value in _TURNS else 1


def upright_size(image: Image.Image) -> tuple[int, int]:
    """(height, width) of what :func:`to_rgb` gives, without decoding most types."""
    if image.format == 'TIFF':
        _load(image)  # Pillow itself turns these as it decodes them
    width, height = image.size
    return (width, height) if orientation_of(image) in _SIDEWAYS else (height, width)


def unusual_pixels(image: Image.Image) -> str | None:
    """What :func:`to_rgb` has to convert that published code may read otherwise."""
    if image.mode in _SIXTEEN_BITS or image.mode in ('I', 'F'):
        return f'more than 8 bits (mode {image.mode})'
    return 'transparency' if image.has_transparency_data else None


def _load(image: Image.Image) -> None:
    """Decode an image that is still a file.

    Pillow maps some TIFFs into memory by their names, and gives wrong pixels where they
    are to be turned by a quarter as well (seen in 13.0); without a name it does not.
    """
    name = getattr(image, 'filename', None)
    if image.format != 'TIFF' or not name:
        image.load()
        return
    image.filename = ''
    try:
        image.load()
    finally:
        image.filename = name


def _turn(image: Image.Image) -> Image.Image:
    _load(image)  # a PNG's note may follow its pixels
    turn = _TURNS.get(orientation_of(image))
    return image if turn is None else image.transpose(turn)


def _scale_grey(image: Image.Image, kind: str | None, name: str) -> np.ndarray:
    """uint8 (H, W) of the modes with more than 8 bits."""
    values = np.asarray(image)
    key = image.info.get('transparency')
    low, high = (values.min(), values.max()) if values.size else (0, 0)
    if image.mode == 'F' and low >= 0 and high <= 1:  # NaN fails every comparison
        grey = np.rint(values * 255)
    # Only these decoders give 16 bits as integers of 32.
    elif image.mode != 'F' and (image.mode != 'I' or kind in ('PNG', 'PPM')):
        grey = (values.astype(np.int64) + 128) // 257
    else:
        what = 'floats' if image.mode == 'F' else '32-bit integers'
        raise DataError(
            f'{name} cannot be read: its {what} from {low:g} to {high:g} are of no '
            'known range, as 8 bits, 16 bits and floats in [0, 1] are; save it as '
            '8-bit RGB'
        )
    if isinstance(key, int) and image.mode != 'F':
        grey = np.where(values == key, 255, grey)
    return grey.astype(np.uint8)


def _on_white(image: Image.Image) -> np.ndarray:
    image = image.convert(_PREMULTIPLIED.get(image.mode, image.mode))
    pixels = np.asarray(image.convert('RGBA')).astype(np.uint16)
    alpha = pixels[..., 3:]
    mixed = pixels[..., :3] * alpha + 255 * (255 - alpha)
    return ((mixed + 127) // 255).astype(np.uint8)


def decode_image(data: bytes, name: str = 'the image') -> np.ndarray:
    """Encoded bytes to RGB uint8 ``(H, W, 3)``, as :func:`to_rgb` has it.

    Ordinary JPEGs that are whole go through OpenCV, which takes half to two thirds of
    Pillow's time; the decoder under both is the same, and so are the pixels. All else
    goes through Pillow, as in the published code: it knows more types, it reports
    damaged files where OpenCV returns grey blocks, and it finds a camera's note.

    Raises:
        DataError: the bytes are not a whole image, or one that :func:`to_rgb` refuses;
            the message calls it ``name``.
    """
    noted = b'Exif\0' in data or b'tiff:Orientation' in data
    if not noted and is_plain_jpeg(data):
        image = cv2.imdecode(np.frombuffer(data, np.uint8), _AS_STORED)
        if image is not None:
            return image
    with open_image(io.BytesIO(data), name) as image:
        return to_rgb(image, name)


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
            bits, height, width, channels = struct.unpack_from('>BHHB', data, place + 4)
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
        DataError: the file is missing, not a whole image, or one that
            :func:`to_rgb` refuses.
    """
    with open_image(path, str(path)) as image:
        return to_rgb(image, str(path))


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
