from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from mmengine.config import Config
from PIL import Image
from torch.utils.data import default_collate

from posegen.apis import PoseTransferInferencer
from posegen.apis.inferencer import canvas_of
from posegen.codecs.formats import write_openpose_json
from posegen.datasets import PosePairDataset
from posegen.datasets.letterbox import take_out
from posegen.utils import ConfigError, DataError, WeightsError
from posegen.utils.checkpoint import save_weights
from posegen.utils.env import pick_device
from posegen.utils.errors import NonFiniteError
from tests.apis.toy import Composer, DotTransfer, pose_at, write_config
from tests.helpers.pair_set import write_pair_set

GREY = 60


@pytest.fixture
def toy() -> PoseTransferInferencer:
    return PoseTransferInferencer(DotTransfer(), size=(64, 32))


def grey(*size: int) -> np.ndarray:
    return np.full((*size, 3), GREY, np.uint8)


def white_spot(image: np.ndarray) -> tuple[float, float]:
    """(x, y) of what differs from the grey."""
    weight = image[..., 0].astype(float) - GREY
    weight[weight < 20] = 0
    y, x = np.mgrid[: image.shape[0], : image.shape[1]]
    return (x * weight).sum() / weight.sum(), (y * weight).sum() / weight.sum()


def test_model_sees_a_canvas_sized_source_as_it_is(toy):
    image = np.random.default_rng(0).integers(0, 256, (64, 32, 3), dtype=np.uint8)
    result = toy(image, pose_at((20, 50)), pose_at((5, 6), (7, 8)))
    source, source_pose, target_pose = toy.model.calls[0]
    assert torch.allclose(
        source[0].permute(1, 2, 0), torch.from_numpy(image) / 127.5 - 1, atol=1e-6
    )
    assert torch.equal(source_pose[0], torch.from_numpy(pose_at((5, 6), (7, 8))))
    assert torch.equal(target_pose[0], torch.from_numpy(pose_at((20, 50))))
    far = np.s_[:40]
    assert np.array_equal(result.images[0][far], image[far])


@pytest.mark.parametrize(
    'size', [(64, 32), (128, 64), (200, 70), (90, 300), (640, 480)]
)
def test_result_has_the_source_size_and_the_pose_in_place(toy, size):
    x, y = 0.3 * size[1], 0.6 * size[0]
    result = toy(grey(*size), pose_at((x, y)), pose_at((x, y)))
    image = result.images[0]
    assert image.shape == (*size, 3) and image.dtype == np.uint8
    # half a pixel of the canvas, in pixels of the source
    tolerance = 0.6 * max(size[0] / 64, size[1] / 32)
    assert np.abs(np.subtract(white_spot(image), (x, y))).max() < tolerance
    assert result.canvas.shape == (1, 3, 64, 32)


def test_whole_canvas_on_request(toy):
    result = toy(grey(50, 50), pose_at((9, 9)), pose_at((9, 9)), keep_size=False)
    assert result.images[0].shape == (64, 32, 3)
    assert result.placements[0].box == (16, 0, 32, 32)


def test_pose_of_another_picture_is_fitted_in_its_own_frame(toy):
    # 640x320 has the canvas' shape: the joint lies in its middle, and 3/4 down.
    pose = pose_at((160, 480))
    image = toy(grey(128, 64), pose, pose_at((9, 9)), pose_size=(640, 320)).images[0]
    assert np.allclose(white_spot(image), (31.5, 95.5), atol=1.5)
    sizes = [(640, 320), None]
    both = toy(
        grey(128, 64), [pose, pose_at((31, 95))], pose_at((9, 9)), pose_size=sizes
    )
    assert np.allclose(*map(white_spot, both.images), atol=1.5)


def test_every_kind_of_source(toy, tmp_path):
    image = grey(70, 50)
    path = tmp_path / 'a.png'
    Image.fromarray(image).save(path)
    tensor = torch.from_numpy(image).permute(2, 0, 1)
    sources = [path, str(path), Image.open(path), image, tensor, tensor / 127.5 - 1]
    pose = tmp_path / 'pose.json'
    write_openpose_json(pose, pose_at((25, 30)))
    result = toy(sources, pose, [pose_at((9, 9))] * 6)
    assert all(np.array_equal(result.images[0], other) for other in result.images)


