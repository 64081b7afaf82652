"""Runs what the pages show: python, pycon (with its output) and bash blocks, in order.

Each page runs in a folder of its own that has the checkout's ``configs`` and ``tools``.
A line above a block changes what happens to it:

    <!-- snippet: skip, REASON -->     not run here
    <!-- snippet: file NAME -->        written to that file

A python block with a ``_base_`` is a config: it is loaded and checked, not executed.
"""

from __future__ import annotations

import doctest
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from posegen.engine.config import check_config, load_config
from posegen.utils.errors import ConfigError
from tests.helpers import warm

ROOT = Path(__file__).resolve().parents[2]
PAGES = ['README.md', *(f'docs/{path.name}' for path in sorted(ROOT.glob('docs/*.md')))]
BLOCK = re.compile(
    r'(?:^<!-- snippet: (?P<mark>[^>]+) -->\n)?'
    r'^```(?P<language>python|pycon|bash)\n(?P<code>.*?)^```$',
    re.MULTILINE | re.DOTALL,
)


#: What pages name and leave to the reader to write.
LEFT_TO_THE_READER = {
    'README.md': {
        'my_blocks.py': """\
from torch import nn

from posegen.registry import MODELS


@MODELS.register_module(force=True)
class MyBlock(nn.Conv2d):
    def __init__(self, channels: int) -> None:
        super().__init__(channels, channels, 3, padding=1)
"""
    }
}


@dataclass(frozen=True)
class Block:
    """A fenced block: what it is, what it says, where it begins."""

    language: str
    code: str
    mark: str
    place: str


def read_blocks(page: str) -> list[Block]:
    text = (ROOT / page).read_text(encoding='utf-8')
    blocks = []
    for match in BLOCK.finditer(text):
        line = text.count('\n', 0, match.start('code'))
        mark = match['mark'] or ''
        place = f'{page}, line {line}'
        blocks.append(Block(match['language'], match['code'], mark, place))
    return blocks


def run_bash(block: Block) -> None:
    folders = (warm.folder(), Path(sys.executable).parent, os.environ['PATH'])
    path = os.pathsep.join(map(str, folders))
    done = subprocess.run(
        ['bash', '-euo', 'pipefail', '-c', block.code],
        env={**os.environ, 'PATH': path, 'PYTHON_EXEC': warm.python()},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode:
        pytest.fail(
            f'{block.place}:\n{block.code}\n{done.stdout[-4000:]}', pytrace=False
        )


def run_session(block: Block, names: dict) -> None:
    test = doctest.DocTestParser().get_doctest(block.code, {}, block.place, None, 0)
    test.globs = names
    report: list[str] = []
    doctest.DocTestRunner(verbose=False).run(test, out=report.append, clear_globs=False)
    if report:
        pytest.fail(''.join(report), pytrace=False)


def check_snippet(block: Block) -> None:
    """Load and check a config as ``posegen train`` does."""
    path = Path('snippet.py').absolute()
    path.write_text(block.code, encoding='utf-8')
    try:
        cfg = load_config(path)
        check_config(cfg)
    except ConfigError as error:
        pytest.fail(f'{block.place}: {error}', pytrace=False)


def run_block(block: Block, names: dict) -> None:
    kind, _, rest = block.mark.partition(' ')
    if kind == 'file':
        Path(rest).write_text(block.code, encoding='utf-8')
    elif kind and not (kind == 'skip,' and rest):
        pytest.fail(f'{block.place}: unknown mark {block.mark!r}', pytrace=False)
    elif kind:
        return
    elif block.language == 'bash':
        run_bash(block)
    elif block.language == 'pycon':
        run_session(block, names)
    elif re.search(r'^_base_ =', block.code, re.MULTILINE):
        check_snippet(block)
    else:
        exec(compile(block.code, block.place, 'exec'), names)


@pytest.mark.parametrize('page', [page for page in PAGES if read_blocks(page)])
def test_page_runs_as_it_stands(page, tmp_path, monkeypatch):
    for name in ('configs', 'tools'):
        (tmp_path / name).symlink_to(ROOT / name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    for name, code in LEFT_TO_THE_READER.get(page, {}).items():
        (tmp_path / name).write_text(code, encoding='utf-8')
    sys.modules.pop('my_blocks', None)  # each page has its own
    names = {'__name__': '__main__'}
    for block in read_blocks(page):
        run_block(block, names)


def test_a_wrong_output_is_noticed():
    with pytest.raises(pytest.fail.Exception, match=r'Expected:\s+3\s+Got:\s+2'):
        run_block(Block('pycon', '>>> 1 + 1\n3\n', '', 'here'), {})


def test_a_failing_command_is_noticed():
    with pytest.raises(pytest.fail.Exception, match='here:\nfalse'):
        run_block(Block('bash', 'false\ntrue\n', '', 'here'), {})


@pytest.mark.parametrize(
    ('model', 'message'),
    [
        ("dict(generator=dict(hdc=dict(_delete_=True, type='MyBlok')))", "'MyBlok'"),
        ('dict(generater=dict())', "did you mean 'generator'"),
    ],
)
def test_a_wrong_config_is_noticed(tmp_path, monkeypatch, model, message):
    (tmp_path / 'configs').symlink_to(ROOT / 'configs')
    monkeypatch.chdir(tmp_path)
    base = "_base_ = ['configs/spig/spig_synthetic-128x64_tiny.py']\n"
    with pytest.raises(pytest.fail.Exception, match=f'here: .*{message}'):
        run_block(Block('python', f'{base}model = {model}\n', '', 'here'), {})


@pytest.mark.parametrize('mark', ['skip', 'skip,', 'file-name x'])
def test_an_unknown_mark_is_noticed(mark):
    with pytest.raises(pytest.fail.Exception, match='here: unknown mark'):
        run_block(Block('bash', 'true\n', mark, 'here'), {})
