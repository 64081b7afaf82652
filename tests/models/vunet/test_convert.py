"""Weights as TensorFlow stores them find their places, and nothing is left over."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from posegen.apis import get_model
from posegen.models.vunet import VUNetGenerator
from posegen.models.vunet.blocks import WeightNormConv2d
from posegen.models.vunet.convert import (
    SCOPES,
    convert_checkpoint,
    convert_generator,
    read_arrays,
)
from posegen.registry import MODELS
from posegen.utils.checkpoint import load_weights, read_metadata
from posegen.utils.errors import WeightsError
from tests.models.vunet.helpers import (
    MODEL,
    build_generator,
    keypoints,
    smooth_images,
)
from tools.model_converters import vunet as tool

Arrays = dict[str, np.ndarray]


def calls(net: VUNetGenerator) -> list[tuple[str, WeightNormConv2d]]:
    """Layers with their networks, in the order in which they run."""
    # The published graph goes on behind its last latent.
    unread, posterior = [], net.posterior
    for block in (posterior.scales[-1].merge, posterior.scales[-1].up, posterior.last):
        unread += [m for m in block.modules() if isinstance(m, WeightNormConv2d)]
    seen: list[WeightNormConv2d] = []
    hooks = [
        layer.register_forward_hook(lambda layer, _, __: seen.append(layer))
        for layer in net.modules()
        if isinstance(layer, WeightNormConv2d)
    ]
    with torch.no_grad():
        net(smooth_images(1, 0), keypoints(1, 1), keypoints(1, 2))
    for hook in hooks:
        hook.remove()
    owners = {
        layer: scope
        for scope, name in SCOPES.items()
        for layer in getattr(net, name).modules()
    }
    return [(owners[layer], layer) for layer in [*seen, *unread]]


def published(net: VUNetGenerator) -> Arrays:
    """The net's weights as the exporting script finds them."""
    arrays: Arrays = {}
    counts: dict[tuple[str, str], int] = {}
    for scope, layer in calls(net):
        v = layer.v.detach()
        kind = 'dense' if v.shape[-1] == 1 else 'conv2d'
        number = counts.setdefault((scope, kind), 0)
        counts[scope, kind] += 1
        name = f'{scope}/{kind}_{number}'
        # A matrix (in, out) or filters (h, w, in, out).
        v = v[..., 0, 0].T if kind == 'dense' else v.permute(2, 3, 1, 0)
        arrays[f'{name}/V'] = v.contiguous().numpy()
        arrays[f'{name}/g'] = layer.g.detach().numpy()
        arrays[f'{name}/b'] = layer.b.detach().numpy()
    return arrays


@pytest.fixture
def net() -> VUNetGenerator:
    """A generator whose every parameter is its own."""
    net = build_generator().eval()
    torch.manual_seed(7)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.copy_(torch.rand_like(parameter) + 0.1)
    return net


@pytest.fixture
def files(net: VUNetGenerator, tmp_path: Path) -> dict[str, Path]:
    np.savez(tmp_path / 'published.npz', **published(net))
    (tmp_path / 'small.py').write_text(f'model = {MODEL!r}')
    names = dict(npz='published.npz', config='small.py', out='small.safetensors')
    return {key: tmp_path / name for key, name in names.items()}


def test_every_weight_finds_its_place(net: VUNetGenerator) -> None:
    arrays = published(net)
    assert {name.split('/')[0] for name in arrays} == set(SCOPES)
    assert len(arrays) == len(list(net.parameters()))
    converted = convert_generator(arrays, build_generator(), 'published.npz')
    own = net.state_dict()
    assert converted.keys() == own.keys()
    assert converted.pop('is_calibrated')
    assert all(torch.equal(value, own[key]) for key, value in converted.items())


def test_tool_writes_a_file_that_a_model_loads(
    net: VUNetGenerator, files: dict[str, Path], capsys: pytest.CaptureFixture
) -> None:
    tool.main([str(files['npz']), str(files['out']), '--config', str(files['config'])])
    assert 'is complete' in capsys.readouterr().out
    notes = read_metadata(files['out'])
    assert 'VU-Net (Esser et al., CVPR 2018), published.npz' in notes['origin']
    assert 'none stated' in notes['licence'] and 'VUNetGenerator' in notes['config']
    load_weights(MODELS.build(MODEL), files['out'])  # strictly
    model = get_model(str(files['config']), files['out'])
    inputs = smooth_images(2, 0), keypoints(2, 1), keypoints(2, 2)
    with torch.no_grad():
        expected = net(*inputs)['image'].clamp(-1, 1)
        assert torch.equal(model.generate(*inputs)['image'], expected)


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (
            lambda a: a | {'enc_up/conv2d_0/V/Adam': np.zeros(1)},
            'no place for enc_up/conv2d_0/V/Adam;',
        ),
        (
            lambda a: {k: v for k, v in a.items() if k != 'dec_params/conv2d_0/g'},
            'it lacks dec_params/conv2d_0/g;',
        ),
        (
            lambda a: a | {'enc_up/dense_0/V': a['enc_up/dense_0/V'].T},
            r'enc_up/dense_0/V has the shape \(4, 24\)|dense_0/V has the shape',
        ),
        (
            lambda a: a | {'dec_params/conv2d_0/b': np.zeros(4, np.float32)},
            r'dec_params/conv2d_0/b has the shape \(4,\), but head\.b is \(3,\)',
        ),
    ],
    ids=['left over', 'missing', 'transposed', 'other shape'],
)
def test_what_does_not_fit_is_an_error(
    net: VUNetGenerator, change: Callable[[Arrays], Arrays], message: str
) -> None:
    with pytest.raises(WeightsError, match=rf'published\.npz.*({message})'):
        convert_generator(change(published(net)), build_generator(), 'published.npz')


def test_another_number_of_levels_is_an_error(net: VUNetGenerator) -> None:
    with pytest.raises(WeightsError, match='published.npz does not fit .*it lacks'):
        convert_generator(
            published(net), build_generator(num_levels=6), 'published.npz'
        )


def test_files_that_run_code_or_are_damaged_are_refused(tmp_path: Path) -> None:
    path = tmp_path / 'objects.npz'
    np.savez(path, weights=np.array([object()], dtype=object))
    with pytest.raises(WeightsError, match=r'objects\.npz is no readable \.npz'):
        read_arrays(path)
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(WeightsError, match='is no readable'):
        read_arrays(path)
    np.save(tmp_path / 'single.npy', np.zeros(3))
    with pytest.raises(WeightsError, match='is no readable'):
        read_arrays(tmp_path / 'single.npy')
    with pytest.raises(WeightsError, match='does not exist'):
        read_arrays(tmp_path / 'nothing.npz')


def test_tool_refuses_in_one_line(files: dict[str, Path], tmp_path: Path) -> None:
    np.savez(tmp_path / 'other.npz', x=np.zeros(1))
    common = [str(files['out']), '--config', str(files['config'])]
    with pytest.raises(SystemExit, match=r'^vunet: .*other\.npz does not fit'):
        tool.main([str(tmp_path / 'other.npz'), *common])
    assert not files['out'].exists()
    with pytest.raises(SystemExit):
        tool.main([str(files['npz']), 'out.pth', *common[1:]])


def test_nothing_is_written_when_the_file_does_not_fit(
    files: dict[str, Path], tmp_path: Path
) -> None:
    np.savez(tmp_path / 'empty.npz')
    with pytest.raises(WeightsError, match='it lacks'):
        convert_checkpoint(MODEL, tmp_path / 'empty.npz', files['out'])
    assert not files['out'].exists()
