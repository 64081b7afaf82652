"""Photos of any size and joints of any kind: a picture, or one clear sentence."""

from __future__ import annotations

import numpy as np
import pytest

from posegen.apis import PoseTransferInferencer, list_models
from posegen.utils.errors import PosegenError
from tests.apis.toy import Composer

KINDS = ('whole', 'half', 'one limb', 'one joint', 'thin', 'point', 'out', 'far')


def random_size(rng: np.random.Generator) -> tuple[int, int]:
    """Any (height, width), one in four of them very thin."""
    height, width = (int(rng.integers(1, limit)) for limit in (701, 501))
    thin = int(rng.integers(1, 4))
    match rng.integers(8):
        case 0:
            return height, thin
        case 1:
            return thin, width
    return height, width


def random_pose(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """(18, 3) joints on a picture of that size, with what may be wrong with them."""
    pose = np.ones((18, 3), np.float32)
    pose[:, :2] = rng.uniform(0, size[::-1], (18, 2))
    match KINDS[rng.integers(len(KINDS))]:
        case 'half':
            pose[rng.random(18) < 0.5, 2] = 0
        case 'one limb':
            pose[:, 2] = np.isin(np.arange(18), (2, 3))
        case 'one joint':
            pose[1:, 2] = 0
        case 'thin':
            pose[:, 0] = size[1] / 2
        case 'point':
            pose[:, :2] = pose[0, :2]
        case 'out':
            pose[:, :2] += rng.choice((-1, 1), 2) * 1000
        case 'far':
            pose[:, :2] *= 10.0 ** rng.integers(1, 36)
    return pose


def check_photos(inferencer: PoseTransferInferencer, count: int) -> int:
    """How many of them gave a picture; all others one sentence."""
    rng = np.random.default_rng(0)
    pictures = 0
    for _ in range(count):
        size = random_size(rng)
        photo = np.full((*size, 3), rng.integers(256), np.uint8)
        try:
            result = inferencer(photo, random_pose(rng, size), random_pose(rng, size))
        except PosegenError as error:
            assert '\n' not in str(error) and str(error).endswith('.')
            continue
        assert result.images[0].shape == photo.shape
        maps = [result.canvas, result.masks, result.painted]
        maps += [*result.flow.values(), *result.visibility.values()]
        assert all(x.isfinite().all() for x in maps if x is not None)
        pictures += 1
    return pictures


def test_a_hundred_photos_composed():
    inferencer = PoseTransferInferencer(Composer(None, None), size=(64, 32))
    assert check_photos(inferencer, 100) > 40


@pytest.mark.parametrize('name', list_models('*_synthetic-128x64_tiny'))
def test_every_method(name):
    count = 100 if name.startswith('limbwarp') else 12
    inferencer = PoseTransferInferencer(name, 'random', 'cpu')
    assert check_photos(inferencer, count) > 0.3 * count
