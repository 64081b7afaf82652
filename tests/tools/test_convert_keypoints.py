"""The converters as a user runs them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from posegen.datasets import read_annotations
from posegen.datasets.keypoint_conversion import convert_keypoints
from posegen.datasets.keypoint_formats import FORMATS
from posegen.utils.errors import ConfigError, DataError
from tests.helpers import warm

TOOLS = Path(__file__).resolve().parents[2] / 'tools/datasets'


def run(*args: object, tool: str = 'convert_keypoints') -> subprocess.CompletedProcess:
    command = [warm.python(), str(TOOLS / f'{tool}.py'), *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def bodies(tmp_path) -> Path:
    """What OpenPose wrote of two pictures, BODY_25, nobody on the second."""
    folder = tmp_path / 'openpose'
    folder.mkdir()
    numbers = [value for i in range(25) for value in (10 + i, 50 + i, 0.5)]
    people = [dict(pose_keypoints_2d=numbers)]
    for name, found in (('a b', people), ('c', [])):
        file = folder / f'{name}_keypoints.json'
        file.write_text(json.dumps(dict(version=1.3, people=found)))
    return folder


def convert(*args, **kwargs) -> list[str]:
    return list(convert_keypoints(*args, **kwargs))


@pytest.mark.parametrize('tool', ['convert_keypoints', 'convert_pairs'])
def test_help_imports_nothing_heavy(tool):
    code = (
        'import runpy, sys\n'
        f'sys.argv = [{str(TOOLS / f"{tool}.py")!r}, "--help"]\n'
        'try:\n'
        '    runpy.run_path(sys.argv[0], run_name="__main__")\n'
        'finally:\n'
        '    heavy = {"torch", "mmengine", "numpy"} & set(sys.modules)\n'
        '    assert not heavy, heavy\n'
    )
    command = [sys.executable, '-c', code]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    if tool == 'convert_keypoints':
        assert all(format in done.stdout for format in FORMATS)


def test_openpose_to_csv(bodies, tmp_path):
    done = run(bodies, tmp_path / 'joints.csv')
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        f'{bodies} (body25): 2 images, 1 with a person, 18 joints',
        f'{tmp_path}/joints.csv (csv): 2 images, 1 with a person, 18 joints',
    ]
    annotations = read_annotations(tmp_path / 'joints.csv')
    assert annotations.names == ['a b.jpg', 'c.jpg']
    assert annotations.keypoints[0, 8].tolist() == [19, 59, 1]  # after the middle hip

    with pytest.raises(DataError, match='exists already'):
        convert(bodies, tmp_path / 'joints.csv')
    lines = convert(bodies, tmp_path / 'joints.csv', overwrite=True)
    assert lines == done.stdout.splitlines()


def test_released_csv_to_the_pose_folder_of_nted_and_back(shared, tmp_path):
    lines = (
        shared('data/annotations/fasion-annotation-test.csv').read_text().split('\n')
    )
    source, pose = tmp_path / 'some.csv', tmp_path / 'pose'
    source.write_text('\n'.join(lines[:200]) + '\n')
    convert(source, pose, None, 'txt', names='nested')
    files = sorted(pose.rglob('*.txt'))
    assert len(files) == 199
    assert files[0].relative_to(pose).parts[0] in ('MEN', 'WOMEN')
    assert np.loadtxt(files[0]).shape == (18, 2)
    convert(pose, tmp_path / 'back.csv', names='flat')
    assert sorted((tmp_path / 'back.csv').read_text().split('\n')) == sorted(
        source.read_text().split('\n')
    )


def test_pictures_give_names_and_sizes(bodies, tmp_path):
    for name in ('a b.png', 'c.png'):
        Image.new('RGB', (64, 128)).save(tmp_path / name)
    convert(bodies, tmp_path / 'm.json', None, 'mediapipe', images=tmp_path)
    stored = json.loads((tmp_path / 'm.json').read_text())
    assert set(stored) == {'a b.png', 'c.png'}
    (person,) = stored['a b.png']['pose_landmarks']
    assert len(person) == 33
    assert person[0]['x'] == pytest.approx(10.5 / 64)
    assert person[0]['y'] == pytest.approx(50.5 / 128)
    convert(tmp_path / 'm.json', tmp_path / 'o', None, 'openpose')
    back = json.loads((tmp_path / 'o/a b_keypoints.json').read_text())
    assert back['people'][0]['pose_keypoints_2d'][:3] == [10, 50, 0.5]


def test_frames(tmp_path):
    joints = ', '.join(['100'] * 18)
    header = 'name:keypoints_y:keypoints_x\n'
    (tmp_path / 'n.csv').write_text(f'{header}a.jpg: [{joints}]: [{joints}]\n')
    convert(tmp_path / 'n.csv', tmp_path / 'w.csv', frame=176)
    assert (read_annotations(tmp_path / 'w.csv').keypoints == [140, 100, 1]).all()
    convert(tmp_path / 'w.csv', tmp_path / 'again.csv', target_frame=176)
    assert (tmp_path / 'again.csv').read_text() == (tmp_path / 'n.csv').read_text()
    convert(tmp_path / 'n.csv', tmp_path / 'same.csv')
    assert (tmp_path / 'same.csv').read_text() == (tmp_path / 'n.csv').read_text()


def test_guesses_are_pointed_out(tmp_path):
    joints = [5, 6, 0.1] * 4 + [7, 8, 0.9] * 13
    people = [dict(image_id='a.jpg', keypoints=joints)]
    (tmp_path / 'a.json').write_text(json.dumps(people))
    lines = convert(tmp_path / 'a.json', tmp_path / 'a.csv')
    assert '4 joints with a score below 0.3 are guesses' in lines[1]
    assert '--min-score' in lines[1] and '14 joints' in lines[2]
    lines = convert(
        tmp_path / 'a.json', tmp_path / 'a.csv', min_score=0, overwrite=True
    )
    assert len(lines) == 2 and '18 joints' in lines[1]


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(images='x', image_size=(1, 1)), 'images or image_size, not both'),
        (dict(target_format='halpe'), "got 'halpe'"),
        (dict(source_format='halpe'), "got 'halpe'"),
        (dict(names='deep'), "got 'deep'"),
    ],
)
def test_wrong_arguments(bodies, tmp_path, options, message):
    with pytest.raises(ConfigError, match=message):
        convert(bodies, tmp_path / 'a.csv', **options)
    assert not (tmp_path / 'a.csv').exists()


def test_the_input_is_never_the_output(bodies):
    with pytest.raises(ConfigError, match='is what is read'):
        convert(bodies, bodies, None, 'openpose', overwrite=True)
    with pytest.raises(DataError, match='none does not exist'):
        convert(bodies / 'none', bodies / 'x.csv')


def test_mistakes_are_one_line(bodies, tmp_path):
    (bodies / 'c_keypoints.json').write_text('{"people": [')
    done = run(bodies, tmp_path / 'a.csv')
    assert done.returncode != 0
    assert done.stderr.startswith('convert_keypoints: ')
    assert 'c_keypoints.json cannot be read as json' in done.stderr
    assert 'Traceback' not in done.stderr
    assert not (tmp_path / 'a.csv').exists()


def test_pairs(shared, tmp_path):
    file = shared('data/annotations/fashion-pairs-test.csv')
    done = run(file, tmp_path / 'test_pairs.txt', tool='convert_pairs')
    assert done.stdout == f'{tmp_path}/test_pairs.txt: 8,570 pairs\n', done.stderr
    source, target = file.read_text().splitlines()[1].split(',')
    line = (tmp_path / 'test_pairs.txt').read_text().splitlines()[0]
    names = [name.replace('_', '').replace('/', '') for name in line.split(',')]
    assert names[0] == target.replace('_', '').replace('fashion', 'img')
    assert names[1] == source.replace('_', '').replace('fashion', 'img')
