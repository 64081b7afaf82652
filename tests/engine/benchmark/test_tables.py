"""How numbers are shown."""

from __future__ import annotations

from typing import Any

import pytest

from posegen.engine.benchmark.tables import (
    blocks_table,
    format_table,
    modules_table,
    phases_table,
    speed_table,
)

CPU = dict(kind='resident', peak=2**31, libraries=2**30)


def row(**changes: Any) -> dict[str, Any]:
    case = dict(name='a', stage='full', size=[128, 64], batch_size=6, device='cpu')
    return case | dict(amp='off', variant='') | changes


def work(images_per_second: float, **memory: Any) -> dict[str, Any]:
    return dict(
        images_per_second=images_per_second,
        latency_ms_p50=1234.56,
        latency_ms_p95=2.04,
        memory=memory,
    )


def cells(text: str) -> list[list[str]]:
    lines = [line.strip('|').split('|') for line in text.splitlines()]
    return [[cell.strip() for cell in line] for line in lines]


@pytest.mark.parametrize(
    ('rate', 'shown'),
    [(1234.5, '1,234'), (123.45, '123'), (12.345, '12.3'), (1.0, '1.00')]
    + [(0.01234, '0.0123'), (99.96, '100.0')],
)
def test_rates_have_three_digits_and_no_exponent(rate: float, shown: str) -> None:
    head, _, line = cells(format_table(speed_table([row(train=work(rate, **CPU))])))
    assert dict(zip(head, line))['images/s'] == shown


def test_memory_is_that_of_the_device() -> None:
    gpu = dict(kind='allocated', peak=3 * 2**30, reserved=2**32, steady=2**30)
    on_gpu = row(device='cuda', infer=work(1, **gpu))
    head, _, line = cells(format_table(speed_table([on_gpu])))
    assert head[-2:] == ['peak MiB', 'steady MiB']
    assert line == ['a', 'full', '128x64', '6', 'infer', '1.00'] + [
        *('1,234.6', '2.0', '3,072', '1,024')
    ]
    head, _, line = cells(format_table(speed_table([row(infer=work(1, **CPU))])))
    assert (head[-1], line[-2:]) == ('of it libraries', ['2,048', '1,024'])


def test_an_error_stands_in_the_place_of_numbers() -> None:
    failed = row(train=dict(error='out of memory'), infer=work(1, **CPU))
    lines = cells(format_table(speed_table([failed])))
    assert lines[2][4:7] == ['train', 'out of memory', '']
    lines = cells(format_table(blocks_table([row(block='all', error='killed')])))
    assert 'killed' in lines[2]


def test_inner_phases_are_named_after_the_outer_one() -> None:
    phases = [dict(phase=['losses', 'adv'], ms=1.25, share=0.5)]
    lines = cells(format_table(phases_table(dict(phases=phases))))
    assert lines[2] == ['losses / adv', '1.2', '50.0%']


def test_modules_are_listed_to_a_depth() -> None:
    names = ('', 'a', 'a.b', 'a.b.c', 'empty')
    modules = [dict(name=n, type='T', parameters=4, macs=2_000_000) for n in names]
    modules[1]['macs'] = 500_000
    modules[-1] |= dict(parameters=0, macs=0)
    lines = cells(format_table(modules_table(modules, depth=2)))
    assert [line[0] for line in lines[2:]] == ['generator', 'a', 'a.b']
    assert lines[3] == ['a', 'T', '4', '0.5', '25.0%']
    assert len(cells(format_table(modules_table(modules, depth=0)))) == 3
