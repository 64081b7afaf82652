"""One rule for pictures at every door: pixels, orientation, links, names."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from PIL import Image

from posegen.apis.inputs import read_image as read_source
from posegen.codecs.formats import write_openpose_json
from posegen.datasets import (
    Annotations,
    PosePairDataset,
    read_annotations,
    read_keypoint_file,
    write_annotations,
    write_pairs,
)
from posegen.datasets.doctor import examine_folder
from posegen.datasets.doctor.images import read_states
from posegen.datasets.keypoint_conversion import convert_keypoints
from posegen.datasets.keypoint_files import read_image_sizes
from posegen.datasets.photo_set import (
    PhotoSetOptions,
    group_by_folder,
    group_by_pattern,
    list_photos,
    make_photo_set,
    photo_sizes,
)
from posegen.datasets.prepare.folder import walk_files
from posegen.datasets.transforms import LoadPairImages
from posegen.evaluation.pairs import ImageFolder, image_size
from posegen.evaluation.pairs import read_image as read_scored
from posegen.utils.errors import DataError, PosegenError
from tests.helpers.odd_images import (
    REFUSED,
    UNSCORED,
    OddImage,
    forms,
    make_odd,
    odd_images,
)
from tests.helpers.pair_set import STANDING

NFC = 'zo\xeb'
NFD = unicodedata.normalize('NFD', NFC)


def from_pil(file: Path) -> np.ndarray:
    with Image.open(file) as image:
        return read_source(image)


def from_dataset(file: Path) -> np.ndarray:
    paths = {f'{side}_path': str(file) for side in ('source', 'target')}
    return LoadPairImages()(paths)['target_image']


PIXEL_DOORS: dict[str, Callable[[Path], np.ndarray]] = {
    'infer': read_source,
    'inferencer': from_pil,
    'training': from_dataset,
    'evaluate': read_scored,
}
SIZE_DOORS: dict[str, Callable[[Path], tuple[int, int] | None]] = {
    'make_photo_set': lambda file: photo_sizes(file.parent, [file.name])[file.name],
    'convert_keypoints': lambda file: read_image_sizes(file.parent)[file.name],
    'evaluate': image_size,
    'doctor': lambda file: read_states(file.parent, [file.name])[file.name].size,
}


def check_doors(odd: OddImage, folder: Path) -> None:
    for old in folder.iterdir():
        old.unlink()
    file = folder / f'x.{odd.kind}'
    file.write_bytes(odd.data)
    for door, read in PIXEL_DOORS.items():
        if odd.mode in (UNSCORED if door == 'evaluate' else REFUSED):
            with pytest.raises(PosegenError):
                read(file)
        else:
            np.testing.assert_array_equal(read(file), odd.pixels, err_msg=door)
    for door, size in SIZE_DOORS.items():
        refused = door == 'doctor' and odd.mode in REFUSED
        assert size(file) == (None if refused else odd.pixels.shape[:2]), door


@pytest.mark.parametrize('mode, kind, orientation', forms())
def test_every_door_sees_the_same(
    tmp_path: Path, mode: str, kind: str, orientation: int
) -> None:
    check_doors(make_odd(1, mode=mode, kind=kind, orientation=orientation), tmp_path)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(odd=odd_images())
def test_every_door_sees_the_same_of_any_form(tmp_path: Path, odd: OddImage) -> None:
    check_doors(odd, tmp_path)


def test_a_cut_pil_image_is_a_data_error(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / 'x.jpg')
    data = (tmp_path / 'x.jpg').read_bytes()
    (tmp_path / 'x.jpg').write_bytes(data[:900])
    with (
        Image.open(tmp_path / 'x.jpg') as image,
        pytest.raises(DataError, match='The source image cannot be decoded'),
    ):
        read_source(image)


# -- links, hidden and foreign files ---------------------------------------------------

LISTING_DOORS: dict[str, Callable[[Path], set[str]]] = {
    'make_photo_set': lambda folder: set(list_photos(folder)),
    'convert_keypoints': lambda folder: set(read_image_sizes(folder)),
    'evaluate': lambda folder: {
        file.relative_to(folder).as_posix() for file in ImageFolder(folder).files
    },
    'prepare': lambda folder: {
        Path(file).relative_to(folder).as_posix()
        for file in walk_files(folder)
        if file.endswith(('.png', '.webp', '.JPG', '.jfif'))
    },
}


@pytest.fixture
def messy(tmp_path: Path) -> Path:
    """Linked folders, and what a Mac, a phone and Windows leave beside pictures."""
    photos = tmp_path / 'photos'
    names = ('photos/carl/c.jfif', 'store/anna/a.webp', 'store/ben/b.png')
    for name in (*names, 'photos/carl/D.JPG'):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new('RGB', (8, 6)).save(tmp_path / name)
    for name in ('._c.jpg', 'Thumbs.db', '.hidden.png', 'e.HEIC', 'f.gif'):
        (photos / 'carl' / name).write_bytes(b'\0\5\x16\7')
    for name in ('anna', 'ben'):
        (photos / name).symlink_to(tmp_path / 'store' / name)
    (photos / 'all').symlink_to('.')
    return photos


@pytest.mark.parametrize('door', LISTING_DOORS)
def test_every_door_lists_the_same(messy: Path, door: str) -> None:
    names = {'anna/a.webp', 'ben/b.png', 'carl/c.jfif', 'carl/D.JPG'}
    assert LISTING_DOORS[door](messy) == names


def test_folders_of_joints_may_be_links(tmp_path: Path) -> None:
    (tmp_path / 'store').mkdir()
    write_openpose_json(tmp_path / 'store/a_keypoints.json', joints(96, 64))
    (tmp_path / 'store/._a_keypoints.json').write_bytes(b'\0')
    (tmp_path / 'poses').mkdir()
    (tmp_path / 'poses/anna').symlink_to(tmp_path / 'store')
    assert read_keypoint_file(tmp_path / 'poses').names == ['anna/a.jpg']


@pytest.mark.parametrize('door', ['make_photo_set', 'convert_keypoints', 'evaluate'])
def test_a_folder_of_pictures_that_are_not_read_says_the_cure(
    tmp_path: Path, door: str
) -> None:
    (tmp_path / 'a.gif').write_bytes(b'')
    with pytest.raises(DataError, match=r'1 not read \(a\.gif\): .* as \.png or \.jpg'):
        LISTING_DOORS[door](tmp_path)


def test_unread_pictures_are_named_by_make_photo_set(tmp_path: Path) -> None:
    photos, table = photo_folder(tmp_path, ['anna/1.png', 'anna/2.png'])
    (photos / 'anna/3.gif').write_bytes(b'')
    result = make_photo_set(
        photos,
        table,
        group_by_folder(table.names),
        tmp_path / 'set',
        PhotoSetOptions(size=(96, 64)),
    )
    ((reason, names),) = result.left_out.items()
    assert reason.startswith('not read, as each is of a type that is not read')
    assert names == ['anna/3.gif']


def test_unread_pictures_and_types_are_named_by_evaluate(tmp_path: Path) -> None:
    for name in ('a.png', 'b.webp', 'c.gif', 'd.webp'):
        Image.new('RGB', (4, 4)).save(tmp_path / name)
    folder = ImageFolder(tmp_path)
    assert folder.keys == {'a', 'b', 'd'}
    assert folder.types == {'.png': 1, '.webp': 2}
    assert ['c.gif' in sentence for sentence in folder.unread] == [True]


# -- names -----------------------------------------------------------------------------


def joints(height: int, width: int) -> np.ndarray:
    points = STANDING * height * 0.95 + [width / 2, 0.02 * height]
    return np.hstack([points, np.ones((18, 1))]).astype(np.float32)


def photo_folder(root: Path, names: list[str]) -> tuple[Path, Annotations]:
    """Photos of 96 x 64 and their joints, by their names."""
    for name in names:
        path = root / 'photos' / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new('RGB', (64, 96)).save(path)
    return root / 'photos', Annotations(names, np.stack([joints(96, 64)] * len(names)))


SPELLINGS = {
    'windows': lambda name: name.replace('/', '\\'),
    'dot': lambda name: f'./{name}',
    'composed': lambda name: unicodedata.normalize('NFC', name),
    'decomposed': lambda name: unicodedata.normalize('NFD', name),
    'windows path': lambda name: 'D:\\photos\\' + name.replace('/', '\\'),
}
NAMES = [f'{person}/{view}.png' for person in ('anna', NFD) for view in 'ab']


@pytest.mark.parametrize('spelling', SPELLINGS)
def test_photo_sets_match_all_spellings(tmp_path: Path, spelling: str) -> None:
    photos, table = photo_folder(tmp_path, NAMES)
    listed = Annotations(list(map(SPELLINGS[spelling], NAMES)), table.keypoints)
    groups = group_by_folder(list_photos(photos))
    options = PhotoSetOptions(size=(96, 64), test_fraction=0)
    result = make_photo_set(photos, listed, groups, tmp_path / 'set', options)
    assert result.counts == {'train': (2, 4, 4)}
    assert result.unused == []
    assert set(groups.values()) == {'anna', NFC}


def test_patterns_find_decomposed_letters() -> None:
    assert group_by_pattern([f'{NFD}_1.png'], '^(zo\xeb)_') == {f'{NFD}_1.png': NFC}


@pytest.mark.parametrize('spelling', [s for s in SPELLINGS if s != 'windows path'])
def test_data_sets_read_all_spellings(tmp_path: Path, spelling: str) -> None:
    _, table = photo_folder(tmp_path, NAMES)
    spell = SPELLINGS[spelling]
    write_annotations(tmp_path / 'rows.csv', list(map(spell, NAMES)), table.keypoints)
    pairs = [*permutations(NAMES[:2], 2), *permutations(NAMES[2:], 2)]
    write_pairs(tmp_path / 'pairs.csv', [(spell(a), b) for a, b in pairs])
    dataset = PosePairDataset(
        *(str(tmp_path), 'photos', 'rows.csv', 'pairs.csv', (96, 64)), scaling='center'
    )
    assert [dataset.pair_names(index) for index in range(4)] == pairs
    assert dataset[3]['source_image'].shape == (3, 96, 64)


def test_two_rows_of_one_file_are_named(tmp_path: Path) -> None:
    _, table = photo_folder(tmp_path, NAMES[:2])
    names = [*NAMES[:2], 'anna\\a.png']
    write_annotations(tmp_path / 'rows.csv', names, np.stack([joints(96, 64)] * 3))
    write_pairs(tmp_path / 'pairs.csv', [tuple(NAMES[:2])])
    with pytest.raises(DataError, match=r"'anna/a.png' and 'anna\\a.png' are one file"):
        PosePairDataset(str(tmp_path), 'photos', 'rows.csv', 'pairs.csv', (96, 64))


def test_the_doctor_knows_other_spellings(tmp_path: Path) -> None:
    for split in ('train', 'test'):
        root = tmp_path / 'set'
        photos, table = photo_folder(tmp_path / split, NAMES)
        root.mkdir(exist_ok=True)
        photos.rename(root / split)
        names = [name.replace('/', '\\') for name in NAMES]
        write_annotations(root / f'annotation-{split}.csv', names, table.keypoints)
        write_pairs(root / f'pairs-{split}.csv', [(names[0], names[1])])
    report, _ = examine_folder(tmp_path / 'set')
    kinds = {finding.kind for finding in report.findings}
    assert not kinds & {'images missing', 'images one level off', 'not annotated'}
    assert report.facts[0].startswith('train: 4 images')


def test_converted_joints_are_called_as_the_pictures(tmp_path: Path) -> None:
    photos, table = photo_folder(tmp_path, NAMES)
    names = [unicodedata.normalize('NFC', name) for name in NAMES]
    write_annotations(
        tmp_path / 'in.csv', [n.replace('/', '\\') for n in names], table.keypoints
    )
    list(convert_keypoints(tmp_path / 'in.csv', tmp_path / 'a.csv', images=photos))
    assert read_annotations(tmp_path / 'a.csv').names == NAMES
    list(convert_keypoints(tmp_path / 'in.csv', tmp_path / 'b.csv'))
    assert read_annotations(tmp_path / 'b.csv').names == names


def test_long_and_awkward_names_become_files_that_fit(tmp_path: Path) -> None:
    long = '夏の日の写真撮影会' * 9
    names = [f'x/{long}{view}.png' for view in 'ab'] + ['x/a, b: c.png', 'x/_.png']
    photos, table = photo_folder(tmp_path, names)
    groups = group_by_folder(names)
    options = PhotoSetOptions(size=(96, 64), test_fraction=0)
    result = make_photo_set(photos, table, groups, tmp_path / 'set', options)
    assert result.left_out == {}
    written = [path.name for path in (result.folder / 'train').iterdir()]
    assert len(written) == 4
    assert all(len(name.encode()) <= 124 for name in written)
    assert not any(set(name) & set(' ,:') for name in written)
