"""The command line: quick, clear, and enough to go through a whole experiment."""

from __future__ import annotations

import io
import os
import re
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from posegen import cli
from posegen.utils.errors import PosegenError
from tests.helpers.toy_training import toy_config, write_config

ROOT = Path(__file__).resolve().parents[1]
COMMANDS = list(cli._COMMANDS)
TOOLS = ['train', 'test', 'infer', 'evaluate', 'analysis/print_config']


def run_python(*args: str, cwd: Path = ROOT, **env: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, *args],
        cwd=cwd,
        env={**os.environ, 'OMP_NUM_THREADS': '1', **env},
        capture_output=True,
        text=True,
    )


def test_help_imports_nothing_heavy() -> None:
    code = (
        'import sys\n'
        'from posegen.cli import make_parser\n'
        'make_parser().format_help()\n'
        "heavy = {'torch', 'mmengine', 'numpy', 'rich'} & set(sys.modules)\n"
        'assert not heavy, heavy\n'
    )
    result = run_python('-c', code)
    assert result.returncode == 0, result.stderr


def test_help_answers_in_under_a_second() -> None:
    # Time on the processor: the clock on the wall also counts what runs beside.
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    result = run_python('-m', 'posegen', 'train', '--help')
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert '--resume' in result.stdout
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    assert used < 1


@pytest.mark.parametrize('command', COMMANDS)
def test_every_command_explains_itself(
    command: str, capsys: pytest.CaptureFixture
) -> None:
    with pytest.raises(SystemExit) as exit_:
        cli.main([command, '--help'])
    assert exit_.value.code == 0
    assert 'usage: posegen' in capsys.readouterr().out


