"""Part maps and masks: golden values, scikit-image, and what absent joints do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.measure import grid_points_in_poly
from torch import Tensor

from posegen.models.def_gan.geometry import (
    PART_NAMES,
    body_scale,
    inside_polygons,
    part_masks,
    part_transforms,
)
from tests.models.def_gan.helpers import keypoints

PAIRS = (
    'pair0_market',
    'pair1_market',
    'pair2_market',
    'pair3_deepfashion',
    'pair4_deepfashion',
)
NOWHERE = torch.tensor([[1.0, 0, 1000], [0, 1, 1000]], dtype=torch.float64)
#: Joints of a body that faces the camera, x and y in a frame of 128 x 64.
BODY = torch.tensor(
    [
        *[(32, 14), (32, 24)],
        *[(22, 25), (18, 42), (17, 58), (42, 25), (46, 42), (48, 58)],
        *[(26, 62), (25, 88), (25, 112), (38, 62), (39, 88), (40, 112)],
        *[(30, 12), (34, 12), (27, 13), (37, 13)],
    ],
    dtype=torch.float32,
)


def from_annotation(joints: Tensor) -> Tensor:
    """(18, 2) of y, x with -1 for missing -> (1, 18, 3)."""
    seen = (joints >= 0).all(1, keepdim=True)
    return torch.cat([joints.flip(1), seen], dim=1).float()[None]


def body(*missing: int, shift: tuple[float, float] = (0, 0)) -> Tensor:
    """(1, 18, 3) of BODY without some joints, which hold NaN."""
    result = torch.cat([BODY + torch.tensor(shift), torch.ones(18, 1)], dim=1)
    for joint in missing:
        result[joint] = torch.tensor([torch.nan, torch.nan, 0])
    return result[None]


@pytest.fixture(params=PAIRS)
def golden(request, shared: Callable[[str], Path]) -> dict:
    path = shared(f'fixtures/defgan/{request.param}.pt')
    return torch.load(path, weights_only=True)


def test_maps_and_masks_are_the_published_ones(golden: dict) -> None:
    source, target = (from_annotation(golden[f'kp_{k}']) for k in ('source', 'target'))
    for fit, key in (
        ('homogeneous', 'transforms'),
        ('least_squares', 'transforms_least_squares'),
    ):
        found = part_transforms(source, target, fit)[0].flatten(1)
        torch.testing.assert_close(found, golden[key][:, :6], rtol=0, atol=1e-6)
    masks = part_masks(target, tuple(golden['size'].tolist()))[0]
    assert torch.equal(masks, golden['masks'].bool())
    scales = torch.stack([body_scale(source)[0], body_scale(target)[0]])
    torch.testing.assert_close(scales, golden['shoulder_hip_scale'].double())


def test_a_shifted_body_is_shifted_back() -> None:
    maps = part_transforms(body(shift=(3, -5)), body())[0]
    expected = torch.tensor([[1.0, 0, 3], [0, 1, -5]], dtype=torch.float64)
    torch.testing.assert_close(maps, expected.expand(10, 2, 3), rtol=0, atol=1e-9)


def test_masks_by_hand() -> None:
    # Both sides of the torso measure sqrt(4^2 + 37^2).
    scale = (4**2 + 37**2) ** 0.5
    assert body_scale(body()).item() == pytest.approx(scale)
    masks = part_masks(body(), (128, 64))[0]
    assert masks[0].all()
    # Mean of the face 32, 12.8; int(0.4 * scale) = 14 to each side, cut at the top.
    rows, columns = masks[1].nonzero().unbind(1)
    assert (columns.min(), columns.max(), rows.min(), rows.max()) == (18, 45, 0, 25)
    assert masks[1].sum() == 28 * 26
    # Right shin, x = 25 from y = 88 to 112: a tenth back, half of the rest beyond.
    rows, columns = masks[PART_NAMES.index('right_shin')].nonzero().unbind(1)
    assert (rows.min(), rows.max()) == (86, 125)
    half = int(0.2 * scale)
    assert (columns.min(), columns.max()) == (25 - half, 25 + half)


def test_a_limb_that_the_source_lacks_comes_from_its_other_side() -> None:
    whole, lacking = body(), body(3)  # no right elbow: no right upper arm or forearm
    maps = part_transforms(lacking, whole)[0]
    mirrored = torch.as_tensor(BODY)[[2, 5]]
    place = PART_NAMES.index('right_upper_arm')
    shoulder = torch.cat([mirrored[0], torch.ones(1)]).double()
    torch.testing.assert_close(maps[place] @ shoulder, mirrored[1].double())
    assert part_masks(whole, (128, 64))[0, place].any()


@pytest.mark.parametrize(
    ('missing', 'parts'),
    [
        ((3, 6), {n for n in PART_NAMES if 'arm' in n}),
        ((9, 12), {n for n in PART_NAMES if 'thigh' in n or 'shin' in n}),
        ((0, 14, 15, 16, 17), {'head'}),
    ],
)
def test_what_both_sides_of_the_source_lack_reads_outside(
    missing: tuple[int, ...], parts: set[str]
) -> None:
    maps = part_transforms(body(*missing), body())[0]
    assert {n for n, m in zip(PART_NAMES, maps) if torch.equal(m, NOWHERE)} == parts
    # The target is what masks look at.
    assert part_masks(body(), (128, 64)).any(-1).any(-1).all()


def test_what_the_target_lacks_is_masked_out_and_reads_outside() -> None:
    lacking = body(3, 14, 15, 16, 17, 0)
    maps, masks = part_transforms(body(), lacking)[0], part_masks(lacking, (128, 64))[0]
    absent = {'head', 'right_upper_arm', 'right_forearm'}
    assert {n for n, m in zip(PART_NAMES, masks) if not m.any()} == absent
    assert {n for n, m in zip(PART_NAMES, maps) if torch.equal(m, NOWHERE)} == absent


@pytest.mark.parametrize(
    ('missing', 'torso', 'limbs'),
    [((8,), True, True), ((8, 2), False, True), ((8, 5), False, False)],
    ids=['three joints', 'one side', 'no side'],
)
def test_torso_joints_may_miss(
    missing: tuple[int, ...], torso: bool, limbs: bool
) -> None:
    maps = part_transforms(body(*missing), body(*missing, shift=(1, 1)))[0]
    assert maps.isfinite().all()
    assert torch.equal(maps[0], NOWHERE) != torso
    place = PART_NAMES.index('left_shin')
    assert torch.equal(maps[place], NOWHERE) != limbs
    assert part_masks(body(*missing), (128, 64))[0, place].any() or not limbs


def test_joints_on_one_another_make_a_part_unusable() -> None:
    flat = body()
    flat[0, 10] = flat[0, 9]  # ankle on the knee
    for source, target in ((flat, body()), (body(), flat)):
        maps = part_transforms(source, target)[0]
        assert torch.equal(maps[PART_NAMES.index('right_shin')], NOWHERE)
        assert maps.isfinite().all()


def test_a_batch_is_its_samples() -> None:
    source = keypoints(6, (128, 64), seed=1, missing=0.3)
    target = keypoints(6, (128, 64), seed=2, missing=0.3)
    maps, masks = part_transforms(source, target), part_masks(target, (128, 64))
    assert maps.isfinite().all()
    for i in range(6):
        one = slice(i, i + 1)
        alone = part_transforms(source[one], target[one])
        torch.testing.assert_close(alone, maps[one], rtol=0, atol=1e-8)
        assert torch.equal(part_masks(target[one], (128, 64)), masks[one])


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(-8, 40), st.integers(-8, 40)), min_size=3, max_size=6
    ),
    st.sampled_from([1.0, 0.1, 1 / 3]),
)
def test_polygons_are_those_of_scikit_image(corners: list, scale: float) -> None:
    corners = np.array(corners) * scale
    x, y = torch.arange(20).double(), torch.arange(24).double()
    found = inside_polygons(torch.from_numpy(corners), x, y)
    # Its points are rows and columns.
    expected = grid_points_in_poly((24, 20), corners[:, ::-1])
    vertices = np.isclose(corners, corners.round(), atol=1e-9).all(1)
    for column, row in corners[vertices].round().astype(int):
        if 0 <= row < 24 and 0 <= column < 20:  # it gives these a label of their own
            expected[row, column] = found[row, column]
    assert np.array_equal(found.numpy(), expected)
