"""Published GFLA weights into posegen's names.

Only names change, with these exceptions: convolutions that the published files store
twice are kept once, running statistics that old versions of PyTorch wrote for instance
norms without using them are dropped, and a right singular vector of spectral norm that
old files lack is computed. What no rule names is an error, so nothing is lost in
silence.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
import torch.nn.functional as F
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

StateDict = Mapping[str, Tensor]

ORIGIN = 'converted from published weights of GFLA (Ren et al., CVPR 2020), {files}'
LICENCE = (
    'CC BY-NC 4.0, as the repository RenYurui/Global-Flow-Local-Attention that they '
    'come with: non-commercial use only'
)

#: The same convolution under two names; the second is taken.
_DOUBLED = re.compile(r'(flow_net\.jump\d+|target\.outconv)\.(?:conv1|model\.2)\.(.+)')


def convert_generator(state_dict: StateDict) -> dict[str, Tensor]:
    """Rename the weights of a published generator of any width.

    Args:
        state_dict: What ``<iteration>_net_G.pth`` of the stage "pose" holds, with three
            levels of features, as in all published person models.

    Returns:
        State dict of a :class:`~posegen.models.gfla.GFLAGenerator`.

    Raises:
        WeightsError: A key has no counterpart, or the two copies of a convolution
            differ.
    """
    state_dict = _without_statistics(strip_wrapper_names(state_dict))
    _check_copies(state_dict)
    return _renamed(state_dict, _GENERATOR, 'generator')


def convert_discriminator(state_dict: StateDict) -> dict[str, Tensor]:
    """Rename the weights of a published discriminator of any width.

    Args:
        state_dict: What ``<iteration>_net_D.pth`` holds.

    Returns:
        State dict of a :class:`~posegen.models.ResDiscriminator`.

    Raises:
        WeightsError: A key has no counterpart.
    """
    state_dict = _with_right_vectors(strip_wrapper_names(state_dict))
    return _renamed(state_dict, _DISCRIMINATOR, 'discriminator')


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
        generator: Published generator.
        out: ``.safetensors`` file to write; origin and licence are stated inside.
        discriminator: Published discriminator, for the one named ``image`` in the
            config; without it the file is good for inference.
        config_text: Text of the config, kept in the file.

    Returns:
        ``out``.

    Raises:
        ConfigError: The config has other discriminators than ``image``.
        WeightsError: A file can't be read or does not fit.
    """
    net = MODELS.build(dict(model['generator']))
    result = _fitted(net, convert_generator, generator, 'generator.')
    if discriminator is not None:
        nets = DiscriminatorSet(model.get('discriminators') or {}).nets
        if set(nets) != {'image'}:
            raise ConfigError(
                f'the published discriminator is for model.discriminators.image, but '
                f'the config has {sorted(nets)}'
            )
        prefix = 'discriminators.nets.image.'
        result |= _fitted(nets['image'], convert_discriminator, discriminator, prefix)
    files = [path for path in (generator, discriminator) if path is not None]
    names = ', '.join(Path(path).name for path in files)
    notes = dict(origin=ORIGIN.format(files=names), licence=LICENCE)
    return save_weights(result, out, config_text, notes)


def _fitted(
    net: nn.Module,
    convert: Callable[[StateDict], dict[str, Tensor]],
    path: str | Path,
    prefix: str,
) -> dict[str, Tensor]:
    """Converted weights of a file, once they are known to fill a net completely."""
    state = load_state_dict_file(path)  # its errors name the file
    try:
        load_weights(net, convert(state))
    except WeightsError as error:
        raise WeightsError(f'{path}: {error}') from error
    return {f'{prefix}{key}': value for key, value in net.state_dict().items()}


# -- rules -----------------------------------------------------------------------------

Rule = tuple[str, str | Callable[[re.Match], str]]

#: A layer's place in its block, and its tensor.
_VALUE = r'((?:\d+\.)?(?:weight|bias))'

