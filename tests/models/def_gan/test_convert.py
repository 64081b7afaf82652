"""Keras files of the published layout, written here, become weights that compute alike.

The published networks are restated in NumPy as Keras computes them: channels last,
kernels of its axes, transposed convolutions that scatter.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from posegen.apis import get_model
from posegen.models.def_gan import DefGANGenerator
from posegen.models.def_gan.convert import convert_checkpoint, convert_generator
from posegen.models.def_gan.keras_file import read_keras_layers
from posegen.registry import MODELS
from posegen.utils.checkpoint import load_state_dict_file, load_weights, read_metadata
from posegen.utils.errors import ConfigError, DependencyError, WeightsError
from tests.models.def_gan.helpers import MODEL, SIZE, keypoints
from tools.model_converters import def_gan as tool

h5py = pytest.importorskip('h5py')

WIDTHS = (4, 8, 8, 8, 8)  # of the small model of the helpers
Layer = tuple[str, dict[str, np.ndarray]]


class Maker:
    """Layers with random weights, named as Keras names them."""

    def __init__(self, first: int = 1) -> None:
        self.rng = np.random.default_rng(0)
        self.counters = dict.fromkeys(
            ('conv2d', 'conv2d_transpose', 'instance_normalization'), first - 1
        )

    def name(self, kind: str) -> str:
        self.counters[kind] += 1
        return f'{kind}_{self.counters[kind]}'

    def conv(self, size: int, inputs: int, outputs: int, bias: bool) -> Layer:
        scale = (inputs * size * size) ** -0.5
        kernel = self.rng.normal(0, scale, (size, size, inputs, outputs))
        weights = dict(kernel=kernel)
        if bias:
            weights['bias'] = self.rng.normal(0, 0.1, outputs)
        return self.name('conv2d'), weights

    def up(self, inputs: int, outputs: int) -> Layer:
        scale = (inputs * 4) ** -0.5
        kernel = self.rng.normal(0, scale, (4, 4, outputs, inputs))
        return self.name('conv2d_transpose'), dict(kernel=kernel)

    def norm(self) -> Layer:
        weights = dict(gamma=self.rng.normal(1, 0.2, 1), beta=self.rng.normal(0, 1, 1))
        return self.name('instance_normalization'), weights


class Network:
    """A published generator: its parts, and its layers in the order of a file."""

    def __init__(self, alternate: bool = False, pose_first: bool = False) -> None:
        maker = Maker(first=3)
        inputs = dict(image=21, pose=18)
        names = ['pose', 'image'] if pose_first else ['image', 'pose']
        steps = [(n, i) for n in names for i in range(5)]
        if alternate:
            steps.sort(key=lambda step: step[1])
        self.encoders: dict[str, list[list[Layer]]] = dict(image=[], pose=[])
        for name, level in steps:
            if level == 0:
                block = [maker.conv(3, inputs[name], WIDTHS[0], bias=True)]
            else:
                block = [maker.conv(4, WIDTHS[level - 1], WIDTHS[level], bias=False)]
                if level < 4:
                    block.append(maker.norm())
            self.encoders[name].append(block)
        self.decoder, previous = [], 0
        for level in (4, 3, 2, 1):
            up = maker.up(previous + 2 * WIDTHS[level], WIDTHS[level])
            self.decoder.append([up, maker.norm()])
            previous = WIDTHS[level]
        self.head = maker.conv(3, previous + 2 * WIDTHS[0], 3, bias=True)

    def layers(self) -> Iterator[Layer]:
        """As Keras stores them: by depth, so that the encoders alternate."""
        for pair in zip(self.encoders['image'], self.encoders['pose']):
            for depth in range(len(pair[0])):
                yield from (block[depth] for block in pair)
        for block in self.decoder:
            yield from block
        yield self.head

    def __call__(self, image: np.ndarray, pose: np.ndarray) -> np.ndarray:
        """Plain skips: (H, W, 21) and (H, W, 18) -> (H, W, 3)."""
        feats = [
            encoded(self.encoders[name], x)
            for name, x in (('image', image), ('pose', pose))
        ]
        skips = [np.concatenate(pair, -1) for pair in zip(*feats)]
        x = skips.pop()
        for (_, up), (_, norm) in self.decoder:
            x = normalised(scattered(np.maximum(x, 0), up['kernel']), norm)
            x = np.concatenate([x, skips.pop()], -1)
        weights = self.head[1]
        x = gathered(np.maximum(x, 0), weights['kernel'], 1) + weights['bias']
        return np.tanh(x)


def encoded(blocks: list[list[Layer]], x: np.ndarray) -> list[np.ndarray]:
    feats = []
    for level, block in enumerate(blocks):
        weights = block[0][1]
        if level == 0:
            x = gathered(x, weights['kernel'], 1) + weights['bias']
        else:
            x = gathered(np.where(x > 0, x, 0.2 * x), weights['kernel'], 2)
        if len(block) > 1:
            x = normalised(x, block[1][1])
        feats.append(x)
    return feats


def gathered(x: np.ndarray, kernel: np.ndarray, stride: int) -> np.ndarray:
    """Convolution with one pixel of zeros around."""
    padded = np.pad(x, ((1, 1), (1, 1), (0, 0)))
    size = kernel.shape[:2]
    windows = np.lib.stride_tricks.sliding_window_view(padded, size, axis=(0, 1))
    return np.einsum('hwcij,ijco->hwo', windows[::stride, ::stride], kernel)


def scattered(x: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Transposed convolution of stride 2; a pixel is cut off at each side."""
    height, width, _ = x.shape
    out = np.zeros((2 * height + 2, 2 * width + 2, kernel.shape[2]))
    for i in range(height):
        for j in range(width):
            patch = np.einsum('c,aboc->abo', x[i, j], kernel)
            out[2 * i : 2 * i + 4, 2 * j : 2 * j + 4] += patch
    return out[1:-1, 1:-1]