@pytest.mark.parametrize('tool', TOOLS)
def test_every_tool_works_from_any_folder(tool: str, tmp_path: Path) -> None:
    result = run_python(str(ROOT / 'tools' / f'{tool}.py'), '--help', cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert 'usage: posegen' in result.stdout


def test_an_error_of_the_user_is_one_line(
    capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv('POSEGEN_DEBUG', raising=False)
    assert cli.main(['train', 'none.py']) == 2
    error = capsys.readouterr().err
    assert error.startswith('posegen: error: the config file none.py does not exist')
    assert error.count('\n') == 1
    assert cli.main(['train', 'none.py', '--debug']) == 2
    assert 'Traceback' in capsys.readouterr().err
    monkeypatch.setenv('POSEGEN_DEBUG', '1')
    assert cli.main(['train', 'none.py']) == 2
    assert 'Traceback' in capsys.readouterr().err


def test_an_error_of_ours_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    from posegen import engine

    def broken(*args: object) -> None:
        raise RuntimeError('a mistake of ours')

    monkeypatch.setattr(engine, 'load_config', broken)
    with pytest.raises(RuntimeError, match='a mistake of ours'):
        cli.main(['train', 'none.py'])


def test_an_interrupt_is_not_a_traceback(
    capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    from posegen import engine

    def interrupt(*args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(engine, 'load_config', interrupt)
    assert cli.main(['train', 'none.py']) == 130
    assert capsys.readouterr().err == 'posegen: interrupted\n'


def test_train_and_test(
    tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = str(write_config(tmp_path / 'toy.py', toy_config(iters=2)))
    monkeypatch.chdir(tmp_path)
    options = ['--cfg-options', 'stages.full.train_cfg.max_iters=3']
    assert cli.main(['train', config, *options]) == 0
    weights = tmp_path / 'work_dirs' / 'toy' / 'full' / 'iter_3.pth'
    assert weights.is_file()
    assert cli.main(['train', config, *options]) == 2
    assert '--resume' in capsys.readouterr().err
    assert cli.main(['train', config, '--resume', *options]) == 0
    assert cli.main(['test', config, str(weights), '--out', 'out']) == 0
    assert 'toy_error' in capsys.readouterr().out
    assert len(list((tmp_path / 'out').glob('*___*.png'))) == 3


def test_mixed_precision_is_a_switch(
    tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    config = str(write_config(tmp_path / 'toy.py', toy_config(iters=2)))
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    command = ['train', config, '--work-dir', str(tmp_path / 'run'), '--amp']
    assert cli.main([*command, 'fp16']) == 2
    assert '--amp fp16 needs a GPU' in capsys.readouterr().err
    assert cli.main(command) == 0
    saved = torch.load(tmp_path / 'run/full/iter_2.pth', weights_only=True)
    assert 'loss_scaler' in saved['optimizer']['generator']


def test_print_config_shows_what_a_stage_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    config = str(write_config(tmp_path / 'toy.py', toy_config(work_dir=str(tmp_path))))
    assert cli.main(['print-config', config, '--stage', 'full']) == 0
    shown = capsys.readouterr().out
    assert "train_stage='full'" in shown and 'PlainCheckpointHook' in shown
    assert cli.main(['print-config', config]) == 0
    assert 'stages = [' in capsys.readouterr().out


def test_env_names_versions_and_the_device(capsys: pytest.CaptureFixture) -> None:
    assert cli.main(['env']) == 0
    shown = capsys.readouterr().out
    for name in ('posegen', 'python', 'torch', 'mmengine', 'device'):
        assert f'\n{name}' in f'\n{shown}'
    first = re.search(r'^posegen +', shown).end()
    assert all(line[first - 1] == ' ' != line[first] for line in shown.splitlines())


def test_list_models(capsys: pytest.CaptureFixture) -> None:
    assert cli.main(['list-models', 'spig_*']) == 0
    assert 'spig_market1501-128x64' in capsys.readouterr().out.split()


@pytest.mark.parametrize(
    ('size', 'value'), [('256x176', (256, 176)), ('256', None), ('0x0', None)]
)
def test_sizes_are_height_by_width(size: str, value: tuple | None) -> None:
    arguments = ['--model', 'm', '--source', 's', '--pose', 'p', '--out', 'o']
    parse = cli.make_parser().parse_args
    command = ['infer', *arguments, '--annotation-size', size]
    if value is None:
        with pytest.raises(SystemExit):
            parse(command)
    else:
        assert parse(command).annotation_size == value


@pytest.mark.parametrize(
    ('command', 'module'),
    [
        ('infer', 'posegen.apis.infer_cli'),
        ('evaluate', 'posegen.evaluation.cli'),
    ],
)
def test_bodies_get_the_arguments(
    command: str, module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from importlib import import_module

    required = dict(
        infer=['--model', 'm', '--source', 's', '--pose', 'p', '--out', 'o.png'],
        evaluate=['--generated', 'a=b', 'c', '--real', 'r', '--copy-source'],
    )
    seen = []
    monkeypatch.setattr(import_module(module), 'run', seen.append)
    assert cli.main([command, *required[command]]) == 0
    names = dict(
        infer='model weights device source source_pose pose annotations '
        'annotation_size seed out',
        evaluate='generated real fid_real annotations protocol offline_features '
        'copy_source truth json',
    )
    assert set(names[command].split()) <= set(vars(seen[0]))


def test_user_errors_are_all_caught() -> None:
    from posegen.utils.errors import NonFiniteError

    assert issubclass(NonFiniteError, PosegenError)


@pytest.mark.parametrize('encoding', ['ascii', 'cp1252'])
def test_every_command_on_a_stream_of_few_letters(
    encoding: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.evaluation.toy_set import write_set

    folder = tmp_path / 'größe [人→x]'
    folder.mkdir()
    monkeypatch.chdir(folder)
    config = str(write_config(folder / 'toy.py', toy_config(iters=1, _note='→')))
    write_set(folder)
    weights = str(folder / 'run' / 'full' / 'iter_1.pth')
    scores = ('--generated', '人=good', 'poor', '--real', 'real', '--json', 's.json')
    more = ('--per-pair', '人.csv', '--processes', '1', '--protocol', 'pise')
    for command, shown in {
        ('train', config, '--work-dir', str(folder / 'run')): 'iter_1.pth',
        ('test', config, weights, '--out', '人'): 'toy_error',
        ('print-config', config): '_note',
        ('evaluate', *scores, *more): 'psnr ^',
        ('list-models', 'spig*'): 'spig_market1501-128x64',
        ('env',): 'torch',
    }.items():
        stream = io.TextIOWrapper(io.BytesIO(), encoding)
        monkeypatch.setattr(sys, 'stdout', stream)
        assert cli.main(command) == 0
        stream.flush()
        assert shown in stream.buffer.getvalue().decode(encoding)
    assert '"poor"' in Path('s.json').read_text(encoding='utf-8')
    assert '人' in Path('人.csv').read_text(encoding='utf-8')


@pytest.mark.parametrize(
    ('workers', 'start'),
    [(0, 'spawn'), (0, 'forkserver'), (0, 'fork'), (0, None), (1, 'fork'), (1, None)],
)
def test_train_with_any_switch_of_a_loader(
    workers: int, start: str | None, tmp_path: Path
) -> None:
    config = str(write_config(tmp_path / 'toy.py', toy_config(iters=1)))
    options = [
        f'{name}_dataloader.{option}'
        for name in ('train', 'val')
        for option in (
            f'num_workers={workers}',
            'persistent_workers=True',
            'prefetch_factor=3',
            'timeout=60',
            f'multiprocessing_context={start}',
        )
    ]
    command = ['train', config, '--work-dir', str(tmp_path / 'run')]
    assert cli.main([*command, '--cfg-options', *options]) == 0


def test_workers_may_be_spawned(tmp_path: Path) -> None:
    config = str(write_config(tmp_path / 'toy.py', toy_config(iters=1)))
    settings = [
        f'train_dataloader.{option}'
        for option in ('num_workers=1', 'multiprocessing_context=spawn')
    ]
    tool = str(ROOT / 'tools' / 'train.py')  # which its workers import again
    command = [tool, config, '--work-dir', str(tmp_path / 'run'), '--stage', 'flow']
    result = run_python(*command, '--cfg-options', *settings, PYTHONPATH=str(ROOT))
    assert result.returncode == 0, result.stderr
