"""Where scalars and pictures of a run go, beside the console.

They have the names of MMEngine's own, whose place they take in posegen's configs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from mmengine import visualization
from mmengine.config import Config

from posegen.registry import VISBACKENDS
from posegen.utils.errors import DependencyError

#: Name of the pictures of ``SampleGridHook``.
SAMPLES = 'samples'


@VISBACKENDS.register_module()
class LocalVisBackend(visualization.LocalVisBackend):
    """MMEngine's files, without a second copy of the sample pictures.

    Those are ``samples/<iteration>.png`` in the folder of the stage already.
    """

    def add_image(self, name: str, image: np.ndarray, step: int = 0, **kwargs) -> None:
        """Write a picture (H, W, 3) uint8 RGB, unless it is one of the samples."""
        if name != SAMPLES:
            super().add_image(name, image, step, **kwargs)


@VISBACKENDS.register_module()
class TensorboardVisBackend(visualization.TensorboardVisBackend):
    """MMEngine's; a package that is not there is one sentence."""

    def _init_env(self) -> None:
        with _naming_the_extra('TensorboardVisBackend', 'tensorboard'):
            super()._init_env()


@VISBACKENDS.register_module()
class WandbVisBackend(visualization.WandbVisBackend):
    """Weights & Biases over iterations; arguments as of MMEngine's.

    It differs from MMEngine's, which drops the iteration, in these points:

    - the iteration goes along with everything, as ``iter``, and is the axis of all
      curves: MMEngine's are drawn over the number of the call, which means something
      else for losses, metrics and pictures, and starts anew with a resume;
    - a stage is a run called ``<work dir>/<stage>``, in the group ``<work dir>``,
      unless ``init_kwargs`` says otherwise;
    - the python files below the current folder are uploaded only where
      ``log_code_name`` is given.
    """

    def _init_env(self) -> None:
        stage = Path(self._save_dir).absolute().parents[1]
        named = dict(name=f'{stage.parent.name}/{stage.name}', group=stage.parent.name)
        self._init_kwargs = {**named, **(self._init_kwargs or {})}
        with _naming_the_extra('WandbVisBackend', 'wandb'):
            super()._init_env()
        self._wandb.define_metric('*', step_metric='iter')

    def add_config(self, config: Config, **kwargs: Any) -> None:
        """Record the config."""
        if self._log_code_name is not None:
            super().add_config(config, **kwargs)
        else:
            values = config.to_dict()
            self.experiment.config.update(values, allow_val_change=True)

    def add_image(self, name: str, image: np.ndarray, step: int = 0, **kwargs) -> None:
        """Record a picture (H, W, 3) uint8 RGB."""
        picture = self.experiment.Image(image)
        self._wandb.log({name: picture, 'iter': step}, commit=self._commit)

    def add_scalar(self, name: str, value: Any, step: int = 0, **kwargs) -> None:
        """Record a value."""
        self.add_scalars({name: value}, step)

    def add_scalars(
        self,
        scalar_dict: Mapping[str, Any],
        step: int = 0,
        file_path: str | None = None,
        **kwargs: Any,
    ) -> None:
        """Record values of one iteration."""
        super().add_scalars({**scalar_dict, 'iter': step}, step, file_path, **kwargs)


@contextmanager
def _naming_the_extra(backend: str, package: str) -> Iterator[None]:
    try:
        yield
    except ImportError as error:
        raise DependencyError(
            f'visualizer.vis_backends: {backend} needs {package}, which is not '
            "installed: pip install 'posegen[logging]'"
        ) from error
