"""Features on the way to moments and files."""

from __future__ import annotations

import pytest
import torch

from posegen.evaluation import features
from posegen.evaluation.features import collect_features

DATA = torch.randn(700, 5, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize('batch', [8, 300, 700])
def test_moments_of_any_first_images(batch):
    found = collect_features(DATA.split(batch), 700, [640, 700])
    assert found.features is None
    assert set(found.moments) == {640, 700}
    for count, moments in found.moments.items():
        assert moments.count == count
        part = DATA[:count].double()
        torch.testing.assert_close(moments.mean, part.mean(0))
        torch.testing.assert_close(moments.covariance, torch.cov(part.T))


def test_batches_make_no_difference_to_the_last_bit():
    one, other = (collect_features(DATA.split(b), 700, [700]) for b in (8, 100))
    assert torch.equal(one.moments[700].scatter, other.moments[700].scatter)


def test_all_features_go_to_a_file(tmp_path):
    found = collect_features(DATA.split(8), 700, [], tmp_path)
    assert found.moments == {}
    assert torch.equal(found.features, DATA)
    (file,) = tmp_path.iterdir()
    assert file.stat().st_size == DATA.nbytes


def test_memory_holds_a_block_at_most():
    seen = [len(b) for b in features._blocks(iter(DATA.split(8)), [640, 700])]
    assert sum(seen) == 700 and max(seen) <= 256
