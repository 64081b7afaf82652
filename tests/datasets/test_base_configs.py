"""The three dataset configs load, and read a set in the layout they describe."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from mmengine.config import Config
from mmengine.runner import Runner

from posegen.datasets import PosePairDataset
from posegen.utils.errors import DataError
from tests.helpers.pair_set import write_pair_set

FOLDER = Path(__file__).parents[2] / 'configs/_base_/datasets'
NAMES = sorted(file.stem for file in FOLDER.glob('*.py'))
LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')


def lay_out(root: Path, loader: dict) -> None:
    """Write a tiny set under the file names that a dataloader's dataset asks for."""
    dataset = loader['dataset']
    written = write_pair_set(
        root / 'made', size=tuple(dataset['image_size']), truth=True
    )
    for key in ('image_dir', 'annotation_file', 'pair_file', 'truth_dir'):
        if dataset.get(key) and not (root / dataset[key]).exists():
            (root / dataset[key]).parent.mkdir(parents=True, exist_ok=True)
            shutil.move(root / 'made' / written[key], root / dataset[key])
    shutil.rmtree(root / 'made')


@pytest.mark.parametrize('name', NAMES)
@pytest.mark.parametrize('loader', LOADERS)
def test_dataloader_yields_a_batch(tmp_path, name, loader):
    cfg = Config.fromfile(FOLDER / f'{name}.py')
    loader = cfg[loader]
    lay_out(tmp_path, loader)
    loader.dataset.data_root = str(tmp_path)
    loader.dataset['_scope_'] = 'posegen'
    loader |= {'num_workers': 0, 'persistent_workers': False, 'batch_size': 2}
    batch = next(iter(Runner.build_dataloader(loader, seed=0)))
    assert batch['source_image'].shape == (2, 3, *loader.dataset.image_size)
    assert ('flow' in batch) == ('truth_dir' in loader.dataset)


@pytest.mark.parametrize('name', NAMES)
def test_splits_and_batch_sizes(name):
    cfg = Config.fromfile(FOLDER / f'{name}.py')
    assert set(cfg) == {'data_root', *LOADERS}
    assert cfg.train_dataloader.batch_size == (6 if 'deepfashion' in name else 8)
    train, val, test = (cfg[key].dataset for key in LOADERS)
    assert {k: v for k, v in val.items() if k != 'max_pairs'} == test
    for key in ('image_dir', 'annotation_file', 'pair_file'):
        assert train[key].replace('train', 'test') == test[key]
    assert all('data_root' not in dataset for dataset in (train, val, test))


def test_real_deepfashion_through_its_config(shared):
    cfg = Config.fromfile(FOLDER / 'deepfashion-256x256.py')
    dataset = {k: v for k, v in cfg.test_dataloader.dataset.items() if k != 'type'}
    root = str(shared('data/real/deepfashion'))
    assert len(PosePairDataset(data_root=root, **dataset)) == 120


def test_empty_data_root_is_one_sentence(tmp_path):
    cfg = Config.fromfile(FOLDER / 'market1501-128x64.py')
    dataset = {k: v for k, v in cfg.train_dataloader.dataset.items() if k != 'type'}
    with pytest.raises(DataError, match='the data folder .*none does not exist'):
        PosePairDataset(data_root=str(tmp_path / 'none'), **dataset)
