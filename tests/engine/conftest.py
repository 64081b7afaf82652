"""A finished toy run, made once."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from mmengine.logging import MMLogger

from posegen.engine import StagedRunner
from tests.helpers.toy_training import toy_config


@pytest.fixture(scope='session')
def finished_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Work dir of both stages, 4 iterations each; leave it as it is."""
    work_dir = tmp_path_factory.mktemp('finished') / 'toy'
    StagedRunner.from_cfg(toy_config(iters=4, work_dir=str(work_dir))).train()
    return work_dir


@pytest.fixture
def run_copy(finished_run: Path, tmp_path: Path) -> Path:
    """A copy of the finished run, at another place."""
    return Path(shutil.copytree(finished_run, tmp_path / 'moved', symlinks=True))


@pytest.fixture
def train(tmp_path: Path) -> Callable[..., StagedRunner]:
    """Train the toy model; arguments as of ``toy_config`` and of ``train``."""

    def run(
        stage: str | None = None, resume: bool | str | Path = False, **config
    ) -> StagedRunner:
        config.setdefault('work_dir', str(tmp_path / 'run'))
        runner = StagedRunner.from_cfg(toy_config(**config))
        runner.train(stage, resume)
        return runner

    return run


@pytest.fixture
def messages() -> Iterator[list[str]]:
    """What is logged outside of a run."""
    found: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: found.append(record.getMessage())
    logger = MMLogger.get_current_instance()
    logger.addHandler(handler)
    yield found
    logger.removeHandler(handler)


def weights_of(path: Path) -> dict[str, torch.Tensor]:
    """The state dict of a checkpoint."""
    return torch.load(path, weights_only=True)['state_dict']
