"""Cures for what MMEngine 0.10.7 does not do, or does wrongly, with current torch.

Each cure has a test that fails when upstream is repaired and the cure can go. What
needs no cure: MMEngine's own checkpoints cannot be loaded by torch >= 2.6, and
posegen's can, because :class:`~posegen.engine.hooks.PlainCheckpointHook` keeps Python
objects out of them.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from posegen.utils.errors import ConfigError


def init_distributed(launcher: str, dist_cfg: Mapping[str, Any] | None = None) -> None:
    """Join the processes that torchrun, Slurm or MPI started, with or without GPUs.

    MMEngine's ``init_dist`` calls ``torch.cuda.set_device`` whatever the backend, so
    ``launcher='pytorch'`` dies on a machine without a GPU. There the processes are
    joined through gloo; its Runner then finds them joined and goes on.

    Args:
        launcher: ``'none'``, ``'pytorch'``, ``'slurm'`` or ``'mpi'``.
        dist_cfg: ``env_cfg['dist_cfg']`` of the config: backend, timeout in seconds.

    Raises:
        ConfigError: A launcher other than torchrun is used without a GPU, or no
            torchrun started this process.
    """
    import torch
    from mmengine.dist import init_dist, is_distributed

    if launcher == 'none' or is_distributed():
        return
    dist_cfg = dict(dist_cfg or {})
    if torch.cuda.is_available():
        init_dist(launcher, **dist_cfg)
        return
    if launcher != 'pytorch':
        raise ConfigError(
            f'launcher {launcher!r} needs GPUs; without one use torchrun and '
            "--launcher pytorch, or a single process with --launcher 'none'"
        )
    if 'RANK' not in os.environ:
        raise ConfigError(
            "launcher 'pytorch' is for processes that torchrun started; start it with "
            "torchrun --nproc-per-node=N, or give launcher 'none' for a single process"
        )
    from datetime import timedelta

    timeout = dist_cfg.get('timeout')
    torch.distributed.init_process_group(
        'gloo', timeout=timedelta(seconds=timeout) if timeout else None
    )


def wrapper_config(find_unused_parameters: bool = False) -> dict[str, Any]:
    """The ``model_wrapper_cfg`` of a model with a generator and discriminators.

    MMEngine's default wraps the model as a whole, which cannot be trained by several
    optimizers; and its Runner passes a GPU's number even where there is none.

    Args:
        find_unused_parameters: Of ``DistributedDataParallel``.

    Returns:
        The config.
    """
    import torch

    cfg = dict(
        type='MMSeparateDistributedDataParallel',
        broadcast_buffers=False,
        find_unused_parameters=find_unused_parameters,
    )
    if not torch.cuda.is_available():
        cfg['device_ids'] = None
    return cfg
