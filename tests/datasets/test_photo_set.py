"""Own photos: grouping, matching, placing, splitting, and the config that trains."""

from __future__ import annotations

import csv
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from posegen.datasets import Annotations, PosePairDataset, read_annotations, read_pairs
from posegen.datasets.doctor import examine_folder
from posegen.datasets.photo_set import (
    PhotoSetOptions,
    group_by_file,
    group_by_folder,
    group_by_pattern,
    list_photos,
    make_photo_set,
    match_names,
    photo_sizes,
    read_groups,
)
from posegen.engine.config import check_config, load_config
from posegen.utils.errors import ConfigError, DataError
from tests.helpers.pair_set import STANDING

SIZE = (96, 64)
RED = (250, 10, 10)


def standing(height: int, width: int, scale: float = 0.95) -> np.ndarray:
    """Joints (18, 3) of a person in the middle of a picture."""
    points = STANDING * height * scale + [width / 2, 0.02 * height]
    return np.hstack([points, np.ones((18, 1))]).astype(np.float32)


def write_photo(path: Path, size: tuple[int, int], nose: np.ndarray, **save) -> None:
    """A grey picture with a red square around the nose."""
    pixels = np.full((*size, 3), 128, np.uint8)
    x, y = nose.round().astype(int)
    pixels[y - 3 : y + 4, x - 3 : x + 4] = RED
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, quality=100, subsampling=0, **save)


@pytest.fixture
def photos(tmp_path):
    """Four people with three photos each in folders; (folder, keypoints)."""
    names, joints = [], []
    for person in ('anna', 'ben', 'cleo', 'dan'):
        for view in range(3):
            size = (240 + 40 * view, 200)
            keypoints = standing(*size)
            names.append(f'{person}/{view}.jpg')
            write_photo(tmp_path / 'photos' / names[-1], size, keypoints[0, :2])
            joints.append(keypoints)
    return tmp_path / 'photos', Annotations(names, np.stack(joints))


def change(annotations: Annotations, index: int, joints: np.ndarray) -> Annotations:
    keypoints = annotations.keypoints.copy()
    keypoints[index] = joints
    return Annotations(annotations.names, keypoints)


def make(photos, out: Path, **options):
    folder, keypoints = photos
    groups = group_by_folder(list_photos(folder))
    options = PhotoSetOptions(**{'size': SIZE, **options})
    return make_photo_set(folder, keypoints, groups, out, options)


# -- who is in which photo -------------------------------------------------------------


def test_groups_by_folder(photos):
    groups = group_by_folder(list_photos(photos[0]))
    assert groups['anna/0.jpg'] == 'anna'
    assert len(groups) == 12
    with pytest.raises(DataError, match='nothing says who is in me.jpg: put the'):
        group_by_folder(['anna/0.jpg', 'me.jpg'])


def test_groups_by_pattern():
    names = ['anna_1.jpg', 'anna_2.jpg', 'ben-1.jpg']
    assert group_by_pattern(names, r'^([a-z]+)_') == dict.fromkeys(names[:2], 'anna')
    assert group_by_pattern(names, r'^[a-z]+')['ben-1.jpg'] == 'ben'
    # An alternative without its group, or an empty match, finds nobody.
    assert group_by_pattern(names, '(ben)|anna') == {'ben-1.jpg': 'ben'}
    assert group_by_pattern(names, '^(?:anna)?') == dict.fromkeys(names[:2], 'anna')
    with pytest.raises(DataError, match="matches none of 3 names, such as 'anna_1.jpg"):
        group_by_pattern(names, r'\d{5}')
    with pytest.raises(ConfigError, match='no regular expression'):
        group_by_pattern(names, '(')


@pytest.mark.parametrize('header', ['', 'name,group\n'])
def test_groups_by_file(tmp_path, header):
    file = tmp_path / 'who.csv'
    file.write_text(f'{header}x/1.jpg,anna\n2.jpg,anna\nx/3,ben\n')
    groups = group_by_file(['x/1.jpg', 'x/2.jpg', 'x/3.png', 'x/4.png'], file)
    assert groups == {'x/1.jpg': 'anna', 'x/2.jpg': 'anna', 'x/3.png': 'ben'}


