"""What a user installs: the wheel, the declared packages, the versions that agree."""

from __future__ import annotations

import ast
import configparser
import re
import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import posegen
from posegen.utils import ConfigError, paths

ROOT = Path(__file__).resolve().parents[1]
WEIGHTS = 'weights/of_this_test.safetensors'


def setup_cfg() -> configparser.ConfigParser:
    parser = configparser.ConfigParser()
    parser.read(ROOT / 'setup.cfg', encoding='utf-8')
    return parser


def requirements(text: str) -> dict[str, Requirement]:
    lines = (line.split('#')[0].strip() for line in text.splitlines())
    found = [Requirement(line) for line in lines if line]
    return {canonicalize_name(entry.name): entry for entry in found}


def all_declared() -> dict[str, Requirement]:
    cfg = setup_cfg()
    extras = [text for _, text in cfg.items('options.extras_require')]
    return requirements('\n'.join([cfg['options']['install_requires'], *extras]))


def imported_packages() -> set[str]:
    """Top-level names of all imports in posegen, also those inside functions."""
    names = set()
    for path in (ROOT / 'posegen').rglob('*.py'):
        for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
            if isinstance(node, ast.Import):
                names |= {alias.name.split('.')[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names.add(node.module.split('.')[0])
    return names - set(sys.stdlib_module_names) - {'posegen'}


@pytest.fixture(scope='module')
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel built from a copy, so that the checkout keeps no build folder."""
    copy = tmp_path_factory.mktemp('source')
    ignore = shutil.ignore_patterns('__pycache__')
    for name in ('posegen', 'configs'):
        shutil.copytree(ROOT / name, copy / name, ignore=ignore)
    for name in ['setup.py', 'setup.cfg', 'pyproject.toml', 'README.md', 'LICENSE']:
        shutil.copy(ROOT / name, copy)
    shutil.copy(ROOT / 'THIRD_PARTY.md', copy)
    (copy / 'posegen' / 'weights').mkdir(exist_ok=True)
    (copy / 'posegen' / WEIGHTS).write_bytes(b'')
    command = [sys.executable, '-m', 'pip', 'wheel', '--quiet', '--no-deps']
    command += ['--no-build-isolation', '--wheel-dir', str(copy / 'dist'), str(copy)]
    subprocess.run(command, check=True, timeout=120)
    (file,) = (copy / 'dist').glob('*.whl')
    return file


@pytest.mark.parametrize(
    ('folder', 'pattern', 'inside'),
    [
        ('posegen', '**/*.py', 'posegen'),
        ('posegen', 'weights/*.safetensors', 'posegen'),
        ('configs', '**/*.py', 'posegen/configs'),
        ('configs', '**/*.yml', 'posegen/configs'),
        ('configs', '**/*.md', 'posegen/configs'),
    ],
)
def test_wheel_holds_every_module_and_config(wheel, folder, pattern, inside):
    files = (ROOT / folder).glob(pattern)
    expected = {
        f'{inside}/{file.relative_to(ROOT / folder).as_posix()}' for file in files
    }
    assert expected - set(zipfile.ZipFile(wheel).namelist()) == set()


def test_wheel_holds_weights(wheel):
    assert f'posegen/{WEIGHTS}' in zipfile.ZipFile(wheel).namelist()


def test_wheel_holds_nothing_else(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split('/')[0] for name in names} == {
        'posegen',
        f'posegen-{posegen.__version__}.dist-info',
    }


@pytest.mark.parametrize('name', ['configs', 'weights'])
def test_installed_wheel_finds_its_own_files(wheel, tmp_path, name):
    zipfile.ZipFile(wheel).extractall(tmp_path)
    code = f'from posegen.utils.paths import {name}_root; print({name}_root())'
    found = subprocess.run(
        [sys.executable, '-c', code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert Path(found.stdout.strip()) == tmp_path / 'posegen' / name


def test_checkout_finds_its_configs():
    assert paths.configs_root() == ROOT / 'configs'


def test_missing_configs_are_an_error(monkeypatch, tmp_path):
    monkeypatch.setattr(paths, 'PACKAGE', tmp_path / 'posegen')
    with pytest.raises(ConfigError, match='no configs in .*install posegen again'):
        paths.configs_root()


def test_console_command_is_declared():
    scripts = setup_cfg()['options.entry_points']['console_scripts']
    assert scripts.split() == ['posegen', '=', 'posegen.cli:main']


def test_every_import_is_declared():
    distributions = packages_distributions()
    # The headless build of OpenCV is the same module.
    declared = {*all_declared(), 'opencv-python-headless'}
    missing = {
        name
        for name in imported_packages()
        if not declared & {canonicalize_name(d) for d in distributions[name]}
    }
    assert missing == set()


def test_extras_that_nothing_uses_say_so():
    """A feature is not to be promised by the extra that it would need."""
    distributions = packages_distributions()
    imported = {
        canonicalize_name(distribution)
        for name in imported_packages()
        for distribution in distributions[name]
    }
    extras = setup_cfg()['options.extras_require']
    # MMEngine imports what is in 'logging', for posegen.visualization.backends.
    unused = [
        name
        for name in extras
        if name not in ('docs', 'dev', 'logging')
        and not imported & requirements(extras[name]).keys()
    ]
    text = (ROOT / 'setup.cfg').read_text(encoding='utf-8')
    comment = text.index('# No module uses the next two so far')
    assert unused == re.findall(r'^([a-z-]+) =$', text[comment:], re.M)[:2]


def test_tested_versions_satisfy_the_lower_bounds():
    tested = requirements((ROOT / 'constraints.txt').read_text(encoding='utf-8'))
    core = requirements(setup_cfg()['options']['install_requires'])
    assert core.keys() - tested.keys() == set()
    for name, entry in all_declared().items():
        if name in tested:
            (pin,) = tested[name].specifier
            assert pin.operator == '=='
            assert entry.specifier.contains(pin.version), name


def test_one_version_everywhere():
    citation = yaml.safe_load((ROOT / 'CITATION.cff').read_text(encoding='utf-8'))
    assert citation['version'] == posegen.__version__


def test_one_ruff_everywhere():
    hooks = (ROOT / '.pre-commit-config.yaml').read_text(encoding='utf-8')
    tested = (ROOT / 'constraints.txt').read_text(encoding='utf-8')
    versions = re.findall(r'ruff==([\d.]+)', hooks + tested)
    assert len(versions) == 3 and len(set(versions)) == 1
