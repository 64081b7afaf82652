"""Two processes leave the files and the numbers of one."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.engine.distributed.conftest import (
    in_one_process,
    in_two_processes,
    small_config,
)
from tests.helpers.scripts import script
from tests.helpers.toy_training import write_config

PAIRS = 11  # odd: the sampler repeats one, which must not count twice


def files(folder: Path) -> list[str]:
    """All files, hidden ones too, without the time in their names."""
    paths = [path for path in folder.rglob('*') if not path.is_dir()]
    names = [str(path.relative_to(folder)) for path in paths]
    return sorted(re.sub(r'\d{8}_\d{6}', 'TIME', name) for name in names)


@pytest.fixture(scope='module')
def config(pairs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Everything that writes files writes some."""
    settings = small_config('gfla', pairs, batch=2, iters=2)
    metrics = [dict(type='SSIM'), dict(type='L1'), dict(type='PSNR')]
    settings.update(val_evaluator=metrics, test_evaluator=metrics)
    hooks = settings['default_hooks']
    hooks['sample_grid'] = dict(type='SampleGridHook', interval=1)
    hooks['checkpoint'].update(interval=1, save_best='ssim', rule='greater')
    hooks['logger']['interval'] = 1
    settings['custom_hooks'] = [dict(type='GeneratorEMAHook', decay=0.5)]
    return write_config(tmp_path_factory.mktemp('config') / 'small.py', settings)


@pytest.fixture(scope='module')
def work_dirs(config: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Of one process and of two, which trained and then tested."""
    root = tmp_path_factory.mktemp('runs')
    one, two = root / 'one', root / 'two'
    in_one_process('train', config, '--work-dir', one, log=root / 'log')
    weights = one / 'full/iter_2.pth'
    tested = ('--work-dir', one, '--out', one / 'pictures')
    in_one_process('test', config, weights, *tested, log=root / 'log')
    (root / 'here').mkdir()
    shown = in_two_processes('train', config, '--work-dir', two, log=root / 'log')
    assert shown.count('Results in') == 1
    tested = ('--work-dir', two, '--out', two / 'pictures')
    done = script('dist_test.sh', config, weights, 2, *tested, folder=root / 'here')
    assert (done.code, done.errors) == (0, '')
    assert done.output.count('│ ssim') == 1
    assert not [*(root / 'here').iterdir()]
    return [one, two]


def test_only_the_first_process_writes(work_dirs: list[Path]) -> None:
    one, two = map(files, work_dirs)
    assert one == two
    for name in ('full/stage.json', 'full/samples/0000002.png', 'flow/latest.pth'):
        assert name in one
    assert any('vis_data/scalars.json' in name for name in one)
    assert any(name.startswith('full/best_ssim') for name in one)


def test_every_pair_is_tested_once(work_dirs: list[Path]) -> None:
    one, two = (
        {path.name: path.read_bytes() for path in (folder / 'pictures').iterdir()}
        for folder in work_dirs
    )
    assert len(one) == PAIRS
    assert one == two


def test_the_metrics_are_those_of_one_process(work_dirs: list[Path]) -> None:
    one, two = (
        json.loads(next((folder / 'test').glob('*/*.json')).read_text())
        for folder in work_dirs
    )
    names = {'ssim', 'l1', 'psnr'}
    assert names <= one.keys()
    for name in names:
        assert two[name] == pytest.approx(one[name], rel=0, abs=1e-12)
