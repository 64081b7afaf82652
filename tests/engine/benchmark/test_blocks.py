"""The non-local blocks beside each other."""

from __future__ import annotations

import pytest

from posegen.engine.benchmark.blocks import (
    NONE,
    PYRAMID,
    block_variants,
    measure_blocks,
    whole_models,
)
from posegen.engine.benchmark.subject import build_subject
from posegen.utils.errors import ConfigError
from tests.engine.benchmark.helpers import tiny_case


def test_blocks_work_on_the_map_of_the_model() -> None:
    rows = measure_blocks(tiny_case(size=(128, 128)), iterations=1, warmup=1)
    assert [row['block'] for row in rows] == [PYRAMID, 'non-local, fused', 'non-local']
    for row in rows:
        assert row['map'] == (32, 32)
        assert row['channels'] == 8
        assert row['forward_ms_p50'] > 0
        assert row['both_ms_p50'] > 0
    pyramid, fused, standard = (row['peak'] for row in rows)
    one_map = 2 * (32 * 32) ** 2 * 4
    assert pyramid < fused < one_map < standard


def test_memory_grows_with_the_square_of_the_map_in_the_standard_block_alone() -> None:
    small, large = (
        {r['block']: r['peak'] for r in measure_blocks(tiny_case(size=size), 1, 0)}
        for size in ((64, 64), (128, 128))
    )
    assert large['non-local'] / small['non-local'] > 10
    assert large['non-local, fused'] / small['non-local, fused'] < 8
    assert large[PYRAMID] / small[PYRAMID] < 5


def test_whole_models_differ_in_the_block() -> None:
    cases = whole_models([tiny_case(), tiny_case(batch_size=1)])
    assert len(cases) == 8
    assert [case.variant for case in cases[:4]] == [*block_variants(tiny_case())]
    blocks = [build_subject(c, training=False).model.generator.pnb for c in cases[:4]]
    names = [type(block).__name__ for block in blocks]
    assert names == [
        'PyramidNonLocalBlock',
        'NonLocalBlock',
        'NonLocalBlock',
        'NoneType',
    ]
    assert [block.fused for block in blocks[1:3]] == [True, False]
    assert cases[3].variant == NONE


@pytest.mark.parametrize('method', ['gfla', 'patn'])
def test_without_a_block_there_is_nothing_to_compare(method: str) -> None:
    with pytest.raises(ConfigError, match=r'has no model\.generator\.pnb'):
        whole_models([tiny_case(method)])


def test_lack_of_memory_is_a_result(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object) -> None:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: 1 byte")

    monkeypatch.setattr('posegen.engine.benchmark.blocks.time_calls', fail)
    rows = measure_blocks(tiny_case(), 1, 0)
    assert [row['error'] for row in rows] == ['out of memory'] * 3
