"""How the doctor words what it found."""

from __future__ import annotations

import pytest

from posegen.datasets.doctor import Finding, Report
from posegen.datasets.doctor.findings import group


@pytest.mark.parametrize(
    'message, one, two',
    [
        ('train: {n} images have no row.', '1 image has no', '2 images have no'),
        ('{n} rows of a.csv cannot be used.', '1 row of a.csv cannot', '2 rows'),
        ('{n} of 9 images that pairs name are lost.', '1 of 9 images', '2 of 9 images'),
    ],
)
def test_one_is_not_many(message, one, two):
    assert one in group('note', 'kind', ['a'], message)[0].message
    assert two in group('note', 'kind', ['a', 'b'], message)[0].message
    assert group('note', 'kind', [], message) == []


def test_unknown_severity():
    with pytest.raises(
        ValueError, match="one of .'error', 'warning', 'note'., got bad"
    ):
        Finding('bad', 'kind', 'message')


def test_commands_are_not_broken_over_lines():
    command = f'`mv {"a" * 60} {"b" * 60}`'
    report = Report(
        'title', findings=[Finding('note', 'kind', 'Text.', f'run {command}.')]
    )
    assert f'{command}.' in report.to_text()
