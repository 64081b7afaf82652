from __future__ import annotations

from argparse import Namespace

import numpy as np
import pytest
from PIL import Image

from posegen.apis.infer_cli import run
from posegen.codecs.formats import write_openpose_json
from posegen.datasets import read_annotations, write_annotations
from posegen.utils import DataError, WeightsError
from tests.apis.toy import pose_at, write_config
from tests.helpers.pair_set import write_pair_set


@pytest.fixture
def place(tmp_path):
    """A set of 64x32 pictures, and the arguments of a call on it."""
    write_pair_set(tmp_path, size=(64, 32))
    args = Namespace(
        model=write_config(tmp_path),
        weights='random',
        source=str(tmp_path / 'train' / '0000_0.png'),
        source_pose=None,
        pose='0000_1.png',
        annotations=str(tmp_path / 'synthetic-annotation-train.csv'),
        annotation_size=None,
        pose_size=None,
        source_pose_size=None,
        min_score=None,
        out=str(tmp_path / 'deep' / 'out.png'),
        device='cpu',
        seed=None,
    )
    return tmp_path, args


@pytest.fixture
def seen(monkeypatch):
    """What the inferencer is called with."""
    calls = []

    def call(self, *args, **kwargs):
        calls.append((args, kwargs))
        return original(self, *args, **kwargs)

    from posegen.apis.inferencer import PoseTransferInferencer

    original = PoseTransferInferencer.__call__
    monkeypatch.setattr(PoseTransferInferencer, '__call__', call)
    return calls


def joints(args: Namespace, name: str) -> np.ndarray:
    table = read_annotations(args.annotations)
    return table.keypoints[table.names.index(name)]


@pytest.mark.parametrize(
    'value', ['0000_1.png', 'C:\\train\\0000_1.png', './0000_1.png ']
)
def test_poses_are_found_by_all_spellings(place, seen, value):
    _, args = place
    args.pose = value
    run(args)
    ((arguments, _),) = seen
    expected = joints(args, '0000_1.png')
    np.testing.assert_array_equal(arguments[1].keypoints, expected)


@pytest.mark.parametrize('suffix', ['png', 'jpg', 'JPEG'])
def test_writes_the_picture_and_says_where(place, monkeypatch, suffix):
    folder, args = place
    args.out = str(folder / 'deep' / f'out.{suffix}')
    said = []
    monkeypatch.setattr(
        'posegen.apis.infer_cli.print_log', lambda m, *a: said.append(m)
    )
    run(args)
    assert Image.open(args.out).size == (32, 64)
    assert said == [f'The picture is in {args.out}']


def test_same_seed_same_bytes(place):
    folder, args = place
    args.seed, contents = 3, []
    for name in ('a.png', 'b.png'):
        args.out = str(folder / name)
        run(args)
        contents.append((folder / name).read_bytes())
    assert contents[0] == contents[1]


def test_joints_come_from_the_annotations(place, seen):
    _, args = place
    run(args)
    (_, pose, source_pose, _), kwargs = seen[0]
    assert np.array_equal(pose.keypoints, joints(args, '0000_1.png'))
    assert np.array_equal(source_pose.keypoints, joints(args, '0000_0.png'))
    # The picture beside the source.
    assert kwargs == {'pose_size': (64, 32), 'source_pose_size': (64, 32)}


def test_joints_come_from_json(place, seen):
    folder, args = place
    for name, x in (('a', 11), ('b', 22)):
        write_openpose_json(folder / f'{name}.json', pose_at((x, 9)))
    args.source_pose, args.pose = str(folder / 'a.json'), str(folder / 'b.json')
    args.annotations = None
    run(args)
    (_, pose, source_pose, _), kwargs = seen[0]
    assert (source_pose.keypoints[0, 0], pose.keypoints[0, 0]) == (11, 22)
    assert kwargs == {'pose_size': None, 'source_pose_size': None}
    args.pose_size, args.source_pose_size = (128, 64), (32, 16)
    run(args)
    assert seen[1][1] == {'pose_size': (128, 64), 'source_pose_size': (32, 16)}