def test_one_source_many_poses(toy):
    poses = [pose_at((10, y)) for y in (10, 30, 50)]
    result = toy(grey(64, 32), np.stack(poses), pose_at((9, 9)), batch_size=2)
    assert [round(white_spot(i)[1]) for i in result.images] == [10, 30, 50]
    assert [len(call[0]) for call in toy.model.calls] == [2, 1]
    assert result.flow['all'].shape == (3, 2, 16, 8)
    assert result.visibility['all'].shape == (3, 1, 16, 8)


def test_one_pose_many_sources_of_any_size(toy):
    sizes = [(64, 32), (200, 100), (50, 80)]
    result = toy([grey(*s) for s in sizes], pose_at((9, 9)), [pose_at((9, 9))] * 3)
    assert [i.shape[:2] for i in result.images] == sizes


def test_batches_do_not_change_images(toy):
    sources = [grey(*s) for s in [(64, 32), (100, 40), (30, 60), (90, 45), (64, 32)]]
    poses = [pose_at((9, 9 + i)) for i in range(5)]
    one, all_ = (toy(sources, poses, poses, batch_size=n).images for n in (1, 5))
    assert all(np.array_equal(a, b) for a, b in zip(one, all_))


def noise(*size: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    'size',
    [(64, 32), (1200, 900), (300, 1000), (50, 50), (7, 90), (1, 1), (1, 400), (400, 1)],
)
def test_the_photos_own_pixels_come_back(size):
    inferencer = PoseTransferInferencer(Composer(), size=(64, 32))
    photo = noise(*size)
    result = inferencer(photo, pose_at((0, 0)), pose_at((0, 0)))
    assert np.array_equal(result.images[0], photo)
    assert result.masks.shape == (1, 3, 64, 32)
    assert result.painted.shape == result.canvas.shape == (1, 3, 64, 32)


@pytest.mark.parametrize('frame', [None, (64, 64)])
@pytest.mark.parametrize('size', [(640, 320), (96, 320), (200, 30), (1200, 900)])
def test_flow_moves_the_photos_own_pixels(size, frame):
    model = Composer(candidate=2)
    inferencer = PoseTransferInferencer(model, size=(64, 32))
    inferencer.frame = frame
    photo, pose = noise(*size), pose_at((9, 9))
    vertical, horizontal = inferencer(photo, pose, pose).placements[0].scale
    # Whole pixels of the photo: 3 to the left, 8 down.
    model.shift = 3 * horizontal, -8 * vertical
    image = inferencer(photo, pose, pose).images[0]
    assert np.array_equal(image[8:, :-3], photo[:-8, 3:])


@pytest.mark.parametrize('size', [(64, 32), (300, 500)])
def test_without_full_resolution_the_canvas_is_enlarged(size):
    inferencer = PoseTransferInferencer(Composer(), size=(64, 32))
    photo, pose = noise(*size), pose_at((9, 9))
    enlarged = inferencer(photo, pose, pose, full_resolution=False)
    kept = inferencer(photo, pose, pose, keep_size=False)
    expected = take_out(kept.images[0], kept.placements[0])
    assert np.array_equal(enlarged.images[0], expected)
    assert np.array_equal(expected, photo) == (size == (64, 32))


def test_photos_of_a_batch_are_composed_one_by_one():
    sizes, poses = (
        [(64, 32), (100, 140), (33, 20)],
        [pose_at((9, 9 + i)) for i in range(3)],
    )
    inferencer = PoseTransferInferencer(Composer(None, None), size=(64, 32))
    photos = [noise(*size) for size in sizes]
    together = inferencer(photos, poses, poses[::-1]).images
    for index, image in enumerate(together):
        alone = inferencer(photos[index], poses[index], poses[::-1][index]).images[0]
        assert np.abs(alone.astype(int) - image).max() <= 1
        assert image.shape == photos[index].shape


