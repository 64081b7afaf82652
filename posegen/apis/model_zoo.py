"""Models by name: the shipped configs, and the weights published for them.

A model's name is the name of its config file, ``configs/<method>/<name>.py``, such as
``spig_deepfashion-256x256``. A method's ``metafile.yml`` may list weights: an entry of
``Models`` with the ``Name`` of a config, ``Weights`` and ``SHA256``. ``Weights`` is an
address, or ``package:FILE`` for a file of ``posegen/weights``, which comes with the
package. An ``Alias`` is a second, shorter name of the entry's model.
"""

from __future__ import annotations

import ast
import logging
from difflib import get_close_matches
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import torch
import yaml
from mmengine.config import Config
from mmengine.logging import print_log
from mmengine.registry import DefaultScope
from torch import nn

from posegen.apis.published import (
    TRAINING_ONLY,
    is_published,
    read_config_text,
    read_published_config,
)
from posegen.engine.config import (
    explain_build_error,
    load_config,
    merge_stage,
    stage_entries,
)
from posegen.engine.config.check import check_stage
from posegen.engine.config.components import Problem
from posegen.models.feature_nets.weights import check_sha256, hub_file
from posegen.registry import MODELS
from posegen.utils.checkpoint import load_weights, read_metadata
from posegen.utils.errors import ConfigError, WeightsError
from posegen.utils.paths import configs_root, weights_root

ModelSource = str | Path | Config

#: Alias of the model that is used where none is named.
DEFAULT_MODEL = 'limbwarp'

# ``Weights`` of a metafile that lie in the package.
_PACKAGED = 'package:'


def list_models(pattern: str = '*', weights: bool = False) -> list[str]:
    """Names of the shipped models.

    Args:
        pattern: shell style filter, such as ``'spig_*'``.
        weights: list only those whose weights come with posegen or can be downloaded.

    Returns:
        Sorted names, each good for `get_model` and ``--model``.
    """
    names = sorted(name for name in _config_files() if fnmatch(name, pattern))
    if not weights:
        return names
    entries = _metafile_entries()
    return [name for name in names if _has_weights(entries.get(name, {}))]


def _has_weights(entry: dict[str, Any]) -> bool:
    address = entry.get('Weights') or ''
    if address.startswith(_PACKAGED):
        return (weights_root() / address.removeprefix(_PACKAGED)).is_file()
    return bool(address)


def _config_files() -> dict[str, Path]:
    files = configs_root().glob('*/*.py')
    return {f.stem: f for f in files if f.parent.name != '_base_'}


def get_model(
    model: ModelSource,
    weights: str | Path | None = None,
    device: str | torch.device = 'cpu',
    ema: bool | None = None,
) -> nn.Module:
    """Build a model for inference.

    Discriminators, feature nets and losses are neither built nor loaded, so nothing is
    downloaded for them. Of a config with several stages the last one counts, or the
    stage that the weights come from.

    Args:
        model: a name of `list_models`, an alias such as ``'limbwarp'``, a config file,
            a loaded config, or a published ``.safetensors`` file, which carries its
            config.
        weights: a weight file; None takes the shipped or published ones, or those of
            the file that is the model; ``'random'`` leaves the model as it was
            initialised.
        device: where to put it.
        ema: None takes the moving averages of the weights where the file has them; True
            insists on them; False takes the weights that training goes on from.

    Returns:
        The model in evaluation mode.

    Raises:
        ConfigError: the name or file does not exist, or the config has no such model.
        WeightsError: nothing is published for the model, or the file does not fit.
    """
    weights = weights_for(model, weights)
    cfg = read_model_config(model)
    path = _resolve_weights(cfg, weights)
    built = _build(Config(dict(model=_inference_arguments(cfg, path))))
    if path is not None:
        ignored = tuple(f'{name}.' for name in TRAINING_ONLY)
        load_weights(built, path, ignore=ignored, ema=ema)
    return built.to(device).eval()


def read_model_config(model: ModelSource) -> Config:
    """Find and read a model's config, with its last stage merged in.

    Args:
        model: as in `get_model`. Of a published file only the model and the data
            loaders are read, and nothing in it is run.

    Raises:
        ConfigError: there is no such model or file, or it has no ``model``.
    """
    if is_published(model):
        return read_published_config(model)
    cfg = model if isinstance(model, Config) else load_config(_find_config(model))
    if 'model' not in cfg:
        raise ConfigError(f'{_name_of(cfg)} has no `model`; give a config of a method.')
    return merge_stage(cfg, stage_entries(cfg)[-1])


def weights_for(model: ModelSource, weights: str | Path | None) -> str | Path | None:
    """The weights that were given, or the published file that is the model itself."""
    return model if weights is None and is_published(model) else weights


