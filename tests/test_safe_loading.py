"""Nothing in the package or the tools reads a file in a way that can run its code."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FILES = sorted(p for folder in ('posegen', 'tools') for p in (ROOT / folder).rglob('*'))
MODULES = [path for path in FILES if path.suffix == '.py']

# Calls that unpickle, or run what they read, whatever their arguments.
UNSAFE = {
    *('pickle.load', 'pickle.loads', 'pickle.Unpickler', 'cPickle.load'),
    *('dill.load', 'joblib.load', 'shelve.open', 'marshal.load', 'marshal.loads'),
    *('pandas.read_pickle', 'pd.read_pickle', 'yaml.load', 'yaml.unsafe_load'),
    *('torch.hub.load', 'torch.jit.load', 'mmengine.load', 'fileio.load'),
    *('load_checkpoint', 'CheckpointLoader.load_checkpoint', '_load_checkpoint'),
    *('eval', 'exec'),
}
# Calls that are safe with these arguments only.
NEEDED = {
    'torch.load': ('weights_only', True),
    'load_state_dict_from_url': ('weights_only', True),
    'torch.hub.load_state_dict_from_url': ('weights_only', True),
}
FORBIDDEN = {'weights_only': False, 'allow_pickle': True}


def problems(source: str) -> Iterator[str]:
    """What is unsafe in a module."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = ast.unparse(node.func)
        given = {k.arg: getattr(k.value, 'value', ...) for k in node.keywords}
        if name in UNSAFE:
            yield f'line {node.lineno}: {name}'
        if name in NEEDED and given.get(NEEDED[name][0]) is not NEEDED[name][1]:
            yield f'line {node.lineno}: {name} without {NEEDED[name][0]}=True'
        for argument, value in FORBIDDEN.items():
            if argument in given and given[argument] in (value, ...):
                yield f'line {node.lineno}: {name} with {argument}'


@pytest.mark.parametrize('path', MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_files_are_read_safely(path: Path) -> None:
    assert not [*problems(path.read_text())]


def test_scripts_are_not_unsafe_either() -> None:
    scripts = [path for path in FILES if path.suffix == '.sh']
    assert len(MODULES) > 100 and scripts
    words = ('weights_only=False', 'TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD', 'pickle.load')
    for path in scripts:
        text = path.read_text()
        assert not [word for word in words if word in text], path


@pytest.mark.parametrize(
    'code',
    [
        'torch.load(path)',
        'torch.load(path, weights_only=False)',
        'torch.load(path, weights_only=safe)',
        'pickle.load(file)',
        'np.load(path, allow_pickle=True)',
        'load_state_dict_from_url(url)',
        'eval(text)',
    ],
)
def test_what_is_looked_for_is_found(code: str) -> None:
    assert [*problems(code)]


@pytest.mark.parametrize(
    'code', ['torch.load(path, weights_only=True)', 'np.load(path)', 'model.eval()']
)
def test_what_is_safe_is_not(code: str) -> None:
    assert not [*problems(code)]
