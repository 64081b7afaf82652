from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from posegen.apis.inputs import as_image_list, as_pose_list, read_image, read_pose
from posegen.codecs.formats import write_openpose_json
from posegen.utils import DataError
from tests.apis.toy import pose_at


@pytest.fixture
def picture() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (12, 7, 3), dtype=np.uint8)


def test_every_kind_of_image_reads_alike(tmp_path, picture):
    path = tmp_path / 'a.png'
    Image.fromarray(picture).save(path)
    tensor = torch.from_numpy(picture).permute(2, 0, 1)
    kinds = [path, str(path), Image.fromarray(picture), picture, tensor]
    kinds += [tensor / 127.5 - 1, (tensor / 127.5 - 1).half().double()]
    for kind in kinds[:-1]:
        assert np.array_equal(read_image(kind), picture)
    assert np.abs(read_image(kinds[-1]).astype(int) - picture).max() <= 1


@pytest.mark.parametrize('mode', ['L', 'P', 'RGBA', 'CMYK', '1', 'I;16'])
def test_other_colour_modes_become_rgb(tmp_path, picture, mode):
    path = tmp_path / f'a.{"tif" if mode == "CMYK" else "png"}'
    grey = Image.fromarray(picture[..., 0])
    image = grey if mode == 'I;16' else Image.fromarray(picture)
    image.convert(mode).save(path)
    assert read_image(path).shape == picture.shape


def test_camera_orientation_is_applied(tmp_path, picture):
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter to the right
    path = tmp_path / 'a.png'
    Image.fromarray(picture).save(path, exif=exif)
    assert np.array_equal(read_image(path), np.rot90(picture, -1))


def test_image_files_that_are_none(tmp_path):
    with pytest.raises(DataError, match='source image .*none.png does not exist'):
        read_image(tmp_path / 'none.png')
    text = tmp_path / 'text.png'
    text.write_text('hello')
    with pytest.raises(DataError, match=r'text\.png cannot be decoded'):
        read_image(text)
    half = tmp_path / 'half.jpg'
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(half)
    half.write_bytes(half.read_bytes()[:2000])
    with pytest.raises(DataError, match=r'half\.jpg cannot be decoded'):
        read_image(half)


@pytest.mark.parametrize(
    ('image', 'message'),
    [
        (np.zeros((3, 8, 8), np.uint8), r'must be \(height, width, 3\) uint8 RGB'),
        (np.zeros((8, 8), np.uint8), r'got \(8, 8\) uint8'),
        (np.zeros((8, 8, 4), np.uint8), r'got \(8, 8, 4\)'),
        (np.zeros((0, 8, 3), np.uint8), r'got \(0, 8, 3\)'),
        (np.zeros((8, 8, 3)), 'float64; a float image goes in as a tensor'),
        (torch.zeros(8, 8, 3, dtype=torch.uint8), r'must be \(3, height, width\)'),
        (torch.zeros(3, 8, 8, dtype=torch.int64), 'must be uint8 or float'),
        (torch.full((3, 8, 8), 200.0), r'must be in \[-1, 1\], got values from 200'),
        (torch.full((3, 8, 8), -1.2), r'must be in \[-1, 1\]'),
        (
            torch.full((3, 8, 8), torch.nan),
            r'must be in \[-1, 1\], got values from nan',
        ),
    ],
)
def test_wrong_images(image, message):
    with pytest.raises(DataError, match=message):
        read_image(image)


def test_unknown_kind_of_image():
    with pytest.raises(TypeError, match='path, a PIL image, an array or a tensor, got'):
        read_image({'image': 1})


def test_image_in_zero_to_one_is_pointed_out(caplog, monkeypatch):
    said = []
    monkeypatch.setattr('posegen.apis.inputs.print_log', lambda m, *a: said.append(m))
    read_image(torch.rand(3, 4, 4))
    assert 'pass 2 * image - 1' in said[0]
    read_image(torch.rand(3, 4, 4) * 2 - 1)
    assert len(said) == 1


