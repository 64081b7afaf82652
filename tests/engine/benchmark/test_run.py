"""Reports of several cases: what they hold, and what of them failed."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from posegen.engine.benchmark import Amount, benchmark, failures, format_report, run
from posegen.engine.benchmark.processes import ProcessDied
from posegen.utils.errors import ConfigError
from tests.engine.benchmark.helpers import METHODS, tiny_case

ONCE = Amount(iterations=2, warmup=0)
TIMES = {'latency_ms_mean', 'latency_ms_p50', 'latency_ms_p95', 'images_per_second'}


@pytest.fixture(autouse=True)
def _in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    def call(function: Callable, *args: Any, device: str = 'cpu') -> Any:
        return function(*args)

    monkeypatch.setattr(run, 'in_fresh_process', call)


@pytest.fixture(name='report', scope='module')
def _report() -> dict[str, Any]:
    """Of all methods, each measured in this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, 'in_fresh_process', lambda f, *args, device: f(*args))
        cases = [tiny_case(method) for method in METHODS]
        return benchmark([*cases, tiny_case(stage='flow', amp='bf16')], ONCE)


def test_a_report_is_json(report: dict) -> None:
    assert json.loads(json.dumps(report)) == report
    assert {'device', 'torch', 'versions', 'threads', 'cores', 'load'} <= set(
        report['machine']
    )
    assert report['machine']['versions']['mmengine']
    assert (report['iterations'], report['warmup']) == (2, 0)
    assert report['blocks'] == report['profiles'] == report['notes'] == []


def test_a_row_says_what_was_measured_and_what_it_costs(report: dict) -> None:
    assert len(report['rows']) == len(METHODS) + 1
    for row in report['rows']:
        assert row['config'].endswith(f'{row["name"]}.py')
        assert row['size'] == [64, 64]
        assert row['macs'] > 0
        assert set(row['parameters']) == {
            *('generator', 'discriminators', 'feature_net', 'trained')
        }
        for work in ('train', 'infer'):
            found = row[work]
            assert all(found[key] > 0 for key in TIMES)
            assert found['latency_ms_p50'] <= found['latency_ms_p95']
            assert found['images'] == row['batch_size'] == 2
            assert found['memory']['kind'] == 'resident'
            assert 0 < found['memory']['libraries'] <= found['memory']['peak']
    assert report['rows'][-1]['amp'] == 'bf16'
    assert not failures(report)


def test_tables_show_every_row(report: dict) -> None:
    text = format_report(report)
    assert report['machine']['device'] in text
    assert text.count('| train') == text.count('| infer') == len(report['rows'])
    for row in report['rows']:
        assert f'| {row["name"]} ' in text
        assert f'{row["parameters"]["generator"]:,}' in text
        assert f'{row["train"]["latency_ms_p95"]:,.1f}' in text
    assert '| amp ' in text  # a column that tells rows apart
    assert '| pnb ' not in text


def test_one_of_the_works_alone() -> None:
    (row,) = benchmark([tiny_case('gfla')], ONCE, works=['infer'])['rows']
    assert 'infer' in row and 'train' not in row


def test_the_model_is_described_once_for_all_batches(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen = []
    monkeypatch.setattr(
        run, 'describe_complexity', lambda case: seen.append(case) or dict(macs=1)
    )
    cases = [
        tiny_case(batch_size=n, amp=amp) for n in (1, 2) for amp in ('off', 'bf16')
    ]
    cases.append(replace(cases[0], size=(128, 64)))
    rows = benchmark(cases, ONCE, works=[])['rows']
    assert [row['macs'] for row in rows] == [1] * 5
    assert [case.size for case in seen] == [(64, 64), (128, 64)]


def test_profile_and_blocks_join_the_report() -> None:
    report = benchmark([tiny_case()], Amount(1, 0), [], profile=True, blocks=True)
    assert [row['variant'] for row in report['rows']] == [
        *('as configured', 'non-local, fused', 'non-local', 'none')
    ]
    assert [row['block'] for row in report['blocks']] == [
        *('as configured', 'non-local, fused', 'non-local')
    ]
    (profile,) = report['profiles']
    assert {'step', 'phases', 'operators', 'name', 'size'} <= set(profile)
    text = format_report(report)
    assert '| discriminator step / backward ' in text
    title = 'spig_synthetic-128x64_tiny, full, 64x64, batch 2'
    assert f'Phases of a training step: {title}\n' in text
    assert '| aten::convolution_backward ' in text
    assert '| 16x16 ' in text


def test_weights_that_were_left_out_are_told_once() -> None:
    change = (('model.feature_net', dict(type='EfficientNetLite0Features')),)
    cases = [tiny_case(replaced=change, batch_size=n) for n in (1, 2)]
    report = benchmark(cases, ONCE, works=['infer'])
    (note,) = report['notes']
    assert note.startswith('spig_synthetic-128x64_tiny: feature_net.weights=')
    assert format_report(report).endswith(note)


def test_what_a_model_says_is_not_among_the_tables(capsys) -> None:
    assert run.attempt(lambda: print('Gains were set') or 3) == 3
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ('', 'Gains were set\n')


def test_a_case_that_fails_leaves_the_others() -> None:
    cases = [tiny_case(size=(64, 60)), tiny_case()]
    report = benchmark(cases, ONCE, works=['infer'])
    failed, fine = report['rows']
    assert 'error' in failed['infer'] and fine['infer']['iterations'] == 2
    messages = failures(report)
    assert messages[0].startswith(f'{cases[0].config}, stage full: ')
    assert failed['infer']['error'] in format_report(report)


def test_lack_of_memory_is_a_result_and_no_failure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def die(*args: Any, device: str) -> None:
        if args[0] is run.describe_machine:
            return dict(device='a', torch='b', threads=1, cores=1, load=0.0)
        raise ProcessDied

    monkeypatch.setattr(run, 'in_fresh_process', die)
    report = benchmark([tiny_case()], ONCE, profile=True, blocks=True)
    assert not failures(report)
    text = format_report(report)
    assert text.count('most likely out of memory') >= 4


def test_an_allocator_that_gives_up_is_lack_of_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*args: Any) -> None:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: 1 byte")

    monkeypatch.setattr('posegen.engine.benchmark.measure.time_calls', fail)
    report = benchmark([tiny_case()], ONCE, works=['train'])
    assert report['rows'][0]['train'] == dict(error='out of memory')
    assert not failures(report)


@pytest.mark.parametrize('device', ['tpu', 'meta', 'cuda:99'])
def test_a_device_that_is_not_there_is_named(device: str) -> None:
    with pytest.raises(ConfigError, match=f'device.*{device}'):
        benchmark([tiny_case(device=device)], ONCE)
