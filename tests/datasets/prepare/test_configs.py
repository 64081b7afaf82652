"""The published configs read what the scripts write, with data_root alone changed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from posegen.datasets import read_pairs
from posegen.datasets.prepare import prepare_deepfashion, prepare_market1501
from posegen.engine.config import fill_data_root, load_config
from posegen.registry import DATASETS

from . import trees

CONFIGS = Path(__file__).resolve().parents[3] / 'configs'
LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')


def write_deepfashion(top: Path, size: tuple[int, int], shift: int = 0) -> Path:
    trees.write_deepfashion_tree(top / 'Img/img highres', size)
    lists = trees.write_deepfashion_lists(top / 'lists', shift)
    prepare_deepfashion(top, top / 'out', lists=lists, workers=1)
    return top / 'out'


def write_market(top: Path) -> Path:
    trees.write_market_tree(top / 'Market-1501-v15.09.15')
    lists = trees.write_market_lists(top / 'lists')
    prepare_market1501(top, top / 'out', lists=lists, workers=1)
    return top / 'out'


def load_everything(config: str, root: Path) -> dict[str, list[dict]]:
    """All samples of all loaders of a config on ``root``."""
    cfg = load_config(CONFIGS / config, {'data_root': str(root)})
    fill_data_root(cfg)
    samples = {}
    for loader in LOADERS:
        dataset = DATASETS.build(cfg[loader].dataset)
        samples[loader] = [dataset[i] for i in range(len(dataset))]
    return samples


@pytest.mark.parametrize(
    'config',
    ['spig/spig_market1501-128x64.py', 'spig/spig_market1501-128x64_small.py'],
)
def test_market(tmp_path, config):
    samples = load_everything(config, write_market(tmp_path))
    assert [len(samples[loader]) for loader in LOADERS] == [8, 4, 4]
    for sample in samples['train_dataloader'] + samples['test_dataloader']:
        assert sample['source_image'].shape == (3, 128, 64)
        assert sample['source_keypoints'][:, 2].sum() >= 17


@pytest.mark.parametrize(
    ('size', 'left', 'width'),
    [(trees.CANVAS, 0, 256), ((220, 150), 40, 176)],
    ids=['img', 'img_highres'],
)
@pytest.mark.parametrize('shift', [0, 40], ids=['of 256', 'of 176'])
def test_deepfashion(tmp_path, size, left, width, shift):
    """Joints lie where they do in the raw picture, whatever frame they came in."""
    root = write_deepfashion(tmp_path, size, shift)
    samples = load_everything('spig/spig_deepfashion-256x256.py', root)
    assert [len(samples[loader]) for loader in LOADERS] == [18, 12, 12]
    for split, loader in (('train', LOADERS[0]), ('test', LOADERS[2])):
        names = [photo.flat for photo in trees.deepfashion_photos(split)]
        assert len(read_pairs(root / f'fasion-pairs-{split}.csv')) == len(
            samples[loader]
        )
        for sample in samples[loader]:
            assert sample['target_image'].shape == (3, 256, 256)
            joints = trees.joints_of(names.index(sample['target_name']))
            expected = np.array(joints)
            missing = (expected == -1).all(1)
            expected[:, 0] = (expected[:, 0] - left) * 256 // width
            got = sample['target_keypoints'].numpy()
            assert np.array_equal(got[:, 2] == 0, missing)
            assert np.array_equal(got[~missing, :2], expected[~missing])
