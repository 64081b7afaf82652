"""The shares of the losses, as users ask for them."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from posegen.engine import load_config
from posegen.registry import MODELS
from posegen.utils.paths import configs_root
from tests.helpers.pair_set import write_pair_set

ROOT = Path(__file__).resolve().parents[2]
TINY = str(configs_root() / 'spig' / 'spig_synthetic-128x64_tiny.py')


@pytest.fixture(name='tool')
def _tool(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(ROOT / 'tools' / 'analysis'))
    import gradient_shares

    return gradient_shares


def test_prints_the_share_of_each_loss(tool, tmp_path: Path, capsys) -> None:
    write_pair_set(tmp_path / 'data', num_people=2, views=2, size=(128, 64))
    torch.manual_seed(3)
    weights = MODELS.build(load_config(TINY).model).state_dict()
    torch.save(weights, tmp_path / 'weights.pth')
    batch_size = 'stages.full.train_dataloader.batch_size=2'
    changes = [f'data_root={tmp_path / "data"}', batch_size]
    options = ['--batches', '1', '--cfg-options', *changes]
    printed = []
    for checkpoint in ([], [str(tmp_path / 'weights.pth')]):
        tool.main([TINY, *checkpoint, *options])
        printed.append(capsys.readouterr().out)
    rows = [line.split() for line in printed[0].splitlines()]
    assert [row[0] for row in rows] == ['loss', 'rec', 'adv', 'per', 'sty']
    assert sum(float(row[2].rstrip('%')) for row in rows[1:]) == pytest.approx(
        100, abs=1
    )
    assert printed[0] != printed[1]


def test_errors_are_one_line(tool) -> None:
    with pytest.raises(SystemExit, match='^gradient_shares: .*none.py does not exist'):
        tool.main(['none.py'])
    with pytest.raises(SystemExit, match='2'):
        tool.main([TINY, '--batches', '0'])
