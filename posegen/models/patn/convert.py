"""Published PATN weights to the names of the networks here.

The published files are state dicts of the networks' ``model``: ``latest_net_netG.pth``,
and for those who trained themselves ``..._netD_PB.pth`` and ``..._netD_PP.pth``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from posegen.models.discriminators import DiscriminatorSet
from posegen.registry import MODELS
from posegen.utils.checkpoint import (
    load_state_dict_file,
    load_weights,
    save_weights,
    strip_wrapper_names,
)
from posegen.utils.errors import ConfigError, WeightsError

#: Published names -> names here, of the generator and of a discriminator.
GENERATOR_NAMES = (
    (r'^model\.stream1_down\.', 'image_encoder.'),
    (r'^model\.stream2_down\.', 'pose_encoder.'),
    (r'^model\.stream1_up\.', 'decoder.'),
    (r'^model\.att\.(\d+)\.conv_block_stream1\.', r'blocks.\1.image_branch.'),
    (r'^model\.att\.(\d+)\.conv_block_stream2\.', r'blocks.\1.pose_branch.'),
)
DISCRIMINATOR_NAMES = (
    (r'^model\.(\d+)\.conv_block\.', r'layers.\1.branch.'),
    (r'^model\.(\d+)\.(?!conv_block)', r'layers.\1.'),
)

ORIGIN = 'converted from published weights of PATN (Zhu et al., CVPR 2019), {files}'
LICENCE = (
    'MIT, as the repository tengteng95/Pose-Transfer that they come with; the photos '
    'they were trained on are for non-commercial research only'
)


def convert_generator(
    state_dict: Mapping[str, Tensor], generator: nn.Module, source: str | Path
) -> dict[str, Tensor]:
    """A published generator's tensors under the names of :class:`PATNGenerator`.

    Two things differ between versions of PyTorch and are put right. Where ``generator``
    has instance norms, ``running_mean`` and ``running_var`` of them are dropped: files
    of PyTorch 0.3 hold some that evaluation never used. Where it has batch norms, a
    ``num_batches_tracked`` that is missing becomes 0: PyTorch 0.3 did not count.

    Args:
        state_dict: Tensors by published name.
        generator: The network that they are for.
        source: What to call them in messages.

    Returns:
        The generator's own state dict with their values.

    Raises:
        WeightsError: A key is left over or missing, or a shape differs.
    """
    return _convert(state_dict, generator, GENERATOR_NAMES, source)


def convert_discriminator(
    state_dict: Mapping[str, Tensor], discriminator: nn.Module, source: str | Path
) -> dict[str, Tensor]:
    """A published discriminator's tensors under the names used here.

    Args:
        state_dict: Tensors by published name.
        discriminator: The :class:`PATNDiscriminator` that they are for.
        source: What to call them in messages.

    Returns:
        The discriminator's own state dict with their values.

    Raises:
        WeightsError: As :func:`convert_generator`.
    """
    return _convert(state_dict, discriminator, DISCRIMINATOR_NAMES, source)


def convert_checkpoint(
    model: Mapping,
    generator: str | Path,
    out: str | Path,
    discriminators: Mapping[str, str | Path] | None = None,
    config_text: str = '',
) -> Path:
    """Write a file that ``posegen test`` and ``get_model`` load.

    Args:
        model: The ``model`` section of the config that the weights are for.
        generator: Published generator.
        out: ``.safetensors`` file to write; origin and licence are stated inside.
        discriminators: Name in ``model.discriminators`` -> published discriminator;
            either all of them or none, which is enough for inference.
        config_text: Text of the config, kept in the file.

    Returns:
        ``out``.

    Raises:
        ConfigError: The discriminators are not those of the config.
        WeightsError: A file can't be read or does not fit.
    """
    net = MODELS.build(dict(model['generator']))
    loaded = convert_generator(load_state_dict_file(generator), net, generator)
    result = {f'generator.{key}': value for key, value in loaded.items()}
    files = dict(discriminators or {})
    for name, critic in _critics(model, files).items():
        path = files[name]
        loaded = convert_discriminator(load_state_dict_file(path), critic, path)
        prefix = f'discriminators.nets.{name}.'
        result |= {f'{prefix}{key}': value for key, value in loaded.items()}
    names = ', '.join(Path(path).name for path in (generator, *files.values()))
    notes = dict(origin=ORIGIN.format(files=names), licence=LICENCE)
    return save_weights(result, out, config_text, notes)


def _critics(model: Mapping, files: Mapping[str, str | Path]) -> dict[str, nn.Module]:
    """The config's discriminators, if there are files for them."""
    if not files:
        return {}
    entries = model.get('discriminators') or {}
    if set(files) != set(entries):
        raise ConfigError(
            f'discriminators are given for {sorted(files)}, but those of the config '
            f'are {sorted(entries)}; give all of them or none'
        )
    return dict(DiscriminatorSet(entries).nets)


def _convert(
    state_dict: Mapping[str, Tensor],
    net: nn.Module,
    renames: tuple[tuple[str, str], ...],
    source: str | Path,
) -> dict[str, Tensor]:
    own = net.state_dict()
    unused = _unused_statistics(net)
    renamed, left_over = {}, []
    for key, value in strip_wrapper_names(state_dict).items():
        name = _rename(key, renames)
        if name in own:
            renamed[name] = value
        elif name not in unused:
            left_over.append(key)
    if left_over:
        more = f' and {len(left_over) - 5} more' if len(left_over) > 5 else ''
        raise WeightsError(
            f'{source} does not fit {type(net).__name__}: there is no place for '
            f'{", ".join(left_over[:5])}{more}; use the config with the norm and the '
            'widths of these weights.'
        )
    for name in own.keys() - renamed.keys():
        if name.endswith('.num_batches_tracked'):
            renamed[name] = torch.zeros_like(own[name])
    try:
        load_weights(net, renamed)
    except WeightsError as error:
        raise WeightsError(f'{source}: {error}') from error
    return net.state_dict()


def _rename(key: str, renames: tuple[tuple[str, str], ...]) -> str:
    for pattern, name in renames:
        if re.match(pattern, key):
            return re.sub(pattern, name, key)
    return key


def _unused_statistics(net: nn.Module) -> set[str]:
    """Names that old versions gave to statistics of norms that use none."""
    return {
        f'{name}.{statistic}'
        for name, module in net.named_modules()
        if isinstance(module, nn.InstanceNorm2d)
        for statistic in ('running_mean', 'running_var')
    }
