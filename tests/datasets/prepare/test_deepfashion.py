"""DeepFashion from raw trees in every layout to what the config reads."""

from __future__ import annotations

import gzip
import io
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from posegen.datasets import build_pairs, read_annotations, read_pairs, write_pairs
from posegen.datasets.prepare import ImageOptions, prepare_deepfashion
from posegen.datasets.prepare.joints import read_canvas_joints
from posegen.utils.errors import ConfigError, DataError

from . import trees

SPLITS = ('train', 'test')


@pytest.fixture
def lists(tmp_path):
    return trees.write_deepfashion_lists(tmp_path / 'my lists')


def run(tmp_path: Path, lists: Path, raw: str = 'raw', **options):
    return prepare_deepfashion(
        tmp_path / raw, tmp_path / 'out', lists=lists, workers=1, **options
    )


def image(path: Path) -> np.ndarray:
    with Image.open(path) as opened:
        return np.asarray(opened.convert('RGB'))


@pytest.mark.parametrize('style', ['nested', 'flat', 'multimodal'])
@pytest.mark.parametrize('folder', ['img', 'In-shop Clothes (1)/Img/img highres'])
def test_layouts(tmp_path, lists, style, folder):
    files = trees.write_deepfashion_tree(tmp_path / 'raw' / folder, style=style)
    report = run(tmp_path, lists)
    assert report.complete
    made = {
        path.name: path for s in SPLITS for path in (tmp_path / 'out' / s).iterdir()
    }
    assert made.keys() == files.keys()
    for split in SPLITS:
        names = {photo.flat for photo in trees.deepfashion_photos(split)}
        assert set(os.listdir(tmp_path / 'out' / split)) == names
    # Pictures of the right size are not compressed again.
    assert all(made[n].read_bytes() == files[n].read_bytes() for n in files)


def test_raw_may_point_into_the_tree(tmp_path, lists):
    trees.write_deepfashion_tree(tmp_path / 'raw')
    report = run(tmp_path, lists, raw='raw/WOMEN', allow_missing=True)
    found = {s.name: s.counts[0].found for s in report.splits}
    assert found == {'train': 6, 'test': 3}


def test_links_to_folders_are_followed(tmp_path, lists):
    trees.write_deepfashion_tree(tmp_path / 'big disk')
    (tmp_path / 'raw').mkdir()
    (tmp_path / 'raw/img').symlink_to(tmp_path / 'big disk')
    (tmp_path / 'big disk/loop').symlink_to(tmp_path / 'raw')
    assert run(tmp_path, lists).complete


def test_high_resolution_pictures_become_what_gfla_loads(tmp_path, lists):
    files = trees.write_deepfashion_tree(tmp_path / 'raw', trees.HIGH_RES)
    png = ImageOptions(file_type='png')
    assert run(tmp_path, lists, options=png).complete
    name = trees.all_photos()[0].flat
    made = image(tmp_path / 'out/train' / name.replace('.jpg', '.png'))
    raw = Image.open(files[name]).resize((256, 256), Image.Resampling.BILINEAR)
    assert np.array_equal(made, raw)


def test_jpeg_is_near_to_that(tmp_path, lists):
    files = trees.write_deepfashion_tree(tmp_path / 'raw', trees.HIGH_RES)
    assert run(tmp_path, lists).complete
    name = trees.all_photos()[0].flat
    made = image(tmp_path / 'out/train' / name)
    raw = Image.open(files[name]).resize((256, 256), Image.Resampling.BILINEAR)
    assert np.abs(made.astype(int) - np.asarray(raw)).mean() < 0.5
    with Image.open(tmp_path / 'out/train' / name) as opened:
        assert opened.layer[0][1:3] == (1, 1)  # 4:4:4


