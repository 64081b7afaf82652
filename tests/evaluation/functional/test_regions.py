"""Scores of regions."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from posegen.codecs import DEFAULT_PARTS
from posegen.evaluation import functional as F
from tests.evaluation.helpers import random_images

SIZE = (64, 32)


@pytest.fixture
def keypoints():
    """One person that stands upright in the middle, all joints present."""
    y = [8, 14, 15, 22, 28, 15, 22, 28, 32, 44, 56, 32, 44, 56, 7, 7, 8, 8]
    x = [16, 16, 11, 9, 8, 21, 23, 24, 13, 12, 12, 19, 20, 20, 14, 18, 12, 20]
    return torch.tensor([[*zip(x, y, [1.0] * 18)]], dtype=torch.float32)


def test_black_out_keeps_the_type():
    image = random_images(2, SIZE)
    region = torch.zeros(2, *SIZE, dtype=torch.bool)
    region[:, 10:20, 5:9] = True
    result = F.black_out(image, region)
    assert result.dtype == torch.uint8
    assert torch.equal(result[:, :, 10:20, 5:9], image[:, :, 10:20, 5:9])
    assert result.sum() == image[:, :, 10:20, 5:9].sum()
    grey = F.black_out(image / 127.5 - 1, region)
    assert (grey[..., :5] == 0).all()
    with pytest.raises(ValueError, match=r'region must be \(B, H, W\)'):
        F.black_out(image, region[:1])


def test_parts_cover_the_person(keypoints):
    regions = F.part_regions(keypoints, SIZE)
    assert [*regions] == [*DEFAULT_PARTS, 'background']
    assert regions['head'][0, 8, 16] and not regions['head'][0, 56, 12]
    assert regions['leg'][0, 56, 12] and regions['torso'][0, 22, 9]
    person = torch.stack([regions[name] for name in DEFAULT_PARTS]).any(0)
    assert torch.equal(regions['background'], ~person)


def test_nobody_is_background(keypoints):
    regions = F.part_regions(keypoints * 0, SIZE)
    assert regions['background'].all() and not regions['head'].any()


def test_labels_are_disjoint():
    labels = torch.arange(4).repeat(2, 4, 2)
    regions = F.label_regions(labels)
    assert torch.stack([*regions.values()]).sum(0).eq(1).all()
    assert [*regions] == ['head', 'torso', 'leg', 'background']


def test_true_visibility():
    labels = torch.tensor([[[0, 1, 2, 3]]])
    visible = torch.tensor([[[1, 1, 0, 1]]])
    regions = F.true_visibility_regions(visible, labels)
    assert regions['visible'].tolist() == [[[False, True, False, True]]]
    assert regions['hidden'].tolist() == [[[False, False, True, False]]]


def test_visibility_by_joints(keypoints):
    source = keypoints.clone()
    source[:, [9, 10]] = 0  # right knee and ankle are not in the source
    regions = F.joint_visibility_regions(source, keypoints, SIZE)
    assert regions['hidden'][0, 56, 12] and not regions['visible'][0, 56, 12]
    assert regions['visible'][0, 56, 20] and regions['visible'][0, 8, 16]
    person = F.joint_visibility_regions(keypoints, keypoints, SIZE)
    assert not person['hidden'].any()
    assert torch.equal(regions['visible'] | regions['hidden'], person['visible'])


def test_scores_of_a_half():
    real = random_images(1, SIZE)
    fake = real.clone()
    fake[..., 32:, :] = 255 - fake[..., 32:, :]
    top = torch.zeros(1, *SIZE, dtype=torch.bool)
    top[:, :27] = True  # clear of windows that see the lower half
    low = torch.zeros(1, *SIZE, dtype=torch.bool)
    low[:, 32:] = True
    empty = torch.zeros_like(top)
    regions = dict(top=top, low=low, none=empty)
    scores = F.region_scores(fake, real, regions, 255)
    assert scores['ssim_top'].item() == pytest.approx(1)
    assert scores['psnr_top'].item() == math.inf and scores['l1_top'].item() == 0
    a, b = (x[0, :, 32:].double() for x in (fake, real))
    error = (a - b).square().mean().item()
    assert scores['psnr_low'].item() == pytest.approx(10 * math.log10(255**2 / error))
    assert scores['l1_low'].item() == pytest.approx((a - b).abs().mean() / 127.5)
    assert scores['ssim_low'].item() < 0.1
    assert all(scores[f'{m}_none'].isnan().all() for m in ('ssim', 'psnr', 'l1'))


def test_everything_is_the_whole_image():
    fake, real = random_images(2, SIZE, 1), random_images(2, SIZE, 2)
    everywhere = dict(all=torch.ones(2, *SIZE, dtype=torch.bool))
    scores = F.region_scores(fake, real, everywhere, 255)
    torch.testing.assert_close(scores['ssim_all'], F.ssim(fake, real, 255))
    torch.testing.assert_close(scores['psnr_all'], F.psnr(fake, real, 255))
    torch.testing.assert_close(scores['l1_all'], F.l1(fake, real, 255))


def test_map_has_no_value_where_windows_cross_the_frame():
    fake, real = random_images(1, SIZE, 1), random_images(1, SIZE, 2)
    similarity = F.ssim_map(fake, real, 255).numpy()
    assert np.isnan(similarity[:, :5]).all() and np.isnan(similarity[:, :, -5:]).all()
    assert np.isfinite(similarity[:, 5:-5, 5:-5]).all()