def test_annotated_pose_is_in_pixels_of_its_own_picture(place, seen):
    folder, args = place
    (folder / 'other').mkdir()
    args.pose = str(folder / 'other' / '0001_0.png')
    Image.new('RGB', (100, 80)).save(args.pose)
    run(args)
    assert seen[0][1]['pose_size'] == (80, 100)


def test_annotated_pose_without_a_picture_is_of_the_sources_size(place, seen):
    folder, args = place
    (folder / 'train' / '0000_1.png').unlink()
    run(args)
    assert seen[0][1]['pose_size'] is None
    args.annotation_size = [64, 32]
    run(args)
    assert seen[1][1]['pose_size'] == (64, 32)


def test_pictures_of_another_size_than_the_annotations(place, seen):
    folder, args = place
    for name in ('0000_0.png', '0000_1.png'):
        path = folder / 'train' / name
        Image.open(path).resize((16, 32)).save(path)
    with pytest.raises(
        DataError, match=r'outside the picture .* give --annotation-size'
    ):
        run(args)
    args.annotation_size = (64, 32)
    run(args)
    (_, pose, source_pose, _), kwargs = seen[0]
    own = joints(args, '0000_0.png')
    present, source_pose = own[:, 2] > 0, source_pose.keypoints
    assert np.allclose(source_pose[present, :2], (own[present, :2] + 0.5) / 2 - 0.5)
    assert kwargs == {'pose_size': (32, 16), 'source_pose_size': (32, 16)}
    assert Image.open(args.out).size == (16, 32)


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (dict(out='result.gif'), r'--out must end in \.png, \.jpg, \.jpeg, got'),
        (dict(source='none.png'), r'none\.png does not exist'),
        (dict(pose='0000_7.png'), r'no row for 0000_7\.png .* did you mean 0000_'),
        (
            dict(annotations=None),
            '--source-pose needs the joints of .*0000_0.png: give',
        ),
        (dict(annotations='none.csv'), r'none\.csv'),
        (dict(pose='none.json'), r'none\.json does not exist'),
    ],
)
def test_wrong_arguments(place, changes, message):
    _, args = place
    with pytest.raises(DataError, match=message):
        run(Namespace(**vars(args) | changes))


def test_source_pose_by_name_is_in_the_sources_pixels(place, seen):
    folder, args = place
    args.source = str(folder / 'enlarged.png')
    Image.open(folder / 'train' / '0000_0.png').resize((64, 128)).save(args.source)
    args.source_pose, args.annotation_size = '0000_0.png', (64, 32)
    run(args)
    own = joints(args, '0000_0.png')
    present = own[:, 2] > 0
    source_pose = seen[0][0][2].keypoints
    assert np.allclose(source_pose[present, :2], own[present, :2] * 2 + 0.5, atol=1e-4)


def test_annotated_image_without_a_person(place):
    _, args = place
    table = read_annotations(args.annotations)
    table.keypoints[1] = 0
    write_annotations(args.annotations, table.names, table.keypoints)
    with pytest.raises(DataError, match=r'^0000_1\.png in .*csv has no present joint'):
        run(args)


def test_nothing_is_left_behind_by_a_failure(place):
    folder, args = place
    args.weights = None
    with pytest.raises(WeightsError, match="'random' there"):
        run(args)
    assert not (folder / 'deep').exists()


@pytest.mark.parametrize(
    ('dataset', 'images', 'annotations', 'size'),
    [
        ('market1501', 'bounding_box_test', 'market-annotation-test.csv', (64, 128)),
        ('deepfashion', 'test', 'fasion-annotation-test.csv', (256, 256)),
    ],
)
def test_real_photos_in_their_own_formats(
    place, shared, dataset, images, annotations, size
):
    _, args = place
    root = shared(f'data/real/{dataset}')
    pairs = next(root.glob('*-pairs-test.csv')).read_text().splitlines()
    source, target = pairs[1].split(',')
    args.source, args.pose = str(root / images / source), target
    args.annotations = str(root / annotations)
    run(args)
    assert Image.open(args.out).size == size
