"""How much each loss of the generator has to say about the image."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import Runner, set_random_seed
from torch import Tensor

from posegen.engine.config import (
    explain_build_error,
    fill_data_root,
    merge_stage,
    stage_entries,
)
from posegen.engine.config.defaults import drop_worker_settings
from posegen.engine.weights import fill_model
from posegen.models import BasePoseTransfer
from posegen.registry import MODELS
from posegen.utils.env import pick_device
from posegen.utils.errors import ConfigError


def gradient_norms(model: BasePoseTransfer, batch: Mapping) -> dict[str, float]:
    """L2 norm of the gradient of each weighted loss at the generated images.

    Args:
        model: A model with losses.
        batch: Preprocessed batch.

    Returns:
        ``loss_<term>`` -> norm over all images of the batch, images in [-1, 1], in the
        order of the model's terms. Terms that do not read the image, such as those of
        a flow, are left out; a stage that generates no image has none.
    """
    with torch.no_grad():
        out = dict(model.run_generator(batch))
    if 'image' not in out:
        return {}
    image = out['image'].requires_grad_()
    losses, _ = model.generator_losses(batch, out | dict(image=image))
    found = {name: _gradient(loss, image) for name, loss in losses.items()}
    return {name: float(g.norm()) for name, g in found.items() if g is not None}


def _gradient(loss: Tensor, image: Tensor) -> Tensor | None:
    if not loss.requires_grad:
        return None
    options = dict(retain_graph=True, allow_unused=True)
    return torch.autograd.grad(loss, image, **options)[0]


def gradient_shares(
    cfg: Config,
    checkpoint: str | Path | None = None,
    num_batches: int = 4,
    stage: str | None = None,
    device: str = 'cpu',
) -> dict[str, tuple[float, float]]:
    """Measure the losses of a config on batches of its training set.

    Nothing is trained. The images are those that the generator makes with the weights
    of the checkpoint or, without one, with those that training starts from.

    Args:
        cfg: A config of :func:`~posegen.engine.config.load_config`; changed in place.
        checkpoint: Weights of the model; they should hold the discriminators.
        num_batches: Batches to average over.
        stage: Stage whose losses are measured; the last one by default.
        device: Device to work on.

    Returns:
        ``loss_<term>`` -> norm of its gradient at the images of a batch, mean over
        batches, and its share in the sum of all norms, in [0, 1].

    Raises:
        ConfigError: The config is wrong, has no such stage, its stage has no loss that
            reads the image, or there is no such device.
        WeightsError: The checkpoint is missing, damaged or of another model.
    """
    where = pick_device(device)
    fill_data_root(cfg)
    cfg = merge_stage(cfg, _entry(cfg, stage))
    init_default_scope(cfg.get('default_scope') or 'posegen')
    set_random_seed(0)
    try:
        model = MODELS.build(cfg.model).to(where)
        loader = Runner.build_dataloader(_in_process(cfg.train_dataloader), seed=0)
    except Exception as error:
        raise explain_build_error(error, cfg) from error
    if checkpoint is not None:
        fill_model(model, checkpoint, checkpoint)
    batches = islice(loader, num_batches)
    norms = [gradient_norms(model, model.training_batch(data)) for data in batches]
    return _shares(norms)


def _entry(cfg: Config, stage: str | None) -> dict[str, Any]:
    entries = {entry['name']: entry for entry in stage_entries(cfg)}
    name = [*entries][-1] if stage is None else stage
    if name not in entries:
        raise ConfigError(f'the config has no stage {name!r}; it has {[*entries]}')
    return entries[name]


def _in_process(loader: Mapping) -> dict[str, Any]:
    settings = dict(loader) | dict(num_workers=0)
    drop_worker_settings(settings)
    return settings


def _shares(norms: list[dict[str, float]]) -> dict[str, tuple[float, float]]:
    means = {k: sum(n[k] for n in norms) / len(norms) for k in (norms or [{}])[0]}
    total = sum(means.values())
    if not total:
        raise ConfigError('no loss of this stage reads the generated image')
    return {name: (mean, mean / total) for name, mean in means.items()}


def format_shares(shares: Mapping[str, tuple[float, float]]) -> str:
    """A line for each loss: its name, the norm of its gradient, its share in percent.

    Args:
        shares: Of :func:`gradient_shares`.
    """
    rows = [f'{"loss":12}{"norm":>10}{"share":>9}']
    rows += [
        f'{name.removeprefix("loss_"):12}{norm:10.4g}{share:9.1%}'
        for name, (norm, share) in shares.items()
    ]
    return '\n'.join(rows)
