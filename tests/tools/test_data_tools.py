"""doctor, browse_dataset and make_photo_set as their users run them."""

from __future__ import annotations

import io
import os
import runpy
import shutil
import subprocess
import sys
from argparse import Namespace
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from posegen.apis.data_cli import run_browser
from posegen.codecs import write_openpose_json
from posegen.datasets import PosePairDataset, read_annotations, read_pairs
from posegen.engine.config import check_config, load_config
from posegen.registry import TRANSFORMS
from tests.helpers import warm
from tests.helpers.pair_set import write_pair_set

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ROOT / 'tools/datasets'
TINY = ROOT / 'configs/spig/spig_synthetic-128x64_tiny.py'


@dataclass
class Done:
    """What a tool printed, and its exit code."""

    returncode: int
    stdout: str
    stderr: str


def run(tool: str, *arguments: str | Path, cwd: Path) -> Done:
    """A tool's ``main`` in this process: importing torch anew takes seconds."""
    main = runpy.run_path(str(TOOLS / f'{tool}.py'))['main']
    out, err = io.StringIO(), io.StringIO()
    with chdir(cwd), redirect_stdout(out), redirect_stderr(err):
        code = main([*map(str, arguments)])
    return Done(code, out.getvalue(), err.getvalue())


def run_process(tool: str, *arguments: str | Path, cwd: Path) -> Done:
    done = subprocess.run(
        [warm.python(), str(TOOLS / f'{tool}.py'), *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**os.environ, 'OMP_NUM_THREADS': '1'},
    )
    return Done(done.returncode, done.stdout, done.stderr)


def write_photos(root: Path, source: Path, rows: Path, names: list[str]) -> None:
    """Photos of other sizes than the set's, and an OpenPose file for each."""
    table = read_annotations(rows)
    (root / 'photos').mkdir(parents=True)
    (root / 'openpose').mkdir()
    for name in names:
        with Image.open(source / name) as image:
            large = image.resize((image.width * 2, image.height * 2))
        large.save(root / 'photos' / f'{Path(name).stem}.jpg', quality=95)
        joints = table.keypoints[table.names.index(name)].copy()
        joints[:, :2] = (joints[:, :2] + 0.5) * 2 - 0.5
        joints[joints[:, 2] == 0] = 0
        stem = root / 'openpose' / f'{Path(name).stem}_keypoints.json'
        write_openpose_json(stem, joints)


def check_set(folder: Path, size: tuple[int, int], cwd: Path) -> None:
    """The doctor has nothing to say, and the config's data sets load."""
    done = run('doctor', folder / 'config.py', '--out', cwd / 'sheet.png', cwd=cwd)
    assert done.returncode == 0, done.stdout + done.stderr
    assert 'Nothing is wrong.' in done.stdout
    with Image.open(cwd / 'sheet.png') as sheet:
        assert min(sheet.size) > 256
    cfg = load_config(folder / 'config.py')
    check_config(cfg)
    for split in ('train', 'test'):
        arguments = cfg[f'{split}_dataloader'].dataset.to_dict()
        del arguments['type']
        dataset = PosePairDataset(data_root=cfg.data_root, **arguments)
        sample = dataset[len(dataset) - 1]
        assert sample['target_image'].shape == (3, *size)
        seen = sample['target_keypoints'][:, 2] > 0
        assert seen.sum() >= 6
        inside = sample['target_keypoints'][seen, :2].numpy()
        assert (inside > -0.5).all()
        assert (inside < np.array(size[::-1]) - 0.5).all()


