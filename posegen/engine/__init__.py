"""Training: configs, stages, loops, hooks, optimizers."""

from posegen.engine.config import check_config, load_config
from posegen.engine.hooks import (
    CheckpointHook,
    FiniteLossHook,
    GeneratorEMAHook,
    PlainCheckpointHook,
    SampleGridHook,
    SaveImagesHook,
)
from posegen.engine.loops import ResumableIterLoop
from posegen.engine.optim import MultiOptimWrapperConstructor
from posegen.engine.optim_wrappers import AmpOptimWrapper, OptimWrapper
from posegen.engine.stage_runner import StageRunner
from posegen.engine.staged_runner import StagedRunner

__all__ = [
    'AmpOptimWrapper',
    'CheckpointHook',
    'FiniteLossHook',
    'GeneratorEMAHook',
    'MultiOptimWrapperConstructor',
    'OptimWrapper',
    'PlainCheckpointHook',
    'ResumableIterLoop',
    'SampleGridHook',
    'SaveImagesHook',
    'StageRunner',
    'StagedRunner',
    'check_config',
    'load_config',
]
