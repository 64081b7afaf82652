"""From a training checkpoint to a published file, and back to the same picture."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from safetensors.torch import load_file

from posegen.apis import PoseTransferInferencer, get_model
from posegen.apis.model_zoo import read_model_config
from posegen.apis.publish import describe, publish_model
from posegen.apis.published import read_config_text
from posegen.engine import StagedRunner, load_config
from posegen.models.feature_nets.weights import check_sha256
from posegen.utils import ConfigError, WeightsError
from posegen.utils.checkpoint import read_metadata, save_weights
from posegen.utils.paths import configs_root
from tests.apis.toy import DotTransfer, pose_at
from tests.helpers.pair_set import write_pair_set

TINY = configs_root() / 'spig' / 'spig_synthetic-128x64_tiny.py'


@pytest.fixture(scope='module')
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Config, Path]:
    """The paper's model after three steps with averages: config and checkpoint."""
    folder = tmp_path_factory.mktemp('publish')
    for split in ('train', 'test'):
        write_pair_set(folder / 'data', size=(128, 64), split=split)
    cfg = load_config(TINY)
    loader = dict(batch_size=2, num_workers=0, persistent_workers=False)
    cfg.merge_from_dict(
        dict(
            data_root=str(folder / 'data'),
            work_dir=str(folder / 'run'),
            train_dataloader=loader,
            val_dataloader=None,
            val_evaluator=None,
            custom_hooks=[dict(type='GeneratorEMAHook', decay=0.5)],
        )
    )
    cfg.stages = cfg.stages[1:]
    cfg.stages[0].train_cfg = dict(max_iters=3)
    cfg.stages[0].train_dataloader = dict(batch_size=2)
    StagedRunner.from_cfg(cfg).train()
    return cfg, folder / 'run' / 'full' / 'iter_3.pth'


def picture(model, weights=None) -> np.ndarray:
    inferencer = PoseTransferInferencer(model, weights, 'cpu')
    source = np.random.default_rng(0).integers(0, 256, (128, 64, 3), np.uint8)
    points = [(8 + 3 * joint, 5 + 6 * joint) for joint in range(18)]
    pose, source_pose = pose_at(*points), pose_at(*points[::-1])
    return inferencer(source, pose, source_pose).canvas.numpy()


def test_a_published_file_gives_the_picture_of_the_averages(
    run: tuple[Config, Path], tmp_path: Path
) -> None:
    cfg, checkpoint = run
    averaged = picture(cfg, checkpoint)
    published = publish_model(cfg, checkpoint, tmp_path / 'spig.safetensors')
    assert np.array_equal(picture(published.path), averaged)
    assert np.array_equal(picture(TINY, published.path), averaged)
    raw = publish_model(cfg, checkpoint, tmp_path / 'raw.safetensors', ema=False)
    assert raw.metadata['weights'] == 'as trained'
    model = get_model(cfg, checkpoint, ema=False)
    assert np.array_equal(picture(raw.path), picture_of(model))
    assert not np.array_equal(picture(raw.path), averaged)


def picture_of(model) -> np.ndarray:
    """As ``picture``, of a built model."""
    inferencer = PoseTransferInferencer(model, size=(128, 64))
    source = np.random.default_rng(0).integers(0, 256, (128, 64, 3), np.uint8)
    points = [(8 + 3 * joint, 5 + 6 * joint) for joint in range(18)]
    return inferencer(source, pose_at(*points), pose_at(*points[::-1])).canvas.numpy()


def test_only_the_generator_is_in_it_and_where_it_is_from(
    run: tuple[Config, Path], tmp_path: Path
) -> None:
    cfg, checkpoint = run
    published = publish_model(cfg, checkpoint, tmp_path / 'new' / 'spig.safetensors')
    tensors = load_file(published.path)
    assert {key.partition('.')[0] for key in tensors} == {'generator'}
    assert {tensor.dtype for tensor in tensors.values()} <= {torch.float32, torch.int64}
    assert published.path.stat().st_size < checkpoint.stat().st_size / 3
    notes = read_metadata(published.path)
    assert notes == dict(published.metadata)
    expected = dict(
        name='spig_synthetic-128x64_tiny',
        method='SPIG',
        stage='full',
        iteration='3',
        weights='moving averages',
        training_data='synthetic people',
        licence='not stated',
        size='128x64',
        precision='float32',
    )
    assert {key: notes[key] for key in expected} == expected
    assert notes['torch_version'] == torch.__version__ and notes['posegen_version']
    # Nothing of the machine that trained.
    assert str(checkpoint.parents[2]) not in published.path.read_bytes().decode(
        'latin1'
    )


def test_the_order_of_the_parts_is_kept(
    run: tuple[Config, Path], tmp_path: Path
) -> None:
    """``Config.pretty_text`` would sort them, and so the channels behind the fusion."""
    published = publish_model(*run, tmp_path / 'spig.safetensors')
    config = read_config_text(published.metadata['config'])
    assert list(config['model']['generator']['parts']) == ['head', 'torso', 'leg']


