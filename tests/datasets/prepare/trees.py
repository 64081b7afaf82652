"""Small raw trees and lists with real-looking names, as the published sets unpack."""

from __future__ import annotations

import io
import random
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

VIEWS = ('1_front', '2_side', '3_back')
HIGH_RES, CANVAS = (1101, 750), (256, 256)  # (height, width)
OUTFITS = {
    'train': [
        ('WOMEN', 'Tees_Tanks', '00007962', '09'),
        ('MEN', 'Denim', '00000080', '01'),
        ('WOMEN', 'Rompers_Jumpsuits', '00001045', '07'),
    ],
    'test': [
        ('MEN', 'Shirts_Polos', '00001802', '02'),
        ('WOMEN', 'Skirts', '00000629', '04'),
    ],
}
# x on 256 columns, y on 256 rows, of a standing person.
JOINTS = [
    *[(128, 30), (128, 60), (100, 62), (92, 100), (90, 135), (156, 62), (164, 100)],
    *[(166, 135), (112, 140), (110, 190), (110, 240), (144, 140), (146, 190)],
    *[(146, 240), (122, 26), (134, 26), (116, 30), (140, 30)],
]


@dataclass(frozen=True)
class Photo:
    """A DeepFashion image of the tests under its three names."""

    gender: str
    category: str
    item: str
    look: str
    view: str

    @property
    def nested(self) -> str:
        return (
            f'{self.gender}/{self.category}/id_{self.item}/{self.look}_{self.view}.jpg'
        )

    @property
    def flat(self) -> str:
        view = self.view.replace('_', '')
        return f'fashion{self.gender}{self.category}id{self.item}{self.look}_{view}.jpg'

    @property
    def multimodal(self) -> str:
        parts = (self.gender, self.category, f'id_{self.item}')
        return f'{"-".join(parts)}-{self.look}_{self.view}.jpg'


def deepfashion_photos(split: str) -> list[Photo]:
    return [Photo(*outfit, view) for outfit in OUTFITS[split] for view in VIEWS]


def all_photos() -> list[Photo]:
    return deepfashion_photos('train') + deepfashion_photos('test')


def jpeg(size: tuple[int, int], seed: int | str, quality: int = 90) -> bytes:
    """A smooth coloured picture of (height, width), the same for the same seed."""
    rng = np.random.default_rng(random.Random(seed).getrandbits(32))
    coarse = Image.fromarray(rng.integers(0, 255, (12, 8, 3), dtype=np.uint8))
    stream = io.BytesIO()
    coarse.resize(size[::-1], Image.Resampling.BICUBIC).save(
        stream, 'JPEG', quality=quality
    )
    return stream.getvalue()


def write_deepfashion_tree(
    top: Path, size: tuple[int, int] = CANVAS, style: str = 'nested'
) -> dict[str, Path]:
    """Write all photos below ``top``; returns the file of each flat name."""
    files = {}
    for photo in all_photos():
        path = top / getattr(photo, style)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(jpeg(size, photo.flat))
        files[photo.flat] = path
    return files


def annotation_row(name: str, joints: list[tuple[int, int]], shift: int = 0) -> str:
    """A line as the published files have it; y first. (-1, -1) stays."""
    xs = [x if x == -1 else x - shift for x, _ in joints]
    return f'{name}: {[y for _, y in joints]}: {xs}\n'


def joints_of(index: int) -> list[tuple[int, int]]:
    """The standing person moved a little; every third has no right ear."""
    joints = [(x + index % 7, y - index % 3) for x, y in JOINTS]
    if index % 3 == 2:
        joints[16] = (-1, -1)
    return joints


def write_annotation(path: Path, names: list[str], shift: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = (annotation_row(n, joints_of(i), shift) for i, n in enumerate(names))
    path.write_text('name:keypoints_y:keypoints_x\n' + ''.join(rows))
    return path


def write_deepfashion_lists(
    folder: Path, shift: int = 0, prefix: str = 'fasion'
) -> Path:
    for split in OUTFITS:
        names = [photo.flat for photo in deepfashion_photos(split)]
        kind = f'{prefix}-resize-annotation' if shift else f'{prefix}-annotation'
        write_annotation(folder / f'{kind}-{split}.csv', names, shift)
        (folder / f'{split}.lst').write_text('\n'.join(reversed(names)) + '\n')
    return folder


MARKET = {
    'train': ['0002_c1s1_000451_03.jpg', '0002_c2s1_000301_01.jpg']
    + ['0007_c3s3_077419_03.jpg', '0007_c2s3_071002_01.jpg']
    + ['0007_c1s6_028571_01.jpg'],
    'test': ['1488_c5s3_071862_01.jpg.jpg', '1488_c4s6_022241_02.jpg']
    + ['-1_c1s1_000401_03.jpg', '0000_c1s1_000151_01.jpg']
    + ['0003_c1s6_015971_01.jpg', '0003_c4s6_015641_01.jpg'],
}


def write_market_tree(top: Path, folders: str = 'bounding_box_{}') -> Path:
    for split, names in MARKET.items():
        folder = top / folders.format(split)
        folder.mkdir(parents=True)
        for name in names:
            (folder / name).write_bytes(jpeg((128, 64), name))
        (folder / 'Thumbs.db').write_bytes(b'windows')
    for other in ('query', 'gt_bbox'):  # these repeat names
        (top / other).mkdir(parents=True)
        (top / other / MARKET['test'][1]).write_bytes(jpeg((128, 64), other))
    return top


def write_market_lists(folder: Path) -> Path:
    for split, names in MARKET.items():
        path = folder / f'market-annotation-{split}.csv'
        path.parent.mkdir(parents=True, exist_ok=True)
        rows = (
            annotation_row(name, [_small(joint) for joint in joints_of(i)])
            for i, name in enumerate(names)
        )
        path.write_text('name:keypoints_y:keypoints_x\n' + ''.join(rows))
    return folder


def _small(joint: tuple[int, int]) -> tuple[int, int]:
    x, y = joint
    return joint if x == -1 else ((x - 40) // 3, y // 2)


def contents(folder: Path) -> dict[str, bytes]:
    """All files below a folder, by relative path."""
    files = (path for path in folder.rglob('*') if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}
