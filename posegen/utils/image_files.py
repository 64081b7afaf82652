"""Image files to image files, in several processes, never half-written.

Imports no torch: worker processes start with this module, and they should not load a
deep learning framework to copy a file.
"""

from __future__ import annotations

import io
import multiprocessing
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from posegen.utils.errors import DataError
from posegen.utils.images import open_image, to_rgb
from posegen.utils.workers import start_worker

#: Pillow's names of its filters; all but 'nearest' average when they shrink.
FILTERS = tuple(item.name.lower() for item in Image.Resampling)
FILE_TYPES = {'jpg': 'JPEG', 'png': 'PNG'}
PARTIAL_SUFFIX = '.part'
_BATCH = 32  # files that a process gets at a time


@dataclass(frozen=True)
class Conversion:
    """What becomes of an image on its way from one file to another.

    It is seen as :func:`~posegen.utils.images.to_rgb` has it, upright and opaque.

    Attributes:
        size: (height, width) of the result, aspect not kept; None keeps what the crop
            leaves.
        crop: first column of the part that is kept, the column after its last one, and
            the width of the picture that both are meant for; they are scaled to the
            width of the picture at hand. None keeps all.
        square: a picture that is not as high as wide is a fault.
        filter: one of :data:`FILTERS`.
        file_type: one of :data:`FILE_TYPES`.
        quality: of JPEG, 1 to 100; colours are stored at full resolution (4:4:4).
    """

    size: tuple[int, int] | None = None
    crop: tuple[int, int, int] | None = None
    square: bool = False
    filter: str = 'bilinear'
    file_type: str = 'jpg'
    quality: int = 100


@dataclass(frozen=True)
class FileTask:
    """One file to make; where both paths are the same it is only decoded."""

    source: Path
    target: Path


@dataclass(frozen=True)
class FileResult:
    """How it went: (height, width) of the source as seen, or why there is no result."""

    task: FileTask
    size: tuple[int, int] | None = None
    fault: str | None = None


def convert_files(
    tasks: Sequence[FileTask], conversion: Conversion, workers: int = 1
) -> Iterator[FileResult]:
    """Convert files in their order, in this process or in several.

    Args:
        tasks: the files.
        conversion: what becomes of each.
        workers: processes; 1 is this one. They end with the process that started them,
            however that ends.

    Yields:
        A result for each task, in order.

    Raises:
        DataError: a file cannot be written, or a process was killed.
    """
    batches = [tasks[i : i + _BATCH] for i in range(0, len(tasks), _BATCH)]
    if min(workers, len(batches)) <= 1:
        for batch in batches:
            yield from _convert_batch(batch, conversion)
        return
    context = multiprocessing.get_context('spawn')
    workers = min(workers, len(batches))
    pool = ProcessPoolExecutor(workers, context, start_worker)
    try:
        for results in pool.map(_convert_batch, batches, [conversion] * len(batches)):
            yield from results
    except BrokenProcessPool:
        raise DataError(
            'a worker process was killed, perhaps for want of memory: run the same '
            'command again to go on, with fewer workers'
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)


def convert_file(task: FileTask, conversion: Conversion) -> FileResult:
    """Decode one image wholly and write its conversion under another name first.

    The bytes are copied as they are where the conversion changes neither pixels nor
    type, so nothing is compressed a second time for nothing.

    Raises:
        DataError: the result cannot be written.
    """
    try:
        data = task.source.read_bytes()
        with open_image(io.BytesIO(data), str(task.source)) as image:
            pixels, kind = to_rgb(image, str(task.source)), image.format
        data = _convert(pixels, kind, data, conversion, task.source)
    except DataError as error:
        return FileResult(task, fault=str(error))
    except OSError as error:
        return FileResult(task, fault=f'{task.source} cannot be read: {error}')
    if task.source != task.target:
        write_whole(task.target, data)
    return FileResult(task, pixels.shape[:2])


def write_whole(path: Path, data: bytes) -> None:
    """Write a file that is complete as soon as it has its name.

    Raises:
        DataError: it cannot be written.
    """
    partial = path.with_name(f'.{path.name}.{os.getpid()}{PARTIAL_SUFFIX}')
    try:
        partial.write_bytes(data)
        os.replace(partial, path)
    except OSError as error:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise DataError(
            f'{path} cannot be written ({error.strerror or error}): make room and see '
            'to the permissions there, or name another folder'
        ) from error


def make_parent(path: Path) -> None:
    """Make the folder that a file or a folder is about to be written to.

    Raises:
        DataError: it cannot be made.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(
            f'{path} cannot be written, as its folder cannot be made '
            f'({error.strerror or error}): name another place'
        ) from error


def _convert_batch(
    tasks: Sequence[FileTask], conversion: Conversion
) -> list[FileResult]:
    return [convert_file(task, conversion) for task in tasks]


def _convert(
    pixels: np.ndarray,
    kind: str | None,
    data: bytes,
    conversion: Conversion,
    source: Path,
) -> bytes:
    height, width = pixels.shape[:2]
    if conversion.square and width != height:
        raise DataError(
            f'{source} is {width} wide and {height} high, in a set of square pictures'
        )
    first, last = _columns(width, conversion.crop)
    size = conversion.size or (height, last - first)
    unchanged = (first, last) == (0, width) and size == (height, width)
    if unchanged and kind == FILE_TYPES[conversion.file_type]:
        return data
    image = Image.fromarray(pixels)
    if (first, last) != (0, width):
        image = image.crop((first, 0, last, height))
    if image.size != size[::-1]:
        resampling = Image.Resampling[conversion.filter.upper()]
        image = image.resize(size[::-1], resampling)
    return _encode(image, conversion)


def _columns(width: int, crop: tuple[int, int, int] | None) -> tuple[int, int]:
    if crop is None:
        return 0, width
    first, last, whole = crop
    return round(first * width / whole), round(last * width / whole)


def _encode(image: Image.Image, conversion: Conversion) -> bytes:
    stream = io.BytesIO()
    kind = FILE_TYPES[conversion.file_type]
    # PNG takes no notice of the two; subsampling 0 is 4:4:4.
    image.save(stream, kind, quality=conversion.quality, subsampling=0)
    return stream.getvalue()