def test_broken_group_file(tmp_path):
    (tmp_path / 'who.csv').write_text('1.jpg;anna\n')
    with pytest.raises(DataError, match="line 1: expected 'name,group', got '1.jpg;an"):
        group_by_file(['1.jpg'], tmp_path / 'who.csv')
    (tmp_path / 'who.csv').write_bytes('1.jpg,Zoë\n'.encode('latin-1'))
    with pytest.raises(DataError, match='who.csv cannot be read as text'):
        group_by_file(['1.jpg'], tmp_path / 'who.csv')
    with pytest.raises(DataError, match='none.csv cannot be read'):
        group_by_file(['1.jpg'], tmp_path / 'none.csv')


@pytest.mark.parametrize(
    'photo, name, found',
    [
        ('a/1.jpg', 'a/1.jpg', True),
        ('a/1.png', 'a/1.jpg', True),
        ('a/1.png', '1', True),
        ('a/1.png', '1_keypoints.json', True),
        ('a/1.png', '1_keypoints', True),
        ('a/1.png', 'b/1.png', False),
        ('a/1.2.png', '1.2', True),
    ],
)
def test_names_are_matched(photo, name, found):
    assert match_names([photo], [name]) == ({photo: name} if found else {})


def test_a_file_name_that_two_photos_have_matches_neither():
    assert match_names(['a/1.jpg', 'b/1.jpg'], ['1.jpg']) == {}
    both = match_names(['a/1.jpg', 'b/1.jpg'], ['a/1', 'b/1'])
    assert both == {'a/1.jpg': 'a/1', 'b/1.jpg': 'b/1'}


def test_no_photos(tmp_path):
    with pytest.raises(DataError, match='there is no photo in'):
        list_photos(tmp_path)
    with pytest.raises(DataError, match='does not exist'):
        list_photos(tmp_path / 'none')


# -- the set ---------------------------------------------------------------------------


def test_a_set_that_the_doctor_finds_sound(photos, tmp_path):
    result = make(photos, tmp_path / 'set', test_fraction=0.25)
    assert result.counts == {'train': (3, 9, 18), 'test': (1, 3, 6)}
    assert result.left_out == {}
    assert result.small == []
    report, splits = examine_folder(tmp_path / 'set')
    assert report.findings == []
    assert [split.family for split in splits] == ['own', 'own']
    assert {path.name for path in (tmp_path / 'set').iterdir()} == {
        *('train', 'test', 'photos.csv', 'config.py'),
        *(f'{kind}-{s}.csv' for kind in ('annotation', 'pairs') for s in result.counts),
    }


def test_all_ordered_pairs_inside_a_group_and_no_others(photos, tmp_path):
    result = make(photos, tmp_path / 'set')
    groups = read_groups(result.folder)
    assert len(groups) == 12
    people = {}
    for split in ('train', 'test'):
        pairs = read_pairs(result.folder / f'pairs-{split}.csv')
        names = read_annotations(result.folder / f'annotation-{split}.csv').names
        expected = [p for p in permutations(names, 2) if groups[p[0]] == groups[p[1]]]
        assert sorted(pairs) == sorted(expected)
        people[split] = {groups[name] for name in names}
    assert not people['train'] & people['test']


def test_joints_stay_on_their_pixels(photos, tmp_path):
    make(photos, tmp_path / 'set')
    for split in ('train', 'test'):
        table = read_annotations(tmp_path / f'set/annotation-{split}.csv')
        for name, keypoints in zip(table.names, table.keypoints):
            image = np.asarray(Image.open(tmp_path / 'set' / split / name)).astype(int)
            assert image.shape == (*SIZE, 3)
            reddest = (image[..., 0] - image[..., 1]).astype(float)
            weights = np.where(reddest > 60, reddest, 0)
            y, x = np.mgrid[: SIZE[0], : SIZE[1]]
            centre = [(weights * x).sum(), (weights * y).sum()] / weights.sum()
            np.testing.assert_allclose(centre, keypoints[0, :2], atol=0.6)


@pytest.mark.parametrize('orientation, turn', [(3, 180), (6, 90), (8, 270)])
def test_orientation_of_the_camera_is_applied(photos, tmp_path, orientation, turn):
    """The stored pixels are turned, the joints are those of the upright view."""
    folder, keypoints = photos
    path = folder / 'anna/0.jpg'
    with Image.open(path) as image:
        stored = image.rotate(turn, expand=True)
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored.save(path, exif=exif, quality=100, subsampling=0)
    assert photo_sizes(folder, ['anna/0.jpg']) == {'anna/0.jpg': (240, 200)}
    result = make((folder, keypoints), tmp_path / 'set', test_fraction=0)
    assert result.left_out == {}
    table = read_annotations(tmp_path / 'set/annotation-train.csv')
    index = table.names.index('anna_0.png')
    x, y = table.keypoints[index, 0, :2].round().astype(int)
    with Image.open(tmp_path / 'set/train/anna_0.png') as image:
        red, green, _ = image.getpixel((int(x), int(y)))
        assert 'exif' not in image.info
    assert red - green > 60


