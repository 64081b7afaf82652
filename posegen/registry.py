"""Child registries of MMEngine's, one per kind of component.

``locations`` names the packages that register the components; they are imported on the
first look-up, so a broken import shows itself instead of an unknown name. A class in a
user's own file joins a registry through ``custom_imports`` in the config.
"""

from __future__ import annotations

from mmengine import registry as mm
from mmengine.registry import Registry

DATASETS = Registry(
    'dataset', parent=mm.DATASETS, scope='posegen', locations=['posegen.datasets']
)
TRANSFORMS = Registry(
    'transform', parent=mm.TRANSFORMS, scope='posegen', locations=['posegen.datasets']
)
DATA_SAMPLERS = Registry(
    'data sampler',
    parent=mm.DATA_SAMPLERS,
    scope='posegen',
    locations=['posegen.engine'],
)
MODELS = Registry(
    'model', parent=mm.MODELS, scope='posegen', locations=['posegen.models']
)
RUNNERS = Registry(
    'runner', parent=mm.RUNNERS, scope='posegen', locations=['posegen.engine']
)
LOOPS = Registry('loop', parent=mm.LOOPS, scope='posegen', locations=['posegen.engine'])
HOOKS = Registry('hook', parent=mm.HOOKS, scope='posegen', locations=['posegen.engine'])
OPTIM_WRAPPERS = Registry(
    'optim_wrapper',
    parent=mm.OPTIM_WRAPPERS,
    scope='posegen',
    locations=['posegen.engine'],
)
OPTIM_WRAPPER_CONSTRUCTORS = Registry(
    'optim wrapper constructor',
    parent=mm.OPTIM_WRAPPER_CONSTRUCTORS,
    scope='posegen',
    locations=['posegen.engine'],
)
METRICS = Registry(
    'metric', parent=mm.METRICS, scope='posegen', locations=['posegen.evaluation']
)
VISUALIZERS = Registry(
    'visualizer',
    parent=mm.VISUALIZERS,
    scope='posegen',
    locations=['posegen.visualization'],
)
