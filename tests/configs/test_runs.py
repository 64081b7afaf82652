"""The tiny config of each method goes through train, test and infer, and real photos.

Each is found by its name, so a new method is in these tests once its config is there.
The paper's own goes through all of it in ``tests/tools/test_real_photos.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import default_collate
from mmengine.registry import DefaultScope
from PIL import Image

from posegen.cli import main
from posegen.datasets import PosePairDataset, read_pairs
from posegen.engine.config import load_config, merge_stage, stage_entries
from posegen.engine.optim import MultiOptimWrapperConstructor
from posegen.registry import MODELS
from posegen.utils.paths import configs_root
from tests.helpers.pair_set import write_pair_set

TINY = sorted(configs_root().glob('*/*_tiny.py'))
METHODS = [
    pytest.param(path, id=path.parent.name)
    for path in TINY
    if path.parent.name != 'spig'
]
#: Folder of real photos -> images, names of the lists, (height, width).
REAL = dict(
    market1501=('bounding_box_test', 'market', (128, 64)),
    deepfashion=('test', 'fasion', (256, 256)),
)


def run(command: str, *arguments: str | Path) -> None:
    assert main([command, *map(str, arguments)]) == 0


def changes(data: Path, stages: list[str]) -> list[str]:
    """Options for two steps a stage, in this process."""
    loaders = {name: f'{name}_dataloader' for name in ('train', 'val', 'test')}
    return [
        '--cfg-options',
        f'data_root={data}',
        *(f'{loader}.num_workers=0' for loader in loaders.values()),
        *(f'{loaders[name]}.persistent_workers=False' for name in ('train', 'val')),
        *(f'{loaders[name]}.dataset.truth_dir=None' for name in ('val', 'test')),
        *(f'stages.{stage}.train_cfg.max_iters=2' for stage in stages),
        *(f'stages.{stage}.train_cfg.val_interval=2' for stage in stages),
        *(f'stages.{stage}.train_dataloader.batch_size=2' for stage in stages),
    ]


@pytest.mark.parametrize('config', METHODS)
def test_train_test_and_infer(config: Path, tmp_path: Path) -> None:
    data, work_dir = tmp_path / 'data', tmp_path / 'work'
    for seed, split in enumerate(('train', 'test')):
        write_pair_set(data, size=(128, 64), split=split, seed=seed)
    stages = [entry['name'] for entry in stage_entries(load_config(config))]
    options = changes(data, stages)
    run('train', config, '--work-dir', work_dir, *options)
    weights, results = work_dir / stages[-1] / 'latest.pth', tmp_path / 'results'
    run('test', config, weights, '--out', results, '--work-dir', work_dir, *options)
    pairs = read_pairs(data / 'synthetic-pairs-test.csv')
    names = {f'{Path(a).stem}___{Path(b).stem}.png' for a, b in pairs}
    assert {path.name for path in results.iterdir()} == names

    source, target = pairs[0]
    run(
        'infer',
        *('--model', config, '--weights', weights, '--out', tmp_path / 'posed.png'),
        *('--source', data / 'test' / source, '--pose', target),
        *('--annotations', data / 'synthetic-annotation-test.csv'),
    )
    # The same weights and the same pair give the picture that the test gave.
    result = results / f'{Path(source).stem}___{Path(target).stem}.png'
    with Image.open(tmp_path / 'posed.png') as posed, Image.open(result) as tested:
        difference = np.asarray(posed).astype(int) - np.asarray(tested)
    assert abs(difference).max() <= 1  # one picture in a batch, or four


@pytest.mark.parametrize('folder', REAL)
@pytest.mark.parametrize('config', METHODS)
def test_steps_on_real_photos(
    config: Path, folder: str, shared: Callable[[str], Path]
) -> None:
    image_dir, prefix, size = REAL[folder]
    pairs = PosePairDataset(
        data_root=str(shared(f'data/real/{folder}')),
        image_dir=image_dir,
        annotation_file=f'{prefix}-annotation-test.csv',
        pair_file=f'{prefix}-pairs-test.csv',
        image_size=size,
        annotation_size=size,
        max_pairs=2,
    )
    batch = default_collate([pairs[0], pairs[1]])
    cfg = load_config(config)
    for stage in stage_entries(cfg):
        check_step(merge_stage(cfg, stage), batch, size)


def check_step(cfg: Config, batch: dict, size: tuple[int, int]) -> None:
    """A training step moves the generator, and the model makes pictures."""
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('posegen'):
        model = MODELS.build(cfg.model)
    wrappers = dict(cfg.optim_wrapper)
    optimisers = MultiOptimWrapperConstructor(
        {name: wrappers[name] for name in wrappers if name != 'constructor'}
    )(model)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    logs = model.train_step(batch, optimisers)
    after = model.state_dict()
    moved = {key.split('.')[0] for key in before if not before[key].equal(after[key])}
    assert 'generator' in moved
    assert all(torch.as_tensor(value).isfinite().all() for value in logs.values())
    sample = model.eval().val_step(batch)[1]
    assert sample['image'].shape == (3, *size)
    assert torch.equal(sample['source_image'], batch['source_image'][1])
