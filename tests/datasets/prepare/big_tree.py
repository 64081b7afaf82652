"""Write a large raw tree with its lists, to measure the prepare scripts on.

    python tests/datasets/prepare/big_tree.py OUT [--images 20000] [--size 256x256]

writes ``OUT/img/<GENDER>/<Category>/id_XXXXXXXX/NN_v_view.jpg`` and ``OUT/lists``. The
pictures are coloured patches with noise, of the size in bytes that photos have; 200
different ones are repeated.
"""

from __future__ import annotations

import argparse
import io
import sys
from pathlib import Path

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from posegen.utils.sizes import parse_size
from tests.datasets.prepare.trees import Photo, write_annotation

WORDS = ('1_front', '2_side', '3_back', '4_full', '7_additional')
DIFFERENT = 200


def photos(count: int) -> list[Photo]:
    """Five views an outfit."""
    outfits = range(-(-count // len(WORDS)))
    names = [
        ('WOMEN', 'Tees_Tanks', f'{i:08d}', '01', w) for i in outfits for w in WORDS
    ]
    return [Photo(*name) for name in names[:count]]


def picture(size: tuple[int, int], rng: np.random.Generator) -> bytes:
    """A JPEG of quality 90."""
    coarse = rng.integers(0, 255, (size[0] // 16, size[1] // 16, 3), dtype=np.uint8)
    image = Image.fromarray(coarse).resize(size[::-1], Image.Resampling.BICUBIC)
    noisy = np.asarray(image) + rng.normal(0, 6, (*size, 1))
    stream = io.BytesIO()
    Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(
        stream, 'JPEG', quality=90
    )
    return stream.getvalue()


def write_big_tree(out: Path, count: int, size: tuple[int, int]) -> None:
    """Nine tenths of the outfits are for training."""
    rng = np.random.default_rng(0)
    pictures = [picture(size, rng) for _ in range(min(count, DIFFERENT))]
    every = photos(count)
    for i, photo in enumerate(every):
        path = out / 'img' / photo.nested
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(pictures[i % len(pictures)])
    border = count * 9 // 10 // len(WORDS) * len(WORDS)
    for split, part in (('train', every[:border]), ('test', every[border:])):
        names = [photo.flat for photo in part]
        write_annotation(out / f'lists/fasion-annotation-{split}.csv', names)
        (out / f'lists/{split}.lst').write_text('\n'.join(names) + '\n')


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('out', type=Path)
    parser.add_argument('--images', type=int, default=20000)
    parser.add_argument('--size', type=parse_size, default=(256, 256))
    args = parser.parse_args()
    write_big_tree(args.out, args.images, args.size)
    print(f'{args.out}: {args.images} images')


if __name__ == '__main__':
    main()
