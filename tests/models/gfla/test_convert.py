"""Published state dicts: what they compute, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from torch import Tensor, nn

from posegen.apis import get_model
from posegen.models.gfla.convert import (
    convert_checkpoint,
    convert_discriminator,
    convert_generator,
)
from posegen.models.gfla.generator import BODY
from posegen.registry import MODELS
from posegen.utils.checkpoint import load_state_dict_file, load_weights
from posegen.utils.errors import ConfigError, WeightsError
from tests.models.gfla.fixtures import (
    discriminator_config,
    generator_config,
    weights_by_rule,
)
from tools.model_converters import gfla as tool

SMALL = dict(base=16, flow=(8, 64))
DATA = ['fashion', 'market']


def read(path: Path) -> dict:
    return torch.load(path, weights_only=True)


def built(cfg: dict) -> nn.Module:
    return MODELS.build(cfg).eval()


def loaded_generator(cfg: dict, state_dict: dict[str, Tensor]) -> nn.Module:
    net = built(cfg)
    load_weights(net, convert_generator(state_dict))
    return net


@torch.no_grad()
def outputs_of(net: nn.Module, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
    """Under the names of the golden outputs."""
    names = ('source', 'source_pose', 'target_pose')
    out = net.transfer(*(inputs[name] for name in names))
    result = dict(image=out['image'])
    # Both count from the coarse level on.
    for index, (flow, mask) in enumerate(out['flows'][BODY].values()):
        result |= {f'flow{index}': flow, f'mask{index}': mask}
    feats = net.image_encoder.pyramid(inputs['source'])
    for index, level in enumerate(sorted(feats, reverse=True)):
        result[f'source_feature{index}'] = feats[level]
    return result


def same(ours: dict[str, Tensor], golden: dict[str, Tensor]) -> None:
    assert {'image', 'flow0', 'mask0'} <= golden.keys() <= ours.keys()
    for name, value in golden.items():
        close = 3e-4 if name.startswith(('image', 'flow')) else 5e-5
        torch.testing.assert_close(ours[name], value, rtol=0, atol=close, msg=name)


@pytest.mark.parametrize('data', DATA)
def test_generator_computes_what_the_original_does(
    data: str, shared: Callable[[str], Path]
) -> None:
    golden = read(shared(f'fixtures/gfla/generator_{data}.pt'))
    net = loaded_generator(generator_config(data, **SMALL), golden['state_dict'])
    same(outputs_of(net, golden['inputs']), golden['outputs'])


@pytest.mark.parametrize('data', DATA)
def test_generator_of_published_width(data: str, shared: Callable[[str], Path]) -> None:
    file = shared(f'fixtures/gfla/generator_{data}_fullwidth.pt')
    weights = weights_by_rule(json.loads(file.with_suffix('.json').read_text()))
    golden = read(file)
    net = loaded_generator(generator_config(data), weights)
    same(outputs_of(net, golden['inputs']), golden['outputs'])


@pytest.mark.parametrize('data', DATA)
def test_discriminator_computes_what_the_original_does(
    data: str, shared: Callable[[str], Path]
) -> None:
    golden = read(shared(f'fixtures/gfla/discriminator_{data}.pt'))
    net = built(discriminator_config(data, 16, 64))
    load_weights(net, convert_discriminator(golden['state_dict']))
    (image,) = golden['inputs'].values()
    with torch.no_grad():
        out = net(image)
    torch.testing.assert_close(out, golden['outputs']['map'], rtol=0, atol=1e-6)


# -- files made here -------------------------------------------------------------------

TINY = dict(base=4, flow=(4, 8))
RENAMES = [  # published name <- name here
    ('image_encoder.blocks.0.', 'source.block0.model.'),
    ('image_encoder.blocks.1.', 'source.encoder0.model.'),
    ('image_encoder.blocks.2.', 'source.encoder1.model.'),
    ('pose_encoder.blocks.0.', 'target.block0.model.'),
    ('pose_encoder.blocks.1.', 'target.encoder0.model.'),
    ('pose_encoder.blocks.2.', 'target.encoder1.model.'),
    *[
        entry
        for i in range(3)
        for entry in (
            (f'decoder.body.{2 * i}.body.', f'target.decoder{i}.0.model.0.model.'),
            (f'decoder.body.{2 * i + 1}.body.', f'target.decoder{i}.1.model.'),
            (
                f'decoder.body.{2 * i + 1}.shortcut.',
                f'target.decoder{i}.1.shortcut.0.',
            ),
            (f'flow_net.decoder.{i}.body.', f'flow_net.decoder{i}.model.'),
            (f'flow_net.decoder.{i}.shortcut.', f'flow_net.decoder{i}.shortcut.0.'),
            (f'flow_net.jumps.{i}.2.', f'flow_net.jump{i}.conv1.'),
        )
    ],
    ('decoder.head.2.', 'target.outconv.conv1.'),
    ('warps.2.compare.', 'target.attn1.fully_connect_layer.0.'),
    ('warps.2.score.', 'target.attn1.fully_connect_layer.2.'),
    ('flow_net.encoder.0.', 'flow_net.block0.model.'),
    *[(f'flow_net.encoder.{i + 1}.', f'flow_net.encoder{i}.model.') for i in range(4)],
    ('flow_net.flow_heads.2.', 'flow_net.output2.'),
    ('flow_net.visibility_heads.2.', 'flow_net.mask2.0.'),
]


def published_generator(net: nn.Module) -> dict[str, Tensor]:
    """The state dict that the original would have saved for the market network."""
    result = {}
    for key, value in net.state_dict().items():
        ((ours, theirs),) = [r for r in RENAMES if key.startswith(r[0])]
        name = key.replace(ours, theirs, 1)
        result[name] = value.clone()
        if '.conv1.' in name:
            result[name.replace('.conv1.', '.model.2.')] = value.clone()
    return result


def published_discriminator(net: nn.Module) -> dict[str, Tensor]:
    names = [('parametrizations.weight.original', 'weight_orig')]
    names += [(f'parametrizations.weight.0._{x}', f'weight_{x}') for x in 'uv']
    names += [('head.1.', 'conv.'), ('.body.', '.model.'), ('blocks.0.', 'block0.')]
    names += [(f'blocks.{i + 1}.', f'encoder{i}.') for i in range(3)]
    result = {}
    for key, value in net.state_dict().items():
        for ours, theirs in names:
            key = key.replace(ours, theirs)
        result[key] = value.clone()
    return result


@pytest.fixture(name='net')
def _net() -> nn.Module:
    torch.manual_seed(0)
    return built(generator_config('market', **TINY))


@pytest.fixture(name='critic')
def _critic() -> nn.Module:
    torch.manual_seed(1)
    return built(discriminator_config('market', 4, 8))


def test_number_of_published_keys(net: nn.Module, critic: nn.Module) -> None:
    assert len(published_generator(net)) == 196
    assert len(published_discriminator(critic)) == 40


def test_names_come_back(net: nn.Module, critic: nn.Module) -> None:
    there = published_generator(net), published_discriminator(critic)
    back = convert_generator(there[0]), convert_discriminator(there[1])
    for part, ours in zip((net, critic), back):
        own = part.state_dict()
        assert ours.keys() == own.keys()
        assert all(torch.equal(ours[key], own[key]) for key in own)


def test_a_wrapper_name_is_taken_off(net: nn.Module) -> None:
    wrapped = {f'module.{k}': v for k, v in published_generator(net).items()}
    assert convert_generator(wrapped).keys() == net.state_dict().keys()


@pytest.mark.parametrize(
    'key',
    [
        'flow_net.block0.model.0.runing_mean',
        'target.attn7.fully_connect_layer.0.weight',
        'gan.weight',
    ],
)
def test_a_key_left_over_is_an_error(key: str, net: nn.Module) -> None:
    published = published_generator(net) | {key: torch.zeros(1)}
    with pytest.raises(WeightsError, match=f"no place in a GFLA generator.*'{key}'"):
        built_net = built(generator_config('market', **TINY))
        load_weights(built_net, convert_generator(published))


def test_statistics_of_old_instance_norms_are_dropped(net: nn.Module) -> None:
    published = published_generator(net)
    for key in [k for k in published if k.endswith('block0.model.0.weight')]:
        stem = key.removesuffix('weight')
        published[f'{stem}running_mean'] = torch.zeros_like(published[key])
        published[f'{stem}running_var'] = torch.ones_like(published[key])
        published[f'{stem}num_batches_tracked'] = torch.tensor(3)
    assert convert_generator(published).keys() == net.state_dict().keys()


def test_statistics_of_what_is_no_norm_are_left_over(net: nn.Module) -> None:
    key = 'source.block0.model.2.running_mean'  # that is a convolution
    published = published_generator(net) | {key: torch.zeros(4)}
    with pytest.raises(WeightsError, match=f"'{key}'"):
        convert_generator(published)


def test_copies_that_differ_are_an_error(net: nn.Module) -> None:
    published = published_generator(net)
    published['flow_net.jump1.model.2.bias'] += 1
    with pytest.raises(WeightsError, match='name one convolution'):
        convert_generator(published)


def test_a_missing_right_vector_is_computed(critic: nn.Module) -> None:
    published = published_discriminator(critic)
    for key in [key for key in published if key.endswith('weight_v')]:
        del published[key]
    restored = built(discriminator_config('market', 4, 8))
    load_weights(restored, convert_discriminator(published))
    image = torch.rand(1, 3, 32, 16)
    with torch.no_grad():
        torch.testing.assert_close(restored(image), critic(image), atol=1e-4, rtol=0)


def test_the_file_loads_as_a_model_and_states_its_licence(
    net: nn.Module, critic: nn.Module, tmp_path: Path
) -> None:
    torch.save(published_generator(net), tmp_path / 'latest_net_G.pth')
    torch.save(published_discriminator(critic), tmp_path / 'latest_net_D.pth')
    cfg = tmp_path / 'config.py'
    model = dict(
        type='GFLA',
        generator=generator_config('market', **TINY),
        discriminators=dict(image=dict(net=discriminator_config('market', 4, 8))),
        losses=dict(adv=dict(type='GANLoss')),
    )
    cfg.write_text(f'model = {model!r}\n')
    out = convert_checkpoint(
        model,
        tmp_path / 'latest_net_G.pth',
        tmp_path / 'out.safetensors',
        tmp_path / 'latest_net_D.pth',
        cfg.read_text(),
    )
    weights = load_state_dict_file(out)
    whole = MODELS.build(model)
    load_weights(whole, weights)
    with safe_open(out, 'pt') as file:
        notes = file.metadata()
    assert 'non-commercial' in notes['licence']
    assert 'latest_net_G.pth, latest_net_D.pth' in notes['origin']
    torch.testing.assert_close(whole.generator.state_dict(), net.state_dict())
    assert get_model(cfg, out) is not None


def test_the_command_converts_and_says_what_is_wrong(
    net: nn.Module, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    published, out = tmp_path / 'latest_net_G.pth', tmp_path / 'out.safetensors'
    config = tmp_path / 'config.py'
    config.write_text(
        f"model = dict(type='GFLA', generator={generator_config('market', **TINY)!r})"
    )
    arguments = [str(published), str(out), '--config', str(config)]
    with pytest.raises(SystemExit, match='gfla: .*latest_net_G.pth'):
        tool.main(arguments)
    torch.save(published_generator(net), published)
    tool.main(arguments)
    assert f'{out} is complete' in capsys.readouterr().out
    model = get_model(config, out)
    torch.testing.assert_close(model.generator.state_dict(), net.state_dict())
    with pytest.raises(SystemExit):
        tool.main([str(published), 'out.pth', '--config', str(config)])
    assert 'must end in .safetensors' in capsys.readouterr().err


def test_a_config_without_that_discriminator_is_an_error(
    net: nn.Module, critic: nn.Module, tmp_path: Path
) -> None:
    torch.save(published_generator(net), tmp_path / 'g.pth')
    torch.save(published_discriminator(critic), tmp_path / 'd.pth')
    model = dict(type='GFLA', generator=generator_config('market', **TINY))
    paths = tmp_path / 'g.pth', tmp_path / 'out.safetensors', tmp_path / 'd.pth'
    with pytest.raises(ConfigError, match=r'discriminators.image, but .* has \[\]'):
        convert_checkpoint(model, *paths)
    assert not (tmp_path / 'out.safetensors').exists()


def test_weights_of_another_width_are_an_error(net: nn.Module, tmp_path: Path) -> None:
    torch.save(published_generator(net), tmp_path / 'g.pth')
    model = dict(type='GFLA', generator=generator_config('market', base=8, flow=(4, 8)))
    with pytest.raises(WeightsError, match='g.pth'):
        convert_checkpoint(model, tmp_path / 'g.pth', tmp_path / 'out.safetensors')