def test_joints_follow_the_high_resolution_view(tmp_path, lists):
    trees.write_deepfashion_tree(tmp_path / 'raw', trees.HIGH_RES)
    run(tmp_path, lists)
    wide = read_annotations(lists / 'fasion-annotation-test.csv').keypoints
    got = read_annotations(tmp_path / 'out/fasion-annotation-test.csv').keypoints
    present = wide[..., 2] > 0
    expected = ((wide[..., 0] - 40) * 256 / 176).astype(int)
    assert np.array_equal(got[present][:, 0], expected[present])
    assert np.array_equal(got[..., 1:], wide[..., 1:])


@pytest.mark.parametrize('shift', [0, 40])
@pytest.mark.parametrize('prefix', ['fasion', 'fashion'])
def test_joints_of_the_square_pictures_in_every_spelling(tmp_path, shift, prefix):
    lists = trees.write_deepfashion_lists(tmp_path / 'lists', shift, prefix)
    original = trees.write_deepfashion_lists(tmp_path / 'original')
    trees.write_deepfashion_tree(tmp_path / 'raw')
    for file in lists.glob('*-train*'):
        (lists / f'{file.name}.gz').write_bytes(gzip.compress(file.read_bytes()))
        file.unlink()
    report = run(tmp_path, lists)
    width = 176 if shift else 256
    assert f'joints of {width} columns, written for 256x256' in report.text()
    for split in SPLITS:
        name = f'fasion-annotation-{split}.csv'
        expected = (original / name).read_bytes()
        assert (tmp_path / 'out' / name).read_bytes() == expected


def test_patns_crop(tmp_path, lists):
    files = trees.write_deepfashion_tree(tmp_path / 'raw')
    crop = ImageOptions(size=(256, 176), fit='crop', file_type='png')
    report = run(tmp_path, lists, options=crop)
    name = trees.all_photos()[0].flat
    made = image(tmp_path / 'out/train' / name.replace('.jpg', '.png'))
    assert np.array_equal(made, image(files[name])[:, 40:216])
    wide = read_annotations(lists / 'fasion-annotation-test.csv').keypoints
    got = read_annotations(tmp_path / 'out/fasion-annotation-test.csv').keypoints
    moved = wide[..., 0] - 40 * wide[..., 2]
    assert np.array_equal(got[..., 0], moved)
    assert 'set image_size and annotation_size to (256, 176)' in report.text()


def test_crop_of_pictures_without_bands(tmp_path, lists):
    trees.write_deepfashion_tree(tmp_path / 'raw', (110, 75))
    with pytest.raises(ConfigError, match="use fit='squash'"):
        run(tmp_path, lists, options=ImageOptions(fit='crop'))
    assert not (tmp_path / 'out').exists()


def test_keep_copies_and_places_joints_for_the_config(tmp_path, lists):
    files = trees.write_deepfashion_tree(tmp_path / 'raw', (110, 75))
    assert run(tmp_path, lists, options=ImageOptions(size=None)).complete
    name = trees.all_photos()[0].flat
    assert (tmp_path / 'out/train' / name).read_bytes() == files[name].read_bytes()
    got = read_annotations(tmp_path / 'out/fasion-annotation-train.csv').keypoints
    assert got[0, 1, 0] == (128 - 40) * 256 // 176


def test_squashed_pictures_are_seen_as_asked(tmp_path, lists):
    """Somebody else's 256 x 256 squash looks like the square tree; the user knows."""
    trees.write_deepfashion_tree(tmp_path / 'raw', style='flat')
    run(tmp_path, lists, raw_view='person')
    got = read_annotations(tmp_path / 'out/fasion-annotation-train.csv').keypoints
    assert got[0, 2, 0] == int((100 - 40) * 256 / 176)


def test_pairs_are_built_by_the_rule(tmp_path, lists):
    trees.write_deepfashion_tree(tmp_path / 'raw')
    run(tmp_path, lists)
    for split, sample in (('train', None), ('test', 8570)):
        made = read_pairs(tmp_path / f'out/fasion-pairs-{split}.csv')
        source = lists / f'fasion-annotation-{split}.csv'
        assert made == build_pairs(source, 'deepfashion', sample)
        assert made