def test_photos_are_left_out_for_a_reason(photos, tmp_path):
    folder, keypoints = photos
    few = keypoints.keypoints[0].copy()
    few[5:] = 0
    keypoints = change(keypoints, 0, few)
    keypoints = change(keypoints, 3, standing(900, 900))
    (folder / 'cleo/0.jpg').write_bytes(b'not a photo')
    (folder / 'dan/0.jpg').write_bytes(b'')
    keep = [
        i for i in range(12) if keypoints.names[i] not in ('dan/0.jpg', 'dan/1.jpg')
    ]
    rows = Annotations([keypoints.names[i] for i in keep], keypoints.keypoints[keep])
    result = make((folder, rows), tmp_path / 'set', test_fraction=0)
    assert result.left_out == {
        'fewer than 6 joints': ['anna/0.jpg (5)'],
        'no keypoints': ['dan/1.jpg'],
        'joints outside the photo': [
            'ben/0.jpg (18 of 18 joints lie outside the picture of 240x200 (height x '
            'width): they reach from (347.4, 103.5) to (552.6, 787.5) (x, y), as in a '
            'frame of 788x554 or more)'
        ],
        'not a whole image': ['dan/0.jpg', 'cleo/0.jpg'],
        'the only usable photo of its group': ['dan/2.jpg'],
    }
    assert result.counts == {'train': (3, 6, 6)}
    images = {path.name for path in (tmp_path / 'set/train').iterdir()}
    assert images == {f'{p}_{v}.png' for p in ('anna', 'ben', 'cleo') for v in (1, 2)}


def test_small_people_are_named_and_cut_out(photos, tmp_path):
    folder, keypoints = photos
    wide = standing(300, 0, scale=0.3) + [400, 100, 0]
    write_photo(folder / 'anna/0.jpg', (300, 900), wide[0, :2])
    keypoints = change(keypoints, 0, wide)
    result = make((folder, keypoints), tmp_path / 'whole', test_fraction=0)
    assert result.small == ['anna/0.jpg']
    result = make((folder, keypoints), tmp_path / 'cut', test_fraction=0, crop=True)
    assert result.small == []
    heights = []
    for name in ('whole', 'cut'):
        table = read_annotations(tmp_path / name / 'annotation-train.csv')
        joints = table.keypoints[table.names.index('anna_0.png')]
        heights.append(np.ptp(joints[:, 1]))
        x, y = joints[0, :2].round().astype(int)
        pixels = Image.open(tmp_path / name / 'train/anna_0.png')
        red, green, _ = pixels.getpixel((int(x), int(y)))
        assert red - green > 20  # the square may be smaller than a pixel
    assert heights[0] < 0.1 * SIZE[0]
    assert heights[1] > 0.6 * SIZE[0]


def test_names_that_would_clash(tmp_path):
    joints = standing(120, 90)
    names = ['a/b_1.jpg', 'a_b/1.jpg', 'a/b_2.jpg', 'a/b___2.jpg', 'a/x y.jpg']
    for name in names:
        write_photo(tmp_path / 'photos' / name, (120, 90), joints[0, :2])
    keypoints = Annotations(names, np.stack([joints] * len(names)))
    options = PhotoSetOptions(size=SIZE, test_fraction=0)
    groups = dict.fromkeys(names, 'one')
    folder = tmp_path / 'photos'
    result = make_photo_set(folder, keypoints, groups, tmp_path / 'set', options)
    with open(result.folder / 'photos.csv') as file:
        rows = {row['photo']: row['name'] for row in csv.DictReader(file)}
    assert rows == {
        'a/b_1.jpg': 'a_b_1.png',
        'a_b/1.jpg': 'a_b_1-2.png',
        'a/b_2.jpg': 'a_b_2.png',
        'a/b___2.jpg': 'a_b_2-2.png',
        'a/x y.jpg': 'a_x_y.png',
    }


