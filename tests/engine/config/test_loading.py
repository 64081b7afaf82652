"""Config files, their bases, and options on top of them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

from posegen.engine.config import load_config
from posegen.utils.errors import ConfigError
from tests.helpers.toy_training import toy_config, write_config

LAZY = 'from mmengine.config import read_base\nwith read_base():\n'


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return write_config(tmp_path / 'toy.py', toy_config())


def test_options_reach_dicts_lists_and_stages_by_name(config: Path) -> None:
    options = [
        'train_dataloader.batch_size=4',
        'val_evaluator.0.prefix=val',
        'stages.full.train_cfg.max_iters=9',
        'stages.0.train_cfg.max_iters=7',
        'model.generator.block.kernel_size=None',
    ]
    cfg = load_config(config, options)
    assert cfg.train_dataloader.batch_size == 4
    assert cfg.val_evaluator[0].prefix == 'val'
    assert [stage.train_cfg.max_iters for stage in cfg.stages] == [7, 9]
    assert cfg.model.generator.block.kernel_size is None


@pytest.mark.parametrize(
    ('text', 'value'),
    [('my data/a b', 'my data/a b'), ('"my data"', 'my data'), ('[a, 2]', ['a', 2])],
)
def test_blanks_in_an_option_stay(config: Path, text: str, value: object) -> None:
    assert load_config(config, [f'data_root={text}']).data_root == value


def test_options_may_be_a_dict(config: Path) -> None:
    cfg = load_config(config, {'stages.flow.train_cfg.max_iters': 3})
    assert cfg.stages[0].train_cfg.max_iters == 3


@pytest.mark.parametrize(
    ('option', 'message'),
    [
        ('max_iters', 'takes key=value pairs'),
        ('stages.fool.train_cfg.max_iters=1', "no stage 'fool'; the stages are"),
        ('val_evaluator.5.prefix=a', r'val_evaluator\.5\.prefix do not fit the config'),
        ('model.type.name=a', r'model\.type\.name do not fit the config'),
    ],
)
def test_an_option_that_does_not_fit(config: Path, option: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_config(config, [option])


def test_a_config_may_import_modules_and_have_a_base(config: Path) -> None:
    leaf = config.with_name('leaf.py')
    text = "import os\n_base_ = ['toy.py']\nwork_dir = os.path.join('a', 'b')\n"
    leaf.write_text(text + 'del os\n')
    cfg = load_config(leaf)
    assert cfg.work_dir == 'a/b'
    assert cfg.model.type == 'ToyTransfer'


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('model = dict(\n', 'bad.py, line 1 cannot be read: SyntaxError'),
        (
            "custom_imports = dict(imports=['no_such_package.blocks'])\n",
            'no_such_package.blocks of custom_imports cannot be imported: '
            "No module named 'no_such_package'; .*PYTHONPATH",
        ),
        ('import no_such_module\n', "an import fails: No module named 'no_such_mod"),
    ],
)
def test_a_file_that_cannot_be_read(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / 'bad.py'
    path.write_text(text)
    with pytest.raises(ConfigError, match=message):
        load_config(path)


def test_a_checkpoint_is_no_config(tmp_path: Path) -> None:
    path = tmp_path / 'latest.pth'
    torch.save({'state_dict': {'a': torch.ones(1)}}, path)
    with pytest.raises(ConfigError, match='latest.pth is not a config file; .*weights'):
        load_config(path)


@pytest.mark.parametrize(
    ('text', 'reason'),
    [
        ('import no_such_module', "No module named 'no_such_module'"),
        ('from posegen import no_such_name', "cannot import name 'no_such_name' .*"),
        ("raise ImportError('buy a licence')", 'buy a licence'),
    ],
)
def test_a_module_that_fails_itself_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, reason: str
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / 'failing_blocks.py').write_text(text)
    path = tmp_path / 'a.py'
    path.write_text("custom_imports = dict(imports=['failing_blocks'])\n")
    begin = 'failing_blocks of custom_imports cannot be imported'
    with pytest.raises(ConfigError, match=f'{begin}: {reason}$'):
        load_config(path)


def test_modules_of_an_option_are_imported(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / 'blocks_of_an_option.py').write_text('')
    load_config(config, ['custom_imports.imports=[blocks_of_an_option]'])
    assert 'blocks_of_an_option' in sys.modules
    with pytest.raises(ConfigError, match='no_such_blocks of custom_imports cannot'):
        load_config(config, ['custom_imports.imports=[no_such_blocks]'])
    with pytest.raises(ConfigError, match='custom_imports: .*import'):
        load_config(config, ['custom_imports.imports=3'])


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match='does not exist; check the path'):
        load_config(tmp_path / 'none.py')


def test_a_dict_among_the_options_is_refused_in_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / 'config.py'
    path.write_text('a = 1\n')
    with pytest.raises(ConfigError, match='numbers, texts, and lists of'):
        load_config(path, ["custom_hooks=[dict(type='A',b=0.5)]"])


@pytest.mark.parametrize(
    ('files', 'message'),
    [
        ({'a.py': "b = 1\n_base_ = [\n  'no.py']\n"}, 'a.py, line 3: the base .no.py'),
        (
            {'a.py': "_base_ = 'b.py'", 'b.py': "\n_base_ = 'c.py'"},
            'b.py, line 2: .*c.py',
        ),
        ({'a.json': '{"b": 1,\n"_base_": "no.py"}'}, 'a.json, line 2: the base'),
        ({'a.yaml': '_base_:\n- no.py'}, 'a.yaml, line 2: the base'),
        (
            {'a.py': "_base_ = '{{ fileDirname }}/no.py'"},
            'a.py, line 1: the base .*no.py',
        ),
        ({'a.py': "_base_ = ('b.py', 'c.py')"}, 'a.py, line 1: _base_ must be a text'),
        ({'a.py': "_base_ = 'nowhere::b/c.py'"}, 'a.py, line 1: .*nowhere'),
        (
            {'a.py': "_base_ = 'b.py'", 'b.py': "_base_ = 'a.py'"},
            'a.py is a base of its',
        ),
        (
            {'a.py': "_base_ = 'b.py'", 'b.py': 'c = dict('},
            'b.py, line 1 cannot be read',
        ),
        (
            {'a.py': "_base_ = 'b.py'", 'b.py': 'a = 1\nc = d'},
            "b.py, line 2 .*'d' is not",
        ),
        (
            {'a.py': "_base_ = 'b.py'", 'b.py': 'import nowhere'},
            'b.py, line 1: an import',
        ),
        ({'a.py': f'{LAZY}    from .b import *'}, 'a.py, line 3 cannot be read'),
        (
            {'a.py': f'{LAZY}    from .b import *', 'b.py': 'c = dict('},
            'b.py, line 1 cannot be read',
        ),
    ],
)
def test_a_wrong_base_is_named_with_file_and_line(
    files: dict[str, str], message: str, tmp_path: Path
) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(ConfigError, match=message):
        load_config(tmp_path / next(iter(files)))


def test_two_bases_may_have_the_same_one(tmp_path: Path) -> None:
    (tmp_path / 'd.py').write_text('d = dict(a=1)')
    for name in 'bc':
        (tmp_path / f'{name}.py').write_text(f"_base_ = '../{tmp_path.name}/d.py'")
    (tmp_path / 'a.py').write_text("_base_ = 'b.py'")
    assert load_config(tmp_path / 'a.py').d.a == 1


@pytest.mark.parametrize(
    'name', ['folder/b.py', 'folder\\b.py', 'posegen::folder/b.py']
)
def test_a_base_is_found(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / '_base_').mkdir()
    (tmp_path / 'folder').mkdir()
    (tmp_path / 'folder/b.py').write_text('found = True')
    monkeypatch.setattr('posegen.utils.paths.configs_root', lambda: tmp_path)
    (tmp_path / 'a.py').write_text(f'_base_ = {name!r}')
    assert load_config(tmp_path / 'a.py').found


def test_a_shipped_config_is_named_like_one_of_a_package(tmp_path: Path) -> None:
    name = 'posegen::spig/spig_synthetic-128x64_tiny.py'
    (tmp_path / 'a.py').write_text(f'_base_ = [{name!r}]')
    assert load_config(tmp_path / 'a.py').model == load_config(name).model


@pytest.mark.parametrize(
    'name', ['configs/spig/spig_synthetic-128x64.py', 'spig_synthetic-128x64']
)
@pytest.mark.parametrize('as_base', [False, True])
def test_a_shipped_config_at_another_place_is_hinted_at(
    name: str, as_base: bool, tmp_path: Path
) -> None:
    path = tmp_path / name
    if as_base:
        path = tmp_path / 'a.py'
        path.write_text(f'_base_ = {name!r}')
    hint = "'posegen::spig/spig_synthetic-128x64.py' comes with posegen"
    with pytest.raises(ConfigError, match=hint):
        load_config(path)