def test_pairs_of_the_user_are_taken(tmp_path, lists):
    trees.write_deepfashion_tree(tmp_path / 'raw')
    names = [photo.flat for photo in trees.deepfashion_photos('test')]
    pairs = [(names[1], names[0]), (names[2], names[1])]
    write_pairs(lists / 'fashion-pairs-test.csv.gz', pairs)
    report = run(tmp_path, lists)
    assert read_pairs(tmp_path / 'out/fasion-pairs-test.csv') == pairs
    assert 'test: pairs are of fashion-pairs-test.csv.gz' in report.text()


def test_png_names_go_through_all_files(tmp_path, lists):
    trees.write_deepfashion_tree(tmp_path / 'raw')
    names = [photo.flat for photo in trees.deepfashion_photos('test')]
    write_pairs(lists / 'fasion-pairs-test.csv', [(names[0], names[1])])
    run(tmp_path, lists, options=ImageOptions(file_type='png'))
    stems = [Path(name).stem for name in names]
    out = tmp_path / 'out'
    assert read_pairs(out / 'fasion-pairs-test.csv') == [
        (f'{stems[0]}.png', f'{stems[1]}.png')
    ]
    annotated = read_annotations(out / 'fasion-annotation-test.csv').names
    assert annotated == [f'{stem}.png' for stem in stems]
    assert set(os.listdir(out / 'test')) == set(annotated)


def test_a_second_run_changes_nothing(tmp_path, lists):
    trees.write_deepfashion_tree(tmp_path / 'raw')
    assert not run(tmp_path, lists).unchanged
    out = tmp_path / 'out'
    before = {path: path.stat().st_mtime_ns for path in out.rglob('*')}
    shutil.rmtree(tmp_path / 'raw')  # not even looked at
    report = run(tmp_path, lists)
    assert report.unchanged
    assert report.complete
    assert 'is complete (nothing to do)' in report.text()
    assert f'train   images{9:>15}{9:>10}{"48,674":>11}' in report.text()
    assert {path: path.stat().st_mtime_ns for path in out.rglob('*')} == before


def test_goes_on_from_any_state(tmp_path, lists):
    trees.write_deepfashion_tree(tmp_path / 'raw')
    run(tmp_path, lists)
    out = tmp_path / 'out'
    expected = trees.contents(out)
    names = sorted(os.listdir(out / 'train'))
    (out / 'train' / names[0]).unlink()
    (out / 'train' / names[1]).write_bytes(b'')
    (out / f'train/.{names[2]}.123.part').write_bytes(b'half')
    (out / 'fasion-pairs-test.csv').unlink()
    manifest = json.loads((out / 'manifest.json').read_text())
    manifest['splits'] = {'train': {}, 'test': {}}
    (out / 'manifest.json').write_text(json.dumps(manifest))
    kept = (out / 'train' / names[3]).stat().st_mtime_ns
    assert run(tmp_path, lists).complete
    assert trees.contents(out) == expected
    assert (out / 'train' / names[3]).stat().st_mtime_ns == kept


def test_other_lists_are_noticed(tmp_path, lists):
    trees.write_deepfashion_tree(tmp_path / 'raw')
    run(tmp_path, lists)
    trees.write_annotation(
        lists / 'fasion-annotation-test.csv',
        [photo.flat for photo in reversed(trees.deepfashion_photos('test'))],
    )
    assert not run(tmp_path, lists).unchanged
    got = read_annotations(tmp_path / 'out/fasion-annotation-test.csv').names
    assert got == [photo.flat for photo in reversed(trees.deepfashion_photos('test'))]


@pytest.mark.parametrize(
    ('changed', 'message'),
    [
        ({'size': (128, 128)}, 'size 256x256 there, 128x128 now'),
        ({'filter': 'lanczos'}, 'filter bilinear there, lanczos now'),
        ({'fit': 'crop'}, 'fit squash there, crop now'),
        ({'file_type': 'png'}, 'file_type jpg there, png now; jpeg_quality 100 there'),
        ({'jpeg_quality': 90}, 'jpeg_quality 100 there, 90 now'),
    ],
)
def test_other_options_are_refused(tmp_path, lists, changed, message):
    trees.write_deepfashion_tree(tmp_path / 'raw')
    run(tmp_path, lists)
    before = trees.contents(tmp_path / 'out')
    with pytest.raises(DataError, match=f'other options .*{message}.*name another'):
        run(tmp_path, lists, options=ImageOptions(**changed))
    assert trees.contents(tmp_path / 'out') == before


