"""What the json formats share: reading with every fault named, and numbers."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from posegen.utils.errors import DataError

from .layouts import Layout, to_canonical


def load_json(path: str | os.PathLike) -> Any:
    """Content of a json file, also gzip'ed (``.gz``).

    Raises:
        DataError: the file is missing, cut off or not json.
    """
    try:
        data = Path(path).read_bytes()
        text = gzip.decompress(data) if str(path).endswith('.gz') else data
        return json.loads(text.decode('utf-8-sig'))
    except FileNotFoundError:
        raise DataError(f'{path} does not exist; check the path') from None
    except (OSError, EOFError, ValueError, RecursionError) as error:
        raise DataError(f'{path} cannot be read as json: {error}') from error


def as_numbers(values: Any, where: str) -> np.ndarray:
    """Nested lists of numbers and nulls to float64; null becomes NaN.

    Raises:
        DataError: something else is in them, or they are ragged; it names ``where``.
    """
    try:
        array = np.array(values, dtype=object)
        if any(isinstance(value, str | bool) for value in array.flat):
            raise TypeError
        return array.astype(np.float64)
    except (TypeError, ValueError, OverflowError):
        raise DataError(f'{where} must hold finite numbers only') from None


def canonical(keypoints: np.ndarray, layout: str | Layout, where: str) -> np.ndarray:
    """:func:`to_canonical`, with the place in its errors.

    Raises:
        DataError: a present joint is not finite.
    """
    try:
        with np.errstate(over='ignore'):
            return to_canonical(keypoints, layout)
    except ValueError:
        raise DataError(f'{where} must hold finite numbers only') from None


def short(value: float) -> int | float:
    """The number with the fewest digits that is the same in float32."""
    value = np.float32(value)
    return int(value) if value == np.trunc(value) else float(str(value))


def most_certain(people: np.ndarray) -> np.ndarray:
    """The person with the highest sum of scores, as published lists choose.

    Args:
        people: ``(P, J, 3)`` x, y, score, P at least 1.
    """
    return people[people[..., 2].astype(np.float64).sum(-1).argmax()]
