"""Shares of the losses in the gradient at the image."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from posegen.engine import load_config
from posegen.engine.gradient_shares import (
    format_shares,
    gradient_norms,
    gradient_shares,
)
from posegen.utils.errors import ConfigError, WeightsError
from posegen.utils.paths import configs_root
from tests.helpers.pair_set import write_pair_set

TINY = configs_root() / 'spig' / 'spig_synthetic-128x64_tiny.py'


class Toy:
    """A model whose losses have gradients that are known."""

    def __init__(self) -> None:
        self.scale = torch.ones((), requires_grad=True)

    def run_generator(self, batch: dict) -> dict:
        return dict(image=batch['source_image'] * self.scale, flow=self.scale)

    def generator_losses(self, batch: dict, out: dict) -> tuple[dict, dict]:
        image = out['image']
        losses = dict(
            loss_linear=2 * image.sum(),
            loss_square=0.5 * image.square().sum(),
            loss_flow=out['flow'] * self.scale,
            loss_constant=torch.zeros(()),
        )
        return losses, dict(mean=image.mean())


def test_norms_are_those_of_gradients_by_hand() -> None:
    image = torch.randn(2, 3, 4, 5)
    norms = gradient_norms(Toy(), dict(source_image=image))
    assert norms == dict(
        loss_linear=pytest.approx(2 * image.numel() ** 0.5),
        loss_square=pytest.approx(float(image.norm())),
    )


def test_a_generator_without_an_image_has_none() -> None:
    class FlowOnly(Toy):
        def run_generator(self, batch: dict) -> dict:
            return dict(flow=self.scale)

    assert gradient_norms(FlowOnly(), dict(source_image=torch.zeros(1))) == {}


@pytest.fixture(name='options')
def _options(tmp_path: Path) -> list[str]:
    write_pair_set(tmp_path / 'data', num_people=2, views=2, size=(128, 64))
    return [
        f'data_root={tmp_path / "data"}',
        'stages.full.train_dataloader.batch_size=2',
    ]


def test_of_a_config(options: list[str]) -> None:
    one = gradient_shares(load_config(TINY, options), num_batches=1)
    assert one.keys() == {f'loss_{term}' for term in ('rec', 'adv', 'per', 'sty')}
    assert sum(share for _, share in one.values()) == pytest.approx(1)
    # Two images: each of their values pulls with the weight over their number.
    losses = load_config(TINY).model.losses
    expected = losses.rec.weight / (2 * 3 * 128 * 64) ** 0.5
    assert one['loss_rec'][0] == pytest.approx(expected, rel=1e-3)
    halved = [*options, f'model.losses.per.weight={losses.per.weight / 2}']
    half = gradient_shares(load_config(TINY, halved), num_batches=1)
    assert half['loss_per'][0] == pytest.approx(one['loss_per'][0] / 2, rel=1e-4)
    assert half['loss_sty'][0] == pytest.approx(one['loss_sty'][0], rel=1e-4)


def test_wrong_arguments(options: list[str], tmp_path: Path) -> None:
    def measure(**arguments) -> dict:
        return gradient_shares(load_config(TINY, options), **arguments)

    with pytest.raises(ConfigError, match=r"no stage 'third'; it has \['flow', 'full'"):
        measure(stage='third')
    with pytest.raises(ConfigError, match='no loss of this stage reads the generated'):
        measure(stage='flow', num_batches=1)
    with pytest.raises(WeightsError, match='none.pth'):
        measure(checkpoint=tmp_path / 'none.pth')


def test_the_table() -> None:
    text = format_shares(dict(loss_rec=(0.01, 0.25), loss_sty=(0.03, 0.75)))
    assert [line.split() for line in text.splitlines()] == [
        ['loss', 'norm', 'share'],
        ['rec', '0.01', '25.0%'],
        ['sty', '0.03', '75.0%'],
    ]
