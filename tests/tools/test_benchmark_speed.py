"""The benchmark of the switches as users call it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from posegen.engine.speed import SWITCHES
from posegen.engine.speed import switches as module
from tests.engine.benchmark.helpers import tiny_file

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def tool(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(ROOT / 'tools' / 'analysis'))
    import benchmark_speed

    return benchmark_speed


def test_names_are_those_of_all_switches(tool) -> None:
    assert tuple(SWITCHES) == tool.NAMES
    for config in tool.CONFIGS.values():
        assert (ROOT / 'configs' / 'spig' / config).is_file()


def test_a_table_and_json(
    tool, tmp_path: Path, capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, 'SIMILARITY_SHAPE', (8, 16, 16))
    file = tmp_path / 'out' / 'speed.json'
    tool.main(
        [
            *(tiny_file(), '--only', 'similarity', '--device', 'cpu'),
            *('--iterations', '2', '--warmup', '1', '--batch-size', '1'),
            *('--size', '64x32', '--json', str(file)),
        ]
    )
    text = capsys.readouterr().out
    assert 'spig_synthetic-128x64_tiny at 64x32, batch 1; 2 rounds after 1' in text
    assert '| streaming ' in text and 'times as fast' in text
    report = json.loads(file.read_text())
    assert [*report['switches']] == ['similarity']
    assert report['iterations'] == 2 and report['machine']['torch']


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (['none.py'], 'the config file none.py does not exist'),
        ([tiny_file(), '--amp', 'fp16'], 'fp16 needs a GPU'),
    ],
)
def test_errors_are_one_line(tool, arguments: list[str], message: str) -> None:
    with pytest.raises(SystemExit, match=message):
        tool.main([*arguments, '--device', 'cpu'])
