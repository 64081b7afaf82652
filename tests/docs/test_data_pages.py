"""The pipeline that a page shows makes samples, not only a valid config."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from posegen.datasets import PosePairDataset
from posegen.engine.config import load_config
from tests.helpers.pair_set import write_pair_set

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize('truth', [False, True])
def test_the_augmentation_of_the_page_runs(tmp_path, monkeypatch, truth):
    page = (ROOT / 'docs/data_pipeline.md').read_text(encoding='utf-8')
    [code] = re.findall(r'```python\n(# my_data.py\n.*?)```', page, re.DOTALL)
    (tmp_path / 'my_data.py').write_text(code)
    (tmp_path / 'configs').symlink_to(ROOT / 'configs')
    monkeypatch.chdir(tmp_path)
    dataset = load_config('my_data.py').train_dataloader.dataset.to_dict()
    pipeline = dataset['pipeline']
    if truth:
        pipeline.insert(1, dict(type='LoadTruth'))  # where the page says
    made = write_pair_set(tmp_path / 'data', size=(128, 64), truth=truth)
    samples = PosePairDataset(**made, pipeline=pipeline)
    first, again = samples[0], samples[0]
    assert first['source_image'].shape == (3, 128, 64)
    assert ('flow' in first) == truth
    assert (first['source_keypoints'] != again['source_keypoints']).any()
