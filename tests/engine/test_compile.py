"""Compiled sub-networks compute what they did, under the names that they had."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from posegen.engine.compile import compile_networks
from posegen.utils.errors import ConfigError
from tests.engine.conftest import weights_of
from tests.models.test_accumulation import batch, build

#: Compiles nothing, but traces: what torch cannot follow breaks here as well.
TRACED = dict(backend='eager')
#: Tracing Def-GAN and VU-Net takes a minute; they trained the same when tried.
METHODS = ['spig-flow', 'spig-full', 'gfla-full', 'patn-full']


@pytest.fixture(autouse=True)
def forget() -> None:
    torch.compiler.reset()


@pytest.mark.parametrize('case', METHODS)
def test_a_method_trains_the_same(case: str) -> None:
    weights = []
    for compiled in (False, True):
        model, optimizers = build(case)
        if compiled:
            names = ['generator', *(['discriminators'] if model.discriminators else [])]
            compile_networks(model, names, **TRACED)
        torch.manual_seed(1)
        model.train_step(batch(3), optimizers)
        weights.append(model.state_dict())
    plain, compiled = weights
    assert plain.keys() == compiled.keys()
    for key, value in plain.items():
        torch.testing.assert_close(compiled[key], value, rtol=1e-6, atol=1e-6, msg=key)


class Scale(nn.Module):
    """No module of torch.nn itself: not every release makes graphs of those."""

    def forward(self, x: Tensor) -> Tensor:
        return 2 * x


def test_the_network_is_compiled_and_only_it() -> None:
    model = nn.ModuleDict(dict(a=Scale(), b=Scale()))
    graphs = []

    def backend(graph: torch.fx.GraphModule, inputs: list) -> Callable:
        graphs.append(graph)
        return graph.forward

    compile_networks(model, 'a', backend=backend)
    model['b'](torch.ones(1, 1))
    assert not graphs
    model['a'](torch.ones(1, 1))
    assert len(graphs) == 1


@pytest.mark.parametrize(
    ('name', 'message'),
    [
        ('generatr', "no sub-network 'generatr'; it has data_preprocessor, generator"),
        ('generator.x', "no sub-network 'generator.x'; generator has flow_nets"),
        ('x.y', "no sub-network 'x.y'; it has data_preprocessor"),
    ],
)
def test_another_name_is_an_error(name: str, message: str) -> None:
    model, _ = build('spig-flow')
    with pytest.raises(ConfigError, match=message):
        compile_networks(model, [name])


def test_a_run_compiles_what_its_config_names(train: Callable, tmp_path: Path) -> None:
    compile = dict(networks=('generator', 'discriminators'), **TRACED)
    train(iters=2, compile=compile)
    train(iters=2, work_dir=str(tmp_path / 'plain'))
    compiled, plain = (
        weights_of(tmp_path / run / 'full' / 'iter_2.pth') for run in ('run', 'plain')
    )
    assert compiled.keys() == plain.keys()
    for key, value in plain.items():
        torch.testing.assert_close(compiled[key], value, rtol=1e-6, atol=1e-6)


def test_a_run_that_names_no_such_network_is_refused(train: Callable) -> None:
    with pytest.raises(ConfigError, match="ToyTransfer has no sub-network 'gen'"):
        train(iters=2, compile=dict(networks=('gen',)))


@pytest.mark.skipif(shutil.which('g++') is None, reason='inductor needs a C++ compiler')
def test_inductor_keeps_a_discriminator_that_judges_twice() -> None:
    """Its spectral norm changes between two passes that share a backward pass."""
    ends = []
    for compiled in (False, True):
        torch.manual_seed(0)
        net = nn.Sequential(
            spectral_norm(nn.Conv2d(3, 4, 3)), nn.LeakyReLU(), nn.Conv2d(4, 1, 1)
        )
        model = nn.ModuleDict(dict(net=net))
        if compiled:
            compile_networks(model, ['net'])
        for _ in range(2):
            judged = net(torch.randn(2, 3, 8, 8)), net(torch.randn(2, 3, 8, 8))
            (judged[0].square().mean() - judged[1].mean()).backward()
        ends.append([p.grad for p in net.parameters()] + [*net.buffers()])
    for plain, found in zip(*ends):
        torch.testing.assert_close(found, plain, rtol=1e-5, atol=1e-6)
