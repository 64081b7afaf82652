"""Which cases a command line makes, and what each one's config is."""

from __future__ import annotations

from pathlib import Path

import pytest

from posegen.engine.benchmark import make_cases
from posegen.utils.errors import ConfigError
from posegen.utils.paths import configs_root
from tests.engine.benchmark.helpers import tiny_case, tiny_file


def test_what_is_not_given_comes_from_the_config() -> None:
    cases = make_cases([tiny_file(), tiny_file('patn')])
    found = [(c.stage, c.size, c.batch_size, c.amp, c.device) for c in cases]
    assert found == [
        ('flow', (128, 64), 16, 'off', 'cpu'),
        ('full', (128, 64), 8, 'off', 'cpu'),
        ('full', (128, 64), 8, 'off', 'cpu'),
    ]


def test_every_combination_of_what_is_given() -> None:
    sizes, batches, amp = [(64, 64), (128, 128)], [1, 2], ['off', 'bf16']
    cases = make_cases([tiny_file()], sizes, batches, 'full', precisions=amp)
    assert len({(c.size, c.batch_size, c.amp) for c in cases}) == len(cases) == 8
    assert {case.stage for case in cases} == {'full'}


def test_the_paper_s_batch_and_size_are_the_default_of_its_config() -> None:
    file = configs_root() / 'spig' / 'spig_deepfashion-256x256.py'
    cases = make_cases([str(file)], device='cuda', precisions=['off', 'fp16'])
    assert {(c.size, c.batch_size) for c in cases} == {((256, 256), 6)}
    assert [(c.stage, c.amp) for c in cases] == [
        ('flow', 'off'),
        ('flow', 'fp16'),
        ('full', 'off'),
        ('full', 'fp16'),
    ]


def test_options_and_replacements_reach_the_config() -> None:
    block = dict(type='NonLocalBlock')
    case = tiny_case(
        options=('model.generator.crop=False',),
        replaced=(('model.generator.pnb', block), ('model.generator.hdc', None)),
    )
    cfg = case.load()
    assert cfg.model.train_stage == 'full'
    assert cfg.model.generator.crop is False
    assert cfg.model.generator.pnb == block
    assert cfg.model.generator.hdc is None


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (dict(stage='third'), r"has no stage 'third'; it has \['full'\]"),
        (dict(precisions=['fp16']), '--amp fp16 needs a GPU'),
        (dict(options=['train_dataloader.batch_size=None']), 'give --batch-size'),
        (dict(options=['train_dataloader.dataset.image_size=None']), 'give --size'),
    ],
)
def test_what_cannot_be_is_an_error(arguments: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make_cases([tiny_file('patn')], **arguments)


@pytest.mark.parametrize('key', ['model.generator.nothing', 'model.nothing.pnb'])
def test_only_what_is_there_can_be_replaced(key: str) -> None:
    with pytest.raises(ConfigError, match='has no (section )?model.(gen|nothing)'):
        tiny_case(replaced=((key, None),)).load()


def test_the_size_of_a_set_inside_another_is_found(tmp_path: Path) -> None:
    file = tmp_path / 'wrapped.py'
    file.write_text(
        f'_base_ = [{tiny_file()!r}]\n'
        "train_dataloader = dict(dataset=dict(_delete_=True, type='ConcatDataset', "
        'datasets=[dict(image_size=(64, 32)), dict(image_size=(64, 32))]))\n'
    )
    assert make_cases([str(file)])[0].size == (64, 32)
