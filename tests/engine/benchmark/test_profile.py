"""The profile of a training step."""

from __future__ import annotations

import pytest
import torch

from posegen.engine.benchmark.profile import profile_training, top_operators
from posegen.utils.errors import ConfigError
from tests.engine.benchmark.helpers import tiny_case


def test_a_profile_has_phases_and_operators() -> None:
    found = profile_training(tiny_case('gfla'), iterations=1, warmup=1)
    assert found['step']['iterations'] == 1
    total = sum(row['ms'] for row in found['phases'] if len(row['phase']) == 1)
    assert total > 0
    names = [row['operator'] for row in found['operators']]
    assert 'aten::convolution_backward' in names
    assert not any(name.startswith('Optimizer') for name in names)
    times = [row['ms'] for row in found['operators']]
    assert times == sorted(times, reverse=True)
    assert found['notes'] == []


def test_operators_are_counted_for_each_call_with_the_time_of_their_own() -> None:
    a = torch.rand(300, 300)
    rows = top_operators(lambda: (a @ a, (a @ a).relu()), calls=3, device='cpu')
    by_name = {row['operator']: row for row in rows}
    assert rows[0]['operator'] == 'aten::mm'
    assert by_name['aten::mm']['calls'] == 2
    assert by_name['aten::relu']['calls'] == 1
    # It only calls aten::mm, whose time is not its own.
    assert by_name['aten::matmul']['ms'] < by_name['aten::mm']['ms'] / 2
    assert sum(row['share'] for row in rows) == pytest.approx(1)


def test_compiled_networks_cannot_be_watched() -> None:
    case = tiny_case(options=("compile.networks=['generator']",))
    with pytest.raises(ConfigError, match='--cfg-options compile=None'):
        profile_training(case, 1, 0)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a GPU')
def test_on_a_gpu_the_time_is_that_of_kernels() -> None:
    a = torch.rand(2000, 2000, device='cuda')
    rows = top_operators(lambda: (a @ a).relu(), calls=2, device='cuda')
    assert rows[0]['operator'] == 'aten::mm'
    assert rows[0]['ms'] > 0
    assert sum(row['share'] for row in rows) == pytest.approx(1)
