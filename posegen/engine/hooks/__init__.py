"""Hooks: what happens around the steps of training."""

from posegen.engine.hooks.checkpoint import CheckpointHook
from posegen.engine.hooks.ema import GeneratorEMAHook
from posegen.engine.hooks.finite_loss import FiniteLossHook
from posegen.engine.hooks.iter_timer import IterTimerHook
from posegen.engine.hooks.logger import LoggerHook
from posegen.engine.hooks.plain_checkpoint import PlainCheckpointHook
from posegen.engine.hooks.preemption import PreemptionHook
from posegen.engine.hooks.sample_grid import SampleGridHook
from posegen.engine.hooks.save_images import SaveImagesHook
from posegen.engine.hooks.score_curve import ScoreCurveHook
from posegen.engine.hooks.stage_record import StageRecordHook
from posegen.engine.hooks.unused_parameters import UnusedParametersHook

__all__ = [
    'CheckpointHook',
    'FiniteLossHook',
    'GeneratorEMAHook',
    'IterTimerHook',
    'LoggerHook',
    'PlainCheckpointHook',
    'PreemptionHook',
    'SampleGridHook',
    'SaveImagesHook',
    'ScoreCurveHook',
    'StageRecordHook',
    'UnusedParametersHook',
]
