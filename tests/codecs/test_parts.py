"""Part boxes, part images and part masks against slow, plain versions."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from posegen.codecs import (
    DEFAULT_PARTS,
    LIMBS,
    keypoints_to_limb_maps,
    ordered_parts,
    part_boxes,
    part_images,
    part_masks,
)

SIZE = (48, 32)


def people(batch: int = 4, seed: int = 0, missing: float = 0.3) -> torch.Tensor:
    """Random joints, some of them missing and some outside the frame."""
    generator = torch.Generator().manual_seed(seed)
    keypoints = torch.rand(batch, 18, 3, generator=generator)
    keypoints[..., 0] = keypoints[..., 0] * 40 - 4
    keypoints[..., 1] = keypoints[..., 1] * 56 - 4
    keypoints[..., 2] = (keypoints[..., 2] > missing).float()
    return torch.where(keypoints[..., 2:] > 0, keypoints, 0.0)


def slow_mask(keypoints: np.ndarray, joints: tuple[int, ...], radius: float):
    """Distance to every limb and every present joint, one after another."""
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    pixels = np.stack([x, y], -1).astype(float)
    present = {j: keypoints[j, :2] for j in joints if keypoints[j, 2] > 0}
    segments = [(a, a) for a in present.values()]
    segments += [
        (present[a], present[b]) for a, b in LIMBS if a in present and b in present
    ]
    mask = np.zeros(SIZE)
    for a, b in segments:
        step = b - a
        along = ((pixels - a) @ step) / max(step @ step, 1e-12)
        nearest = a + along.clip(0, 1)[..., None] * step
        mask[np.linalg.norm(pixels - nearest, axis=-1) <= radius * SIZE[0]] = 1
    return mask


@pytest.mark.parametrize('part', DEFAULT_PARTS)
@pytest.mark.parametrize('radius', [1 / 16, 1 / 8])
@pytest.mark.parametrize('missing', [0.0, 0.3, 0.7])
def test_masks_are_capsules_and_discs(part, radius, missing):
    keypoints, joints = people(missing=missing), DEFAULT_PARTS[part]
    masks = part_masks(keypoints, joints, SIZE, radius)
    assert masks.shape == (4, 1, *SIZE)
    assert masks.dtype == torch.float32
    for mask, person in zip(masks, keypoints.double().numpy()):
        np.testing.assert_array_equal(mask[0], slow_mask(person, joints, radius))


def test_mask_of_joints_without_limbs_is_discs():
    """A user's part may hold joints that no limb connects."""
    keypoints = people(missing=0.0)
    for mask, person in zip(part_masks(keypoints, (4, 17), SIZE), keypoints.numpy()):
        expected = slow_mask(person.astype(float), (4, 17), 1 / 16)
        np.testing.assert_array_equal(mask[0], expected)


def test_mask_where_both_ends_of_a_limb_coincide():
    keypoints = torch.zeros(1, 18, 3)
    keypoints[:, [2, 3]] = torch.tensor([10.0, 20.0, 1.0])
    mask = part_masks(keypoints, (2, 3), SIZE, radius=1 / 16)[0, 0]
    assert mask.sum() == 29, 'a disc of radius 3 has 29 pixels'
    assert mask[20, 13] == 1
    assert mask[20, 14] == 0


@pytest.mark.parametrize('part', DEFAULT_PARTS)
def test_absent_part(part):
    keypoints = torch.full((2, 18, 3), 5.0)
    keypoints[0, :, 2] = 0
    joints = DEFAULT_PARTS[part]
    assert part_masks(keypoints, joints, SIZE)[0].sum() == 0
    assert part_masks(keypoints, joints, SIZE)[1].sum() > 0
    boxes, present = part_boxes(keypoints, joints, SIZE)
    assert present.tolist() == [False, True]
    assert boxes[0].tolist() == [0, 0, 0, 0]
    images, present = part_images(torch.ones(2, 3, *SIZE), keypoints, joints)
    assert present.tolist() == [False, True]
    assert images[0].abs().sum() == 0


def test_boxes_hold_the_present_joints_with_a_margin():
    keypoints = torch.zeros(1, 18, 3)
    keypoints[0, 8] = torch.tensor([10.0, 12.0, 0.3])
    keypoints[0, 9] = torch.tensor([6.0, 30.0, 1.0])
    keypoints[0, 10] = torch.tensor([99.0, 99.0, 0.0])
    keypoints[0, 0] = torch.tensor([1.0, 1.0, 1.0])
    boxes, present = part_boxes(keypoints, (8, 9, 10), (50, 40), margin=0.1)
    assert present.tolist() == [True]
    assert boxes.tolist() == [[1, 7, 15, 35]]


