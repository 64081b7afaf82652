"""Multiply-adds and parameters against numbers worked out by hand."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from posegen.engine.benchmark import count_macs, describe_complexity
from posegen.engine.benchmark.complexity import count_parameters, module_costs
from posegen.engine.benchmark.subject import build_subject
from posegen.models.layers import NonLocalBlock
from tests.engine.benchmark.helpers import STAGES, tiny_case


class Net(nn.Module):
    """Layers of each kind that counts, and of each that does not."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.Sequential(nn.Conv2d(3, 8, 3, stride=2, padding=1), nn.ReLU())
        self.norm = nn.InstanceNorm2d(8, affine=True)
        self.grouped = nn.Conv2d(8, 8, 3, padding=2, dilation=2, groups=4)
        self.up = nn.ConvTranspose2d(8, 4, 4, stride=2, padding=1)
        self.head = nn.Linear(4, 5)

    def forward(self, x: Tensor) -> Tensor:
        y = self.up(self.grouped(self.norm(self.down(x))))
        grid = F.affine_grid(torch.eye(2, 3)[None], list(y.shape), align_corners=True)
        y = F.grid_sample(y, grid, align_corners=True)
        pooled = F.adaptive_avg_pool2d(y, 1).flatten(1)
        flat = y.flatten(2)
        relations = (flat @ flat.transpose(1, 2)).softmax(-1)
        return self.head(pooled) + relations.sum()


#: 8 x 8 pixels go down to 4 x 4 and back.
BY_HAND = {
    'down': 4 * 4 * 8 * 3 * 9,
    'norm': 0,
    'grouped': 4 * 4 * 8 * (8 // 4) * 9,
    'up': 4 * 4 * 8 * 4 * 16,  # each input pixel spreads over 4 x 4 of each output
    'head': 4 * 5,
}
OWN = 4 * 4 * 64  # flat flat^T


@pytest.fixture(name='net')
def _net() -> Net:
    return Net().eval()


@pytest.fixture(name='spent')
def _spent(net: Net) -> dict[str, int]:
    with torch.no_grad():
        return count_macs(net, lambda: net(torch.zeros(1, 3, 8, 8)))


def test_a_small_net_costs_what_it_costs_by_hand(net: Net, spent: dict) -> None:
    costs = {cost.name: cost for cost in module_costs(net, spent)}
    assert {name: costs[name].macs for name in BY_HAND} == BY_HAND
    assert costs[''].macs == sum(BY_HAND.values()) + OWN
    assert spent[''] == OWN


def test_parameters_are_those_of_the_module_with_its_children(net, spent) -> None:
    costs = {cost.name: cost for cost in module_costs(net, spent)}
    assert costs['down.0'].parameters == costs['down'].parameters == 3 * 8 * 9 + 8
    assert costs['norm'].parameters == 16
    assert costs[''].parameters == sum(p.numel() for p in net.parameters())
    assert costs['up'].kind == 'ConvTranspose2d'


def test_counting_leaves_nothing_behind(net: Net, spent: dict) -> None:
    assert spent
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in net.modules())


def test_a_layer_that_runs_twice_counts_twice() -> None:
    layer = nn.Linear(3, 5)
    x = torch.zeros(2, 3)
    spent = count_macs(layer, lambda: (layer(x), layer(x)))
    assert spent[''] == 2 * 2 * 3 * 5


def test_what_a_caller_computes_is_not_charged_to_the_layer() -> None:
    outer = nn.Module()
    outer.layer = nn.Linear(3, 5)
    x = torch.zeros(2, 3)
    spent = count_macs(outer, lambda: outer.layer(x) @ torch.zeros(5, 7))
    assert spent == {'': 2 * 5 * 7, 'layer': 2 * 3 * 5}


@pytest.mark.parametrize('fused', [True, False])
def test_attention_costs_the_same_however_it_is_computed(fused: bool) -> None:
    block = NonLocalBlock(8, fused=fused)
    x = torch.zeros(2, 8, 4, 3)
    with torch.inference_mode():
        spent = count_macs(block, lambda: block(x))
    layers = 4 * (8 * 4 * 12)
    assert sum(spent.values()) == 2 * (layers + 2 * 12 * 12 * 4)


@pytest.mark.parametrize(('method', 'stage'), STAGES)
def test_every_method_is_counted(method: str, stage: str) -> None:
    found = describe_complexity(tiny_case(method, stage, size=(128, 64)))
    whole, *modules = found['modules']
    assert 0 < whole['macs'] <= found['macs']
    assert whole['parameters'] == found['parameters']['generator'] > 0
    children = [m for m in modules if '.' not in m['name']]
    assert sum(m['macs'] for m in children) <= whole['macs']
    # Def-GAN's warps multiply a few matrices outside of modules.
    assert sum(m['macs'] for m in children) > 0.95 * whole['macs']


def test_macs_are_of_one_image() -> None:
    one, two = (describe_complexity(tiny_case(batch_size=n))['macs'] for n in (1, 2))
    assert one == two > 0


def test_stage_one_trains_the_flow_nets_alone() -> None:
    flow, full = (
        count_parameters(build_subject(tiny_case(stage=stage), training=False).model)
        for stage in ('flow', 'full')
    )
    names = ('generator', 'discriminators', 'feature_net')
    assert [flow[name] for name in names] == [full[name] for name in names]
    assert 0 < flow['trained'] < full['trained'] <= sum(full[n] for n in names[:2])


def test_the_feature_net_has_the_published_number_of_weights() -> None:
    sam = dict(type='SamplingCorrectnessLoss', layers={2: ('relu3_1',)}, weight=1.0)
    changes = {
        'model.feature_net': dict(type='VGG19Features'),
        'model.losses': dict(sam=sam),
        'model.discriminators': None,
    }
    case = tiny_case(replaced=tuple(changes.items()))
    parameters = count_parameters(build_subject(case, training=False).model)
    assert parameters['feature_net'] == 20_024_384  # of VGG19's convolutions
    assert parameters['discriminators'] == 0
