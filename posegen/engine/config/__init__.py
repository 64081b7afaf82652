"""Loading, checking and completing experiment configs."""

from posegen.engine.config.amp import use_amp
from posegen.engine.config.build_errors import explain_build_error
from posegen.engine.config.check import check_config, check_datasets
from posegen.engine.config.defaults import fill_data_root, fill_defaults
from posegen.engine.config.loading import load_config
from posegen.engine.config.stages import merge_stage, stage_entries

__all__ = [
    'check_config',
    'check_datasets',
    'explain_build_error',
    'fill_data_root',
    'fill_defaults',
    'load_config',
    'merge_stage',
    'stage_entries',
    'use_amp',
]
