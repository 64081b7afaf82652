"""Cures for what MMEngine 0.10.7 does not do, or does wrongly, with current torch.

Each cure has a test that fails when upstream is repaired and the cure can go. What
needs no cure: MMEngine's own checkpoints cannot be loaded by torch >= 2.6, and
posegen's can, because :class:`~posegen.engine.hooks.PlainCheckpointHook` keeps Python
objects out of them.
"""

from __future__ import annotations

import os
import re
import sys
import warnings
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from posegen.utils.errors import ConfigError
from posegen.utils.processes import process_rank


def init_distributed(launcher: str, dist_cfg: Mapping[str, Any] | None = None) -> None:
    """Join the processes that torchrun, Slurm or MPI started, with or without GPUs.

    MMEngine's ``init_dist`` calls ``torch.cuda.set_device`` whatever the backend, so
    every launcher dies on a machine without a GPU. There the processes are joined
    through gloo; its Runner then finds them joined and goes on. Of a Slurm job, which
    MMEngine joins on port 29500 whoever else uses it, each gets a port of its own.

    Args:
        launcher: ``'none'``; ``'pytorch'``, which is torchrun; ``'slurm'``, where srun
            starts a process a task; ``'mpi'``, which needs GPUs.
        dist_cfg: ``env_cfg['dist_cfg']`` of the config: backend, timeout in seconds.

    Raises:
        ConfigError: No such launcher started this process, it has no GPU where others
            have one, or MPI is used without a GPU.
    """
    import torch
    from mmengine.dist import init_dist, is_distributed

    if launcher == 'none' or is_distributed():
        return
    dist_cfg = dict(dist_cfg or {})
    # MMEngine passes it to torch, which says so once for each wrapper and process.
    warnings.filterwarnings('ignore', '`broadcast_buffers` is deprecated')
    if launcher == 'slurm':
        os.environ.update(slurm_environment(os.environ))
    elif launcher == 'pytorch' and 'RANK' not in os.environ:
        raise ConfigError(
            "launcher 'pytorch' is for processes that torchrun started; start it with "
            "tools/dist_train.sh or torchrun, or give launcher 'none' for one process"
        )
    if torch.cuda.is_available():
        if launcher != 'mpi':
            _check_gpu(int(os.environ['LOCAL_RANK']), torch.cuda.device_count())
        # What is in the environment by now is all that torchrun would have told.
        init_dist('mpi' if launcher == 'mpi' else 'pytorch', **dist_cfg)
    elif launcher == 'mpi':
        raise ConfigError(
            "launcher 'mpi' needs GPUs; without one use tools/dist_train.sh, which "
            "means launcher 'pytorch', or launcher 'slurm'"
        )
    else:
        timeout = dist_cfg.get('timeout')
        torch.distributed.init_process_group(
            'gloo', timeout=timedelta(seconds=timeout) if timeout else None
        )
    _tell_of_restart()


def _check_gpu(index: int, count: int) -> None:
    """Each process needs a GPU of its own."""
    if index >= count:
        raise ConfigError(
            f'process {index + 1} of this machine has no GPU, since it sees {count}: '
            'start as many processes as there are GPUs'
        )


def slurm_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """What torchrun tells a process, for one that srun started.

    Args:
        environment: The process's: ``SLURM_PROCID``, ``SLURM_NTASKS``,
            ``SLURM_NODELIST`` or ``SLURM_STEP_NODELIST``; ``SLURM_LOCALID``, its number
            on its machine, 0 if absent; ``SLURM_JOB_ID``. ``MASTER_ADDR`` and
            ``MASTER_PORT`` have precedence over the first machine of the list and a
            port that the job's number gives.

    Returns:
        ``RANK``, ``WORLD_SIZE``, ``LOCAL_RANK``, ``MASTER_ADDR``, ``MASTER_PORT``.

    Raises:
        ConfigError: The process was not started by srun.
    """
    nodes = environment.get('SLURM_STEP_NODELIST') or environment.get('SLURM_NODELIST')
    missing = [n for n in ('SLURM_PROCID', 'SLURM_NTASKS') if n not in environment]
    if missing or not nodes:
        raise ConfigError(
            f"launcher 'slurm' is for processes that srun started, and "
            f'{", ".join(missing) or "SLURM_NODELIST"} is not set here; start it with '
            'tools/slurm_train.sh or srun'
        )
    job = int(environment.get('SLURM_JOB_ID', 0))
    return dict(
        RANK=environment['SLURM_PROCID'],
        WORLD_SIZE=environment['SLURM_NTASKS'],
        LOCAL_RANK=environment.get('SLURM_LOCALID', '0'),
        MASTER_ADDR=environment.get('MASTER_ADDR') or first_host(nodes),
        MASTER_PORT=environment.get('MASTER_PORT') or str(20000 + job % 10000),
    )


def first_host(nodes: str) -> str:
    """The first machine of a list as Slurm writes it.

    Args:
        nodes: Such as ``'node[03-05,9],login'``, whose first is ``'node03'``.
    """
    first = re.match(r'(?:[^,\[]|\[[^\]]*\])+', nodes)
    return re.sub(r'\[(\w+)[^\]]*\]', r'\1', first.group() if first else nodes)


def _tell_of_restart() -> None:
    """torchrun starts all processes again without a word."""
    count = int(os.environ.get('TORCHELASTIC_RESTART_COUNT', 0))
    if count and process_rank() == 0:
        most = os.environ.get('TORCHELASTIC_MAX_RESTARTS', '?')
        sys.stderr.write(
            'posegen: a process failed, and all were started again '
            f'({count} of at most {most} times)\n'
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
