"""Published weights give the published outputs, and nothing of them is left over."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from posegen.apis import get_model
from posegen.models.patn import PATNDiscriminator, PATNGenerator
from posegen.models.patn.convert import (
    convert_checkpoint,
    convert_discriminator,
    convert_generator,
)
from posegen.registry import MODELS
from posegen.utils.checkpoint import load_state_dict_file, load_weights, read_metadata
from posegen.utils.errors import ConfigError, WeightsError
from tests.models.patn.helpers import MODEL, golden
from tools.model_converters import patn as tool

CLOSE = dict(atol=1e-4, rtol=1e-4)  # float32 against float64, see the golden files
NORMS = dict(market='batch', fashion='instance')
GENERATORS = [
    (f'generator_{data}{suffix}', width, norm)
    for data, norm in NORMS.items()
    for suffix, width in (('', 8), ('_fullwidth', 64))
]
CRITICS = [
    (f'discriminator_{name}_{data}', channels, norm)
    for data, norm in NORMS.items()
    for name, channels in (('pb', 21), ('pp', 6))
]
Shared = Callable[[str], Path]


def streams_after(net: PATNGenerator, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
    """Image and both streams as the golden files name them."""
    found = {}
    for index in (0, 8):

        def keep(_, __, out: tuple[Tensor, Tensor], name: str = f'att{index}') -> None:
            found[f'{name}_image'], found[f'{name}_pose'] = out

        net.blocks[index].register_forward_hook(keep)
    with torch.no_grad():
        found['image'] = net.transfer(inputs['source'], inputs['poses'])
    return found


@pytest.mark.parametrize(('name', 'width', 'norm'), GENERATORS)
def test_generator_gives_the_published_outputs(
    name: str, width: int, norm: str, shared: Shared
) -> None:
    content = golden(shared(f'fixtures/patn/{name}.pt'))
    net = PATNGenerator(base_channels=width, norm=norm)
    # Files of PyTorch 0.3 have statistics that were not used.
    given = content['state_dict'] | content.get('legacy_extra', {})
    load_weights(net, convert_generator(given, net, name))
    found = streams_after(net.eval(), content['inputs'])
    assert {'image', 'att0_image', 'att0_pose', 'att8_image'} & set(content['outputs'])
    for key, expected in content['outputs'].items():
        torch.testing.assert_close(found[key], expected, **CLOSE)


@pytest.mark.parametrize(('name', 'channels', 'norm'), CRITICS)
def test_discriminator_gives_the_published_maps(
    name: str, channels: int, norm: str, shared: Shared
) -> None:
    content = golden(shared(f'fixtures/patn/{name}.pt'))
    net = PATNDiscriminator(channels, base_channels=8, norm=norm)
    load_weights(net, convert_discriminator(content['state_dict'], net, name))
    with torch.no_grad():
        out = net.eval()(content['inputs']['x'])
    if norm == 'batch':  # published with a sigmoid, which the loss has here
        out = out.sigmoid()
    torch.testing.assert_close(out, content['outputs']['map'], **CLOSE)


def test_old_statistics_are_dropped(shared: Shared) -> None:
    content = golden(shared('fixtures/patn/generator_fashion.pt'))
    net = PATNGenerator(base_channels=8, norm='instance')
    assert len(content['legacy_extra']) == 70
    given = content['state_dict'] | content['legacy_extra']
    converted = convert_generator(given, net, 'old.pth')
    assert not [key for key in converted if 'running' in key]
    # They stay an error where the norm would have used them.
    with pytest.raises(WeightsError, match=r'old\.pth'):
        convert_generator(given, PATNGenerator(base_channels=8), 'old.pth')


def published(norm: str = 'batch', blocks: int = 2) -> dict[str, Tensor]:
    """A small generator under published names, with weights that are not zero."""
    net = MODELS.build(
        dict(type='PATNGenerator', base_channels=4, num_blocks=blocks, norm=norm)
    )
    back = {
        'image_encoder.': 'model.stream1_down.',
        'pose_encoder.': 'model.stream2_down.',
        'decoder.': 'model.stream1_up.',
        'blocks.': 'model.att.',
        'image_branch.': 'conv_block_stream1.',
        'pose_branch.': 'conv_block_stream2.',
    }
    result = {}
    for key, value in net.state_dict().items():
        for ours, theirs in back.items():
            key = key.replace(ours, theirs)
        result[key] = torch.rand_like(value) if value.is_floating_point() else value
    return result


def critic(channels: int) -> dict[str, Tensor]:
    net = PATNDiscriminator(channels, base_channels=4, num_blocks=1)
    return {
        key.replace('layers.', 'model.').replace('branch.', 'conv_block.'): value
        for key, value in net.state_dict().items()
    }


def test_missing_counts_are_zero_and_wrappers_are_taken_off() -> None:
    given = {
        f'module.{key}': value
        for key, value in published().items()
        if not key.endswith('num_batches_tracked')
    }
    net = PATNGenerator(base_channels=4, num_blocks=2)
    converted = convert_generator(given, net, 'old.pth')
    counts = [v for k, v in converted.items() if k.endswith('num_batches_tracked')]
    assert counts and all(count == 0 for count in counts)
    weight = given['module.model.att.1.conv_block_stream2.6.weight']
    assert torch.equal(converted['blocks.1.pose_branch.6.weight'], weight)


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (lambda w: w | {'model.more.weight': torch.zeros(1)}, 'model.more.weight'),
        (lambda w: w | {'more': torch.zeros(1)}, 'no place for more;'),
        (
            lambda w: {k: v for k, v in w.items() if 'up.7.bias' not in k},
            r'1 missing: decoder\.7\.bias',
        ),
        (lambda w: w | {'model.stream1_up.7.bias': torch.zeros(4)}, r'\(4,\) in the'),
    ],
    ids=['left over', 'left over at the top', 'missing', 'other shape'],
)
def test_what_does_not_fit_is_an_error(change: Callable, message: str) -> None:
    net = PATNGenerator(base_channels=4, num_blocks=2)
    with pytest.raises(WeightsError, match=rf'net_G\.pth.*{message}'):
        convert_generator(change(published()), net, 'net_G.pth')


def test_another_number_of_blocks_is_an_error() -> None:
    net = PATNGenerator(base_channels=4, num_blocks=1)
    with pytest.raises(WeightsError, match=r'no place for model\.att\.1\.'):
        convert_generator(published(), net, 'net_G.pth')


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """Published files of a small model, and a config for them."""
    content = dict(G=published(), D_PP=critic(6), D_PB=critic(21))
    for name, weights in content.items():
        torch.save(weights, tmp_path / f'latest_net_net{name}.pth')
    (tmp_path / 'small.py').write_text(f'model = {MODEL!r}')
    paths = {name: tmp_path / f'latest_net_net{name}.pth' for name in content}
    return paths | dict(
        config=tmp_path / 'small.py', out=tmp_path / 'small.safetensors'
    )


def test_tool_writes_a_file_that_a_model_loads(
    files: dict[str, Path], capsys: pytest.CaptureFixture
) -> None:
    critics = ['--pp', files['D_PP'], '--pb', files['D_PB']]
    arguments = [files['G'], files['out'], '--config', files['config'], *critics]
    tool.main(list(map(str, arguments)))
    assert 'is complete' in capsys.readouterr().out
    notes = read_metadata(files['out'])
    assert all(files[name].name in notes['origin'] for name in ('G', 'D_PB', 'D_PP'))
    assert notes['licence'].startswith('MIT') and 'PATNGenerator' in notes['config']
    whole = MODELS.build(MODEL)
    load_weights(whole, files['out'])  # strictly: the discriminators are there
    model = get_model(str(files['config']), files['out'])
    conv = load_state_dict_file(files['G'])['model.stream1_up.7.weight']
    assert torch.equal(model.generator.decoder[7].weight, conv)


def test_generator_alone_is_enough_for_inference(files: dict[str, Path]) -> None:
    convert_checkpoint(MODEL, files['G'], files['out'])
    assert not [k for k in load_state_dict_file(files['out']) if 'discriminators' in k]
    get_model(str(files['config']), files['out'])


def test_one_discriminator_of_two_is_an_error(files: dict[str, Path]) -> None:
    with pytest.raises(ConfigError, match=r"given for \['pb'\].*\['pb', 'pp'\]"):
        convert_checkpoint(MODEL, files['G'], files['out'], dict(pb=files['D_PB']))
    assert not files['out'].exists()


def test_tool_refuses_in_one_line(files: dict[str, Path], tmp_path: Path) -> None:
    torch.save(dict(net=torch.nn.Linear(1, 1)), tmp_path / 'object.pth')
    common = [str(files['out']), '--config', str(files['config'])]
    with pytest.raises(SystemExit, match=r'^patn: .*object\.pth .* was refused'):
        tool.main([str(tmp_path / 'object.pth'), *common])
    with pytest.raises(SystemExit, match=r'^patn: .*netD_PP\.pth does not fit'):
        tool.main([str(files['D_PP']), *common])
    with pytest.raises(SystemExit):
        tool.main([str(files['G']), 'out.pth', *common[1:]])
