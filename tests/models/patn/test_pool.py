"""The history of generated images: what goes in comes out, half of it later."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from posegen.models.patn.pool import ImagePool


def numbered(start: int, count: int) -> Tensor:
    """Images whose only value is their number."""
    return torch.arange(start, start + count, dtype=torch.float32).view(-1, 1, 1, 1)


def test_no_pool_gives_back_what_comes_in_without_gradient() -> None:
    pool, images = ImagePool(0), numbered(0, 4).requires_grad_()
    assert torch.equal(pool.query(images), images)
    assert not pool.query(images).requires_grad
    assert pool.state() == []


def test_until_it_is_full_everything_goes_on_and_is_kept() -> None:
    pool = ImagePool(4)
    assert torch.equal(pool.query(numbered(0, 3)), numbered(0, 3))
    assert torch.equal(torch.stack(pool.items), numbered(0, 3))


@given(st.integers(1, 6), st.lists(st.integers(1, 5), max_size=8), st.integers(0, 99))
def test_nothing_is_lost_and_nothing_comes_twice(
    size: int, batches: list[int], seed: int
) -> None:
    torch.manual_seed(seed)
    pool, sent, received = ImagePool(size), 0, []
    for count in batches:
        received += pool.query(numbered(sent, count)).flatten().tolist()
        sent += count
    first = list(range(min(size, sent)))  # go on, and are kept too
    kept = torch.stack(pool.items).flatten().tolist() if pool.items else []
    assert sorted([*received, *kept]) == sorted([*range(sent), *first])


def test_half_of_the_images_are_exchanged_once_it_is_full() -> None:
    torch.manual_seed(0)
    pool = ImagePool(50)
    pool.query(numbered(0, 50))
    out = torch.cat([pool.query(numbered(100 * i, 100)) for i in range(1, 21)])
    new = torch.cat([numbered(100 * i, 100) for i in range(1, 21)])
    # 2,000 throws of a coin: 5 standard deviations are 0.056.
    assert (out == new).float().mean().item() == pytest.approx(0.5, abs=0.056)


def test_what_is_kept_is_a_copy() -> None:
    pool, images = ImagePool(2), numbered(0, 2)
    pool.query(images)
    images.fill_(7)
    assert torch.equal(torch.stack(pool.items), numbered(0, 2))


def test_a_state_goes_on_as_the_pool_itself() -> None:
    pool, other = ImagePool(3), ImagePool(3)
    pool.query(numbered(0, 3))
    other.load_state(pool.state(), torch.device('cpu'))
    outs = []
    for each in (pool, other):
        torch.manual_seed(1)
        outs.append(each.query(numbered(10, 20)))
    assert torch.equal(*outs)


def test_a_smaller_pool_takes_over_what_it_can_keep() -> None:
    pool, smaller = ImagePool(4), ImagePool(2)
    pool.query(numbered(0, 4))
    smaller.load_state(pool.state(), torch.device('cpu'))
    assert len(smaller.items) == 2


def test_a_negative_size_is_refused() -> None:
    with pytest.raises(ValueError, match='size must be at least 0, got -1'):
        ImagePool(-1)