def test_images_are_cut_out_without_moving():
    keypoints = torch.zeros(1, 18, 3)
    keypoints[0, 8] = torch.tensor([10.0, 12.0, 1.0])
    keypoints[0, 9] = torch.tensor([6.0, 30.0, 1.0])
    image = torch.rand(1, 3, 50, 40) + 0.5
    part, _ = part_images(image, keypoints, (8, 9), margin=0.1)
    inside = torch.zeros(50, 40, dtype=torch.bool)
    inside[7:36, 1:16] = True
    assert torch.equal(part[..., inside], image[..., inside])
    assert (part[..., ~inside] == 0).all()


@pytest.mark.parametrize('size', [(16, 40), (40, 16)])
def test_samples_do_not_mix(size):
    keypoints, image = people(3), torch.rand(3, 3, *size)
    for joints in DEFAULT_PARTS.values():
        masks, (images, _) = (
            part_masks(keypoints, joints, size),
            part_images(image, keypoints, joints),
        )
        alone = part_masks(keypoints[1:2], joints, size)
        assert torch.equal(masks[1:2], alone)
        alone, _ = part_images(image[1:2], keypoints[1:2], joints)
        assert torch.equal(images[1:2], alone)


@pytest.mark.parametrize('joints', [(), (3, 18), (-1, 2)])
def test_wrong_joints(joints):
    with pytest.raises(ValueError, match='joints of a part must be indices below 18'):
        part_masks(torch.zeros(1, 18, 3), joints, SIZE)


@pytest.mark.parametrize('function', [part_masks, part_boxes])
def test_wrong_shape(function):
    with pytest.raises(ValueError, match=r'keypoints must be \(B, J, 3\)'):
        function(torch.zeros(18, 3), (1, 2), SIZE)


def test_parts_are_ordered_by_their_joints():
    swapped = dict(sorted(DEFAULT_PARTS.items()))
    assert [*swapped] != [*DEFAULT_PARTS]
    assert [*ordered_parts(swapped).items()] == [*DEFAULT_PARTS.items()]


@pytest.mark.parametrize('parts', [{}, {'head': ()}, {'head': (0, 18)}])
def test_parts_need_known_joints(parts):
    with pytest.raises(ValueError, match='must name'):
        ordered_parts(parts)


class TestLimbMaps:
    def test_fall_with_the_distance_to_the_limb(self):
        keypoints = torch.zeros(1, 18, 3)
        keypoints[0, 1] = torch.tensor([10.0, 8.0, 1.0])  # neck and right shoulder
        keypoints[0, 2] = torch.tensor([20.0, 8.0, 1.0])
        maps = keypoints_to_limb_maps(keypoints, SIZE, reach=1 / 12)
        assert maps.shape == (1, len(LIMBS), *SIZE)
        limb = maps[0, LIMBS.index((1, 2))]
        expected = torch.exp(-torch.tensor([0.0, 4, 5, 8]) / 4)
        found = torch.stack([limb[8, 15], limb[12, 15], limb[12, 23], limb[8, 28]])
        torch.testing.assert_close(found, expected)
        assert maps.sum() == limb.sum()

    def test_match_a_distance_taken_limb_by_limb(self):
        keypoints = people()
        maps = keypoints_to_limb_maps(keypoints, SIZE, reach=1 / 16)
        near = (maps > np.exp(-1)).numpy()  # nearer than 3 pixels
        for person, found in zip(keypoints.numpy(), near):
            for limb, mask in zip(LIMBS, found):
                present = all(person[joint, 2] > 0 for joint in limb)
                expected = slow_mask(person, limb, 3 / 48) > 0 if present else 0
                assert (mask == expected).mean() > 0.999

    def test_missing_joints_may_hold_anything(self):
        keypoints = people()
        broken = torch.where(keypoints[..., 2:] > 0, keypoints, torch.nan)
        broken[..., 2] = keypoints[..., 2]
        found = keypoints_to_limb_maps(broken, SIZE)
        torch.testing.assert_close(found, keypoints_to_limb_maps(keypoints, SIZE))