def test_full_resolution_where_there_is_none(toy):
    arguments = grey(9, 9), pose_at((3, 4)), pose_at((3, 4))
    result = toy(*arguments)
    assert result.masks is None and result.painted is None
    with pytest.raises(ConfigError, match='DotTransfer gives no masks, painted'):
        toy(*arguments, full_resolution=True)
    composer = PoseTransferInferencer(Composer(), size=(64, 32))
    with pytest.raises(ConfigError, match='keep_size=False exclude each other'):
        composer(*arguments, full_resolution=True, keep_size=False)


def test_pixels_that_are_no_numbers_are_an_error(toy):
    toy.model.gain.data.fill_(float('nan'))
    with pytest.raises(NonFiniteError, match='NaN or infinite pixels for source: its'):
        toy(grey(9, 9), pose_at((3, 4)), pose_at((3, 4)))


def test_seed_repeats_and_leaves_the_global_state(toy):
    call = dict(source=grey(64, 32), pose=pose_at((9, 9)), source_pose=pose_at((9, 9)))
    before = torch.get_rng_state()
    first, again = toy(**call, seed=3), toy(**call, seed=3)
    assert torch.equal(before, torch.get_rng_state())
    assert torch.equal(first.flow['all'], again.flow['all'])
    assert not torch.equal(first.flow['all'], toy(**call, seed=4).flow['all'])
    assert not torch.equal(toy(**call).flow['all'], toy(**call).flow['all'])


def test_nothing_is_written(toy, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    toy(grey(64, 32), pose_at((9, 9)), pose_at((9, 9)), progress=True)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (dict(source_pose=None), 'pose estimator, and none is built in yet; .*json'),
        (dict(source=[]), 'must not be empty'),
        (dict(pose=[]), 'must not be empty'),
        (
            dict(source=[grey(9, 9)] * 2, pose=[pose_at((3, 4))] * 3),
            '2 sources and 3 poses do not go together',
        ),
        (dict(source=[grey(9, 9)] * 2), 'joints of each source: expected 2, got 1'),
        (dict(pose_size=[(9, 9), (9, 9)]), 'one for each pose: expected 1, got 2'),
        (dict(pose_size=(9, 9, 3)), r'pose_size must be \(height, width\)'),
        (dict(pose_size=(0, 9)), r'pose_size must be \(height, width\)'),
        (dict(pose=np.zeros((18, 3))), '^pose has no present joint'),
        (dict(source_pose=np.zeros((18, 3))), '^source_pose has no present joint'),
        (dict(pose=[pose_at((3, 4)), np.zeros((18, 3))]), r'^pose\[1\] has no present'),
        (dict(source='none.png'), 'source image none.png does not exist'),
        (dict(batch_size=0), 'batch_size must be at least 1, got 0'),
    ],
)
def test_wrong_calls(toy, arguments, message):
    good = dict(source=grey(9, 9), pose=pose_at((3, 4)), source_pose=pose_at((3, 4)))
    with pytest.raises(ValueError, match=message):
        toy(**good | arguments)


def test_bad_source_in_a_list_is_named(toy):
    sources, poses = [grey(9, 9), grey(9, 9)[..., :2]], [pose_at((3, 4))] * 2
    with pytest.raises(DataError, match=r'source\[1\] array must be'):
        toy(sources, poses, poses)


@pytest.mark.parametrize('frame', [(64, 32), (128, 64), None])
def test_canvas_comes_from_the_config(tmp_path, frame):
    inferencer = PoseTransferInferencer(write_config(tmp_path, frame), 'random', 'cpu')
    assert inferencer.size == (64, 32)
    assert inferencer.model.losses is None
    result = inferencer(grey(90, 45), pose_at((9, 9)), pose_at((9, 9)))
    assert result.placements[0].box == (0, 0, 64, 32)