#: Encoders are made of a first block and the rest, decoders of steps from coarse to
#: fine; the levels 3 (attn0) and 2 (attn1), or 4 - i of the flow net, follow from that.
_GENERATOR: tuple[Rule, ...] = (
    (r'source\.block0\.model\.' + _VALUE, r'image_encoder.blocks.0.\1'),
    (
        r'source\.encoder(\d+)\.model\.' + _VALUE,
        lambda m: f'image_encoder.blocks.{int(m[1]) + 1}.{m[2]}',
    ),
    (r'target\.block0\.model\.' + _VALUE, r'pose_encoder.blocks.0.\1'),
    (
        r'target\.encoder(\d+)\.model\.' + _VALUE,
        lambda m: f'pose_encoder.blocks.{int(m[1]) + 1}.{m[2]}',
    ),
    (
        r'target\.decoder(\d+)\.0\.model\.0\.model\.' + _VALUE,
        lambda m: f'decoder.body.{2 * int(m[1])}.body.{m[2]}',
    ),
    (
        r'target\.decoder(\d+)\.1\.model\.' + _VALUE,
        lambda m: f'decoder.body.{2 * int(m[1]) + 1}.body.{m[2]}',
    ),
    (
        r'target\.decoder(\d+)\.1\.shortcut\.0\.' + _VALUE,
        lambda m: f'decoder.body.{2 * int(m[1]) + 1}.shortcut.{m[2]}',
    ),
    (
        r'target\.attn([012])\.fully_connect_layer\.0\.' + _VALUE,
        lambda m: f'warps.{3 - int(m[1])}.compare.{m[2]}',
    ),
    (
        r'target\.attn([012])\.fully_connect_layer\.2\.' + _VALUE,
        lambda m: f'warps.{3 - int(m[1])}.score.{m[2]}',
    ),
    (r'target\.outconv\.(?:conv1|model\.2)\.' + _VALUE, r'decoder.head.2.\1'),
    (r'flow_net\.block0\.model\.' + _VALUE, r'flow_net.encoder.0.\1'),
    (
        r'flow_net\.encoder(\d+)\.model\.' + _VALUE,
        lambda m: f'flow_net.encoder.{int(m[1]) + 1}.{m[2]}',
    ),
    (r'flow_net\.decoder(\d+)\.model\.' + _VALUE, r'flow_net.decoder.\1.body.\2'),
    (
        r'flow_net\.decoder(\d+)\.shortcut\.0\.' + _VALUE,
        r'flow_net.decoder.\1.shortcut.\2',
    ),
    (r'flow_net\.jump(\d+)\.(?:conv1|model\.2)\.' + _VALUE, r'flow_net.jumps.\1.2.\2'),
    (
        r'flow_net\.output([0-3])\.' + _VALUE,
        lambda m: f'flow_net.flow_heads.{4 - int(m[1])}.{m[2]}',
    ),
    (
        r'flow_net\.mask([0-3])\.0\.' + _VALUE,
        lambda m: f'flow_net.visibility_heads.{4 - int(m[1])}.{m[2]}',
    ),
)

_SPECTRAL = {
    'weight_orig': 'parametrizations.weight.original',
    'weight_u': 'parametrizations.weight.0._u',
    'weight_v': 'parametrizations.weight.0._v',
    'bias': 'bias',
}
_TENSOR = f'({"|".join(_SPECTRAL)})'

_DISCRIMINATOR: tuple[Rule, ...] = (
    (
        rf'(block|encoder)(\d+)\.model\.(\d+)\.{_TENSOR}',
        lambda m: f'{_block(m)}.body.{m[3]}.{_SPECTRAL[m[4]]}',
    ),
    (
        rf'(block|encoder)(\d+)\.shortcut\.(\d+)\.{_TENSOR}',
        lambda m: f'{_block(m)}.shortcut.{m[3]}.{_SPECTRAL[m[4]]}',
    ),
    (rf'conv\.{_TENSOR}', lambda m: f'head.1.{_SPECTRAL[m[1]]}'),
)


def _block(match: re.Match) -> str:
    return f'blocks.{int(match[2]) + (match[1] == "encoder")}'


def _renamed(
    state_dict: StateDict, rules: tuple[Rule, ...], kind: str
) -> dict[str, Tensor]:
    renamed, left = {}, []
    for key, value in state_dict.items():
        name = _new_name(key, rules)
        if name is None:
            left.append(key)
        else:
            renamed[name] = value
    if left:
        raise WeightsError(
            f'{len(left)} of {len(state_dict)} keys have no place in a GFLA {kind}, '
            f'such as {", ".join(map(repr, left[:3]))}; give the file of a published '
            f'{kind} for person images (…_net_{kind[0].upper()}.pth).'
        )
    return renamed


def _new_name(key: str, rules: tuple[Rule, ...]) -> str | None:
    for pattern, replacement in rules:
        match = re.fullmatch(pattern, key)
        if match:
            return (
                match.expand(replacement)
                if isinstance(replacement, str)
                else (replacement(match))
            )
    return None


def _check_copies(state_dict: StateDict) -> None:
    seen: dict[tuple[str, str], str] = {}
    for key, value in state_dict.items():
        match = _DOUBLED.fullmatch(key)
        if not match:
            continue
        first = seen.setdefault((match[1], match[2]), key)
        if not torch.equal(state_dict[first], value):
            raise WeightsError(
                f'{first!r} and {key!r} name one convolution of GFLA but hold '
                'different values; copy or download the file again.'
            )


def _without_statistics(state_dict: StateDict) -> dict[str, Tensor]:
    """Leave out what old versions stored for norms, the layers of 1-D weights."""
    norms = {
        key.removesuffix('weight')
        for key, value in state_dict.items()
        if key.endswith('.weight') and value.dim() == 1
    }
    names = ('running_mean', 'running_var', 'num_batches_tracked')
    unused = {f'{norm}{name}' for norm in norms for name in names}
    return {key: value for key, value in state_dict.items() if key not in unused}


def _with_right_vectors(state_dict: StateDict) -> dict[str, Tensor]:
    """Add the ``weight_v`` of early torch versions: one step of the power iteration."""
    complete = dict(state_dict)
    for key, left in state_dict.items():
        stem, found, _ = key.partition('weight_u')
        matrix = state_dict.get(f'{stem}weight_orig')
        if found and matrix is not None and f'{stem}weight_v' not in state_dict:
            right = left @ matrix.flatten(1)
            complete[f'{stem}weight_v'] = F.normalize(right, dim=0)
    return complete
