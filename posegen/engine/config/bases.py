"""The bases of a config: those that come with posegen, and where one is wrong."""

from __future__ import annotations

import ast
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PureWindowsPath
from typing import Any

from mmengine.config import Config

from posegen.engine.config.signatures import did_you_mean
from posegen.utils.errors import ConfigError
from posegen.utils.paths import SHIPPED, configs_root, shipped_config

# Functions of MMEngine that read one file of a chain; each calls itself for a base.
_READERS = ('_file2dict', '_parse_lazy_import')


@contextmanager
def checked_bases() -> Iterator[None]:
    """Let MMEngine find ``posegen::...``, and name file and line of a missing base.

    MMEngine knows the packages of its own family alone, and names a base that does not
    exist, not the file that asks for it. The lookup is replaced inside the block.
    """
    lookup = Config._get_cfg_path
    Config._get_cfg_path = staticmethod(_BaseFinder(lookup))
    try:
        yield
    finally:
        Config._get_cfg_path = staticmethod(lookup)


class _BaseFinder:
    """MMEngine's lookup of a base, with errors that name their place."""

    def __init__(self, lookup: Callable[[str, str], tuple[str, str | None]]) -> None:
        self.lookup = lookup
        self.owners: dict[Path, Path] = {}

    def __call__(self, base: Any, filename: str) -> tuple[str, str | None]:
        owner = Path(filename)
        place = f'{owner}, line {base_line(owner, base)}'
        if not isinstance(base, str):
            raise ConfigError(f'{place}: _base_ must be a text or a list, got {base!r}')
        if '::' in base and not base.startswith(SHIPPED):
            return self._foreign(base, filename, place)
        path = _path_of(base, owner.parent)
        if not path.is_file():
            raise ConfigError(
                f'{place}: the base {base!r} does not exist, as {path} is not there'
                f'{shipped_hint(base)}'
            )
        self._refuse_circle(path, owner, place)
        return str(path), None

    def _foreign(self, base: str, filename: str, place: str) -> tuple[str, str | None]:
        try:
            return self.lookup(base, filename)
        except Exception as error:
            raise ConfigError(f'{place}: the base {base!r}: {error}') from error

    def _refuse_circle(self, path: Path, owner: Path, place: str) -> None:
        path, asking = path.resolve(), owner.resolve()
        self.owners[path] = asking
        seen = {path}
        while asking is not None and asking not in seen:
            seen.add(asking)
            asking = self.owners.get(asking)
        if asking == path:
            raise ConfigError(f'{place}: {path} is a base of itself')


def _path_of(base: str, folder: Path) -> Path:
    """The file of a base; a relative one starts from the folder of its config."""
    if base.startswith(SHIPPED):
        return shipped_config(base)
    path = Path(folder, base)
    if not path.exists() and '\\' in base:  # written on Windows
        path = Path(folder, PureWindowsPath(base).as_posix())
    return path


def config_path(path: str | Path) -> Path:
    """The file that a config is read from: a path, or ``posegen::METHOD/NAME.py``.

    Raises:
        ConfigError: It does not exist.
    """
    found = shipped_config(str(path)) if str(path).startswith(SHIPPED) else Path(path)
    if not found.is_file():
        raise ConfigError(
            f'the config file {path} does not exist; check the path'
            f'{shipped_hint(str(path))}'
        )
    return found


def shipped_hint(path: str) -> str:
    """The name of a shipped config that is looked for at another place."""
    root = configs_root()
    shipped = {f.name: f.relative_to(root).as_posix() for f in root.rglob('*.py')}
    name = PureWindowsPath(path).name
    name = name if name.endswith('.py') else f'{name}.py'
    if name in shipped:
        return f"; '{SHIPPED}{shipped[name]}' comes with posegen"
    return did_you_mean(name, shipped)


def base_line(file: Path, base: Any = None) -> int:
    """The line of a config that names a base, or, without one, its ``_base_``."""
    text = file.read_text(encoding='utf-8', errors='replace')
    lines = enumerate(text.splitlines(), start=1)
    if file.suffix != '.py':
        wanted = base if isinstance(base, str) and base in text else '_base_'
        return next((number for number, line in lines if wanted in line), 1)
    try:
        statements = ast.parse(text).body
    except SyntaxError:
        return 1
    for node in statements:
        if isinstance(node, ast.Assign) and '_base_' in map(_name, node.targets):
            texts = (n for n in ast.walk(node.value) if isinstance(n, ast.Constant))
            return next((n.lineno for n in texts if n.value == base), node.lineno)
    return 1


def _name(target: ast.expr) -> str | None:
    return target.id if isinstance(target, ast.Name) else None


def reading_message(error: Exception, leaf: Path) -> str:
    """Which file of a chain of configs cannot be read, the line if known, and why.

    Args:
        error: What MMEngine raised while it read ``leaf``.
        leaf: The config; it is what an error is about that came of no other file.
    """
    reason = str(error).strip().split('\n')[0]
    if isinstance(error, SyntaxError):
        fault = syntax_error(read_last(error, leaf))
        reason = fault.msg if fault else reason
    return f'{place_of(error, leaf)} cannot be read: {type(error).__name__}: {reason}'


def place_of(error: Exception, leaf: Path) -> str:
    """The file of a chain that an error came of, with the line if it is known."""
    file = read_last(error, leaf)
    if isinstance(error, SyntaxError):
        fault = syntax_error(file)
        line = fault and fault.lineno
    else:
        frames = traceback.walk_tb(error.__traceback__)
        own = [n for f, n in frames if f.f_code.co_filename == str(file.absolute())]
        line = own[-1] if own else _import_line(file, error)
    shown = leaf if file == leaf.absolute() else file
    return f'{shown}, line {line}' if line else str(shown)


def read_last(error: Exception, leaf: Path) -> Path:
    """The file that MMEngine was reading when an error was raised."""
    frames = traceback.walk_tb(error.__traceback__)
    read = [f.f_locals for f, _ in frames if f.f_code.co_name in _READERS]
    return Path(read[-1]['filename']) if read else leaf


def syntax_error(file: Path) -> SyntaxError | None:
    """What is wrong with the program in a file; MMEngine reads a copy of its."""
    try:
        ast.parse(file.read_text(encoding='utf-8'))
    except SyntaxError as error:
        return error
    return None


def _import_line(file: Path, error: BaseException) -> int | None:
    """The line of an import in ``with read_base()`` of a module that MMEngine names."""
    try:
        nodes = list(ast.walk(ast.parse(file.read_text(encoding='utf-8'))))
    except (SyntaxError, ValueError):
        return None
    for node in nodes:
        if isinstance(node, ast.ImportFrom):
            module = '.' * node.level + (node.module or '')
            if f'from {module} import' in str(error):
                return node.lineno
    return None
