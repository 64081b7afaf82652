"""Moving features by affine maps, and the largest of the parts."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck

from posegen.models.def_gan import PartAffineWarp, largest_of_parts, part_geometry
from posegen.models.def_gan.warp import affine_sample
from tests.models.def_gan.helpers import keypoints
from tests.models.def_gan.test_geometry import PAIRS

KINDS = ('nearest', 'bilinear')


def maps(*rows: list[list[float]]) -> Tensor:
    """Maps (1, P, 2, 3)."""
    return torch.tensor(rows, dtype=torch.float64)[None]


def ten_copies(
    feat: Tensor, transforms: Tensor, masks: Tensor, interpolation: str, stride: int
) -> Tensor:
    """The same with one copy for each part."""
    copies = [
        affine_sample(feat, transforms[:, part], interpolation, stride)
        for part in range(transforms.shape[1])
    ]
    return (torch.stack(copies, 1) * masks[:, :, None]).amax(1)


def random_case(size: tuple[int, int] = (16, 8), stride: int = 2) -> tuple:
    geometry = part_geometry(
        keypoints(2, size, seed=1, missing=0.2), keypoints(2, size, seed=2), size
    )
    masks = geometry.masks[..., ::stride, ::stride]
    torch.manual_seed(0)
    feat = torch.randn(2, 3, *masks.shape[-2:], dtype=torch.float64)
    return feat, geometry.transforms, masks, stride


@pytest.mark.parametrize('kind', KINDS)
@pytest.mark.parametrize('stride', [1, 4])
def test_identity_and_a_shift_by_whole_pixels(kind: str, stride: int) -> None:
    feat = torch.randn(1, 2, 5, 7)
    identity = maps([[1, 0, 0], [0, 1, 0]])[:, 0]
    found = affine_sample(feat, identity, kind, stride)
    torch.testing.assert_close(found, feat, rtol=0, atol=1e-5)
    shift = maps([[1, 0, 2 * stride], [0, 1, -stride]])[:, 0]
    found = affine_sample(feat, shift, kind, stride)
    expected = torch.zeros_like(feat)  # outside is zero
    expected[..., 1:, :-2] = feat[..., :-1, 2:]
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)


def test_bilinear_samples_a_plane_where_the_map_says() -> None:
    # A linear function is what bilinear interpolation gives back exactly.
    y, x = torch.meshgrid(torch.arange(9.0), torch.arange(11.0), indexing='ij')
    feat = (3 * x - 2 * y + 1)[None, None].double()
    matrix = maps([[0.5, 0.1, 4.0], [-0.2, 0.4, 6.0]])[:, 0]
    found = affine_sample(feat, matrix, 'bilinear', stride=2)[0, 0]
    source_x, source_y = 0.5 * x + 0.1 * y + 2, -0.2 * x + 0.4 * y + 3
    inside = (source_x >= 0) & (source_x <= 10) & (source_y >= 0) & (source_y <= 8)
    assert inside.sum() > 40
    expected = (3 * source_x - 2 * source_y + 1).double()
    torch.testing.assert_close(found[inside], expected[inside], rtol=0, atol=1e-5)


@pytest.mark.parametrize('pair', PAIRS)
@pytest.mark.parametrize('stride', [4, 8])
def test_published_features(
    pair: str, stride: int, shared: Callable[[str], object]
) -> None:
    golden = torch.load(shared(f'fixtures/defgan/{pair}.pt'), weights_only=True)
    transforms = golden['transforms'][:, :6].unflatten(1, (2, 3))[None]
    masks = golden['masks'][None, :, ::stride, ::stride].bool()
    feat = golden[f'feature_stride{stride}'][None]
    found = largest_of_parts(feat, transforms, masks, 'nearest', stride)[0]
    sure = ~golden[f'ambiguous_stride{stride}']
    expected = golden[f'warped_stride{stride}']
    torch.testing.assert_close(
        found[:, sure], expected[:, sure], rtol=0, atol=1e-12, check_dtype=False
    )
    assert sure.float().mean() > 0.95


@pytest.mark.parametrize('kind', KINDS)
def test_value_and_gradient_are_those_of_ten_copies(kind: str) -> None:
    feat, *case, stride = random_case()
    weight = torch.randn_like(feat)
    results = []
    for function in (largest_of_parts, ten_copies):
        leaf = feat.clone().requires_grad_()
        out = function(leaf, *case, kind, stride)
        (out * weight).sum().backward()
        results.append((out.detach(), leaf.grad))
    torch.testing.assert_close(results[0], results[1])
    assert results[0][1].abs().sum() > 0


@pytest.mark.parametrize('kind', KINDS)
def test_gradients(kind: str) -> None:
    feat, *case, stride = random_case((8, 8))
    assert gradcheck(
        lambda x: largest_of_parts(x, *case, kind, stride), feat.requires_grad_()
    )


def test_a_masked_part_is_zero_and_the_first_of_equals_wins() -> None:
    feat = torch.tensor([[[[-1.0, 2.0, -3.0, 4.0]]]]).requires_grad_()
    two = maps(*[[[1, 0, 0], [0, 1, 0]]] * 2)
    masks = torch.tensor([[[[1, 1, 1, 1]], [[1, 1, 0, 0]]]]).bool()
    out = largest_of_parts(feat, two, masks)
    assert out.flatten().tolist() == [-1, 2, 0, 4]
    out.sum().backward()
    # Nothing reaches what lost against a mask; the shared ones count once.
    assert feat.grad.flatten().tolist() == [1, 1, 0, 1]


@pytest.mark.parametrize('kind', KINDS)
def test_half_precision_reads_the_right_place(kind: str) -> None:
    feat = torch.arange(300.0).expand(1, 1, 2, 300).bfloat16().requires_grad_()
    shift = maps([[1, 0, 7], [0, 1, 0]])
    out = largest_of_parts(feat, shift, torch.ones(1, 1, 2, 300).bool(), kind)
    assert out.dtype == torch.bfloat16
    assert torch.equal(out[..., :-7], feat[..., 7:])
    out.sum().backward()
    assert torch.equal(feat.grad[..., 7:], torch.ones(1, 1, 2, 293).bfloat16())
    assert feat.grad[..., :7].abs().max() < 1e-4


def test_component_takes_its_stride_from_the_maps() -> None:
    warp = PartAffineWarp()
    size = (32, 16)
    geometry = warp.geometry(keypoints(2, size), keypoints(2, size, seed=3), size)
    for stride in (1, 2, 4):
        feat = torch.randn(2, 2, 32 // stride, 16 // stride)
        masks = geometry.masks[..., ::stride, ::stride]
        expected = largest_of_parts(feat, geometry.transforms, masks, stride=stride)
        assert torch.equal(warp(feat, geometry), expected)


def test_fits_differ_where_points_fit_no_affine_map() -> None:
    joints = keypoints(1, seed=1), keypoints(1, seed=2)
    one, other = (
        PartAffineWarp(fit=fit).geometry(*joints, (64, 32)).transforms[0]
        for fit in ('homogeneous', 'least_squares')
    )
    assert (one[0] - other[0]).abs().max() > 1e-3
    torch.testing.assert_close(one[2:], other[2:], rtol=0, atol=1e-8)


def test_unknown_settings_are_named() -> None:
    with pytest.raises(ValueError, match="interpolation must be .* got 'cubic'"):
        PartAffineWarp(interpolation='cubic')
    with pytest.raises(ValueError, match="fit must be .* got 'exact'"):
        PartAffineWarp(fit='exact')
    with pytest.raises(ValueError, match="interpolation must be .* got 'bicubic'"):
        affine_sample(torch.zeros(1, 1, 2, 2), torch.zeros(1, 2, 3), 'bicubic')
