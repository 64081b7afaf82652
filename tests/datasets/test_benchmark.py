"""The benchmark of samples: what it compares, what it says, and who wins."""

from __future__ import annotations

import json
import os
import re
import runpy
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch

from posegen.codecs import keypoints_to_heatmaps
from posegen.datasets import PosePairDataset
from posegen.datasets.benchmark import (
    WAYS,
    benchmark_dataset,
    format_benchmark,
    published_maps,
    published_sample,
)
from posegen.datasets.made_photos import make_photo, make_photo_pairs
from posegen.models.preprocessor import to_unit_range
from posegen.utils.errors import ConfigError
from posegen.utils.images import is_plain_jpeg
from tests.helpers import warm
from tests.helpers.pair_set import write_pair_set

ROOT = Path(__file__).resolve().parents[2]
TOOL = ROOT / 'tools' / 'analysis' / 'benchmark_data.py'
CONFIG = ROOT / 'configs' / 'spig' / 'spig_market1501-128x64.py'


@pytest.mark.parametrize('size', [(64, 48), (30, 20)])
def test_both_ways_make_the_same_batch(tmp_path, size):
    """What the model gets in the end: images in [-1, 1] and maps."""
    pair_set = write_pair_set(tmp_path, size=(64, 48)) | {
        'image_size': size,
        'annotation_size': (64, 48),
        'scaling': 'gfla',
    }
    ours = PosePairDataset(**pair_set)[1]
    theirs = PosePairDataset(**pair_set, pipeline=[published_sample])[1]
    for number, side in ((1, 'source'), (2, 'target')):
        torch.testing.assert_close(
            theirs[f'P{number}'], to_unit_range(ours[f'{side}_image'])
        )
        maps = keypoints_to_heatmaps(ours[f'{side}_keypoints'], size)
        torch.testing.assert_close(theirs[f'BP{number}'], maps)
        assert theirs[f'P{number}_path'].endswith(ours[f'{side}_name'])


def test_published_maps():
    keypoints = np.array([[3, 5, 1], [2, 2, 0]], np.float32)
    maps = published_maps(keypoints, (8, 10))
    assert maps.shape == (8, 10, 2)
    assert maps.dtype == np.float32
    assert maps[5, 3, 0] == 1
    assert maps[5, 9, 0] == pytest.approx(np.exp(-0.5))
    assert not maps[..., 1].any()


@pytest.mark.parametrize('size, least, most', [((256, 256), 10, 20), ((128, 64), 2, 6)])
def test_made_photos_are_as_large_as_photos(tmp_path, size, least, most):
    dataset = PosePairDataset(**make_photo_pairs(tmp_path, size, 2), image_size=size)
    assert len(dataset) == 24
    assert dataset[0]['source_image'].shape == (3, *size)
    files = list((tmp_path / 'images').iterdir())
    assert all(is_plain_jpeg(file.read_bytes()) for file in files)
    mean = np.mean([file.stat().st_size for file in files]) / 1e3
    assert least < mean < most


def test_made_photos_follow_the_seed():
    a, b = (make_photo((40, 30), np.random.default_rng(seed)) for seed in (0, 1))
    again = make_photo((40, 30), np.random.default_rng(0))
    np.testing.assert_array_equal(a, again)
    assert (a != b).any()


@pytest.mark.parametrize('workers', [0, 1])
def test_report(tmp_path, workers):
    dataset = dict(write_pair_set(tmp_path, size=(64, 48)), type='PosePairDataset')
    report = benchmark_dataset(dataset, 4, workers, seconds=0.05)
    assert report['data'] == str(tmp_path)
    assert (report['image_size'], report['batch_size']) == ([64, 48], 4)
    assert tuple(report['ways']) == WAYS
    for way in report['ways'].values():
        per_core = way['samples_per_core_second']
        assert per_core > 0 and way['samples_per_second'] > 0
        assert way['milliseconds'] == pytest.approx(1000 / per_core)
    pixels = 4 * 2 * 64 * 48 / 1e6
    ours, theirs = (report['ways'][way]['batch_megabytes'] for way in WAYS)
    assert ours == pytest.approx(3 * pixels, rel=0.05)
    assert theirs == pytest.approx(4 * (3 + 18) * pixels)
    assert 0 < report['speed_up_with_heatmaps'] < report['speed_up']
    assert report['heatmaps_milliseconds']['cpu'] > 0
    assert torch.get_num_threads() >= 1
    assert 'speed-up per core: ' in format_benchmark(report)


@pytest.mark.parametrize(
    'change, message',
    [
        ({'type': 'Other'}, 'needs a PosePairDataset, got Other'),
        ({'batch_size': 0}, 'must be positive'),
        ({'seconds': 0}, 'must be positive'),
        ({'workers': -1}, 'must be positive'),
    ],
)
def test_wrong_arguments(change, message):
    arguments = {'type': 'PosePairDataset', 'batch_size': 2, 'seconds': 1.0, **change}
    with pytest.raises(ConfigError, match=message):
        benchmark_dataset({'type': arguments.pop('type')}, **arguments)


def test_without_the_data_pictures_are_made(tmp_path):
    size = {'image_size': (256, 256), 'annotation_size': (256, 176)}
    dataset = {'type': 'PosePairDataset', 'data_root': str(tmp_path / 'none'), **size}
    report = benchmark_dataset(dataset, batch_size=2, seconds=0.2)
    assert report['data'] == 'made here'
    assert report['image_size'] == [256, 256]
    assert report['speed_up'] > 6  # 25 on a quiet machine


def test_the_command_says_that_ours_is_faster(tmp_path):
    out = tmp_path / 'speed.json'
    done = subprocess.run(
        [warm.python(), str(TOOL), str(CONFIG), '--made', '--seconds', '0.4']
        + ['--json', str(out)],
        env={**os.environ, 'OMP_NUM_THREADS': '1'},
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr
    assert 'images: made here' in done.stdout
    rows = dict(re.findall(r'^(posegen|published) +(\d+) ', done.stdout, re.MULTILINE))
    assert set(rows) == set(WAYS)
    assert int(rows['posegen']) > 3 * int(rows['published'])  # 8 on a quiet machine
    assert 'maps of a batch, built by the model: ' in done.stdout
    report = json.loads(out.read_text())
    assert f'speed-up per core: {report["speed_up"]:.1f}x' in done.stdout


def test_errors_are_one_line():
    main = runpy.run_path(str(TOOL))['main']
    wrong = 'train_dataloader.dataset.type=Other'
    with pytest.raises(SystemExit, match="^benchmark_data: .*no dataset named 'Oth"):
        main([str(CONFIG), '--cfg-options', wrong])
    with pytest.raises(SystemExit, match=r'runtime\.py has no val_dataloader'):
        main([str(ROOT / 'configs/_base_/runtime.py'), '--split', 'val'])
    with pytest.raises(ConfigError, match='the benchmark needs a PosePairDataset'):
        benchmark_dataset({'type': 'Other'}, 2)
