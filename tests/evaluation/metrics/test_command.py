"""Metrics as ``posegen test`` uses them."""

from __future__ import annotations

import re

import pytest
import torch

from posegen import cli
from posegen.evaluation import extractors, score_folder
from posegen.evaluation.networks import InceptionNet
from posegen.utils.images import save_image
from tests.helpers.toy_training import ToyPairs, loader, toy_config, write_config

METRICS = [
    dict(type='PSNR'),
    dict(type='L1'),
    dict(type='FID'),
    dict(type='ProtocolScores', protocol='gfla', metrics=('psnr', 'l1', 'mae_ratio')),
]
COUNT = 5


@pytest.fixture
def trained(tmp_path, monkeypatch):
    """A config and weights; the current folder is theirs."""
    monkeypatch.chdir(tmp_path)
    sets = dict(
        test_dataloader=loader(False, length=COUNT), test_evaluator=METRICS, test_cfg={}
    )
    config = str(write_config(tmp_path / 'toy.py', toy_config(iters=2, **sets)))
    assert cli.main(['train', config]) == 0
    return config, str(tmp_path / 'work_dirs' / 'toy' / 'full' / 'iter_2.pth')


def test_prints_what_the_written_pictures_score(
    trained, random_networks, tmp_path, capsys
):
    capsys.readouterr()
    assert cli.main(['test', *trained, '--out', 'out']) == 0
    printed = dict(re.findall(r'│ (\S+) +│ ([\d.]+) +│', capsys.readouterr().out))
    assert set(printed) == {
        *('psnr', 'l1', 'fid', 'gfla/psnr', 'gfla/l1', 'gfla/mae_ratio')
    }
    pairs = ToyPairs(length=COUNT)
    for index in range(COUNT):
        sample = pairs[index]
        for end in 'ab':
            image = sample[{'a': 'source_image', 'b': 'target_image'}[end]]
            path = tmp_path / 'real' / f'{index}_{end}.png'
            save_image(path, image.permute(1, 2, 0).numpy())
    table = score_folder('out', 'real', protocols=['posegen', 'gfla'])
    for name in ('psnr', 'l1', 'fid'):
        expected = table.value('out', name, 'posegen')
        assert float(printed[name]) == pytest.approx(expected, rel=1e-3)
    for name in ('psnr', 'l1', 'mae_ratio'):
        expected = table.value('out', name, 'gfla')
        assert float(printed[f'gfla/{name}']) == pytest.approx(expected, rel=1e-3)


def test_missing_weights_are_told_before_the_work(trained, monkeypatch, capsys):
    def offline(*args, **kwargs):
        raise OSError('no network')

    monkeypatch.setenv('TORCH_HOME', 'hub')
    monkeypatch.setattr(torch.hub, 'download_url_to_file', offline)
    monkeypatch.setattr(InceptionNet, 'forward', lambda *_: pytest.fail('too late'))
    extractors.load_network.cache_clear()
    assert cli.main(['test', *trained, '--out', 'out']) == 2
    error = capsys.readouterr().err
    assert error.startswith('posegen: error: weights-inception-2015-12-05-6726825d.pth')
    assert 'Traceback' not in error
