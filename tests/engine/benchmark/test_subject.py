"""Models of cases: built as the runner builds them, with nothing fetched."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope

from posegen.engine.benchmark.subject import build_subject, without_fetched_weights
from posegen.engine.optim_wrappers import AmpOptimWrapper
from posegen.utils.errors import ConfigError
from tests.engine.benchmark.helpers import STAGES, averaged_file, tiny_case


@pytest.mark.parametrize(('method', 'stage'), STAGES)
def test_trains_and_generates(method: str, stage: str) -> None:
    subject = build_subject(tiny_case(method, stage, size=(128, 64)), training=True)
    before = [p.clone() for p in subject.model.generator.parameters()]
    logs = subject.train_step()
    assert any(key.startswith('loss_') for key in logs)
    after = list(subject.model.generator.parameters())
    assert any(not torch.equal(*pair) for pair in zip(before, after))
    subject.model.eval()
    image = subject.generate(subject.inputs())['image']
    assert image.shape == (2, 3, 128, 64)


def test_the_optimizers_are_those_of_the_config() -> None:
    subject = build_subject(tiny_case('patn'), training=True)
    assert subject.model.training
    assert set(subject.optimizers.keys()) == {
        'generator',
        'discriminator_pp',
        'discriminator_pb',
    }
    group = subject.optimizers['generator'].optimizer.param_groups[0]
    assert (group['lr'], group['betas']) == (1e-3, (0.5, 0.999))


def test_for_inference_there_are_no_optimizers() -> None:
    subject = build_subject(tiny_case(), training=False)
    assert subject.optimizers is None
    assert not subject.model.training


@pytest.mark.parametrize(
    ('feature_net', 'replaced'),
    [
        (dict(type='VGG19Features', weights='imagenet'), "'imagenet'"),
        (dict(type='VGG19Features'), "'imagenet'"),
        (dict(type='EfficientNetLite0Features'), "'package'"),
        (dict(type='VGG19Features', weights='random'), None),
        (dict(type='VGG19Features', weights='mine.pth'), None),
        (dict(type='ResBlock', channels=3), None),
        (None, None),
    ],
)
def test_weights_that_would_be_fetched_are_random(
    feature_net: dict | None, replaced: str | None
) -> None:
    init_default_scope('posegen')
    cfg = Config(dict(model=dict(feature_net=feature_net)))
    notes = without_fetched_weights(cfg)
    if replaced is None:
        assert notes == []
        assert cfg.to_dict()['model']['feature_net'] == feature_net
    else:
        (note,) = notes
        assert f"feature_net.weights='random' in place of {replaced}" in note
        assert cfg.model.feature_net.weights == 'random'


def test_gradients_of_several_batches_count_all_their_images() -> None:
    options = ('train_cfg.accumulate=3',)
    subject = build_subject(tiny_case(options=options), training=True)
    assert len(subject.data) == 3
    assert subject.images_a_step == 6
    first, second, _ = (batch['source_image'] for batch in subject.data)
    assert not torch.equal(first, second)
    assert subject.train_step()
    assert len(subject.inputs()['source_image']) == 2


def test_a_moving_average_is_part_of_a_step(tmp_path: Path) -> None:
    file = averaged_file(tmp_path)
    subject = build_subject(tiny_case(config=file), training=True)
    subject.train_step()  # the means begin with the weights after it
    start = [p.clone() for p in subject.model.generator.parameters()]
    subject.train_step()
    means = subject.average.averages.module.parameters()
    for before, after, mean in zip(start, subject.model.generator.parameters(), means):
        torch.testing.assert_close(mean, (before + after) / 2)


@pytest.mark.parametrize('compiled', [True, False])
def test_networks_are_compiled_as_the_config_says(
    compiled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    monkeypatch.setattr(
        'posegen.engine.benchmark.subject.compile_networks',
        lambda model, **settings: asked.append((model, settings)),
    )
    options = ('compile.networks=[generator]', 'compile.backend=eager')
    case = tiny_case('gfla', options=options)
    model = build_subject(case, training=True, compiled=compiled).model
    expected = dict(networks=['generator'], backend='eager')
    assert asked == ([(model, expected)] if compiled else [])


def test_mixed_precision_is_that_of_the_training_command() -> None:
    subject = build_subject(tiny_case(amp='bf16'), training=True)
    wrapper = subject.optimizers['generator']
    assert isinstance(wrapper, AmpOptimWrapper)
    assert wrapper.dtype == torch.bfloat16
    assert subject.train_step()


def test_a_part_that_cannot_be_built_is_named() -> None:
    case = tiny_case(options=('model.generator.hdc.dilation=3',))
    with pytest.raises(ConfigError, match='model.generator.*dilation'):
        build_subject(case, training=False)
