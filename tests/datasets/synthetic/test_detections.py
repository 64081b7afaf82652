from __future__ import annotations

import numpy as np
import pytest

from posegen.datasets.synthetic import detections
from posegen.datasets.synthetic.detections import estimated_joints

SIZE = (256, 192)


@pytest.fixture(scope='module')
def drawn() -> tuple[np.ndarray, np.ndarray]:
    """True joints, one of them missing, and 3000 estimates."""
    rng = np.random.default_rng(0)
    true = rng.integers(60, 130, (18, 2))
    true[9] = -1
    return true, np.stack([estimated_joints(rng, true, SIZE) for _ in range(3000)])


def test_missing_joints_stay_missing_and_some_more_are(drawn):
    true, estimates = drawn
    missing = (estimates == -1).all(2)
    assert ((estimates == -1).any(2) == missing).all()
    lost = missing[:, :8].mean()
    assert lost == pytest.approx(detections.MISSING, abs=0.005)
    never = missing[:, 9] | missing[:, 12]
    assert never.all()


def test_error_is_about_the_stated_share_of_the_height(drawn):
    true, estimates = drawn
    head = estimates[:, [0, 1, 14, 15]]
    error = (head - true[[0, 1, 14, 15]])[(head >= 0).all(2)] / SIZE[0]
    middle = np.median(np.abs(error)) / 0.6745
    assert middle == pytest.approx(detections.JITTER, rel=0.2)
    assert (np.abs(error) > 4 * detections.JITTER).mean() > 0.005


def test_arms_or_legs_are_swapped_at_times(drawn):
    true, estimates = drawn
    right, left = estimates[:, 2:5], estimates[:, 5:8]
    swapped = np.abs(right - true[5:8]).sum((1, 2)) < np.abs(right - true[2:5]).sum(
        (1, 2)
    )
    found = (right >= 0).all((1, 2)) & (left >= 0).all((1, 2))
    share = swapped[found].mean()
    assert share == pytest.approx(detections.SWAPPED / 2, abs=0.007)


def test_joints_at_the_rim_stay_in_the_picture():
    rng = np.random.default_rng(0)
    true = np.tile([[0, 0], [191, 255]], (9, 1))
    for _ in range(50):
        found = estimated_joints(rng, true, SIZE)
        found = found[found[:, 0] >= 0]
        assert ((found >= 0) & (found < (192, 256))).all()
