"""The tiny config as a command: the ramp and the calibration of a resumed run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from posegen.cli import main
from posegen.models.vunet import VUNetGenerator
from posegen.utils.paths import configs_root
from tests.helpers.pair_set import write_pair_set

CONFIG = str(configs_root() / 'vunet/vunet_synthetic-128x64_tiny.py')


@pytest.fixture(scope='module')
def options(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Arguments for a set of stick figures, with all that happens logged."""
    root = tmp_path_factory.mktemp('data')
    for seed, split in enumerate(('train', 'test')):
        write_pair_set(root, size=(128, 64), split=split, seed=seed)
    settings = [f'data_root={root}', 'train_dataloader.batch_size=2']
    for name in ('train', 'val', 'test'):
        settings.append(f'{name}_dataloader.num_workers=0')
        if name != 'train':
            settings.append(f'{name}_dataloader.dataset.truth_dir=None')
        if name != 'test':
            settings.append(f'{name}_dataloader.persistent_workers=False')
    settings += [
        'default_hooks.logger.interval=1',
        'default_hooks.checkpoint.interval=2',
        'default_hooks.checkpoint.max_keep_ckpts=-1',
        'log_processor.window_size=1',
    ]
    return ['--cfg-options', *settings]


def weights_at_iterations(work_dir: Path) -> dict[int, float]:
    """Iteration -> weight of the divergence that was logged."""
    (file,) = work_dir.glob('full/*/vis_data/scalars.json')
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    return {line['step']: line['kl_weight'] for line in lines if 'kl_weight' in line}


def test_a_resumed_run_goes_on_in_the_ramp_and_is_not_calibrated_again(
    options: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calibrations = []
    original = VUNetGenerator.calibrate
    monkeypatch.setattr(
        VUNetGenerator,
        'calibrate',
        lambda self, *args: calibrations.append(1) or original(self, *args),
    )
    whole, resumed = tmp_path / 'whole', tmp_path / 'resumed'
    assert main(['train', CONFIG, '--work-dir', str(whole), *options]) in (0, None)
    # 1e-8 to 1 / 127.5 over iterations 1 to 3, which are logged as 2 to 4.
    half = (1e-8 + 1 / 127.5) / 2
    expected = {1: 1e-8, 2: 1e-8, 3: half, 4: 1 / 127.5}
    assert weights_at_iterations(whole) == pytest.approx(expected)
    assert len(calibrations) == 1

    middle = str(whole / 'full/iter_2.pth')
    resume = ['--resume', middle, '--work-dir', str(resumed), *options]
    assert main(['train', CONFIG, *resume]) in (0, None)
    assert weights_at_iterations(resumed) == pytest.approx({3: half, 4: 1 / 127.5})
    assert len(calibrations) == 1
    ends = [
        torch.load(run / 'full/iter_4.pth', weights_only=True)['state_dict']
        for run in (whole, resumed)
    ]
    assert all(torch.equal(value, ends[1][key]) for key, value in ends[0].items())