def test_squeezed_sets_are_squeezed(tmp_path):
    cfg = write_config(tmp_path, frame=(64, 64))
    inferencer = PoseTransferInferencer(cfg, 'random', 'cpu')
    square = inferencer(grey(50, 50), pose_at((9, 9)), pose_at((9, 9)))
    assert square.placements[0].box == (0, 0, 64, 32)
    own = PoseTransferInferencer(cfg, 'random', 'cpu', size=(32, 32))
    assert (own.size, own.frame) == ((32, 32), None)


def test_canvas_of_falls_back_to_the_other_sets():
    train = dict(train_dataloader=dict(dataset=dict(image_size=[8, 4])))
    assert canvas_of(Config(train)) == ((8, 4), None)
    assert canvas_of(Config(dict(train, test_dataloader=None))) == ((8, 4), None)
    with pytest.raises(ConfigError, match=r'no data set with image_size; give size='):
        PoseTransferInferencer(Config(dict(model=dict(type='DotTransfer'))), 'random')


def test_weights_must_be_said(tmp_path):
    with pytest.raises(WeightsError, match="say 'random' there"):
        PoseTransferInferencer(write_config(tmp_path))


def test_built_models_are_taken_as_they_are(tmp_path):
    model = DotTransfer().train()
    inferencer = PoseTransferInferencer(model, size=(64, 32))
    assert inferencer.model is model and not model.training
    other = DotTransfer()
    other.gain.data += 1
    weights = save_weights(other, tmp_path / 'a.safetensors')
    PoseTransferInferencer(model, weights, size=(64, 32))
    assert model.gain.item() == 2
    with pytest.raises(TypeError, match='Linear has no generate'):
        PoseTransferInferencer(torch.nn.Linear(1, 1), size=(64, 32))
    with pytest.raises(ConfigError, match='give size='):
        PoseTransferInferencer(model)


def test_devices():
    assert pick_device('cpu').type == 'cpu'
    assert pick_device(None).type in ('cpu', 'cuda')
    with pytest.raises(ConfigError, match="device 'gpu' cannot be used here: .*'cpu'"):
        pick_device('gpu')


def test_openpose_json_of_a_crowd_takes_the_surest(toy, tmp_path):
    path = tmp_path / 'pose.json'
    people = [
        {'pose_keypoints_2d': (pose_at(point) * [1, 1, score]).ravel().tolist()}
        for point, score in (((20, 50), 0.5), ((9, 30), 0.9))
    ]
    path.write_text(json.dumps({'people': people}))
    image = toy(grey(64, 32), path, path).images[0]
    assert np.allclose(white_spot(image), (9, 30), atol=0.5)


@pytest.mark.parametrize('batch_size', [1, 2])
def test_the_papers_model_end_to_end(batch_size):
    inferencer = PoseTransferInferencer('spig_synthetic-128x64_tiny', 'random', 'cpu')
    rng = np.random.default_rng(0)
    pose = np.hstack([rng.uniform(5, 60, (18, 2)), np.ones((18, 1))])
    sources = [
        rng.integers(0, 256, (*s, 3), dtype=np.uint8) for s in [(128, 64), (99, 80)]
    ]
    result = inferencer(sources, pose, [pose, pose], batch_size=batch_size)
    assert [i.shape for i in result.images] == [(128, 64, 3), (99, 80, 3)]
    assert set(result.flow) == set(result.visibility) == {'head', 'torso', 'leg'}
    assert result.flow['leg'].shape == (2, 2, 32, 16)
    assert result.canvas.abs().max() <= 1 and result.canvas.isfinite().all()


def test_same_picture_as_testing_gives(tmp_path):
    data = PosePairDataset(**write_pair_set(tmp_path, size=(128, 64)))
    inferencer = PoseTransferInferencer('spig_synthetic-128x64_tiny', 'random', 'cpu')
    sample = data[0]
    tested = inferencer.model.val_step(default_collate([sample]))[0]
    poses = sample['target_keypoints'], sample['source_keypoints']
    result = inferencer(tmp_path / 'train' / sample['source_name'], *poses)
    image = torch.from_numpy(result.images[0]).permute(2, 0, 1)
    assert torch.equal(image, tested['image'])