def test_another_tree_is_refused_where_it_would_mix(tmp_path, lists):
    files = trees.write_deepfashion_tree(tmp_path / 'low')
    trees.write_deepfashion_tree(tmp_path / 'high', (110, 75))
    next(iter(files.values())).unlink()
    assert not run(tmp_path, lists, raw='low').complete
    with pytest.raises(DataError, match='raw_view canvas there, person now'):
        run(tmp_path, lists, raw='high')


def test_manifest(tmp_path, lists):
    trees.write_deepfashion_tree(tmp_path / 'raw')
    run(tmp_path, lists, splits=('test',))
    manifest = json.loads((tmp_path / 'out/manifest.json').read_text())
    assert manifest['options'] == {
        'size': [256, 256],
        'fit': 'squash',
        'filter': 'bilinear',
        'file_type': 'jpg',
        'jpeg_quality': 100,
        'jpeg_subsampling': '4:4:4',
    }
    assert manifest['raw_view'] == 'canvas'
    assert manifest['annotation_size'] == [256, 256]
    assert manifest['splits']['train'] == {}
    test = manifest['splits']['test']
    assert test['complete']
    assert test['counts']['images'] == {'expected': 6, 'found': 6}
    assert test['annotation_frame'] == 256


def test_one_split_after_the_other(tmp_path, lists):
    trees.write_deepfashion_tree(tmp_path / 'raw')
    run(tmp_path, lists, splits=('test',))
    assert not (tmp_path / 'out/train').exists()
    run(tmp_path, lists, splits=('train',))
    assert run(tmp_path, lists).unchanged


def damage(files: dict[str, Path]) -> tuple[str, str]:
    """Remove one photo, cut another; returns their names."""
    gone, cut = (photo.flat for photo in trees.deepfashion_photos('train')[:2])
    files[gone].unlink()
    files[cut].write_bytes(files[cut].read_bytes()[:-200])
    return gone, cut


def test_what_is_missing_is_named(tmp_path, lists):
    files = trees.write_deepfashion_tree(tmp_path / 'raw')
    gone, cut = damage(files)
    report = run(tmp_path, lists)
    assert not report.complete
    assert [(c.expected, c.found) for c in report.splits[0].counts][:1] == [(9, 7)]
    rows = (tmp_path / 'out/missing.txt').read_text().splitlines()
    assert sorted(row.split('\t')[1] for row in rows) == sorted([gone, cut])
    assert f'train\t{gone}\tnot found below {tmp_path / "raw"}' in rows
    assert f'{files[cut]} cannot be decoded: image file is truncated' in str(rows)
    text = report.text()
    assert f'  {gone}: not found below' in text
    assert f'lacks 2 (all named in {tmp_path / "out/missing.txt"})' in text
    assert not (tmp_path / 'out/train' / cut).exists()


def test_mended_files_complete_the_set(tmp_path, lists):
    files = trees.write_deepfashion_tree(tmp_path / 'raw')
    damage(files)
    run(tmp_path, lists)
    trees.write_deepfashion_tree(tmp_path / 'raw')
    assert run(tmp_path, lists).complete
    assert not (tmp_path / 'out/missing.txt').exists()


def test_many_missing_names_are_cut_short_on_the_screen(tmp_path, lists):
    files = trees.write_deepfashion_tree(tmp_path / 'raw')
    for photo in trees.deepfashion_photos('train')[:8]:
        files[photo.flat].unlink()
    text = run(tmp_path, lists).text()
    assert text.count('not found below') == 5
    assert '  and 3 more' in text


