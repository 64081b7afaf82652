"""The log of a run."""

from __future__ import annotations

from mmengine.dist import is_main_process
from mmengine.hooks import LoggerHook as UpstreamHook
from mmengine.runner import Runner

from posegen.registry import HOOKS


@HOOKS.register_module()
class LoggerHook(UpstreamHook):
    """MMEngine's hook of the same name, whose place this takes in configs.

    Of several processes only the first writes the metrics of a test. In MMEngine all
    write one file at the same time, which then may hold the end of one after another.
    """

    def after_test_epoch(
        self, runner: Runner, metrics: dict[str, float] | None = None
    ) -> None:
        """Write the metrics."""
        if is_main_process():
            super().after_test_epoch(runner, metrics)
