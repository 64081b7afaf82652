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
VISBACKENDS = Registry(
    'vis_backend',
    parent=mm.VISBACKENDS,
    scope='posegen',
    locations=['posegen.visualization.backends'],
)

# Nothing of posegen's own is in these; they are here for users' classes, and because
# MMEngine warns at every look-up in a registry that has no child of the default scope.
OPTIMIZERS = Registry('optimizer', parent=mm.OPTIMIZERS, scope='posegen')
PARAM_SCHEDULERS = Registry(
    'parameter scheduler', parent=mm.PARAM_SCHEDULERS, scope='posegen'
)
MODEL_WRAPPERS = Registry('model_wrapper', parent=mm.MODEL_WRAPPERS, scope='posegen')
WEIGHT_INITIALIZERS = Registry(
    'weight initializer', parent=mm.WEIGHT_INITIALIZERS, scope='posegen'
)
EVALUATOR = Registry('evaluator', parent=mm.EVALUATOR, scope='posegen')
LOG_PROCESSORS = Registry('log_processor', parent=mm.LOG_PROCESSORS, scope='posegen')
FUNCTIONS = Registry('function', parent=mm.FUNCTIONS, scope='posegen')
TASK_UTILS = Registry('task util', parent=mm.TASK_UTILS, scope='posegen')
