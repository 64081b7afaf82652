"""What every command does first: threads that sleep, streams that take any text."""

from __future__ import annotations

import ast
import io
import os
import sys
from pathlib import Path

import pytest

from posegen import cli
from posegen.utils import startup

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = sorted(
    str(path.relative_to(ROOT))
    for path in (ROOT / 'tools').rglob('*.py')
    if path.name != 'prepare_common.py'  # imported by two of them
)


def text_stream(encoding: str, errors: str = 'strict') -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(), encoding, errors)


@pytest.mark.parametrize('name', startup.WAIT_VARIABLES)
def test_a_user_decides_how_threads_wait(name: str) -> None:
    environment = {name: 'mine'}
    startup.shorten_spin(environment)
    assert environment == {name: 'mine'}


def test_a_command_lets_threads_sleep_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in startup.WAIT_VARIABLES:
        monkeypatch.setenv(name, '')
        monkeypatch.delenv(name)
    with pytest.raises(SystemExit):
        cli.main(['--help'])
    for name, value in startup.SHORT_SPIN.items():
        assert os.environ[name] == value


@pytest.mark.parametrize('script', SCRIPTS)
def test_every_script_is_set_up_before_it_imports_torch(script: str) -> None:
    statements = ast.parse((ROOT / script).read_text()).body
    guards = [node for node in statements if isinstance(node, ast.If)]
    assert ast.unparse(guards[-1].test) == "__name__ == '__main__'"  # spawned workers
    imported = [n.module for n in statements if isinstance(n, ast.ImportFrom)]
    if 'posegen.cli' in imported:
        return
    (main,) = (n for n in statements if getattr(n, 'name', None) == 'main')
    assert ast.unparse(main.body[1]) == 'prepare_process()'


@pytest.mark.parametrize(
    ('encoding', 'text', 'written'),
    [
        ('utf-8', 'ssim \u2191 \u4eba \u2501', 'ssim \u2191 \u4eba \u2501'.encode()),
        ('ascii', 'ssim \u2191 psnr \u2193 \u2026', b'ssim ^ psnr v .'),
        ('ascii', '\u250f\u2501\u2503 \u4eba \xe9', rb'+-| \u4eba \xe9'),
        ('cp1252', '\u2191 \xe9 \u2026 \u4eba', b'^ \xe9 \x85 \\u4eba'),
        ('latin-1', '\u2191 \xe9', b'^ \xe9'),
        ('utf-8', 'caf\udce9.png', b'caf\xe9.png'),
        ('ascii', 'caf\udce9.png', b'caf\xe9.png'),
    ],
)
def test_streams_take_any_text(
    encoding: str, text: str, written: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = text_stream(encoding)
    monkeypatch.setattr(sys, 'stdout', stream)
    startup.write_any_text()
    sys.stdout.write(text)
    stream.flush()
    assert stream.buffer.getvalue() == written


@pytest.mark.parametrize(
    'stream', [text_stream('ascii', 'replace'), io.StringIO(), None]
)
def test_other_streams_stay_as_they_are(
    stream: io.TextIOBase | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    errors = getattr(stream, 'errors', None)
    monkeypatch.setattr(sys, 'stdout', stream)
    startup.write_any_text()
    assert getattr(stream, 'errors', None) == errors
