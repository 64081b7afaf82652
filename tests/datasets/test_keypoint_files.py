"""Files and folders of keypoints: what is told from content, read, written, refused."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from mmengine.logging import MMLogger
from PIL import Image

from posegen.datasets import Annotations, read_annotations
from posegen.datasets.keypoint_conversion import convert_keypoints
from posegen.datasets.keypoint_files import (
    FOLDER_FORMATS,
    FORMATS,
    detect_format,
    read_image_sizes,
    read_keypoint_file,
    write_keypoint_file,
)
from posegen.utils.errors import ConfigError, DataError

SIZE = (256, 176)
NAMES = ['a.jpg', 'sub/b c.jpg', 'ü.x.jpg']
NECKLESS = ('coco', 'wholebody', 'mediapipe')


@pytest.fixture
def annotations() -> Annotations:
    rng = np.random.default_rng(0)
    keypoints = np.ones((3, 18, 3), dtype=np.float32)
    keypoints[..., :2] = rng.integers(0, 150, (3, 18, 2))
    keypoints[rng.random((3, 18)) < 0.3] = 0
    keypoints[1] = 0  # nobody
    return Annotations(NAMES, keypoints)


def place(folder: Path, format: str) -> Path:
    if format in FOLDER_FORMATS:
        return folder / format
    return folder / ('x.csv' if format == 'csv' else f'{format}.json')


def assert_same(read: Annotations, expected: Annotations, format: str) -> None:
    assert sorted(read.names) == sorted(expected.names)
    order = [read.names.index(name) for name in expected.names]
    columns = np.delete(np.arange(18), 1 if format in NECKLESS else [])
    np.testing.assert_array_equal(
        read.keypoints[order][:, columns], expected.keypoints[:, columns]
    )
    assert read.keypoints.dtype == np.float32
    present = read.keypoints[..., 2] > 0
    assert not read.keypoints[~present].any()


@pytest.mark.parametrize('format', FORMATS)
def test_targets_that_cannot_be_made(tmp_path, annotations, format):
    (tmp_path / 'file').touch()
    with pytest.raises(DataError, match='cannot be written'):
        write_keypoint_file(
            place(tmp_path / 'file', format), annotations, format, image_sizes=SIZE
        )


@pytest.mark.parametrize('format', FORMATS)
def test_round_trip(tmp_path, annotations, format):
    path = place(tmp_path, format)
    write_keypoint_file(path, annotations, format, image_sizes=SIZE)
    assert detect_format(path) == format
    assert_same(read_keypoint_file(path), annotations, format)
    assert [item.name for item in tmp_path.iterdir()] == [path.name]  # nothing partial


@pytest.mark.parametrize('source', FORMATS)
@pytest.mark.parametrize('target', FORMATS)
def test_every_format_to_every_other(tmp_path, annotations, source, target):
    first, second = place(tmp_path / '1', source), place(tmp_path / '2', target)
    write_keypoint_file(first, annotations, source, image_sizes=SIZE)
    middle = read_keypoint_file(first)
    write_keypoint_file(second, middle, target, image_sizes=SIZE)
    kind = target if target in NECKLESS else source
    assert_same(read_keypoint_file(second), annotations, kind)


@pytest.mark.parametrize(
    'name, size',
    [
        ('market-annotation-test.csv.gz', (128, 64)),
        ('fasion-annotation-test.csv', (256, 256)),
    ],
)
@pytest.mark.parametrize('format', ['csv', 'txt', 'body25', 'coco', 'mediapipe'])
def test_released_files_lose_nothing(shared, tmp_path, name, size, format):
    whole = read_keypoint_file(shared(f'data/annotations/{name}'))
    some = slice(None, None, 40)  # files that small take their time
    part = Annotations(whole.names[some], whole.keypoints[some])
    path, again = place(tmp_path, format), tmp_path / 'again.csv'
    write_keypoint_file(path, part, format, image_sizes=size)
    write_keypoint_file(again, read_keypoint_file(path))
    assert_same(read_annotations(again), part, format)


@pytest.mark.parametrize('frames', [(256, 176), (None, 176)])
def test_released_file_on_the_narrow_canvas(shared, tmp_path, frames):
    file = shared('data/annotations/fasion-annotation-test.csv')
    wide, narrow = read_keypoint_file(file, frame=frames[0]), tmp_path / 'narrow.csv'
    write_keypoint_file(narrow, wide, frame=frames[1])
    raw = read_annotations(narrow).keypoints
    present = wide.keypoints[..., 2] > 0
    np.testing.assert_array_equal(raw[..., 2] > 0, present)  # no joint is at x = 39
    assert (raw[present][:, 0] == wide.keypoints[present][:, 0] - 40).all()
    assert (raw[present][:, 0] < 0).sum() == 11  # left of the crop, and still there
    back = read_keypoint_file(narrow, frame=176)
    np.testing.assert_array_equal(back.keypoints, wide.keypoints)


def test_the_released_file_comes_back_byte_for_byte(shared, tmp_path):
    file = shared('data/annotations/fasion-annotation-test.csv')
    write_keypoint_file(tmp_path / '1.csv', read_keypoint_file(file), frame=176)
    narrow = read_keypoint_file(tmp_path / '1.csv', frame=176)
    write_keypoint_file(tmp_path / '2.csv', narrow)
    assert (tmp_path / '2.csv').read_bytes() == file.read_bytes()


def test_the_published_collision_is_said(tmp_path, caplog):
    keypoints = np.full((1, 18, 3), 50, dtype=np.float32)
    keypoints[..., 2] = 1
    keypoints[0, 0] = 39, 5, 1
    logger = MMLogger.get_current_instance()
    logger.addHandler(caplog.handler)
    write_keypoint_file(
        tmp_path / 'a.csv', Annotations(['a.jpg'], keypoints), frame=176
    )
    logger.removeHandler(caplog.handler)
    assert 'joints with a coordinate of exactly -1: 1' in caplog.text
    read = read_keypoint_file(tmp_path / 'a.csv', frame=176).keypoints[0]
    assert read[0].tolist() == [0, 0, 0]
    np.testing.assert_array_equal(read[1:], keypoints[0, 1:])


def test_unknown_frame(tmp_path, annotations):
    with pytest.raises(ConfigError, match=r'one of \(256, 176\), got 200'):
        write_keypoint_file(tmp_path / 'a.csv', annotations, frame=200)


def test_names_come_from_the_pictures(tmp_path, annotations):
    for name in ('a.png', 'sub/b c.jpeg', 'ü.x.JPG'):
        file = tmp_path / 'pictures' / name
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.new('RGB', (30, 20)).save(file)
    sizes = read_image_sizes(tmp_path / 'pictures')
    assert sizes == {'a.png': (20, 30), 'sub/b c.jpeg': (20, 30), 'ü.x.JPG': (20, 30)}
    write_keypoint_file(tmp_path / 'txt', annotations, 'txt')
    read = read_keypoint_file(tmp_path / 'txt', image_sizes=sizes)
    assert read.names == list(sizes)
    assert read_keypoint_file(tmp_path / 'txt', suffix='.png').names[0] == 'a.png'
    del sizes['a.png']
    with pytest.raises(DataError, match=r"a\.txt: there is no picture 'a\.\*' for it"):
        read_keypoint_file(tmp_path / 'txt', image_sizes=sizes)
    with pytest.raises(DataError, match="'a.png' and 'a.jpg' differ in"):
        read_keypoint_file(tmp_path / 'txt', image_sizes={'a.png': SIZE, 'a.jpg': SIZE})


@pytest.mark.parametrize('format', ['txt', 'openpose'])
def test_joints_of_other_pictures_may_keep_their_names(tmp_path, annotations, format):
    path = place(tmp_path, format)
    write_keypoint_file(path, annotations, format)
    read = read_keypoint_file(path, image_sizes={'a.png': SIZE}, strict=False)
    assert read.names == ['a.png', 'sub/b c.jpg', 'ü.x.jpg']


def test_numbers_and_fractions_of_other_pictures(tmp_path):
    people = [dict(image_id=i, keypoints=[3, 4, 0.5] * 17) for i in (785, 786)]
    (tmp_path / 'a.json').write_text(json.dumps(people))
    sizes = {'000785.jpg': SIZE}
    read = read_keypoint_file(tmp_path / 'a.json', image_sizes=sizes, strict=False)
    assert read.names == ['000785.jpg', '786.jpg']
    with pytest.raises(DataError, match='image_id 785 is no name'):
        read_keypoint_file(tmp_path / 'a.json', strict=False)
    landmarks = [[0.1, 0.2, 0, 1]] * 33
    (tmp_path / 'b.json').write_text(
        json.dumps({'a.jpg': landmarks, 'c.jpg': landmarks})
    )
    read = read_keypoint_file(
        tmp_path / 'b.json', 'mediapipe', image_sizes={'a.jpg': SIZE}, strict=False
    )
    assert read.names == ['a.jpg']


def test_zeros_that_mean_missing(tmp_path):
    keypoints = np.full((2, 18, 3), 60, dtype=np.float32)
    keypoints[..., 2] = 1
    keypoints[0, :2, :2] = keypoints[1, 0, :2] = 0
    keypoints[1, 3, 0] = 0
    source = tmp_path / 'a.csv'
    write_keypoint_file(source, Annotations(['a.jpg', 'b.jpg'], keypoints))
    np.testing.assert_array_equal(read_keypoint_file(source).keypoints, keypoints)
    notes = [*convert_keypoints(source, tmp_path / 'b.csv')]
    assert '2 joints lie at (0, 0), several in a row' in notes[1]
    for frame in (None, 176):
        target = tmp_path / f'{frame}.csv'
        options = dict(frame=frame, target_frame=frame, zeros_missing=True)
        assert len([*convert_keypoints(source, target, **options)]) == 2
        present = read_keypoint_file(target, frame=frame).keypoints[..., 2] > 0
        assert np.argwhere(~present).tolist() == [[0, 0], [0, 1], [1, 0]]


def test_detections_with_numbers_need_the_pictures(tmp_path):
    people = [dict(image_id=785, keypoints=[3, 4, 0.5] * 17)]
    (tmp_path / 'a.json').write_text(json.dumps(people))
    sizes = {'val/000000000785.jpg': SIZE, 'val/x.jpg': SIZE}
    read = read_keypoint_file(tmp_path / 'a.json', image_sizes=sizes)
    assert read.names == ['val/000000000785.jpg']
    with pytest.raises(DataError, match=f"'{read.names[0]}' and 'test/785.png' differ"):
        read_keypoint_file(
            tmp_path / 'a.json', image_sizes=sizes | {'test/785.png': SIZE}
        )
    with pytest.raises(DataError, match='image_id 785 is no name.*--images'):
        read_keypoint_file(tmp_path / 'a.json')


@pytest.mark.parametrize('count, format', [(17, 'coco'), (133, 'wholebody')])
def test_a_folder_of_mmposes_files(tmp_path, count, format):
    instance = dict(keypoints=[[3.5, 4]] * count, keypoint_scores=[0.5] * count)
    (tmp_path / 'a.json').write_text('[]')
    (tmp_path / 'b.json').write_text(json.dumps([instance]))
    assert detect_format(tmp_path) == format
    read = read_keypoint_file(tmp_path)
    assert read.names == ['a.jpg', 'b.jpg'] or read.names == ['b.jpg']
    assert (read.keypoints[-1] == [3.5, 4, 0.5]).all()


def test_scores_below_the_least(tmp_path):
    people = [
        dict(image_id='a.jpg', keypoints=[3, 4, 0.25, 5, 6, 0.5] + [7, 8, 1] * 15)
    ]
    (tmp_path / 'a.json').write_text(json.dumps(people))
    read = read_keypoint_file(tmp_path / 'a.json', min_score=0.5)
    assert read.keypoints[0, 0].tolist() == [0, 0, 0]
    assert read.keypoints[0, 15].tolist() == [5, 6, 0.5]


def test_mediapipe_needs_sizes_to_write(tmp_path, annotations):
    with pytest.raises(ConfigError, match="'a.jpg' is not known: give image_sizes"):
        write_keypoint_file(tmp_path / 'a.json', annotations, 'mediapipe')


@pytest.mark.parametrize('format', ['openpose', 'body25', 'txt'])
def test_one_picture_may_be_one_file(tmp_path, annotations, format):
    path = tmp_path / ('a.txt' if format == 'txt' else 'a_keypoints.json')
    one = Annotations(['a.jpg'], annotations.keypoints[:1])
    write_keypoint_file(path, one, format)
    assert path.is_file()
    assert_same(read_keypoint_file(path), one, format)
    with pytest.raises(ConfigError, match='there are 3: name a folder instead'):
        write_keypoint_file(path, annotations, format, overwrite=True)


# -- what is refused -------------------------------------------------------------------


@pytest.mark.parametrize('format', FORMATS)
def test_nothing_is_overwritten_unasked(tmp_path, annotations, format):
    path = place(tmp_path, format)
    write_keypoint_file(path, annotations, format, image_sizes=SIZE)
    one = Annotations(['z.jpg'], annotations.keypoints[:1])
    with pytest.raises(DataError, match='exists already'):
        write_keypoint_file(path, one, format, image_sizes=SIZE)
    assert len(read_keypoint_file(path)) == 3
    write_keypoint_file(path, one, format, image_sizes=SIZE, overwrite=True)
    assert read_keypoint_file(path).names == ['z.jpg']  # nothing of the old is left
    assert [item.name for item in tmp_path.iterdir()] == [path.name]


def test_a_folder_with_other_things_is_not_replaced(tmp_path, annotations):
    write_keypoint_file(tmp_path / 'poses', annotations, 'openpose')
    (tmp_path / 'poses/photo.jpg').write_text('precious')
    with pytest.raises(DataError, match=r'holds something else \(photo.jpg\)'):
        write_keypoint_file(tmp_path / 'poses', annotations, 'openpose', overwrite=True)
    assert (tmp_path / 'poses/photo.jpg').read_text() == 'precious'


@pytest.mark.parametrize(
    'names, message',
    [
        (['a.jpg', 'a.jpg', 'b.jpg'], 'a picture is there twice'),
        (['a.jpg', 'a.png', 'b.jpg'], 'in their ending only'),
        (['../a.jpg', 'b.jpg', 'c.jpg'], 'does not lie below'),
        (['/tmp/a.jpg', 'b.jpg', 'c.jpg'], 'does not lie below'),
    ],
)
def test_names_that_make_no_files(tmp_path, annotations, names, message):
    with pytest.raises(DataError, match=message):
        write_keypoint_file(
            tmp_path / 'x', Annotations(names, annotations.keypoints), 'txt'
        )
    assert not list(tmp_path.iterdir())


WHOLE = {'csv': 'a.csv', 'coco': 'a.json', 'wholebody': 'a.json', 'mediapipe': 'a.json'}


@pytest.mark.parametrize('format', FORMATS)
def test_files_that_are_cut_off(tmp_path, annotations, format):
    path = tmp_path / WHOLE.get(format, format)
    write_keypoint_file(path, annotations, format, image_sizes=SIZE)
    file = path / sorted(path.iterdir())[0].name if path.is_dir() else path
    file.write_bytes(file.read_bytes()[:-30])
    with pytest.raises(DataError, match=file.name):
        read_keypoint_file(path, format)


@pytest.mark.parametrize('format', FORMATS)
def test_files_without_anybody(tmp_path, annotations, format):
    path = place(tmp_path, format)
    empty = Annotations(['a.jpg'], np.zeros((1, 18, 3), dtype=np.float32))
    write_keypoint_file(path, empty, format, image_sizes=SIZE)
    with pytest.raises(DataError, match=f'{path.name}: there is no person in it'):
        read_keypoint_file(path, format)


def test_coordinates_that_are_no_pixels(tmp_path):
    keypoints = np.full((1, 18, 3), 0.5, dtype=np.float32)
    write_keypoint_file(tmp_path / 'a.csv', Annotations(['a.jpg'], keypoints))
    with pytest.raises(DataError, match="'a.jpg' has fractions of the picture"):
        read_keypoint_file(tmp_path / 'a.csv')
    read = read_keypoint_file(tmp_path / 'a.csv', image_sizes=(128, 64))
    assert (read.keypoints == [31.5, 63.5, 1]).all()


def test_the_same_picture_twice(tmp_path):
    for name in ('a.json', 'a_keypoints.json'):
        people = [dict(pose_keypoints_2d=[5, 6, 1] * 18)]
        (tmp_path / name).write_text(json.dumps(dict(people=people)))
    with pytest.raises(DataError, match="'a.jpg' has joints in another file too"):
        read_keypoint_file(tmp_path)


@pytest.mark.parametrize(
    'files, message',
    [
        ({'a.json': '{"people": [], "annotations": []}'}, 'could be body25 or coco or'),
        ({'a.json': '{}'}, 'is not clear: say which it is, one of .*wholebody'),
        ({'a.json': '3'}, 'is not clear'),
        ({'a.json': '[]'}, 'is not clear'),
        ({'pairs.txt': 'img/a.jpg,img/b.jpg\n'}, 'is not clear'),
        ({'a.json': '{"people": []}', 'a.txt': '1 2'}, '.json and .txt files: say'),
    ],
)
def test_formats_that_are_not_clear(tmp_path, files, message):
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(ConfigError, match=f'{tmp_path.name}.*{message}'):
        read_keypoint_file(tmp_path)


def test_what_is_not_there(tmp_path):
    with pytest.raises(DataError, match='none.csv does not exist'):
        read_keypoint_file(tmp_path / 'none.csv')
    with pytest.raises(DataError, match='has no json or txt file'):
        read_keypoint_file(tmp_path)
    (tmp_path / 'a.txt').write_text('1 2\n' * 18)
    with pytest.raises(ConfigError, match="format must be one of .*, got 'halpe'"):
        read_keypoint_file(tmp_path / 'a.txt', 'halpe')
    with pytest.raises(DataError, match='has no .json file, which openpose files are'):
        read_keypoint_file(tmp_path, 'openpose')
    with pytest.raises(DataError, match='is no folder'):
        read_image_sizes(tmp_path / 'a.txt')
    with pytest.raises(DataError, match='has no pictures'):
        read_image_sizes(tmp_path)


@pytest.mark.parametrize('name', ['out', 'out.json', 'out.npy'])
def test_endings_that_do_not_say_the_format(tmp_path, annotations, name):
    with pytest.raises(ConfigError, match=f'{name} does not say what to write: .*csv'):
        write_keypoint_file(tmp_path / name, annotations)


def test_gzip(tmp_path, annotations):
    write_keypoint_file(tmp_path / 'a.csv.gz', annotations)
    assert_same(read_keypoint_file(tmp_path / 'a.csv.gz'), annotations, 'csv')
    write_keypoint_file(tmp_path / 'a.json', annotations, 'coco')
    data = gzip.compress((tmp_path / 'a.json').read_bytes())
    (tmp_path / 'b.json.gz').write_bytes(data)
    assert_same(read_keypoint_file(tmp_path / 'b.json.gz'), annotations, 'coco')