def test_allow_missing_leaves_out_pairs(tmp_path, lists):
    gone, cut = damage(trees.write_deepfashion_tree(tmp_path / 'raw'))
    everything = build_pairs(lists / 'fasion-annotation-train.csv', 'deepfashion')
    run(tmp_path, lists)
    assert read_pairs(tmp_path / 'out/fasion-pairs-train.csv') == everything
    report = run(tmp_path, lists, allow_missing=True)
    expected = [pair for pair in everything if not {gone, cut} & set(pair)]
    assert read_pairs(tmp_path / 'out/fasion-pairs-train.csv') == expected
    assert len(expected) < len(everything)
    pairs = report.splits[0].counts[2]
    assert (pairs.expected, pairs.found) == (len(everything), len(expected))


def test_images_without_joints_are_missing(tmp_path, lists):
    trees.write_deepfashion_tree(tmp_path / 'raw')
    names = [photo.flat for photo in trees.deepfashion_photos('test')]
    trees.write_annotation(lists / 'fasion-annotation-test.csv', names[1:])
    report = run(tmp_path, lists)
    missing = [(names[0], 'no joints in fasion-annotation-test.csv')]
    assert report.splits[1].missing == missing
    assert report.splits[1].counts[1].found == 5


def test_pairs_that_name_other_images_are_missing(tmp_path, lists):
    trees.write_deepfashion_tree(tmp_path / 'raw')
    names = [photo.flat for photo in trees.all_photos()]
    write_pairs(lists / 'fasion-pairs-test.csv', [(names[-1], names[0])])
    missing = run(tmp_path, lists).splits[1].missing
    reason = 'named in fasion-pairs-test.csv, but no image of the split'
    assert missing == [(names[0], reason)]


def test_a_picture_of_another_shape(tmp_path, lists):
    files = trees.write_deepfashion_tree(tmp_path / 'raw')
    name = trees.deepfashion_photos('test')[0].flat
    files[name].write_bytes(trees.jpeg((256, 200), 1))
    missing = run(tmp_path, lists).splits[1].missing
    assert [m[0] for m in missing] == [name]
    assert 'is 200 wide and 256 high, in a set of square pictures' in missing[0][1]


def test_unusual_shapes_of_the_other_tree_are_noted(tmp_path, lists):
    files = trees.write_deepfashion_tree(tmp_path / 'raw', (110, 75))
    name = trees.deepfashion_photos('test')[0].flat
    files[name].write_bytes(trees.jpeg((75, 110), 1))
    report = run(tmp_path, lists)
    assert report.complete
    assert f'test: 1 pictures of unusual shape, as {name}' in report.text()


@pytest.mark.parametrize(
    ('gone', 'message'),
    [
        (
            'train.lst',
            r'no train.lst \(plain or .gz\) in .*name it with --train-images',
        ),
        (
            'fasion-annotation-test.csv',
            'no fasion-annotation-test.csv or fashion-annotation-test.csv or .*'
            '--test-annotation, or prepare the images alone with --allow-missing',
        ),
    ],
)
def test_a_missing_list_is_said_before_any_work(tmp_path, lists, gone, message):
    trees.write_deepfashion_tree(tmp_path / 'raw')
    (lists / gone).unlink()
    with pytest.raises(DataError, match=message):
        run(tmp_path, lists)
    assert not (tmp_path / 'out').exists()


def test_images_alone(tmp_path, lists):
    trees.write_deepfashion_tree(tmp_path / 'raw')
    (lists / 'fasion-annotation-train.csv').unlink()
    report = run(tmp_path, lists, allow_missing=True)
    assert report.splits[0].counts[0].found == 9
    assert report.splits[0].missing == [('the annotation file', 'not among the lists')]
    assert not (tmp_path / 'out/fasion-annotation-train.csv').exists()
    assert (tmp_path / 'out/fasion-annotation-test.csv').exists()


