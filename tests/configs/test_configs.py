"""Every shipped config is read, checked, built and trained for a step in each stage."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
import torch
from mmengine.registry import DefaultScope
from torch import Tensor

from posegen.engine.config import check_config, load_config, merge_stage, stage_entries
from posegen.engine.optim import MultiOptimWrapperConstructor
from posegen.registry import MODELS
from posegen.utils.paths import configs_root

CONFIGS = sorted(f for f in configs_root().glob('*/*.py') if f.parent.name != '_base_')
STAGES = [
    pytest.param(path, stage['name'], id=f'{path.stem}-{stage["name"]}')
    for path in CONFIGS
    for stage in stage_entries(load_config(path))
]


@pytest.fixture(autouse=True)
def _scope() -> None:
    DefaultScope.overwrite_default_scope('posegen').__enter__()


@pytest.mark.parametrize('path', CONFIGS, ids=lambda path: path.stem)
def test_is_sound_and_readable_alone(path: Path) -> None:
    check_config(load_config(path))
    tree = ast.parse(path.read_text())
    assert not [n for n in ast.walk(tree) if isinstance(n, ast.Import | ast.ImportFrom)]
    assert ast.get_docstring(tree)
    bases = [
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and node.targets[0].id == '_base_'
    ]
    # One level of inheritance: what a config names is runtime or data, nothing else.
    assert bases
    assert all(name.startswith('../_base_/') for name in bases[0])
    for name in bases[0]:
        assert '_base_' not in (path.parent / name).read_text().split('"""')[-1]


def batch_of_one(size: tuple[int, int]) -> dict:
    generator = torch.Generator().manual_seed(0)

    def image() -> Tensor:
        return torch.randint(0, 256, (1, 3, *size), generator=generator).byte()

    def keypoints() -> Tensor:
        scale = torch.tensor([size[1], size[0], 1.0])
        points = torch.rand(1, 18, 3, generator=generator) * 0.9 * scale
        points[..., 2] = 1
        return points

    return dict(
        source_image=image(),
        target_image=image(),
        source_keypoints=keypoints(),
        target_keypoints=keypoints(),
        source_name=['a.jpg'],
        target_name=['b.jpg'],
    )


@pytest.mark.parametrize(('path', 'stage'), STAGES)
def test_trains_one_step(path: Path, stage: str) -> None:
    cfg = load_config(path)
    entries = {entry['name']: entry for entry in stage_entries(cfg)}
    cfg = merge_stage(cfg, entries[stage])
    cfg.model.feature_net.weights = 'random'  # nothing is downloaded for a test
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    wrappers = dict(cfg.optim_wrapper)
    assert wrappers.pop('constructor') == 'MultiOptimWrapperConstructor'
    optimisers = MultiOptimWrapperConstructor(wrappers)(model)
    before = {
        k: v.clone() for k, v in model.generator.state_dict(prefix='generator.').items()
    }
    size = tuple(cfg.train_dataloader.dataset.image_size)
    logs = model.train_step(batch_of_one(size), optimisers)
    losses = {key: value for key, value in logs.items() if key.startswith('loss')}
    assert losses
    assert all(torch.as_tensor(value).isfinite().all() for value in losses.values())
    after = model.state_dict()
    assert any(not torch.equal(value, after[key]) for key, value in before.items())
