"""From file names to pixels and true flows."""

from __future__ import annotations

import io
import zlib
from typing import Any
from zipfile import BadZipFile

import numpy as np
from mmengine import fileio

from posegen.registry import TRANSFORMS
from posegen.utils.errors import ConfigError, DataError
from posegen.utils.images import decode_image

from .common import SIDES, TRUTH_TYPES

_BROKEN_TRUTH = (OSError, ValueError, KeyError, EOFError, BadZipFile, zlib.error)


@TRANSFORMS.register_module()
class LoadPairImages:
    """Read both images through MMEngine's file backends.

    Needs ``source_path``, ``target_path`` and, for other places than local disks,
    ``backend_args``; adds ``source_image``, ``target_image``: uint8 ``(H, W, 3)`` RGB.
    """

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        for side in SIDES:
            path = results[f'{side}_path']
            data = _read_bytes(path, results.get('backend_args'))
            results[f'{side}_image'] = decode_image(data, path)
        return results


@TRANSFORMS.register_module()
class LoadTruth:
    """Read the pair's true flow, visibility and part labels from ``truth_path``.

    Adds ``flow`` ``(2, H, W)`` float32, target to source in pixels; ``visibility``
    ``(H, W)`` bool; ``part_labels`` ``(H, W)`` uint8: 0 background, 1 head, 2 torso and
    arms, 3 leg; ``has_truth``; and ``same_place``, whether both images show the same
    background at the same place, which a file may deny. Where ``truth_path`` is None,
    the pair has no truth: ``has_truth`` is False and nothing else is added.

    The truth may be of the size that both images are stored at, which
    :class:`ResizePair` and the transforms in its place then bring to ``image_size``, or
    of ``image_size`` itself. Comes before the transforms that move images: they move
    the truth along; and before those that resize, unless it is of ``image_size``.

    Raises:
        ConfigError: the dataset has no truth, or the images have been moved.
        DataError: the file cannot be read, or an array is missing or not of its type
            or of one of these sizes.
    """

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        _check_place(results)
        path = results['truth_path']
        if path is None:
            return results | {'has_truth': False}
        data = _read_bytes(path, results.get('backend_args'))
        try:
            with np.load(io.BytesIO(data)) as file:
                truth = {key: file[key] for key in TRUTH_TYPES}
                same_place = bool(file['same_place']) if 'same_place' in file else True
        except _BROKEN_TRUTH as error:
            raise DataError(
                f'{path} does not hold the arrays {", ".join(TRUTH_TYPES)}: {error}'
            ) from error
        size, stored = tuple(results['image_size']), _stored_size(results)
        fits_stored = stored is not None and truth['part_labels'].shape == stored
        _check_arrays(truth, stored if fits_stored else size, path, size, stored)
        frame = 'image' if fits_stored else 'image_size'
        notes = dict(has_truth=True, truth_frame=frame, same_place=same_place)
        return results | truth | notes


def _stored_size(results: dict[str, Any]) -> tuple[int, int] | None:
    """(height, width) of both images before they are resized; None if they differ."""
    if 'resized_by' in results or 'target_image' not in results:
        return None
    source, target = (results[f'{side}_image'].shape[:2] for side in SIDES)
    return target if source == target else None


def _check_arrays(
    truth: dict[str, np.ndarray],
    expected: tuple[int, int],
    path: str,
    size: tuple[int, int],
    stored: tuple[int, int] | None,
) -> None:
    for key, array in truth.items():
        shape = (2, *expected) if key == 'flow' else expected
        if array.shape != shape or array.dtype != TRUTH_TYPES[key]:
            other = stored not in (None, size)
            raise DataError(
                f'{path}: {key} must be {np.dtype(TRUTH_TYPES[key])} {shape} at '
                f'image_size {size}'
                + f' or of the stored images, {stored}' * other
                + f', got {array.dtype} {array.shape}'
            )


def _check_place(results: dict[str, Any]) -> None:
    if 'truth_path' not in results:
        raise ConfigError(
            "LoadTruth needs a dataset with truth_dir, or with truth_missing='empty'; "
            'got neither'
        )
    if 'moved_by' in results:
        raise ConfigError(
            f'LoadTruth must come before {results["moved_by"]} in the pipeline, which '
            'then moves the truth with the images'
        )


def _read_bytes(path: str, backend_args: dict | None) -> bytes:
    try:
        data = fileio.get(path, backend_args=backend_args)
    except OSError as error:
        raise DataError(f'{path} cannot be read: {error}') from error
    if data is None:  # what a key-value store says of a key that it does not have
        raise DataError(f'{path} cannot be read: the store has no such key')
    return bytes(data)