def test_lists_that_the_user_names(tmp_path, lists):
    trees.write_deepfashion_tree(tmp_path / 'raw')
    (lists / 'train.lst').rename(tmp_path / 'mine.txt')
    given = {'train': {'images': tmp_path / 'mine.txt'}}
    assert run(tmp_path, lists, given=given).complete
    given = {'train': {'images': tmp_path / 'nowhere.txt'}}
    with pytest.raises(DataError, match='nowhere.txt is not a file'):
        run(tmp_path, lists, given=given)


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('a.jpg\n', "line 1: 'a.jpg' is not the name of an image of this set"),
        ('\n', 'lists no image'),
    ],
)
def test_bad_image_lists(tmp_path, lists, text, message):
    (tmp_path / 'raw').mkdir()
    (lists / 'train.lst').write_text(text)
    with pytest.raises(DataError, match=f'train.lst.*{message}'):
        run(tmp_path, lists)


def test_nested_names_in_the_lists(tmp_path, lists):
    trees.write_deepfashion_tree(tmp_path / 'raw')
    nested = [f'img/{photo.nested}' for photo in trees.deepfashion_photos('train')]
    (lists / 'train.lst').write_bytes(
        b'\xef\xbb\xbf' + '\r\n'.join([*nested, nested[0]]).encode()
    )
    assert run(tmp_path, lists).complete


def test_no_tree(tmp_path, lists):
    with pytest.raises(DataError, match='raw does not exist; check --raw'):
        run(tmp_path, lists)
    (tmp_path / 'raw').mkdir()
    (tmp_path / 'raw/photo.jpg').write_bytes(trees.jpeg((8, 8), 0))
    with pytest.raises(DataError, match='expected files such as WOMEN/Tees_Tanks/id_'):
        run(tmp_path, lists)


def test_two_trees(tmp_path, lists):
    trees.write_deepfashion_tree(tmp_path / 'raw/img')
    trees.write_deepfashion_tree(tmp_path / 'raw/img_highres', (110, 75))
    with pytest.raises(
        DataError, match=r'the same image lies in .*/img/.* and in .*/im'
    ):
        run(tmp_path, lists)
    assert run(tmp_path, lists, raw='raw/img').complete


def test_raw_above_out(tmp_path, lists):
    """A tree that lies where the results go is found; the results are not."""
    trees.write_deepfashion_tree(tmp_path / 'out/img')
    (tmp_path / 'raw').symlink_to(tmp_path / 'out')
    assert run(tmp_path, lists).complete
    (tmp_path / 'out/train' / trees.all_photos()[0].flat).unlink()
    assert run(tmp_path, lists).complete


def test_out_that_cannot_be_a_folder(tmp_path, lists):
    trees.write_deepfashion_tree(tmp_path / 'raw')
    (tmp_path / 'out').write_text('a file')
    with pytest.raises(DataError, match='out cannot be made or written to'):
        run(tmp_path, lists)


def test_a_read_only_folder(tmp_path, lists):
    trees.write_deepfashion_tree(tmp_path / 'raw')
    (tmp_path / 'out').mkdir(mode=0o500)
    if os.access(tmp_path / 'out', os.W_OK):
        pytest.skip('this user may write anywhere (root)')
    with pytest.raises(DataError, match='out.* cannot be'):
        run(tmp_path, lists)


def test_a_folder_in_the_way_of_an_image(tmp_path, lists):
    """Works for root too: a write that fails in the middle of the work."""
    trees.write_deepfashion_tree(tmp_path / 'raw')
    run(tmp_path, lists, splits=('test',))
    name = trees.deepfashion_photos('train')[4].flat
    (tmp_path / 'out/train' / name / 'x').mkdir(parents=True)
    with pytest.raises(DataError, match=f'{name} cannot be written'):
        run(tmp_path, lists)
    assert not list((tmp_path / 'out/train').glob('.*.part'))
    shutil.rmtree(tmp_path / 'out/train' / name)
    assert run(tmp_path, lists).complete


