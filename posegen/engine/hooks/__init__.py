"""Hooks: what happens around the steps of training."""

from posegen.engine.hooks.finite_loss import FiniteLossHook, NonFiniteLossError
from posegen.engine.hooks.plain_checkpoint import PlainCheckpointHook
from posegen.engine.hooks.sample_grid import SampleGridHook
from posegen.engine.hooks.save_images import SaveImagesHook
from posegen.engine.hooks.score_curve import ScoreCurveHook
from posegen.engine.hooks.stage_record import StageRecordHook

__all__ = [
    'FiniteLossHook',
    'NonFiniteLossError',
    'PlainCheckpointHook',
    'SampleGridHook',
    'SaveImagesHook',
    'ScoreCurveHook',
    'StageRecordHook',
]
