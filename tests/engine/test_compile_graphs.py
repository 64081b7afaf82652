"""Generators are one graph each, and give the same numbers as one."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor

from posegen.engine.compile import compile_networks
from posegen.models import BasePoseTransfer
from posegen.models.def_gan import PartAffineWarp
from posegen.utils.errors import ConfigError
from tests.models.def_gan.helpers import keypoints
from tests.models.spig.test_spig import batch
from tests.models.spig.test_spig import build as build_spig
from tests.models.test_accumulation import build

#: The fewer layers, the sooner they are traced.
PARTS = dict(head=(0, 1, 14, 15), leg=(8, 9, 10))


def spig(**changes: object) -> BasePoseTransfer:
    return build_spig(dict(parts=PARTS, **changes))


class Graphs(list):
    """A backend that keeps what it is given and runs it as it is."""

    def __call__(self, graph: torch.fx.GraphModule, inputs: list) -> Callable:
        self.append(graph)
        return graph.forward


@pytest.fixture(autouse=True)
def forget() -> Iterator[None]:
    torch.compiler.reset()
    yield
    torch.compiler.reset()


def outputs_and_gradients(model: BasePoseTransfer) -> list[Tensor]:
    data = model.data_preprocessor(batch(), training=True)
    out = model.run_generator(data)
    maps = [x for part in out['flows'].values() for pair in part.values() for x in pair]
    maps.append(out['image'])
    sum(x.square().mean() for x in maps).backward()
    parameters = model.generator.parameters()
    return [*maps, *(p.grad for p in parameters if p.grad is not None)]


@pytest.mark.parametrize('case', ['gfla-full', 'limbwarp-full'])
def test_a_generator_is_one_graph(case: str) -> None:
    """The paper's is below."""
    (model, _), graphs = build(case), Graphs()
    compile_networks(model, ['generator'], backend=graphs, fullgraph=True)
    outputs_and_gradients(model)
    assert len(graphs) == 1


@pytest.mark.parametrize('batched', [False, True])
def test_outputs_and_gradients_are_those_of_eager_mode(batched: bool) -> None:
    model = spig(batched_parts=batched)
    expected = outputs_and_gradients(model)
    model.zero_grad()
    compile_networks(model, ['generator'], backend='aot_eager', fullgraph=True)
    found = outputs_and_gradients(model)
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-6)


def test_the_deformable_skip_is_one_graph_with_its_own_gradient() -> None:
    warp, graphs = PartAffineWarp(), Graphs()
    geometry = warp.geometry(keypoints(2), keypoints(2, seed=1), (64, 32))
    feat = torch.randn(2, 3, 32, 16, requires_grad=True)
    (expected,) = torch.autograd.grad(warp(feat, geometry).square().sum(), feat)
    compiled = torch.compile(warp, backend=graphs, fullgraph=True)
    (found,) = torch.autograd.grad(compiled(feat, geometry).square().sum(), feat)
    assert len(graphs) == 1
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(backend='inductr'), "compile.backend must be one of .* got 'inductr'"),
        (dict(mode='fast'), "compile.mode 'fast' is unknown: .*reduce-overhead"),
    ],
)
def test_settings_that_torch_does_not_know(options: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        compile_networks(spig(), ['generator'], **options)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a GPU')
@pytest.mark.parametrize('batched', [False, True])
def test_inductor_on_a_gpu(batched: bool) -> None:
    model = spig(batched_parts=batched).cuda()
    expected = outputs_and_gradients(model)
    model.zero_grad()
    compile_networks(model, ['generator'])
    found = outputs_and_gradients(model)
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-4)