@pytest.mark.parametrize('there', ['train/a.jpg', 'fasion-pairs-test.csv'])
def test_files_of_unknown_origin_are_left_alone(tmp_path, lists, there):
    trees.write_deepfashion_tree(tmp_path / 'raw')
    (tmp_path / 'out' / there).parent.mkdir(parents=True)
    (tmp_path / 'out' / there).write_text('mine')
    with pytest.raises(DataError, match='nothing says how it was made'):
        run(tmp_path, lists)
    assert trees.contents(tmp_path / 'out') == {there: b'mine'}


def test_lists_are_never_overwritten(tmp_path):
    trees.write_deepfashion_tree(tmp_path / 'raw')
    lists = trees.write_deepfashion_lists(tmp_path / 'out', shift=40)
    before = trees.contents(tmp_path / 'out')
    with pytest.raises(DataError, match='move your lists to .*out/lists'):
        run(tmp_path, lists)
    assert trees.contents(tmp_path / 'out') == before


@pytest.mark.parametrize(
    ('text', 'message'), [('{', 'cannot be read'), ('{"format": 0}', 'this version')]
)
def test_a_strange_manifest(tmp_path, lists, text, message):
    trees.write_deepfashion_tree(tmp_path / 'raw')
    (tmp_path / 'out').mkdir()
    (tmp_path / 'out/manifest.json').write_text(text)
    with pytest.raises(DataError, match=message):
        run(tmp_path, lists)


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        ({'options': ImageOptions(fit='pad')}, 'fit must be one of squash, crop'),
        ({'options': ImageOptions(filter='best')}, 'filter must be one of nearest'),
        ({'options': ImageOptions(file_type='webp')}, 'file_type must be one of jpg'),
        ({'options': ImageOptions(jpeg_quality=0)}, 'jpeg_quality must be from 1 to'),
        ({'splits': ('val',)}, 'splits must be some of train, test'),
        ({'splits': ()}, 'splits must be some of train, test'),
        ({'raw_view': 'wide'}, 'raw_view must be one of canvas, person'),
        ({'annotation_frame': 128}, 'annotation_frame must be 256 or 176'),
    ],
)
def test_options_are_checked(tmp_path, lists, options, message):
    with pytest.raises(ConfigError, match=message):
        run(tmp_path, lists, **options)


def test_the_frame_of_the_joints_can_be_said(tmp_path, lists):
    trees.write_deepfashion_tree(tmp_path / 'raw')
    run(tmp_path, lists)
    run(tmp_path, lists, annotation_frame=176)  # noticed, although nothing else changed
    got = read_annotations(tmp_path / 'out/fasion-annotation-test.csv').keypoints
    source = lists / 'fasion-annotation-test.csv'
    assert np.array_equal(got, read_canvas_joints(source, 176)[0].keypoints)
    assert not np.array_equal(got, read_annotations(source).keypoints)


def test_the_published_test_split(shared, tmp_path):
    """Real lists, blank pictures: released pairs row for row, joints byte for byte."""
    lists = shared('data/annotations')
    names = (lists / 'test.lst').read_text().split()
    (tmp_path / 'raw').mkdir()
    stream = io.BytesIO()
    Image.new('RGB', (8, 8)).save(stream, 'JPEG')
    for name in names:
        (tmp_path / 'raw' / name).write_bytes(stream.getvalue())
    options = ImageOptions(size=None)
    report = run(tmp_path, lists, splits=('test',), options=options)
    assert report.complete
    counts = [(c.expected, c.found, c.published) for c in report.splits[0].counts]
    assert counts == [(4038,) * 3, (4038,) * 3, (8570,) * 3]
    out = tmp_path / 'out'
    released = (lists / 'fasion-annotation-test.csv').read_bytes()
    assert (out / 'fasion-annotation-test.csv').read_bytes() == released
    released_pairs = read_pairs(lists / 'fashion-pairs-test.csv')
    assert read_pairs(out / 'fasion-pairs-test.csv') == released_pairs
    assert build_pairs(out / 'fasion-annotation-test.csv', 'deepfashion', 8570) == (
        released_pairs
    )
