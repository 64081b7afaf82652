"""Gaussian joint maps: golden values, presence, shapes."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from posegen.codecs import keypoints_to_heatmaps, scale_keypoints


def canonical(yx: np.ndarray) -> np.ndarray:
    """Upstream (y, x) with -1 for missing to x, y, score."""
    present = (yx != -1).all(1, keepdims=True)
    return np.hstack([yx[:, ::-1] * present, present]).astype(np.float32)


@pytest.fixture(scope='module')
def golden(shared):
    return np.load(shared('fixtures/heatmaps/heatmaps.npz'))


@pytest.mark.parametrize(
    'dataset, size', [('fashion', (256, 256)), ('market', (128, 64))]
)
@pytest.mark.parametrize('index', range(3))
def test_maps_match_published_ones(golden, dataset, size, index):
    keypoints = torch.from_numpy(canonical(golden[f'{dataset}{index}_kp']))
    maps = keypoints_to_heatmaps(keypoints, size)
    np.testing.assert_allclose(maps, golden[f'{dataset}{index}_maps'], atol=1e-6)


@pytest.mark.parametrize('index', range(3))
def test_maps_from_the_176_wide_frame(golden, index):
    """gfla's int(x * 256 / 176) before the map is drawn, at 256 x 256."""
    keypoints = canonical(golden[f'fashion{index}_kp176'])
    keypoints = scale_keypoints(keypoints, (256, 176), (256, 256), 'gfla')
    maps = keypoints_to_heatmaps(torch.from_numpy(keypoints), (256, 256)).numpy()
    every4 = golden[f'fashion{index}_from176_every4']
    np.testing.assert_allclose(maps[:, ::4, ::4], every4, atol=1e-6)
    sums = golden[f'fashion{index}_from176_sum']
    np.testing.assert_allclose(maps.sum((1, 2), dtype=np.float64), sums, rtol=1e-5)


def test_peak_is_one_at_the_joint_and_falls_as_stated():
    maps = keypoints_to_heatmaps(torch.tensor([[5.0, 7.0, 1.0]]), (16, 12), sigma=2.0)
    assert maps.shape == (1, 16, 12)
    assert maps.dtype == torch.float32
    assert maps[0, 7, 5] == 1
    assert maps[0, 7, 9].item() == pytest.approx(np.exp(-16 / 8), abs=1e-6)


def test_joints_are_not_rounded():
    maps = keypoints_to_heatmaps(torch.tensor([[5.5, 7.0, 1.0]]), (16, 12))
    assert maps[0, 7, 5] == maps[0, 7, 6] < 1


@pytest.mark.parametrize('score', [0.0, -1.0])
def test_missing_joints_are_empty_whatever_they_hold(score):
    keypoints = torch.tensor([[float('nan'), float('inf'), score], [3.0, 3.0, 0.2]])
    maps = keypoints_to_heatmaps(keypoints, (8, 8))
    assert (maps[0] == 0).all()
    assert maps[1, 3, 3] == 1, 'the score never scales a map'


def test_joints_outside_keep_their_tail():
    maps = keypoints_to_heatmaps(torch.tensor([[-3.0, 4.0, 1.0]]), (8, 8))
    assert maps[0, 4, 0] == maps.max() > 0.8


@pytest.mark.parametrize('lead', [(), (1,), (2,), (2, 3)])
@pytest.mark.parametrize('joints', [1, 18, 33])
def test_any_leading_dimensions_and_joints(lead, joints):
    keypoints = torch.rand(*lead, joints, 3) * 10 + 1
    maps = keypoints_to_heatmaps(keypoints, (10, 6))
    assert maps.shape == (*lead, joints, 10, 6)
    single = keypoints_to_heatmaps(keypoints.reshape(-1, joints, 3)[-1], (10, 6))
    torch.testing.assert_close(maps.reshape(-1, joints, 10, 6)[-1], single)


def test_half_precision_keypoints_give_float32_maps():
    maps = keypoints_to_heatmaps(torch.ones(18, 3, dtype=torch.bfloat16), (8, 8))
    assert maps.dtype == torch.float32


def test_gradient_reaches_the_joints():
    keypoints = torch.tensor([[3.3, 4.4, 1.0]], requires_grad=True)
    keypoints_to_heatmaps(keypoints, (8, 8)).sum().backward()
    assert keypoints.grad[0, :2].abs().min() > 0


@pytest.mark.parametrize('shape', [(3,), (18, 2), (0,)])
def test_wrong_shape(shape):
    with pytest.raises(ValueError, match=r'keypoints must be \(\.\.\., joints, 3\)'):
        keypoints_to_heatmaps(torch.zeros(shape), (8, 8))


@pytest.mark.parametrize('sigma', [0, -2.0])
def test_wrong_sigma(sigma):
    with pytest.raises(ValueError, match='sigma must be positive'):
        keypoints_to_heatmaps(torch.zeros(18, 3), (8, 8), sigma=sigma)
