"""The benchmark as users call it: commands in processes of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tests.engine.benchmark.helpers import tiny_file
from tests.helpers import warm

ROOT = Path(__file__).resolve().parents[2]
TINY = 'configs/gfla/gfla_synthetic-128x64_tiny.py'


def call(tool: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    # Each measurement has a process of its own, which holds nothing else.
    python = sys.executable if tool == 'benchmark.py' else warm.python()
    return subprocess.run(
        [python, str(ROOT / 'tools' / 'analysis' / tool), *arguments],
        cwd=folder,
        env={**os.environ, 'COLUMNS': '80'},
        capture_output=True,
        text=True,
    )


def test_a_benchmark_is_a_table_and_json(tmp_path: Path) -> None:
    done = call(
        'benchmark.py',
        tmp_path,
        *(tiny_file('gfla'), '--stage', 'full', '--size', '64x32', '--device', 'cpu'),
        *('--batch-size', '1', '--iterations', '1', '--warmup', '0'),
        *('--only', 'infer', '--json', 'out/numbers.json'),
    )
    assert done.returncode == 0, done.stderr
    line = next(x for x in done.stdout.splitlines() if '| infer' in x)
    assert '| gfla_synthetic-128x64_tiny | full  | 64x32 | 1 ' in line
    report = json.loads((tmp_path / 'out' / 'numbers.json').read_text())
    assert report['command'].endswith('--only infer --json out/numbers.json')
    (row,) = report['rows']
    assert row['infer']['iterations'] == 1
    # Of the process that measured, which held nothing but this.
    assert row['infer']['memory']['peak'] > row['infer']['memory']['libraries']


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (['none.py'], 'the config file none.py does not exist'),
        ([tiny_file(), '--stage', 'third'], "has no stage 'third'"),
        ([tiny_file(), '--amp', 'fp16', '--device', 'cpu'], 'fp16 needs a GPU'),
    ],
)
def test_errors_are_one_line(
    tmp_path: Path, arguments: list[str], message: str, capsys, monkeypatch
) -> None:
    monkeypatch.syspath_prepend(str(ROOT / 'tools' / 'analysis'))
    import benchmark

    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit, match=f'^benchmark: .*{message}'):
        benchmark.main(arguments)


def test_flops_are_a_table_and_json(tmp_path: Path) -> None:
    done = call(
        'get_flops.py',
        tmp_path,
        *(tiny_file('gfla'), '--size', '64x32', '--by-module', '1'),
        *('--json', 'flops.json'),
    )
    assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / 'flops.json').read_text())
    whole = report['modules'][0]
    assert f'{whole["parameters"]:,} parameters, {whole["macs"]:,} MACs' in done.stdout
    names = {module['name'] for module in report['modules']}
    assert 'flow_net' in names
    assert '| flow_net ' in done.stdout
    assert '| flow_net.' not in done.stdout  # deeper than asked for
    assert any(name.startswith('flow_net.') for name in names)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a GPU')
def test_a_gpu_is_measured_with_and_without_mixed_precision(tmp_path: Path) -> None:
    done = call(
        'benchmark.py',
        tmp_path,
        *(tiny_file(), '--device', 'cuda', '--amp', 'off', 'bf16', 'fp16'),
        *('--iterations', '2', '--profile', '--json', 'gpu.json'),
    )
    assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / 'gpu.json').read_text())
    assert report['machine']['device'] == torch.cuda.get_device_name()
    assert len(report['rows']) == len(report['profiles']) == 6
    for row in report['rows']:
        for work in ('train', 'infer'):
            memory = row[work]['memory']
            assert memory['kind'] == 'allocated'
            assert 0 < memory['steady'] <= memory['peak'] <= memory['reserved']
