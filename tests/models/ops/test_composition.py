"""Composing pictures of any size from the maps of a net."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import gradcheck

from posegen.models.ops import compose, composition, flow_warp, resize_flow


def random_maps(size, map_size, flow_size, batch=2, dtype=torch.float32):
    """Arguments of `compose`: two parts, smooth enough flows."""
    generator = torch.Generator().manual_seed(0)

    def draw(channels, size, low=-1.0, high=1.0):
        shape = (batch, channels, *size)
        drawn = torch.rand(shape, generator=generator, dtype=dtype)
        return drawn * (high - low) + low

    return dict(
        source=draw(3, size),
        painted=draw(3, map_size),
        flows={part: draw(2, flow_size, -3, 3) for part in ('head', 'leg')},
        masks=draw(4, map_size, -3, 3).softmax(1),
    )


def choose(candidate: int, maps: dict, parts: int = 2) -> dict:
    """The same with masks that take one candidate everywhere."""
    masks = torch.zeros_like(maps['masks'])
    masks[:, candidate] = 1
    return maps | dict(masks=masks)


def constant_flow(dx: float, dy: float, size, batch=1) -> Tensor:
    return torch.tensor([dx, dy]).view(1, 2, 1, 1).expand(batch, 2, *size)


def test_at_one_size_it_is_the_weighted_sum():
    maps = random_maps((12, 9), (12, 9), (12, 9))
    masks, flows = maps['masks'], maps['flows'].values()
    candidates = [maps['source'], maps['painted']]
    candidates += [flow_warp(maps['source'], flow) for flow in flows]
    expected = sum(masks[:, k : k + 1] * x for k, x in enumerate(candidates))
    torch.testing.assert_close(compose(**maps), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize('map_size', [(12, 9), (5, 4), (30, 2)])
def test_the_source_itself_is_exact(map_size):
    maps = choose(0, random_maps((12, 9), map_size, (3, 3)))
    assert torch.equal(compose(**maps), maps['source'])


def test_painted_is_exact_at_its_size_and_bicubic_at_others():
    maps = choose(1, random_maps((12, 9), (12, 9), (3, 3)))
    assert torch.equal(compose(**maps), maps['painted'])
    maps = choose(1, random_maps((24, 30), (12, 9), (3, 3)))
    expected = F.interpolate(maps['painted'], (24, 30), mode='bicubic').clamp(-1, 1)
    torch.testing.assert_close(compose(**maps), expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize('size', [(24, 30), (9, 40)])
def test_flow_is_enlarged_with_its_unit(size):
    maps = choose(3, random_maps(size, (9, 8), (6, 4)))
    flow = resize_flow(maps['flows']['leg'], size)
    expected = flow_warp(maps['source'], flow)
    torch.testing.assert_close(compose(**maps), expected, rtol=0, atol=1e-4)


def test_whole_steps_of_an_enlarged_flow_move_pixels_exactly():
    maps = choose(2, random_maps((40, 60), (10, 12), (4, 4), batch=1))
    # 3 pixels right and 10 up, in pixels of the source.
    maps['flows']['head'] = constant_flow(-3 * 4 / 60, 10 * 4 / 40, (4, 4))
    moved = compose(**maps)
    torch.testing.assert_close(
        moved[..., :-10, 3:], maps['source'][..., 10:, :-3], rtol=0, atol=1e-4
    )


def test_a_box_reads_the_part_of_the_maps_where_the_source_lies():
    whole = random_maps((40, 24), (10, 8), (10, 8), batch=1)
    box = (0.2, 0.25, 0.6, 0.5)
    # Short enough that pixels away from the border come from within the box.
    whole['flows'] = {part: flow / 8 for part, flow in whole['flows'].items()}
    inner = compose(**whole | dict(source=whole['source'][..., 8:32, 6:18]), box=box)
    outer = compose(**whole)[..., 8:32, 6:18]
    torch.testing.assert_close(
        inner[..., 2:-2, 2:-2], outer[..., 2:-2, 2:-2], rtol=0, atol=1e-4
    )


def test_maps_finer_than_the_source_are_averaged():
    maps = choose(1, random_maps((8, 8), (64, 64), (64, 64), batch=1))
    maps['painted'] = (torch.arange(64) % 2 * 2.0 - 1).expand(1, 3, 64, 64)
    assert compose(**maps).abs().max() < 0.1  # every eighth column would be -1
    for size in ((1, 1), (1, 40), (64, 1)):
        result = compose(**random_maps(size, (64, 32), (32, 16)))
        assert result.shape == (2, 3, *size) and result.abs().max() <= 1


@pytest.mark.parametrize('map_size', [(50, 40), (12, 9)])
@pytest.mark.parametrize('pixels', [1, 40, 280, 1999])
def test_strips_give_the_same(monkeypatch, pixels, map_size):
    maps = random_maps((50, 40), map_size, (7, 6))
    box = (0.1, 0.0, 0.7, 1.0) if map_size == (12, 9) else composition.WHOLE
    whole = compose(**maps, box=box)
    monkeypatch.setattr(composition, 'STRIP_PIXELS', pixels)
    assert torch.equal(compose(**maps, box=box), whole)


def test_weights_of_enlarged_masks_sum_to_one():
    maps = random_maps((50, 40), (6, 5), (6, 5))
    maps['source'] = torch.ones(2, 3, 50, 40)
    maps['painted'] = torch.ones(2, 3, 6, 5)
    torch.testing.assert_close(compose(**maps), torch.ones(2, 3, 50, 40))


@pytest.mark.parametrize('map_size', [(5, 4), (3, 3)])
def test_gradients_reach_every_map(map_size):
    maps = random_maps((5, 4), map_size, (3, 2), batch=1, dtype=torch.float64)
    names = list(maps['flows'])
    leaves = [maps['source'], maps['painted'], maps['masks'], *maps['flows'].values()]

    def function(source, painted, masks, *flows):
        return compose(source, painted, dict(zip(names, flows)), masks)

    assert gradcheck(function, [leaf.requires_grad_() for leaf in leaves])


def test_with_gradient_nothing_is_cut_into_strips(monkeypatch):
    monkeypatch.setattr(composition, 'STRIP_PIXELS', 1)
    maps = random_maps((12, 9), (12, 9), (6, 5))
    plain = compose(**maps)
    maps['masks'].requires_grad_()
    whole, calls = composition._compose_rows, []

    def compose_rows(*args: Tensor, **options: object) -> Tensor:
        calls.append(options)
        return whole(*args, **options)

    monkeypatch.setattr(composition, '_compose_rows', compose_rows)
    assert torch.equal(compose(**maps), plain)
    assert len(calls) == 1


def test_half_precision_is_widened():
    maps = random_maps((12, 9), (6, 5), (6, 5))
    low = {
        name: value.bfloat16() if isinstance(value, Tensor) else value
        for name, value in maps.items()
    }
    result = compose(**low)
    assert result.dtype == torch.float32
    torch.testing.assert_close(result, compose(**maps), rtol=0, atol=0.03)


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (dict(masks=torch.ones(2, 3, 6, 5)), r'masks must be \(2, 4, height, width\)'),
        (dict(source=torch.ones(2, 1, 6, 5)), r'source must be \(2, 3, height'),
        (dict(painted=torch.ones(1, 3, 6, 5)), r'painted must be .* got \(1, 3, 6, 5'),
        (
            dict(flows=dict(head=torch.ones(2, 2, 5, 5), leg=torch.ones(2, 5, 5))),
            r"flows\['leg'\] must be \(2, 2, height, width\), got \(2, 5, 5\)",
        ),
    ],
)
def test_shapes_must_belong_together(changes, message):
    with pytest.raises(ValueError, match=message):
        compose(**random_maps((12, 9), (6, 5), (6, 5)) | changes)