def test_image_lists(picture):
    assert len(as_image_list(picture)) == 1
    assert len(as_image_list(np.stack([picture] * 3))) == 3
    assert len(as_image_list(torch.zeros(2, 3, 4, 4))) == 2
    assert len(as_image_list(('a.png', picture))) == 2


def test_pose_kinds_read_alike(tmp_path):
    pose = pose_at((3, 4), (5.5, 6))
    path = tmp_path / 'pose.json'
    write_openpose_json(path, pose)
    two = np.where(pose[:, 2:] > 0, pose[:, :2], -1)
    nan = np.where(pose[:, 2:] > 0, pose[:, :2], np.nan)
    integers = np.round(pose).astype(int)
    for kind in (path, str(path), pose, torch.tensor(pose), pose.tolist(), two, nan):
        assert np.array_equal(read_pose(kind), pose)
    assert read_pose(integers).dtype == np.float32


def test_missing_joints_are_zeroed_and_scores_kept():
    pose = pose_at((3, 4), (8, 9), score=0.25)
    pose[5] = [np.nan, np.inf, 0]
    pose[6] = [7, 7, -1]
    read = read_pose(pose)
    assert np.array_equal(read[:2, 2], [0.25, 0.25])
    assert not read[2:].any()


@pytest.mark.parametrize(
    ('pose', 'message'),
    [
        (np.zeros((17, 3)), r'must be 18 joints .* got \(17, 3\)'),
        (np.zeros((18, 4)), r'got \(18, 4\)'),
        (np.array([['a', 'b']] * 18), 'must be 18 joints'),
        (np.zeros((18, 3)), 'has no present joint: every score is 0'),
        (np.full((18, 2), -1), 'has no present joint'),
        (pose_at((3, 4), (np.nan, 5)), 'joint 1 is present .* no finite coordinates'),
        (pose_at((3, 4), (5, -1e20)), r'joint 1 is at \(5, -1e\+20\), more than 1,000'),
        (pose_at((0.2, 0.3), (0.5, 0.9)), 'fractions of the picture .*multiply x'),
    ],
)
def test_wrong_poses(pose, message):
    with pytest.raises(DataError, match=f'target.*{message}'):
        read_pose(pose, 'target')


def test_pose_files_that_are_none(tmp_path):
    with pytest.raises(DataError, match='none.json does not exist'):
        read_pose(tmp_path / 'none.json')
    with pytest.raises(DataError, match='a.jpg is no OpenPose json file'):
        read_pose('a.jpg')
    with pytest.raises(TypeError, match='keypoints or the path .* got int'):
        read_pose(3)


def test_none_is_a_missing_joint():
    pose = pose_at((0, 0), (3, 4), (5.5, 6))
    pose[0] = 0
    rows = [None, *map(tuple, pose[1:3, :2].tolist()), *[None] * 15]
    for kind in (rows, [None, *pose[1:].tolist()]):
        assert np.array_equal(read_pose(kind), pose)
        assert len(as_pose_list(kind)) == 1
    scored = [[3, 4, 1], [5, None, 1], *[None] * 16]
    with pytest.raises(DataError, match='joint 1 is present .* no finite coordinates'):
        read_pose(scored)
    for nobody in ([None] * 18, None):
        with pytest.raises(DataError, match='no present joint|is None'):
            read_pose(nobody)
    with pytest.raises(DataError, match='all of them numbers or None'):
        read_pose([['a', 'b']] * 18)


def test_pose_lists():
    pose = pose_at((3, 4))
    assert len(as_pose_list(pose)) == 1
    assert len(as_pose_list(pose.tolist())) == 1
    assert len(as_pose_list([pose, pose])) == 2
    assert len(as_pose_list([pose.tolist()] * 2)) == 2
    assert len(as_pose_list(np.stack([pose] * 3))) == 3
    assert len(as_pose_list(['a.json', pose])) == 2
