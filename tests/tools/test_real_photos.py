"""The commands on real photos in the formats that their users have them in."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from posegen.datasets import read_pairs
from tests.helpers import warm

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class RealSet:
    """Where a published data set keeps what ``PosePairDataset`` reads."""

    folder: str
    image_dir: str
    annotation_file: str
    pair_file: str
    size: tuple[int, int]


SETS = [
    RealSet(
        'market1501',
        'bounding_box_test',
        'market-annotation-test.csv',
        'market-pairs-test.csv',
        (128, 64),
    ),
    RealSet(
        'deepfashion',
        'test',
        'fasion-annotation-test.csv',
        'fasion-pairs-test.csv',
        (256, 256),
    ),
]


def write_config(path: Path, data_root: Path, real: RealSet) -> Path:
    data = dict(
        type='PosePairDataset',
        image_dir=real.image_dir,
        annotation_file=real.annotation_file,
        pair_file=real.pair_file,
        image_size=real.size,
        annotation_size=real.size,
        max_pairs=2,
        _delete_=True,
    )
    loader = dict(batch_size=2, num_workers=0, persistent_workers=False, dataset=data)
    base = ROOT / 'configs/spig/spig_synthetic-128x64_tiny.py'
    lines = [f'_base_ = [{str(base)!r}]', f'data_root = {str(data_root)!r}']
    lines += [f'{split}_dataloader = {loader!r}' for split in ('train', 'val', 'test')]
    path.write_text('\n'.join(lines))
    return path


def call(python: str, tool: str, *arguments: str | Path) -> str:
    done = subprocess.run(
        [python, str(ROOT / 'tools' / tool), *map(str, arguments)],
        capture_output=True,
        text=True,
        env={**os.environ, 'OMP_NUM_THREADS': '1'},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize('real', SETS, ids=lambda real: real.folder)
def test_train_test_evaluate_and_infer(
    real: RealSet, shared: Callable[[str], Path], tmp_path: Path
) -> None:
    data_root = shared(f'data/real/{real.folder}')
    # Of one set the commands are started as users start them, with nothing imported.
    fresh = real.folder == 'market1501'
    run = partial(call, sys.executable if fresh else warm.python())
    config = write_config(tmp_path / 'real.py', data_root, real)
    work_dir = tmp_path / 'work'

    stages = ('flow', 'full')
    small = [f'stages.{name}.train_dataloader.batch_size=1' for name in stages]
    run('train.py', config, '--work-dir', work_dir, '--cfg-options', *small)
    for stage in stages:
        record = json.loads((work_dir / stage / 'stage.json').read_text())
        assert record['finished']
        assert list((work_dir / stage / 'samples').glob('*.png'))

    weights, results = work_dir / 'full/latest.pth', tmp_path / 'results'
    run('test.py', config, weights, '--out', results, '--work-dir', work_dir)
    pairs = read_pairs(data_root / real.pair_file)[:2]
    expected = {f'{Path(a).stem}___{Path(b).stem}.png' for a, b in pairs}
    assert {path.name for path in results.iterdir()} == expected

    table = tmp_path / 'table.json'
    images = data_root / real.image_dir
    run('evaluate.py', '--generated', results, '--real', images, '--json', table)
    assert 'ssim' in table.read_text()

    source, target = pairs[0]
    out = tmp_path / 'posed.png'
    run(
        'infer.py',
        *('--model', config, '--weights', weights),
        *('--source', images / source, '--pose', target, '--out', out),
        *('--annotations', data_root / real.annotation_file),
    )
    # The same weights and the same pair give the picture that the test gave, but for
    # values that another batch size rounds to the other side.
    result = results / f'{Path(source).stem}___{Path(target).stem}.png'
    with Image.open(out) as posed, Image.open(result) as tested:
        posed, tested = (np.asarray(x).astype(int) for x in (posed, tested))
        difference = np.abs(posed - tested)
        assert difference.max() <= 1 and difference.mean() < 1e-4
