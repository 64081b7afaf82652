"""Learning from the truth, in the methods that have a flow."""

from __future__ import annotations

from copy import deepcopy

import pytest
import torch
from mmengine.registry import DefaultScope

from posegen.engine.config import load_config
from posegen.models.flow_based import FlowBasedTransfer
from posegen.registry import MODELS
from posegen.utils.errors import DataError
from posegen.utils.paths import configs_root
from tests.models.test_accumulation import batch

METHODS = ('spig', 'gfla')
TRUTH = dict(
    flow=dict(type='FlowTruthLoss'), visibility=dict(type='VisibilityTruthLoss')
)


def build(method: str, stage: str, losses: dict) -> FlowBasedTransfer:
    path = configs_root() / method / f'{method}_synthetic-128x64_tiny.py'
    model = load_config(path).to_dict()['model']
    model |= dict(train_stage=stage, losses=deepcopy(losses), discriminators=None)
    with DefaultScope.overwrite_default_scope('posegen'):
        return MODELS.build(model)


@pytest.mark.parametrize('method', METHODS)
def test_stage_flow_learns_flow_and_visibility_from_the_truth(method: str) -> None:
    model = build(method, 'flow', TRUTH)
    trained = {id(p) for p in model.parameters() if p.requires_grad}
    assert {id(p) for p in model.generator.visibility_parameters()} <= trained
    assert {id(p) for p in model.generator.flow_parameters()} <= trained
    data = model.training_batch(batch(2))
    losses, _ = model.generator_losses(data, model.run_generator(data))
    assert losses.keys() == {'loss_flow', 'loss_visibility'}
    sum(losses.values()).backward()
    assert all(p.grad is not None for p in model.parameters() if p.requires_grad)


@pytest.mark.parametrize('method', METHODS)
def test_stage_full_adds_the_truth_to_its_terms(method: str) -> None:
    model = build(method, 'full', TRUTH | dict(rec=dict(type='L1Loss')))
    data = model.training_batch(batch(2))
    losses, _ = model.generator_losses(data, model.run_generator(data))
    assert losses.keys() == {'loss_rec', 'loss_flow', 'loss_visibility'}


@pytest.mark.parametrize('method', METHODS)
def test_a_batch_without_truth_is_an_error(method: str) -> None:
    model = build(method, 'flow', TRUTH)
    data = model.training_batch(batch(1))
    del data['part_labels']
    out = model.run_generator(data)
    with pytest.raises(DataError, match='losses.flow needs the truth.*part_labels'):
        model.generator_losses(data, out)


def test_the_truth_itself_costs_next_to_nothing() -> None:
    model = build('gfla', 'flow', dict(flow=dict(type='FlowTruthLoss', eps=1e-3)))
    data = model.training_batch(batch(1))
    data['flow'] = torch.full_like(data['flow'], 6.0)
    flow = torch.full((1, 2, 16, 16), 1.5)
    flows = {'body': {2: (flow, torch.ones(1, 1, 16, 16))}}
    losses, _ = model.generator_losses(data, dict(flows=flows))
    assert losses['loss_flow'] < 0.01
