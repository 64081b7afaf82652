"""Pictures of the same few samples while training goes on."""

from __future__ import annotations

from pathlib import Path

import torch
from mmengine.dist import master_only
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from posegen.engine.hooks.ema import averaged_weights
from posegen.engine.random_state import preserved
from posegen.registry import HOOKS
from posegen.utils.images import save_image


@HOOKS.register_module()
class SampleGridHook(Hook):
    """Writes ``samples/<iteration>.png``: one row a sample, one column a map.

    The samples are the first of the validation set, at every time and in every run the
    same. Without a validation set there is no picture. Where the visualizer of the
    config has TensorBoard or Weights & Biases, they get the pictures too.

    Args:
        interval: Iterations between pictures; the last is always drawn.
        num_samples: Rows.
    """

    priority = 'LOW'

    def __init__(self, interval: int = 1000, num_samples: int = 4) -> None:
        for name, value in dict(interval=interval, num_samples=num_samples).items():
            if not isinstance(value, int) or value < 1:
                raise ValueError(f'{name} must be a whole number >= 1, got {value!r}')
        self.interval = interval
        self.num_samples = num_samples
        self._batch: dict | None = None

    def after_train_iter(self, runner: Runner, *args, **kwargs) -> None:
        """Draw when it is time."""
        done = runner.iter + 1
        if done % self.interval == 0 or done == runner.max_iters:
            self.draw(runner, done)

    @master_only
    def draw(self, runner: Runner, iteration: int) -> None:
        """Draw the samples as the model makes them now.

        Args:
            runner: The runner.
            iteration: Number to call the picture by.
        """
        if runner.val_loop is None:
            return
        from posegen.visualization import sample_grid
        from posegen.visualization.backends import SAMPLES

        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        training = model.training
        with preserved(), torch.no_grad(), averaged_weights(runner):
            model.eval()
            samples = model.val_step(self._samples(runner))
            model.train(training)
            grid = sample_grid(samples)
            runner.visualizer.add_image(SAMPLES, grid, iteration)
        save_image(Path(runner.work_dir, 'samples', f'{iteration:07d}.png'), grid)

    def _samples(self, runner: Runner) -> dict:
        if self._batch is None:
            loader = runner.val_dataloader
            count = min(self.num_samples, len(loader.dataset))
            self._batch = loader.collate_fn([loader.dataset[i] for i in range(count)])
        return self._batch