def normalised(x: np.ndarray, weights: dict[str, np.ndarray]) -> np.ndarray:
    return weights['gamma'] * (x - x.mean()) / (x.std() + 1e-3) + weights['beta']


def critic() -> list[Layer]:
    maker = Maker()
    widths = (42, 4, 8, 16, 1)
    layers = [maker.conv(4, 42, 4, bias=True)]
    for i, o in zip(widths[1:], widths[2:]):
        layers.append(maker.conv(4, i, o, bias=False))
        layers += [maker.norm()] if o > 1 else []
    return layers


def write(path: Path, layers: list[Layer], whole: bool = False) -> Path:
    """As Keras' ``save_weights``, or ``save`` for a whole model."""
    with h5py.File(path, 'w') as file:
        group = file.create_group('model_weights') if whole else file
        names = ['input_1', *(name for name, _ in layers), 'activation_1']
        group.attrs['layer_names'] = [name.encode() for name in names]
        for name in names:
            weights = dict(layers).get(name, {})
            keys = [f'{name}/{key}:0' for key in weights]
            part = group.create_group(name)
            part.attrs['weight_names'] = [key.encode() for key in keys]
            for key, value in zip(keys, weights.values()):
                part[key] = value.astype(np.float32)
    return path


def small() -> DefGANGenerator:
    return MODELS.build(dict(MODEL['generator'], warp=None)).eval()


@pytest.mark.parametrize('alternate', [False, True])
@pytest.mark.parametrize('pose_first', [False, True])
def test_converted_weights_compute_what_keras_would(
    alternate: bool, pose_first: bool, tmp_path: Path
) -> None:
    network = Network(alternate, pose_first)
    path = write(tmp_path / 'g.h5', list(network.layers()), whole=alternate)
    net = small()
    load_weights(net, convert_generator(read_keras_layers(path), net, path))
    torch.manual_seed(0)
    image = torch.rand(1, 3, *SIZE) * 2 - 1
    source, target = keypoints(1), keypoints(1, seed=1)
    with torch.no_grad():
        found = net(image, source, target)['image']
    maps = [net.heatmaps(joints, SIZE) for joints in (source, target)]
    inputs = [torch.cat([image, maps[0]], 1), maps[1]]
    expected = network(*(x[0].permute(1, 2, 0).double().numpy() for x in inputs))
    np.testing.assert_allclose(found[0].permute(1, 2, 0), expected, rtol=0, atol=1e-5)


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """Published files of the small model, and a config for it."""
    (tmp_path / 'small.py').write_text(f'model = {MODEL!r}')
    return dict(
        G=write(tmp_path / 'generator-warp-mask.h5', list(Network().layers())),
        D=write(tmp_path / 'discriminator.h5', critic()),
        config=tmp_path / 'small.py',
        out=tmp_path / 'small.safetensors',
    )


