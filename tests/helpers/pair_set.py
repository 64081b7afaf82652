"""A tiny set of coloured stick figures in the upstream formats, for tests.

Every figure is seen in several poses. A limb is a capsule with a colour gradient along
it, so the true flow between two poses of a figure is known in closed form.
"""

from __future__ import annotations

from itertools import permutations
from pathlib import Path

import numpy as np
from PIL import Image

from posegen.codecs.joints import DEFAULT_PARTS, LIMBS
from posegen.datasets.annotations import write_annotations, write_pairs

# x, y of the 18 joints in a frame of height 1, the body around x = 0.
STANDING = np.array(
    [
        *[(0, 0.12), (0, 0.22)],
        *[(-0.08, 0.23), (-0.11, 0.37), (-0.12, 0.49)],
        *[(0.08, 0.23), (0.11, 0.37), (0.12, 0.49)],
        *[(-0.05, 0.50), (-0.06, 0.70), (-0.06, 0.90)],
        *[(0.05, 0.50), (0.06, 0.70), (0.06, 0.90)],
        *[(-0.02, 0.10), (0.02, 0.10), (-0.04, 0.11), (0.04, 0.11)],
    ]
)
BACKGROUND = np.array([90, 110, 130], dtype=np.float32)
NOWHERE = -1


def write_pair_set(
    root: str | Path,
    num_people: int = 2,
    views: int = 2,
    size: tuple[int, int] = (64, 64),
    truth: bool = False,
    seed: int = 0,
    split: str = 'train',
) -> dict:
    """Write images, annotation, all ordered pairs of each person, and the truth.

    Args:
        root: folder to fill, made if it is not there. The layout is that of the
            synthetic people: ``<split>/<person>_<view>.png``,
            ``synthetic-annotation-<split>.csv``, ``synthetic-pairs-<split>.csv`` and
            ``truth/<split>/<from stem>___<to stem>.npz``.
        num_people: figures; the last view of each misses its right ear.
        views: poses a figure.
        size: (height, width) of the images.
        truth: write flow, visibility and part labels of every pair.
        seed: of colours and poses; the same seed gives the same files.
        split: name of the split; call again with another seed for a test split.

    Returns:
        The arguments of ``PosePairDataset`` that read the set.
    """
    root, rng = Path(root), np.random.default_rng(seed)
    (root / split).mkdir(parents=True, exist_ok=True)
    annotations, pairs = {}, []
    for person in range(num_people):
        colours = rng.uniform(40, 255, (len(LIMBS), 3)).astype(np.float32)
        poses = {f'{person:04d}_{v}.png': _pose(size, rng) for v in range(views)}
        for name, joints in poses.items():
            Image.fromarray(_draw(joints, colours, size)).save(root / split / name)
            annotations[name] = _keypoints(joints, size)
        annotations[name][16] = 0
        pairs += permutations(poses, 2)
        if truth:
            _write_truth(root / 'truth' / split, poses, size)
    write_annotations(
        root / f'synthetic-annotation-{split}.csv',
        list(annotations),
        np.stack(list(annotations.values())),
    )
    write_pairs(root / f'synthetic-pairs-{split}.csv', pairs)
    kwargs = {
        'data_root': str(root),
        'image_dir': split,
        'annotation_file': f'synthetic-annotation-{split}.csv',
        'pair_file': f'synthetic-pairs-{split}.csv',
        'image_size': size,
        'annotation_size': size,
        'scaling': 'center',
    }
    return kwargs | ({'truth_dir': f'truth/{split}'} if truth else {})


