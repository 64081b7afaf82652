"""The benchmark of SSIM, PSNR and L1: same numbers from all ways, a sound report."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.helpers import warm

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope='module')
def output(tmp_path_factory):
    file = tmp_path_factory.mktemp('benchmark') / 'report.json'
    tool = ROOT / 'tools' / 'analysis' / 'benchmark_ssim.py'
    command = [warm.python(), tool, '--pairs', '20', '--size', '48x32', '--json', file]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout, json.loads(file.read_text())


def test_all_ways_give_the_same_numbers(output):
    _, report = output
    assert [timing['processes'] for timing in report['timings']] == [1, 1, 2]
    assert all(timing['difference'] < 1e-10 for timing in report['timings'])


def test_report_adds_up(output):
    text, report = output
    first, *others = report['timings']
    assert (report['pairs'], report['size']) == (20, [48, 32])
    assert first['speedup'] == 1
    for timing in others:
        speedup = first['seconds'] / timing['seconds']
        assert timing['speedup'] == pytest.approx(speedup)
    assert 'SSIM, PSNR and L1 of 20 pairs, 48x32' in text
    assert report['versions']['torch']


def test_refuses_no_pairs():
    tool = ROOT / 'tools' / 'analysis' / 'benchmark_ssim.py'
    done = subprocess.run(
        [warm.python(), tool, '--pairs', '0'], capture_output=True, text=True
    )
    assert done.returncode == 2 and '--pairs and --processes' in done.stderr