@pytest.mark.parametrize('fraction, tested', [(0, 0), (0.01, 1), (0.5, 2), (0.99, 3)])
def test_groups_for_testing(photos, tmp_path, fraction, tested):
    result = make(photos, tmp_path / 'set', test_fraction=fraction)
    assert result.counts['train'][0] == 4 - tested
    assert result.counts.get('test', (0,))[0] == tested


def test_the_seed_chooses_the_test_groups(photos, tmp_path):
    def tested(out: str, seed: int) -> set:
        folder = make(photos, tmp_path / out, seed=seed).folder
        return {path.name for path in (folder / 'test').iterdir()}

    assert tested('a', 0) == tested('b', 0)
    assert len({frozenset(tested(f's{seed}', seed)) for seed in range(6)}) > 1


def test_no_pair_at_all(photos, tmp_path):
    folder, keypoints = photos
    one = Annotations(keypoints.names[:1], keypoints.keypoints[:1])
    with pytest.raises(DataError, match='no group has two usable photos.* 11 no keyp'):
        make((folder, one), tmp_path / 'set')
    assert not (tmp_path / 'set').exists()
    assert list(tmp_path.iterdir()) == [folder]


def test_keypoints_of_no_photo(photos, tmp_path):
    folder, keypoints = photos
    one = Annotations(['eve/0.jpg', *keypoints.names[1:]], keypoints.keypoints)
    assert make((folder, one), tmp_path / 'set').unused == ['eve/0.jpg']
    other = Annotations([f'x{n}' for n in keypoints.names], keypoints.keypoints)
    with pytest.raises(DataError, match="; keypoints of other names, such as 'xanna/0"):
        make((folder, other), tmp_path / 'other')


def test_a_set_that_cannot_be_written(photos, tmp_path):
    (tmp_path / 'file').touch()
    with pytest.raises(DataError, match='cannot be written'):
        make(photos, tmp_path / 'file/set')


def test_an_existing_folder_is_left_alone(photos, tmp_path):
    (tmp_path / 'set').mkdir()
    (tmp_path / 'set/mine.txt').write_text('keep')
    with pytest.raises(DataError, match='set exists already: name another'):
        make(photos, tmp_path / 'set')
    assert [path.name for path in (tmp_path / 'set').iterdir()] == ['mine.txt']


@pytest.mark.parametrize(
    'options, message',
    [
        ({'size': (256, 176)}, r'multiples of 32, got \(256, 176\)'),
        ({'test_fraction': 1.0}, r'test_fraction must be in \[0, 1\), got 1.0'),
        ({'min_joints': 0}, 'min_joints must be at least 1, got 0'),
        ({'workers': 0}, 'workers must be at least 1, got 0'),
        ({'seed': -1}, 'seed must be 0 or more, got -1'),
        ({'model': 'no_such_model'}, "there is no model 'no_such_model'"),
    ],
)
def test_wrong_options(photos, tmp_path, options, message):
    with pytest.raises(ConfigError, match=message):
        make(photos, tmp_path / 'set', **options)


# -- its config ------------------------------------------------------------------------


@pytest.mark.parametrize('fraction', [0, 0.25])
@pytest.mark.parametrize(
    'size, base',
    [((96, 64), 'market1501-128x64_small'), ((256, 192), 'deepfashion-256x256_small')],
)
def test_the_config_stands_anywhere(
    photos, tmp_path, monkeypatch, fraction, size, base
):
    result = make(photos, tmp_path / 'set', test_fraction=fraction, size=size)
    monkeypatch.chdir('/')
    text = result.config.read_text()
    assert f'spig_{base}.py' in text
    cfg = load_config(result.config)
    check_config(cfg)
    for split in ('train', 'val', 'test'):
        arguments = cfg[f'{split}_dataloader'].dataset.to_dict()
        arguments.pop('type')
        assert arguments.pop('_delete_', None) is None
        dataset = PosePairDataset(data_root=cfg.data_root, **arguments)
        assert dataset[0]['source_image'].shape == (3, *size)
    expected = 24 if fraction == 0 else 6
    assert len(dataset) == expected
    joints = dataset[0]['source_keypoints'].numpy()
    file = result.folder / f'annotation-{"test" if fraction else "train"}.csv'
    row = read_annotations(file).names.index(dataset[0]['source_name'])
    np.testing.assert_allclose(joints, read_annotations(file).keypoints[row], atol=1e-4)


def test_other_folders_have_no_groups(tmp_path):
    assert read_groups(tmp_path) == {}
    (tmp_path / 'photos.csv').write_text('name,price\na,1\n')
    assert read_groups(tmp_path) == {}
