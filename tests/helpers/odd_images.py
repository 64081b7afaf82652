"""Pictures as people bring them: any mode, orientation and type, with plain pixels."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st
from PIL import Image

ORIENTATION = 0x0112  # the EXIF tag
#: Stored pixels that each orientation turns into the upright ones.
STORED = {
    1: lambda x: x,
    2: lambda x: x[:, ::-1],
    3: lambda x: x[::-1, ::-1],
    4: lambda x: x[::-1],
    5: lambda x: x.swapaxes(0, 1),
    6: lambda x: np.rot90(x, 1),
    7: lambda x: np.rot90(x, 2).swapaxes(0, 1),
    8: lambda x: np.rot90(x, -1),
}
#: Types without loss, and the modes that Pillow writes in each.
TYPES = {
    'png': ('RGB', 'L', 'P', 'LA', 'RGBA', 'I;16'),
    'tif': ('RGB', 'L', 'P', 'LA', 'RGBA', 'CMYK', 'I;16', 'I;16B', 'F', 'I', 'LAB'),
    'webp': ('RGB', 'RGBA'),
}
#: Modes of no known way to RGB.
REFUSED = ('I', 'LAB')
#: Modes that evaluation does not score.
UNSCORED = (*REFUSED, 'LA', 'RGBA', 'I;16', 'I;16B', 'F')


@dataclass(frozen=True)
class OddImage:
    """A picture in a file, and what is to be seen.

    Attributes:
        pixels: uint8 (H, W, 3), upright and on white.
        data: of the file.
        mode: of Pillow.
        kind: ending of the file, without the dot.
        orientation: EXIF's.
    """

    pixels: np.ndarray
    data: bytes
    mode: str
    kind: str
    orientation: int


def make_odd(
    seed: int,
    size: tuple[int, int] = (5, 7),
    mode: str = 'RGB',
    kind: str = 'png',
    orientation: int = 1,
) -> OddImage:
    """Noise in one of the forms above."""
    rng = np.random.default_rng(seed)
    color = rng.integers(0, 256, (*size, 3), dtype=np.uint8)
    if mode not in ('RGB', 'P', 'RGBA', 'CMYK', 'LAB'):
        color[:] = color[..., :1]
    if mode == 'P':
        color = rng.integers(0, 256, (9, 3), dtype=np.uint8)[color[..., 0] % 9]
    alpha = np.where(rng.random(size) < 0.5, 0, 255).astype(np.uint8)[..., None]
    has_alpha = mode.endswith('A')
    shown = np.where(alpha > 0, color, 255).astype(np.uint8) if has_alpha else color
    stored = np.concatenate([color, alpha], axis=2)
    image = _IMAGES[mode](np.ascontiguousarray(STORED[orientation](stored)))
    options: dict[str, Any] = {}
    if orientation != 1:
        options['exif'] = Image.Exif()
        options['exif'][ORIENTATION] = orientation
    if kind == 'webp':
        options |= dict(lossless=True, exact=True)
    buffer = io.BytesIO()
    image.save(buffer, {'tif': 'tiff'}.get(kind, kind), **options)
    return OddImage(shown, buffer.getvalue(), mode, kind, orientation)


def _palette(stored: np.ndarray) -> Image.Image:
    colors, places = np.unique(
        stored[..., :3].reshape(-1, 3), axis=0, return_inverse=True
    )
    image = Image.fromarray(places.reshape(stored.shape[:2]).astype(np.uint8))
    image.putpalette(colors.tobytes())
    return image


_IMAGES: dict[str, Callable[[np.ndarray], Image.Image]] = {
    'RGB': lambda x: Image.fromarray(x[..., :3].copy()),
    'L': lambda x: Image.fromarray(x[..., 0].copy()),
    'P': _palette,
    'LA': lambda x: Image.merge('LA', [*map(Image.fromarray, _planes(x[..., 2:]))]),
    'RGBA': lambda x: Image.fromarray(x),
    'CMYK': lambda x: Image.fromarray(x[..., :3].copy()).convert('CMYK'),
    'LAB': lambda x: Image.merge('LAB', [*map(Image.fromarray, _planes(x[..., :3]))]),
    'I;16': lambda x: Image.fromarray(x[..., 0] * np.uint16(257)),
    'I;16B': lambda x: Image.fromarray((x[..., 0] * np.uint16(257)).astype('>u2')),
    'I': lambda x: Image.fromarray(x[..., 0].astype(np.int32)),
    'F': lambda x: Image.fromarray(x[..., 0].astype(np.float32) / 255),
}


def _planes(pixels: np.ndarray) -> list[np.ndarray]:
    return [np.ascontiguousarray(plane) for plane in np.moveaxis(pixels, 2, 0)]


def forms(orientations: tuple[int, ...] = (1, 6)) -> list[tuple[str, str, int]]:
    """(mode, kind, orientation) of all forms, for parametrised tests."""
    return [
        (mode, kind, orientation)
        for kind, modes in TYPES.items()
        for mode in modes
        for orientation in orientations
    ]


@st.composite
def odd_images(draw: st.DrawFn) -> OddImage:
    """Any of these forms, of any small size."""
    kind = draw(st.sampled_from(sorted(TYPES)))
    return make_odd(
        draw(st.integers(0, 2**32 - 1)),
        (draw(st.integers(1, 9)), draw(st.integers(1, 9))),
        draw(st.sampled_from(TYPES[kind])),
        kind,
        draw(st.sampled_from(sorted(STORED))),
    )