def test_the_checksum_is_in_the_name_and_the_same_every_time(
    run: tuple[Config, Path], tmp_path: Path
) -> None:
    paths = []
    for folder in ('a', 'b'):
        published = publish_model(*run, tmp_path / folder / 'spig.safetensors')
        digest = hashlib.sha256(published.path.read_bytes()).hexdigest()
        assert digest == published.sha256
        check_sha256(published.path, published.path.stem.rsplit('-', 1)[1])
        paths.append(published.path)
    assert paths[0].name == paths[1].name == f'spig-{digest[:8]}.safetensors'
    plain = publish_model(*run, tmp_path / 'spig.safetensors', add_hash=False)
    assert plain.path == tmp_path / 'spig.safetensors'
    text = describe(plain)
    assert f"SHA256: '{plain.sha256}'" in text and 'stage: full' in text


def test_half_is_half_as_large_and_nearly_the_same(
    run: tuple[Config, Path], tmp_path: Path
) -> None:
    full = publish_model(*run, tmp_path / 'full.safetensors')
    half = publish_model(*run, tmp_path / 'half.safetensors', half=True)
    tensors = [get_model(p.path).state_dict() for p in (full, half)]
    stored = load_file(half.path)
    # What is stored is what is computed with, in 32 bits again.
    assert all(torch.equal(v, stored[k].to(v.dtype)) for k, v in tensors[1].items())
    assert all(t.dtype != torch.float16 for t in tensors[1].values())
    floats = [k for k, v in tensors[0].items() if v.is_floating_point()]
    for key in floats:
        torch.testing.assert_close(
            tensors[1][key], tensors[0][key], rtol=1e-3, atol=1e-7
        )
    assert half.metadata['precision'] == 'float16'
    difference = np.abs(picture(half.path) - picture(full.path)).max()
    assert 0 < difference < 0.02


def toy(folder: Path, gain: float) -> Path:
    model = DotTransfer()
    model.gain.data.fill_(gain)
    return save_weights(model, folder / 'toy.safetensors')


def test_weights_too_large_for_half_are_refused(tmp_path: Path) -> None:
    cfg, weights = Config(dict(model=dict(type='DotTransfer'))), toy(tmp_path, 1e6)
    with pytest.raises(WeightsError, match='gain reaches 1e.06, .* without --half'):
        publish_model(cfg, weights, tmp_path / 'out.safetensors', half=True)
    assert not list(tmp_path.glob('out*'))


def test_converted_weights_are_published_too(tmp_path: Path) -> None:
    cfg, weights = Config(dict(model=dict(type='DotTransfer'))), toy(tmp_path, 3)
    published = publish_model(
        cfg,
        weights,
        tmp_path / 'out.safetensors',
        name='dots',
        training_data='Market-1501',
    )
    assert get_model(published.path).gain.item() == 3
    notes = published.metadata
    assert notes['name'] == 'dots' and 'non-commercial' in notes['licence']
    assert 'iteration' not in notes and notes['size'] == 'not stated'
    mine = publish_model(cfg, weights, tmp_path / 'b.safetensors', licence='CC0-1.0')
    assert mine.metadata['licence'] == 'CC0-1.0'


def test_notes_are_kept(tmp_path: Path) -> None:
    cfg, weights = Config(dict(model=dict(type='DotTransfer'))), toy(tmp_path, 3)
    notes = dict(seed='0', hardware='two cores of a CPU')
    published = publish_model(cfg, weights, tmp_path / 'a.safetensors', notes=notes)
    assert notes.items() <= read_metadata(published.path).items()
    assert 'hardware: two cores of a CPU' in describe(published)
    assert f'Weights: package:{published.path.name}' in describe(published)
    with pytest.raises(ConfigError, match='called config, name: that is stored anyway'):
        publish_model(
            cfg, weights, tmp_path / 'b.safetensors', notes=dict(name='b', config='')
        )
    assert not list(tmp_path.glob('b*'))


def test_mistakes_are_named(run: tuple[Config, Path], tmp_path: Path) -> None:
    cfg, checkpoint = run
    with pytest.raises(ConfigError, match=r'--out must end in \.safetensors'):
        publish_model(cfg, checkpoint, tmp_path / 'a.pth')
    other = read_model_config('gfla_synthetic-128x64_tiny')
    with pytest.raises(WeightsError, match='does not fit the model GFLA'):
        publish_model(other, checkpoint, tmp_path / 'a.safetensors')
    content = torch.load(checkpoint, weights_only=True)
    content['posegen'].pop('ema')
    torch.save(content, tmp_path / 'raw.pth')
    with pytest.raises(WeightsError, match='no moving average'):
        publish_model(cfg, tmp_path / 'raw.pth', tmp_path / 'a.safetensors', ema=True)
    cfg = Config(dict(model=dict(type='tests.apis.toy.DotTransfer')))
    with pytest.raises(ConfigError, match=r"model\.type is 'tests\.apis"):
        publish_model(cfg, toy(tmp_path, 1), tmp_path / 'a.safetensors')
    assert not list(tmp_path.glob('a*'))


def test_a_published_file_is_tested_like_a_checkpoint(
    run: tuple[Config, Path], tmp_path: Path
) -> None:
    cfg, checkpoint = run
    published = publish_model(cfg, checkpoint, tmp_path / 'spig.safetensors')
    cfg = Config(cfg.to_dict(), filename=cfg.filename)
    cfg.test_dataloader.num_workers = 0
    cfg.test_dataloader.dataset.truth_dir = None
    cfg.work_dir = str(tmp_path / 'run')
    metrics = [
        StagedRunner(cfg, tmp_path).test(f) for f in (checkpoint, published.path)
    ]
    assert metrics[0] == metrics[1] and metrics[0]['ssim'] > 0
