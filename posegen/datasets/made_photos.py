"""Pictures that cost as much to decode as photos do, for timing without any data."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from posegen.codecs.joints import NUM_JOINTS
from posegen.utils.images import save_image

from .annotations import write_annotations, write_pairs

NUM_SHAPES = 16
SHARE_PRESENT = 0.8


def make_photo(size: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """A picture ``(H, W, 3)`` uint8 of soft light, bodies with edges, and stripes.

    There is no noise in it. At 256x256 a JPEG of it takes about 15 KB, at 128x64
    about 4 KB, as the photos of DeepFashion and Market-1501 do.
    """
    height, width = size
    light = rng.integers(60, 200, (4, 3, 3), dtype=np.uint8)
    canvas = Image.fromarray(light).resize((width, height), Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(canvas)
    for _ in range(NUM_SHAPES):
        x, y = rng.uniform(0, width), rng.uniform(0, height)
        a, b = rng.uniform(0.01, 0.12, 2) * height
        colour = tuple(rng.integers(0, 256, 3).tolist())
        draw.ellipse((x - a, y - b, x + a, y + b), fill=colour)
    left, top = rng.uniform(0.2, 0.4, 2) * [width, height]
    for y in np.arange(top, top + 0.3 * height, max(3, height / 40)):
        draw.line((left, y, left + 0.4 * width, y + 2), fill=(230, 230, 230))
    return np.array(canvas.filter(ImageFilter.GaussianBlur(0.5)))


def make_photo_pairs(
    folder: str | Path, size: tuple[int, int], people: int = 16, seed: int = 0
) -> dict[str, Any]:
    """Write JPEGs of ``size``, four of each person, their joints and all pairs.

    Returns:
        The arguments of ``PosePairDataset`` that say where they are.
    """
    folder, rng = Path(folder), np.random.default_rng(seed)
    names = [
        f'{person:04d}_{view}.jpg' for person in range(people) for view in range(4)
    ]
    for name in names:
        save_image(folder / 'images' / name, make_photo(size, rng))
    points = rng.integers(0, [size[1], size[0]], (len(names), NUM_JOINTS, 2))
    present = rng.random((len(names), NUM_JOINTS, 1)) < SHARE_PRESENT
    write_annotations(
        folder / 'annotation.csv', names, np.concatenate([points, present], -1)
    )
    views = (names[i : i + 4] for i in range(0, len(names), 4))
    write_pairs(
        folder / 'pairs.csv', [pair for four in views for pair in permutations(four, 2)]
    )
    return {
        'data_root': str(folder),
        'image_dir': 'images',
        'annotation_file': 'annotation.csv',
        'pair_file': 'pairs.csv',
        'annotation_size': size,
    }
