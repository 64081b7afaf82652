"""VU-Net's training step: what it reconstructs, calibration, the ramp, the canvas."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from mmengine.logging import MessageHub
from torch.utils.data import default_collate

from posegen.datasets import PosePairDataset
from posegen.models.preprocessor import to_unit_range
from posegen.models.vunet import VUNet, VUNetGenerator
from posegen.models.vunet.crops import PART_NAMES
from tests.models.vunet.helpers import MODEL, SIZE, batch, build, wrappers


@pytest.fixture
def hub() -> MessageHub:
    """What the runner tells models."""
    hub = MessageHub.get_current_instance()
    before = hub.get_info('iter', 0)
    yield hub
    hub.update_info('iter', before)


@pytest.fixture
def calibrations(monkeypatch: pytest.MonkeyPatch) -> list[torch.Tensor]:
    """Images that generators were calibrated on."""
    calls = []
    original = VUNetGenerator.calibrate

    def noted(self: VUNetGenerator, image: torch.Tensor, keypoints: torch.Tensor):
        calls.append(image)
        original(self, image, keypoints)

    monkeypatch.setattr(VUNetGenerator, 'calibrate', noted)
    return calls


def test_a_step_trains_all_but_what_nothing_reads() -> None:
    model = build()
    optimisers = wrappers(model)
    model.train_step(batch(), optimisers)
    before = deepcopy(model.state_dict())
    logs = model.train_step(batch(), optimisers)
    assert set(logs) == {'loss_rec', 'loss_per', 'loss_kl', 'kl', 'kl_weight'}
    assert all(torch.as_tensor(value).isfinite() for value in logs.values())
    still = {k for k, v in model.state_dict().items() if torch.equal(v, before[k])}
    frozen = {k for k, p in model.named_parameters() if not p.requires_grad}
    assert still == frozen | {'generator.is_calibrated'}


def test_the_target_reconstructs_itself() -> None:
    model = build()
    data = model.training_batch(batch())
    expected = to_unit_range(batch()['target_image'])
    assert torch.equal(data['source_image'], expected)
    assert torch.equal(data['target_image'], expected)
    assert torch.equal(data['source_keypoints'], batch()['target_keypoints'])
    # Nothing of a step depends on the source, once the model is calibrated.
    logs = []
    for changes in ({}, dict(source_image=torch.zeros_like(batch()['source_image']))):
        model = build()
        model.generator.is_calibrated.fill_(True)
        torch.manual_seed(3)
        logs.append(model.train_step(batch() | changes, wrappers(model)))
    assert logs[0] == logs[1]


def test_values_are_those_of_the_losses() -> None:
    model = build(
        feature_net=None, losses={key: MODEL['losses'][key] for key in ('rec', 'kl')}
    )
    data = model.training_batch(batch())
    out = model.run_generator(data)
    losses, monitors = model.generator_losses(data, out)
    expected = 5 * F.l1_loss(out['image'], data['target_image'])
    torch.testing.assert_close(losses['loss_rec'], expected)
    divergence = sum(
        0.5 * (q - p).square().sum() / 2
        for q, p in zip(out['posteriors'], out['priors'])
    )
    torch.testing.assert_close(monitors['kl'], divergence)
    torch.testing.assert_close(losses['loss_kl'], 1e-6 * divergence)


@pytest.mark.parametrize(
    ('iteration', 'weight'), [(0, 1e-6), (15, 0.5000005), (30, 1.0)]
)
def test_the_ramp_follows_the_runners_iteration(
    hub: MessageHub, iteration: int, weight: float
) -> None:
    model = build()
    hub.update_info('iter', iteration)
    logs = model.train_step(batch(), wrappers(model))
    assert logs['kl_weight'] == pytest.approx(weight)
    assert float(logs['loss_kl'].detach()) == pytest.approx(
        weight * float(logs['kl']), rel=1e-5
    )


def test_is_calibrated_once_on_both_images_of_the_first_batch(
    calibrations: list,
) -> None:
    model = build()
    optimisers = wrappers(model)
    for seed in (1, 2):
        model.train_step(batch(seed=seed), optimisers)
    assert len(calibrations) == 1
    both = torch.cat([batch()['source_image'], batch()['target_image']])
    assert torch.equal(calibrations[0], to_unit_range(both))


def test_weights_remember_that_they_are_calibrated(
    calibrations: list, tmp_path: Path
) -> None:
    trained = build()
    trained.train_step(batch(), wrappers(trained))
    torch.save(trained.state_dict(), tmp_path / 'weights.pth')
    resumed = build()
    resumed.load_state_dict(torch.load(tmp_path / 'weights.pth', weights_only=True))
    resumed.train_step(batch(seed=2), wrappers(resumed))
    assert len(calibrations) == 1


def test_transfers_the_source(calibrations: list) -> None:
    model = build().eval()
    samples = model.val_step(batch())
    assert samples[0]['image'].shape == (3, *SIZE)
    assert samples[0]['image'].dtype == torch.uint8
    assert samples[1]['source_name'] == 's1.jpg'
    assert not calibrations  # evaluation changes nothing
    other = batch() | dict(source_image=255 - batch()['source_image'])
    assert not torch.equal(model.val_step(other)[0]['image'], samples[0]['image'])
    other = batch() | dict(target_image=255 - batch()['target_image'])
    assert torch.equal(model.val_step(other)[0]['image'], samples[0]['image'])


def test_generated_images_stay_in_range() -> None:
    model = build().eval()
    with torch.no_grad():
        model.generator.head.b.fill_(5)
    data = model.data_preprocessor(batch(), training=False)
    inputs = [data[k] for k in ('source_image', 'source_keypoints', 'target_keypoints')]
    image = model.generate(*inputs)['image']
    assert image.max() == 1 and image.min() >= -1


def test_canvas_stretches_images_and_joints_and_brings_images_back() -> None:
    model = build(canvas=(64, 64))
    data = model.training_batch(batch())
    raw = batch()
    assert data['target_image'].shape == (2, 3, 64, 64)
    # Twice as wide: a joint in the middle of a pixel moves with the pixel's middle.
    before, after = raw['target_keypoints'], data['target_keypoints']
    torch.testing.assert_close(after[..., 0], 2 * before[..., 0] + 0.5)
    torch.testing.assert_close(after[..., 1:], before[..., 1:])
    logs = model.train_step(raw, wrappers(model))
    assert torch.as_tensor(logs['loss_rec']).isfinite()
    assert model.eval().val_step(raw)[0]['image'].shape == (3, *SIZE)


def test_a_canvas_of_the_images_size_is_none() -> None:
    images = [
        build(canvas=canvas).eval().val_step(batch())[0]['image']
        for canvas in (SIZE, None)
    ]
    assert torch.equal(*images)


def test_a_discriminator_can_be_added() -> None:
    critic = dict(type='ResDiscriminator', base_channels=4, num_downs=2)
    model = build(
        discriminators=dict(image=dict(net=critic, condition=('target_pose',))),
        losses=MODEL['losses'] | dict(adv=dict(type='GANLoss')),
    )
    logs = model.train_step(batch(), wrappers(model))
    assert {'loss_adv', 'loss_d_image'} <= set(logs)


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (dict(losses=dict(rec=dict(type='L1Loss'))), r'losses\.kl is missing'),
        (dict(feature_net=None), r"losses \['per'\] need a feature_net"),
    ],
)
def test_contradictions_are_named(changes: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build(**changes)


def test_inference_needs_no_losses() -> None:
    model = build(losses=None, feature_net=None).eval()
    assert isinstance(model, VUNet)
    assert model.val_step(batch())[0]['image'].shape == (3, *SIZE)


def test_steps_on_real_photos_in_the_published_geometry(
    shared: Callable[[str], Path],
) -> None:
    data = PosePairDataset(
        data_root=str(shared('data/real/market1501')),
        image_dir='bounding_box_test',
        annotation_file='market-annotation-test.csv',
        pair_file='market-pairs-test.csv',
        image_size=(128, 64),
        annotation_size=(128, 64),
    )
    pairs = default_collate([data[index] for index in range(3)])
    model = build(dict(num_levels=7, parts=PART_NAMES), canvas=(128, 128))
    optimisers = wrappers(model)
    for _ in range(2):
        logs = model.train_step(pairs, optimisers)
        assert all(torch.as_tensor(value).isfinite() for value in logs.values())
    sample = model.eval().val_step(pairs)[0]
    assert sample['image'].shape == (3, 128, 64)