def _find_config(model: str | Path) -> Path:
    path = Path(model).expanduser()
    if path.suffix == '.py' or path.is_file():
        return path
    files = _config_files()
    if str(model) in files:
        return files[str(model)]
    files |= {alias: files[name] for alias, name in _aliases().items()}
    if str(model) in files:
        return files[str(model)]
    near = get_close_matches(str(model), files, n=1, cutoff=0.5)
    hint = f'did you mean {near[0]!r}? ' if near else ''
    raise ConfigError(
        f'There is no model {str(model)!r}; {hint}Give a config file or one of: '
        f'{", ".join(sorted(files))}.'
    )


def _aliases() -> dict[str, str]:
    """Alias -> name of the model."""
    entries = _metafile_entries().values()
    return {entry['Alias']: entry['Name'] for entry in entries if 'Alias' in entry}


def _name_of(cfg: Config) -> str:
    return Path(cfg.filename).stem if cfg.filename else 'This config'


def _build(cfg: Config) -> nn.Module:
    try:
        check_stage(cfg.to_dict())
    except Problem as problem:
        raise ConfigError(f'{problem.place}: {problem.message}') from None
    # BaseModel looks its preprocessor up in MMEngine's registry, by the default scope.
    with DefaultScope.overwrite_default_scope('posegen'):
        try:
            return MODELS.build(cfg.model)
        except Exception as error:
            explained = explain_build_error(error, cfg.to_dict())
            raise explained from (None if explained is error else error)


def _inference_arguments(cfg: Config, weights: Path | None) -> dict[str, Any]:
    """The model section without what only training needs, at the weights' stage."""
    arguments = {k: v for k, v in cfg.model.items() if k not in TRAINING_ONLY}
    stage = weights and _stage_of(weights)
    if stage and stage != arguments.get('train_stage', stage):
        print_log(
            f'{weights} comes from stage {stage!r} of training: the result shows what '
            'that stage trains, not the finished model.',
            'current',
            logging.WARNING,
        )
        arguments['train_stage'] = stage
    return arguments


def _stage_of(weights: Path) -> str | None:
    """``model.train_stage`` in the config stored with weights.

    The text is only parsed: running a config that came with a file would run anything.
    """
    text = read_metadata(weights).get('config', '')
    try:
        return read_config_text(text).get('model', {}).get('train_stage')
    except (ValueError, AttributeError):
        return _stage_in_program(text)


def _stage_in_program(text: str) -> str | None:
    """The same in the words of MMEngine: ``model = dict(train_stage=...)``."""
    try:
        statements = ast.parse(text).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    for node in statements:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == 'model':
            for keyword in getattr(node.value, 'keywords', ()):
                if keyword.arg == 'train_stage':
                    return getattr(keyword.value, 'value', None)
    return None


def _resolve_weights(cfg: Config, weights: str | Path | None) -> Path | None:
    """The weight file to load; None stands for random weights that were asked for."""
    if weights is None:
        return _published_weights(cfg)
    if str(weights) == 'random':
        print_log(
            f'{_name_of(cfg)} has random weights: its images mean nothing.',
            'current',
            logging.WARNING,
        )
        return None
    return Path(weights)


def _published_weights(cfg: Config) -> Path:
    entry = metafile_entry(cfg)
    if not entry.get('Weights'):
        raise WeightsError(
            f'No weights are published for {_name_of(cfg)}; train it (posegen train) '
            "and give the checkpoint as weights, or say 'random' there to try the "
            'model untrained.'
        )
    if entry['Weights'].startswith(_PACKAGED):
        file = entry['Weights'].removeprefix(_PACKAGED)
        return _packaged_weights(file, entry['SHA256'])
    return hub_file(entry['Weights'], entry['SHA256'])


def _packaged_weights(file: str, sha256: str) -> Path:
    path = weights_root() / file
    if not path.is_file():
        raise WeightsError(
            f'{path}, which should come with posegen, is not there: install posegen '
            "again, give a checkpoint as weights, or say 'random' there to try the "
            'model untrained.'
        )
    check_sha256(path, sha256, cure='install posegen again')
    return path


def metafile_entry(cfg: Config) -> dict[str, Any]:
    """What the metafile beside a shipped config says of it; {} where nothing.

    Args:
        cfg: a config; one that is not shipped, or no file, has no entry.
    """
    name = _name_of(cfg)
    file = _config_files().get(name)
    if file is None or file.resolve() != Path(cfg.filename).resolve():
        return {}
    return _metafile_entries().get(name, {})


def _metafile_entries() -> dict[str, dict[str, Any]]:
    """Name -> entry of all metafiles."""
    files = sorted(configs_root().glob('*/metafile.yml'))
    contents = [yaml.safe_load(file.read_text(encoding='utf-8')) for file in files]
    return {entry['Name']: entry for text in contents for entry in text['Models']}
