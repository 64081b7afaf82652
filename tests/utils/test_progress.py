"""Progress where stderr is no terminal: seldom lines, and the items untouched."""

from __future__ import annotations

from posegen.utils import progress


def test_short_work_is_silent(capsys):
    assert list(progress.track('abc', 'letters', 3)) == ['a', 'b', 'c']
    assert capsys.readouterr().err == ''


def test_long_work_writes_a_line_now_and_then(capsys, monkeypatch):
    clock = iter(range(0, 100, 4))  # each item takes four seconds
    monkeypatch.setattr(progress.time, 'monotonic', lambda: next(clock))
    assert len(list(progress.track(range(6), 'images', 6))) == 6
    assert capsys.readouterr().err.splitlines() == [
        'images: 3 of 6, 12 s left',
        'images: 6 of 6, 0 s left',
    ]


def test_a_terminal_gets_a_bar(monkeypatch):
    monkeypatch.setattr(progress.sys.stderr, 'isatty', lambda: True, raising=False)
    assert list(progress.track(iter(range(4)), 'images', 4)) == [0, 1, 2, 3]