def _pose(size: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Joints (18, 2) in pixels: the standing figure, shaken and moved."""
    joints = STANDING + rng.normal(0, 0.02, STANDING.shape)
    joints *= [1, 0.95]
    middle = [size[1] / 2 + rng.uniform(-0.05, 0.05) * size[1], 0.02 * size[0]]
    return (joints * size[0] + middle).astype(np.float32)


def _keypoints(joints: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """(18, 3); joints outside the frame are missing, as a detector would have it."""
    last = np.array([size[1] - 1, size[0] - 1])
    inside = ((joints >= 0) & (joints <= last)).all(1, keepdims=True)
    return np.hstack([joints * inside, inside]).astype(np.float32)


def _limb_map(
    joints: np.ndarray, size: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Topmost limb of each pixel (H, W), and (along, across) coordinates (L, H, W, 2).

    ``along`` runs from 0 to 1 between the limb's ends, ``across`` is in pixels.
    """
    pixels = np.stack(np.mgrid[: size[0], : size[1]][::-1], -1).astype(np.float32)
    start, step = _starts_and_steps(joints)
    offset = pixels - start[:, None, None]
    length = np.linalg.norm(step, axis=-1)
    along = np.einsum('lhwc,lc->lhw', offset, step / length[:, None] ** 2)
    normal = np.stack([-step[:, 1], step[:, 0]], -1) / length[:, None]
    across = np.einsum('lhwc,lc->lhw', offset, normal)
    beyond = (along - along.clip(0, 1)) * length[:, None, None]
    covered = np.hypot(beyond, across) <= 0.035 * size[0]
    top = len(LIMBS) - 1 - covered[::-1].argmax(0)
    owner = np.where(covered.any(0), top, NOWHERE)
    return owner, np.stack([along, across], -1)


def _starts_and_steps(joints: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    ends = joints[np.array(LIMBS)]
    return ends[:, 0], ends[:, 1] - ends[:, 0]


def _draw(joints: np.ndarray, colours: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """uint8 (H, W, 3)."""
    owner, local = _limb_map(joints, size)
    along = np.take_along_axis(local[..., 0], owner[None].clip(0), 0)[0].clip(0, 1)
    figure = colours[owner] * (0.5 + 0.5 * along[..., None])
    return np.where(owner[..., None] == NOWHERE, BACKGROUND, figure).astype(np.uint8)


def _write_truth(
    folder: Path, poses: dict[str, np.ndarray], size: tuple[int, int]
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for source, target in permutations(poses, 2):
        name = f'{Path(source).stem}___{Path(target).stem}.npz'
        np.savez(folder / name, **_truth(poses[source], poses[target], size))


def _truth(
    source: np.ndarray, target: np.ndarray, size: tuple[int, int]
) -> dict[str, np.ndarray]:
    """Flow target -> source, visibility and part labels."""
    owner, local = _limb_map(target, size)
    y, x = np.mgrid[: size[0], : size[1]]
    along, across = np.moveaxis(local[owner.clip(0), y, x], -1, 0)
    start, step = _starts_and_steps(source)
    normal = np.stack([-step[:, 1], step[:, 0]], -1)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    place = start[owner] + along[..., None] * step[owner]
    place += across[..., None] * normal[owner]
    flow = np.where(owner[..., None] == NOWHERE, 0, place - np.stack([x, y], -1))
    column, row = np.moveaxis(place.round().astype(int), -1, 0)
    inside = (row >= 0) & (row < size[0]) & (column >= 0) & (column < size[1])
    source_owner, _ = _limb_map(source, size)
    seen = source_owner[row.clip(0, size[0] - 1), column.clip(0, size[1] - 1)] == owner
    return {
        'flow': np.moveaxis(flow, -1, 0).astype(np.float32),
        'visibility': (owner != NOWHERE) & inside & seen,
        'part_labels': np.where(owner == NOWHERE, 0, _limb_parts()[owner]),
    }


def _limb_parts() -> np.ndarray:
    """Part label of each limb: 1 head, 2 torso and arms, 3 leg."""
    head, _, leg = (set(joints) for joints in DEFAULT_PARTS.values())
    labels = [1 if {*ab} <= head else 3 if {*ab} <= leg else 2 for ab in LIMBS]
    return np.array(labels, dtype=np.uint8)