def test_tool_writes_a_file_that_a_model_loads(
    files: dict[str, Path], capsys: pytest.CaptureFixture
) -> None:
    arguments = [files['G'], files['out'], '--config', files['config']]
    tool.main(list(map(str, [*arguments, '--discriminator', files['D']])))
    assert 'is complete' in capsys.readouterr().out
    notes = read_metadata(files['out'])
    assert all(files[name].name in notes['origin'] for name in 'GD')
    assert notes['licence'].startswith('none stated: the repository Aliaksandr')
    assert 'DefGANGenerator' in notes['config']
    whole = MODELS.build(MODEL)
    load_weights(whole, files['out'])  # strictly: the discriminator is there
    model = get_model(str(files['config']), files['out'])
    kernel = dict(Network().layers())['conv2d_3']['kernel']
    expected = torch.from_numpy(kernel.transpose(3, 2, 0, 1)).float()
    assert torch.equal(model.generator.image_encoder[0].weight, expected)


def test_the_image_comes_first_in_the_discriminator(files: dict[str, Path]) -> None:
    convert_checkpoint(MODEL, files['G'], files['out'], files['D'])
    key = 'discriminators.nets.pair.layers.0.weight'
    weight = load_state_dict_file(files['out'])[key]
    published = critic()[0][1]['kernel'].transpose(3, 2, 0, 1)
    # Published: source 3, its pose 18, image 3, target pose 18.
    order = [*range(21, 24), *range(21), *range(24, 42)]
    np.testing.assert_array_equal(weight, published[:, order].astype(np.float32))


def test_generator_alone_is_enough_for_inference(files: dict[str, Path]) -> None:
    convert_checkpoint(MODEL, files['G'], files['out'])
    assert not [k for k in load_state_dict_file(files['out']) if 'discriminators' in k]
    get_model(str(files['config']), files['out'])


def changed(layers: list[Layer], name: str, **weights: np.ndarray) -> list[Layer]:
    return [(n, w | weights if n == name else w) for n, w in layers]


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (lambda x: [*x, ('dense_1', dict(kernel=np.zeros((2, 2))))], 'layer dense_1'),
        (
            lambda x: changed(x, 'conv2d_3', moving_mean=np.zeros(4)),
            'layer conv2d_3 with the weights.*moving_mean',
        ),
        (lambda x: [*x, Maker(first=90).norm()], "'instance_normalization': 11.*are"),
        (lambda x: x[:-1], "has the layers .*'conv2d': 10.*expected.*'conv2d': 11"),
        (lambda x: changed(x, 'conv2d_13', bias=np.zeros(4)), r'head\.1\.bias \(\(4'),
        (lambda x: changed(x, 'conv2d_4', bias=np.zeros(8)), r'unexpected: image_enc'),
        (
            lambda x: changed(x, 'conv2d_8', kernel=np.zeros((3, 3, 17, 4))),
            'no published generator with two encoders',
        ),
        (lambda x: [x[2], x[0], x[1], *x[3:]], 'conv2d_4 reads what comes from conv'),
    ],
    ids=[
        'another kind',
        'another weight',
        'left over',
        'missing',
        'another shape',
        'a bias too many',
        'no pose encoder',
        'another order',
    ],
)
def test_what_does_not_fit_is_an_error(
    change: Callable, message: str, tmp_path: Path
) -> None:
    path = write(tmp_path / 'g.h5', change(list(Network().layers())))
    with pytest.raises(WeightsError, match=rf'g\.h5.*{message}'):
        net = small()
        convert_generator(read_keras_layers(path), net, path)


def test_a_discriminator_needs_the_published_condition(files: dict[str, Path]) -> None:
    entries = dict(pair=dict(MODEL['discriminators']['pair'], condition=()))
    with pytest.raises(ConfigError, match=r"under the condition.*'pair': \(\)"):
        convert_checkpoint(
            dict(MODEL, discriminators=entries), files['G'], files['out'], files['D']
        )
    assert not files['out'].exists()


def test_tool_refuses_in_one_line(files: dict[str, Path], tmp_path: Path) -> None:
    common = [str(files['out']), '--config', str(files['config'])]
    (tmp_path / 'text.h5').write_text('no weights')
    h5py.File(tmp_path / 'other.h5', 'w').close()
    for name, message in (
        ('absent.h5', 'does not exist'),
        ('text.h5', 'no readable HDF5 file'),
        ('other.h5', "lacks the attribute 'layer_names'"),
        ('discriminator.h5', 'does not fit DefGANGenerator'),
    ):
        with pytest.raises(SystemExit, match=f'^def_gan: .*{name}.*{message}'):
            tool.main([str(tmp_path / name), *common])
    with pytest.raises(SystemExit):
        tool.main([str(files['G']), 'out.pth', *common[1:]])


def test_without_h5py_the_extra_is_named(
    files: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, 'h5py', None)
    with pytest.raises(DependencyError, match=r"'h5py'.*posegen\[convert\]"):
        read_keras_layers(files['G'])
