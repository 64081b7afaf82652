"""The truth follows the images."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch.nn.functional import max_pool2d

from posegen.datasets.draws import Draw
from posegen.datasets.transforms import AffinePair, CropPair, FlipPair, ResizePair
from posegen.datasets.transforms.affine import Jitter, affine_matrix
from posegen.datasets.transforms.truth import move_truth, resize_matrix
from posegen.models.ops import flow_warp
from tests.datasets.transforms.helpers import (
    FLOW,
    SIZE,
    find_blob,
    make_results,
    make_truth,
    put_blob,
)

WILD = {'angle': 30.0, 'shift': 4.0, 'scale': (0.8, 1.3)}


def test_an_identity_changes_no_truth():
    truth = make_truth()
    moved = move_truth(truth, np.eye(3), np.eye(3))
    for key, array in truth.items():
        np.testing.assert_allclose(moved[key], array, atol=1e-5)
        assert moved[key].dtype == array.dtype


@pytest.mark.parametrize('seed', range(4))
def test_the_flow_follows_both_images(seed):
    """The true flow of the moved pair is known in closed form."""
    rng = np.random.default_rng(seed)
    source, target = (Jitter(**WILD).draw(rng, SIZE) for _ in range(2))
    moved = move_truth(make_truth(), source, target)
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    here = np.stack([columns, rows, np.ones(SIZE)]).reshape(3, -1)
    old = np.eye(3)
    old[:2] = np.column_stack([FLOW, [3, -2]])
    there = (source @ old @ np.linalg.inv(target) @ here)[:2]
    expected = (there - here[:2]).reshape(2, *SIZE)
    seen = moved['visibility']
    assert 0.2 < seen.mean() < 1
    error = np.abs(moved['flow'] - expected)[:, seen]
    bound = 0.5 * np.abs(source[:2, :2] @ (FLOW - np.eye(2))).sum(1).max()
    assert error.max() <= bound + 1e-3
    ends = there.reshape(2, *SIZE)[:, seen]
    assert (ends > -0.5 - bound).all()
    assert (ends[0] < SIZE[1] - 0.5 + bound).all()
    before = (np.linalg.inv(target) @ here)[:2].reshape(2, *SIZE)
    outside = (before < -0.5).any(0) | (before[0] > SIZE[1] - 0.5)
    outside |= before[1] > SIZE[0] - 0.5
    assert outside.any()
    assert not moved['visibility'][outside].any()
    assert not moved['part_labels'][outside].any()
    assert not moved['flow'][:, outside].any()
    labels = np.floor((np.rint(before[0]) * 4) / SIZE[1])
    np.testing.assert_array_equal(moved['part_labels'][~outside], labels[~outside])


def test_a_constant_flow_stays_exact():
    truth = make_truth() | {'flow': np.full((2, *SIZE), 2, np.float32)}
    source = affine_matrix(SIZE, shift=(1.5, 0))
    target = affine_matrix(SIZE, shift=(-0.75, 4))
    moved = move_truth(truth, source, target)
    x, y = moved['flow'][:, 6:-4, 4:-4]
    np.testing.assert_allclose(x, 2 + 1.5 + 0.75, atol=1e-5)
    np.testing.assert_allclose(y, 2 - 4, atol=1e-5)


def test_the_moved_flow_takes_the_moved_target_to_the_moved_source():
    """A spot that the flow leads to is still where the flow leads to."""
    results = make_results(index=Draw(0, 2, 0), **make_truth())
    point = np.array([14.0, 20.0])
    put_blob(results['target_image'], *point, sigma=1)
    put_blob(results['source_image'], *(FLOW @ point + [3, -2]), sigma=1)
    jitter = {'angle': 20.0, 'shift': 3.0, 'scale': (0.9, 1.1)}
    moved = AffinePair(jitter, jitter, resample='bilinear', fill=(0, 0, 0))(results)
    here = np.array(find_blob(moved['target_image']))
    column, row = np.rint(here).astype(int)
    there = here + moved['flow'][:, row, column]
    np.testing.assert_allclose(there, find_blob(moved['source_image']), atol=0.5)
    assert moved['visibility'][row, column]


def smooth_pair(
    stored: tuple[int, int] = (96, 80), size: tuple[int, int] = (48, 40)
) -> dict[str, Any]:
    """A target of low frequencies that a linear flow reads from the source."""
    rows, columns = np.mgrid[: stored[0], : stored[1]]
    target = np.stack([columns, rows]).astype(float)
    matrix, offset = np.array([[0.9, 0.2], [-0.15, 1.1]]), np.array([4.0, 5.0])
    there = np.einsum('ij,jhw->ihw', matrix, target) + offset[:, None, None]
    limits = np.array([stored[1], stored[0]])[:, None, None] - 0.5
    shown = ((there > -0.5) & (there < limits)).all(0)
    truth = {
        'flow': (there - target).astype(np.float32),
        'visibility': shown,
        'part_labels': np.full(stored, 2, np.uint8),
        'has_truth': True,
        'truth_frame': 'image',
    }
    images = {
        'source_image': waves(target),
        'target_image': waves(there),
    }
    return make_results(size, stored) | images | truth


def waves(points: np.ndarray) -> np.ndarray:
    """uint8 (H, W, 3) of smooth functions of points (2, H, W)."""
    x, y = points
    planes = [np.sin(x / 9), np.cos(y / 11), np.sin((x + y) / 14)]
    return np.rint(127.5 + 110 * np.stack(planes, -1)).astype(np.uint8)


def warping_error(results: dict[str, Any], margin: int = 4) -> np.ndarray:
    """What the source, warped by the flow, differs by from the target, (n, 3).

    Pixels beside the margin, and those that are read from beside the black fill, where
    reading mixes what was never one picture, are not looked at.
    """
    source, target = (
        torch.from_numpy(results[f'{side}_image'].transpose(2, 0, 1)[None].copy())
        for side in ('source', 'target')
    )
    flow = torch.from_numpy(results['flow'])[None].double()
    filled = (source == 0).all(1, keepdim=True).double()
    near_fill = flow_warp(max_pool2d(filled, 3, 1, 1), flow)[0, 0].numpy() > 0
    judged = results['visibility'] & ~near_fill
    judged[:margin] = judged[-margin:] = False
    judged[:, :margin] = judged[:, -margin:] = False
    assert judged.mean() > 0.2
    difference = (flow_warp(source.double(), flow) - target)[0]
    return difference.abs().permute(1, 2, 0).numpy()[judged]


JITTER = {'angle': 20.0, 'shift': 3.0, 'scale': (0.9, 1.2)}
AFFINE = AffinePair(JITTER, JITTER, resample='bilinear', fill=(0, 0, 0))
PIPELINES = {
    'resize': [ResizePair()],
    'flip': [ResizePair(), FlipPair(prob=1)],
    'affine': [AFFINE],
    'affine and flip': [AFFINE, FlipPair(prob=1)],
    'crop': [CropPair(scale=(0.4, 0.7)), ResizePair()],
    'same crop': [CropPair(scale=(0.4, 0.7), same=True), ResizePair()],
    'all': [CropPair(scale=(0.6, 0.9)), AFFINE, FlipPair(prob=1)],
}


@pytest.mark.parametrize('stored', [(96, 80), (48, 40), (120, 72), (40, 36)])
@pytest.mark.parametrize('name', PIPELINES)
def test_the_flow_warps_the_source_to_the_target(name, stored):
    """To a hundredth of the range: what reading between pixels of waves costs."""
    for place in range(3):
        results = smooth_pair(stored) | {'index': Draw(0, 3, place)}
        for transform in PIPELINES[name]:
            results = transform(results)
        assert results['flow'].shape == (2, 48, 40)
        error = warping_error(results)
        assert error.mean() < 2.0
        assert np.quantile(error, 0.99) < 8.0


def test_a_resize_halves_the_flow_at_the_new_centers():
    results = ResizePair()(smooth_pair((96, 80), (48, 40)))
    rows, columns = np.mgrid[:48, :40]
    old = np.stack([columns, rows]) * 2 + 0.5
    there = np.einsum('ij,jhw->ihw', [[0.9, 0.2], [-0.15, 1.1]], old)
    there += np.array([4.0, 5.0])[:, None, None]
    np.testing.assert_allclose(results['flow'], (there - old) / 2, atol=1e-4)
    assert results['flow'].dtype == np.float32


def test_a_resize_mixes_no_flow_across_an_outline():
    """A person on the left, background on the right; an arm that moves elsewhere."""
    truth = make_truth((8, 8))
    truth['part_labels'][:] = [[1, 1, 1, 0, 0, 0, 0, 0]]
    truth['flow'][:] = np.array([6, 6, 6, 0, 0, 0, 0, 0], np.float32)
    truth['flow'][:, 4:, :3] = -8
    moved = move_truth(truth, np.eye(3), resize_matrix((8, 8), (6, 6)), (6, 6))
    here = np.mgrid[:6, :6][1]
    before = (here + 0.5) * 8 / 6 - 0.5
    assert set(np.rint(moved['flow'][0] - (before - here)).ravel()) == {6, 0, -8}


def test_only_the_truth_of_the_stored_size_is_resized():
    results = smooth_pair((96, 80), (48, 40))
    small = make_truth((48, 40))
    kept = ResizePair()(results | small | {'truth_frame': 'image_size'})
    for key, array in small.items():
        np.testing.assert_array_equal(kept[key], array)
