"""Published Def-GAN weights (Keras HDF5) to the names of the networks here.

Names of Keras' layers tell their kind and in which order they were made, not what they
are for; in the order of the file the two encoders alternate. So layers are taken in the
order of their counters, the first convolution of each encoder is known by its input
channels, and the order of the file is the check.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from posegen.codecs import NUM_JOINTS
from posegen.models.def_gan.discriminator import DefGANDiscriminator
from posegen.models.def_gan.generator import DefGANGenerator
from posegen.models.def_gan.keras_file import KerasLayer, read_keras_layers
from posegen.models.discriminators import DiscriminatorSet
from posegen.registry import MODELS
from posegen.utils.checkpoint import load_weights, save_weights
from posegen.utils.errors import ConfigError, WeightsError

ORIGIN = (
    'converted from published weights of Def-GAN (Siarohin et al., CVPR 2018), {files}'
)
LICENCE = (
    'none stated: the repository AliaksandrSiarohin/pose-gan that they come with has '
    'no licence file, so ask its authors before use beyond research; the photos they '
    'were trained on are for non-commercial research only'
)

#: What the published discriminator sees beside the image.
CONDITION = ('source_image', 'source_pose', 'target_pose')
#: Its input as published.
_PUBLISHED_ORDER = ('source_image', 'source_pose', 'image', 'target_pose')
_CHANNELS = dict(image=3, source_image=3, source_pose=NUM_JOINTS)
_CHANNELS['target_pose'] = NUM_JOINTS

Named = str | Path
Places = dict[str, KerasLayer]


def convert_generator(
    layers: list[KerasLayer], generator: DefGANGenerator, source: Named
) -> dict[str, Tensor]:
    """A published generator's weights under the names of :class:`DefGANGenerator`.

    Args:
        layers: What :func:`~posegen.models.def_gan.keras_file.read_keras_layers` gives.
        generator: The network that they are for.
        source: What to call them in messages.

    Returns:
        The generator's own state dict with their values.

    Raises:
        WeightsError: A layer is left over or missing, a shape differs, or names and
            order of the layers contradict each other.
    """
    levels = len(generator.image_encoder)
    depth, inner = levels - 1, levels - 2
    kinds = dict(
        conv2d=2 * levels + 1,
        conv2d_transpose=depth,
        instance_normalization=2 * inner + depth,
    )
    convs, ups, norms = _by_kind(layers, kinds, generator, source)
    names, alternate = _encoder_order(convs, levels, source)
    encoder_convs = _shared_out(convs[:-1], alternate)
    encoder_norms = _shared_out(norms[: 2 * inner], alternate)
    places = {'head.1': convs[-1]}
    for name, own_convs, own_norms in zip(names, encoder_convs, encoder_norms):
        chain = {f'{name}.0': own_convs[0]}
        for level, conv in enumerate(own_convs[1:], start=1):
            chain[f'{name}.{level}.1'] = conv
            if level <= inner:
                chain[f'{name}.{level}.2'] = own_norms[level - 1]
        places |= _in_order(chain, source)
    decoder = zip(ups, norms[2 * inner :])
    chain = {
        f'decoder.{block}.{place}': layer
        for block, pair in enumerate(decoder)
        for place, layer in enumerate(pair, start=1)
    }
    return _loaded(generator, places | _in_order(chain, source), source)


def convert_discriminator(
    layers: list[KerasLayer], discriminator: DefGANDiscriminator, source: Named
) -> dict[str, Tensor]:
    """A published discriminator's weights under the names used here.

    Published ones read source, its pose, the image and the target pose; here the image
    comes first, and the channels are sorted accordingly.

    Args:
        layers: What :func:`~posegen.models.def_gan.keras_file.read_keras_layers` gives.
        discriminator: The network that they are for, conditioned on
            :data:`CONDITION`.
        source: What to call them in messages.

    Returns:
        The discriminator's own state dict with their values.

    Raises:
        WeightsError: As :func:`convert_generator`.
    """
    count = len(discriminator.layers)
    kinds = dict(conv2d=count, instance_normalization=count - 2)
    convs, norms = _by_kind(layers, kinds, discriminator, source)
    chain = {'layers.0': _image_first(convs[0])}
    for index, conv in enumerate(convs[1:], start=1):
        chain[f'layers.{index}.1'] = conv
        if index < count - 1:
            chain[f'layers.{index}.2'] = norms[index - 1]
    return _loaded(discriminator, _in_order(chain, source), source)


def convert_checkpoint(
    model: Mapping,
    generator: str | Path,
    out: str | Path,
    discriminator: str | Path | None = None,
    config_text: str = '',
) -> Path:
    """Write a file that ``posegen test`` and ``get_model`` load.

    Args:
        model: The ``model`` section of the config that the weights are for.
        generator: Published generator with two encoders (``generator-warp-mask*.h5``).
        out: ``.safetensors`` file to write; origin and licence are stated inside.
        discriminator: Its discriminator, for the only one of the config; without it the
            file is good for inference.
        config_text: Text of the config, kept in the file.

    Returns:
        ``out``.

    Raises:
        ConfigError: The config's discriminator is not the published one.
        DependencyError: h5py is not installed.
        WeightsError: A file can't be read or does not fit.
    """
    net = MODELS.build(dict(model['generator']))
    loaded = convert_generator(read_keras_layers(generator), net, generator)
    result = {f'generator.{key}': value for key, value in loaded.items()}
    if discriminator is not None:
        name, critic = _critic(model)
        layers = read_keras_layers(discriminator)
        loaded = convert_discriminator(layers, critic, discriminator)
        prefix = f'discriminators.nets.{name}.'
        result |= {f'{prefix}{key}': value for key, value in loaded.items()}
    files = [path for path in (generator, discriminator) if path is not None]
    names = ', '.join(Path(path).name for path in files)
    notes = dict(origin=ORIGIN.format(files=names), licence=LICENCE)
    return save_weights(result, out, config_text, notes)


def _critic(model: Mapping) -> tuple[str, nn.Module]:
    entries = DiscriminatorSet(model.get('discriminators') or {})
    if list(entries.conditions.values()) != [CONDITION]:
        raise ConfigError(
            'the published discriminator is for a config with one discriminator under '
            f'the condition {CONDITION}, but the config has {entries.conditions}; '
            'leave the discriminator out, or use the config of these weights'
        )
    return next(iter(entries.nets.items()))


def _by_kind(
    layers: list[KerasLayer], kinds: Mapping[str, int], net: nn.Module, source: Named
) -> list[list[KerasLayer]]:
    """Layers of each kind in the order of their counters, as many as expected."""
    found = {
        kind: sorted((x for x in layers if x.kind == kind), key=lambda x: x.counter)
        for kind in {*kinds, *(layer.kind for layer in layers)}
    }
    counts = {kind: len(some) for kind, some in found.items()}
    if counts != dict(kinds):
        raise WeightsError(
            f'{source} does not fit {type(net).__name__}: it has the layers {counts}, '
            f'expected are {dict(kinds)}; use the config of these weights.'
        )
    return [found[kind] for kind in kinds]


def _encoder_order(
    convs: list[KerasLayer], levels: int, source: Named
) -> tuple[list[str], bool]:
    """Which encoder was made first, and whether they were made level by level."""
    names = {3 + NUM_JOINTS: 'image_encoder', NUM_JOINTS: 'pose_encoder'}
    first = {
        index: names[conv.weights['weight'].shape[1]]
        for index, conv in enumerate(convs[:-1])
        if conv.weights['weight'].shape[1] in names
    }
    if list(first) not in ([0, 1], [0, levels]) or len(set(first.values())) != 2:
        raise WeightsError(
            f'{source} is no published generator with two encoders: the convolutions '
            f'that read {NUM_JOINTS} and {3 + NUM_JOINTS} channels are {first} in the '
            'order in which they were made.'
        )
    return list(first.values()), list(first) == [0, 1]


def _shared_out(
    layers: list[KerasLayer], alternate: bool
) -> tuple[list[KerasLayer], list[KerasLayer]]:
    if alternate:
        return layers[::2], layers[1::2]
    return layers[: len(layers) // 2], layers[len(layers) // 2 :]


def _in_order(chain: Places, source: Named) -> Places:
    """The chain, if the file too has each of its layers behind the one before."""
    layers = list(chain.values())
    for before, after in zip(layers, layers[1:]):
        if after.position < before.position:
            raise WeightsError(
                f'{source}: by their names {after.name} reads what comes from '
                f'{before.name}, but the file has it in front; its layers were named '
                'otherwise than the published ones.'
            )
    return chain


def _image_first(conv: KerasLayer) -> KerasLayer:
    weight = conv.weights['weight']
    widths = [_CHANNELS[name] for name in _PUBLISHED_ORDER]
    if weight.shape[1] != sum(widths):
        return conv  # refused when it is loaded
    groups = dict(zip(_PUBLISHED_ORDER, weight.split(widths, dim=1)))
    weight = torch.cat([groups[name] for name in ('image', *CONDITION)], dim=1)
    return conv._replace(weights=conv.weights | dict(weight=weight))


def _loaded(net: nn.Module, places: Places, source: Named) -> dict[str, Tensor]:
    weights = {
        f'{place}.{name}': value
        for place, layer in places.items()
        for name, value in layer.weights.items()
    }
    try:
        load_weights(net, weights)
    except WeightsError as error:
        raise WeightsError(f'{source}: {error}') from error
    return net.state_dict()