def test_photos_and_openpose_files_become_a_set_that_trains(tmp_path):
    made = write_pair_set(tmp_path / 'made', num_people=4, size=(128, 96))
    images, rows = tmp_path / 'made/train', tmp_path / 'made' / made['annotation_file']
    names = sorted(path.name for path in images.iterdir())
    write_photos(tmp_path, images, rows, names)
    arguments = ['--photos', 'photos', '--keypoints', 'openpose', '--size', '128x96']
    arguments += ['--group-pattern', r'^\d{4}', '--test-fraction', '0.3']
    done = run_process('make_photo_set', *arguments, '--out', 'set', cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert 'train: 3 groups, 6 images, 6 pairs' in done.stdout
    assert 'test: 1 groups, 2 images, 2 pairs' in done.stdout
    config = tmp_path / 'set/config.py'
    assert f'posegen train {config}' in done.stdout
    assert 'left out' not in done.stdout
    check_set(tmp_path / 'set', (128, 96), tmp_path)
    # Half the size again: every joint is where the maker of the figure put it.
    table = read_annotations(tmp_path / 'set/annotation-train.csv')
    truth = read_annotations(rows)
    for name, joints in zip(table.names, table.keypoints):
        np.testing.assert_allclose(
            joints, truth.keypoints[truth.names.index(name)], atol=1e-3
        )


@pytest.mark.parametrize(
    'folder, images, prefix, pattern',
    [
        ('market1501', 'bounding_box_test', 'market', r'^\d{4}'),
        ('deepfashion', 'test', 'fasion', r'id\d{10}'),
    ],
)
def test_real_photos_become_a_set(shared, tmp_path, folder, images, prefix, pattern):
    root = shared(f'data/real/{folder}')
    pairs = read_pairs(root / f'{prefix}-pairs-test.csv')[:40]
    names = list(dict.fromkeys(name for pair in pairs for name in pair))
    rows = root / f'{prefix}-annotation-test.csv'
    write_photos(tmp_path, root / images, rows, names)
    arguments = ['--photos', 'photos', '--keypoints', 'openpose', '--size', '128x96']
    arguments += ['--group-pattern', pattern, '--crop', '--out', 'set']
    done = run('make_photo_set', *arguments, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    check_set(tmp_path / 'set', (128, 96), tmp_path)
    assert 10 < len(read_pairs(tmp_path / 'set/pairs-train.csv')) <= 3 * len(names)


def test_mistakes_are_one_line(tmp_path):
    for tool, arguments, message in [
        ('doctor', ['none'], 'doctor: the config file none does not exist'),
        ('browse_dataset', ['none.py'], 'browse_dataset: the config file none.py does'),
        ('browse_dataset', ['none.py', '--num', '0'], 'browse_dataset: num must be 1'),
        ('browse_dataset', ['none.py', '--seed', '-1'], 'browse_dataset: seed must be'),
        ('doctor', ['.', '--num', '-1'], 'doctor: num must be 1 or more, got -1'),
        ('doctor', ['.', '--out', 'x.foo'], 'doctor: x.foo does not end as an image'),
        (
            'make_photo_set',
            ['--photos', 'none', '--keypoints', 'none', '--out', 'set'],
            'make_photo_set: the folder of photos none does not exist',
        ),
    ]:
        done = run(tool, *arguments, cwd=tmp_path)
        assert done.returncode == 2
        assert done.stderr.startswith(message)
        assert done.stderr.count('\n') == 1


def test_doctor_on_a_broken_config(tmp_path):
    """Exit code 1, every problem named, and a sheet of what can be drawn."""
    for split in ('train', 'test'):
        write_pair_set(tmp_path / 'data', 12, size=(128, 64), truth=True, split=split)
    (tmp_path / 'data/train/0000_0.png').unlink()
    (tmp_path / 'data/test/0001_0.png').write_bytes(b'<html>')
    (tmp_path / 'data/synthetic-pairs-train.csv').open('a').write('a.png\n')
    done = run(
        *('doctor', TINY, '--cfg-options', 'data_root=data', '--out', 'sheet.png'),
        cwd=tmp_path,
    )
    assert done.returncode == 1, done.stderr
    for part in ('[images missing]', '0000_0.png', '[unreadable]', 'a web page'):
        assert part in done.stdout
    assert '[pair format]' in done.stdout
    assert '3 errors' in done.stdout
    assert (tmp_path / 'sheet.png').is_file()
    shutil.rmtree(tmp_path / 'data/train')
    done = run('doctor', tmp_path / 'data', '--out', 'none', '--fast', cwd=tmp_path)
    assert done.returncode == 1
    assert 'sheet' not in done.stdout


def test_doctor_on_configs_whose_pipelines_do_not_run(tmp_path):
    for split in ('train', 'test'):
        write_pair_set(tmp_path / 'data', 12, size=(128, 64), truth=True, split=split)
    steps = 'LoadPairImages', 'ResizePair', 'FlipPair', 'PackPair'
    for pipeline, message in [
        (['ResizePiar'], '[config] train_dataloader.dataset.pipeline[0]: no transform'),
        (steps[::2], '[pipeline] train: no sample comes out of its pipeline: FlipPair'),
        (steps[:3], 'the pipeline must end with PackPair'),
        (steps, 'Nothing is wrong.'),
    ]:
        entries = [dict(type=name) for name in pipeline]
        config = f"_base_ = [{str(TINY)!r}]\ndata_root = 'data'\n"
        config += f'train_dataloader = dict(dataset=dict(pipeline={entries}))\n'
        (tmp_path / 'mine.py').write_text(config)
        done = run('doctor', 'mine.py', '--out', 'none', cwd=tmp_path)
        assert message in ' '.join(done.stdout.split()), done.stdout + done.stderr
        assert done.returncode == (message != 'Nothing is wrong.')
        done = run('browse_dataset', 'mine.py', '--out', 'a.png', cwd=tmp_path)
        assert done.returncode == 2 * (message != 'Nothing is wrong.'), done.stderr


AUGMENTED = """\
_base_ = [{base!r}]
data_root = 'data'
train_dataloader = dict(dataset=dict(pipeline=[
    dict(type='LoadPairImages'),
    dict(type='ResizePair'),
    dict(type='Invert'),
    dict(type='PackPair'),
]))
"""


class Invert:
    """A stand-in for augmentation that nobody can overlook."""

    def __call__(self, results: dict) -> dict:
        for side in ('source', 'target'):
            results[f'{side}_image'] = 255 - results[f'{side}_image']
        return results


def test_browser_shows_samples_after_their_pipeline(tmp_path, monkeypatch, capsys):
    for split in ('train', 'test'):
        write_pair_set(tmp_path / 'data', size=(128, 64), truth=True, split=split)
    monkeypatch.chdir(tmp_path)
    Path('mine.py').write_text(AUGMENTED.format(base=str(TINY)))
    options = dict(cfg_options=None, stage=None, num=2, seed=0, split='train')
    TRANSFORMS.register_module(module=Invert)
    try:
        run_browser(Namespace(config='mine.py', out='a.png', **options))
    finally:
        TRANSFORMS.module_dict.pop('Invert')
    options['cfg_options'] = ['data_root=data']
    run_browser(Namespace(config=str(TINY), out='b.png', **options))
    assert 'a.png shows 2 of 4 samples' in capsys.readouterr().out
    changed, plain = (np.asarray(Image.open(f'{n}.png')).astype(int) for n in 'ab')
    corner = np.s_[50:60, 5:15]  # background of the first source
    np.testing.assert_array_equal(changed[corner], 255 - plain[corner])
    assert len(np.unique(plain[corner].reshape(-1, 3), axis=0)) == 1


@pytest.mark.parametrize('tool', ['doctor', 'browse_dataset', 'make_photo_set'])
def test_help_imports_nothing_heavy(tool):
    code = (
        'import runpy, sys\n'
        f'sys.argv = [{str(TOOLS / f"{tool}.py")!r}, "--help"]\n'
        'try:\n'
        '    runpy.run_path(sys.argv[0], run_name="__main__")\n'
        'finally:\n'
        '    heavy = {"torch", "mmengine", "numpy", "PIL"} & set(sys.modules)\n'
        '    assert not heavy, heavy\n'
    )
    command = [sys.executable, '-c', code]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert '--out' in done.stdout
