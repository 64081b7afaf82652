"""The model of a case, ready to be trained and to be asked."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import torch
from mmengine.config import Config
from mmengine.optim import OptimWrapperDict, build_optim_wrapper
from mmengine.registry import init_default_scope
from mmengine.runner import set_random_seed

from posegen.engine.benchmark.batches import random_batch
from posegen.engine.benchmark.cases import Case
from posegen.engine.compile import compile_networks
from posegen.engine.config import explain_build_error, use_amp
from posegen.engine.hooks.ema import GeneratorEMAHook
from posegen.models import BasePoseTransfer
from posegen.models.feature_nets import FeatureNet
from posegen.registry import HOOKS, MODELS

#: Weights of feature nets that come from elsewhere, a download or a package.
FETCHED = ('imagenet', 'package')

_TYPES = dict(bf16=torch.bfloat16, fp16=torch.float16)


@dataclass
class Subject:
    """A model on its device, what it is trained with, and a batch.

    Attributes:
        model: In training mode where there are optimizers, else in evaluation mode.
        data: What the training loop hands to ``train_step``: a batch, or a list of
            batches where the config accumulates gradients.
        case: What it was built for.
        optimizers: Of the config; None for inference.
        average: Moving average of the generator's weights, where the config has one.
        notes: Sentences on what was changed for the measurement.
    """

    model: BasePoseTransfer
    data: dict[str, Any] | list[dict[str, Any]]
    case: Case
    optimizers: OptimWrapperDict | None = None
    average: GeneratorEMAHook | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def images_a_step(self) -> int:
        """Samples that one training step sees."""
        batches = self.data if isinstance(self.data, list) else [self.data]
        return sum(len(batch['source_image']) for batch in batches)

    def train_step(self) -> dict[str, Any]:
        """One iteration of training, as the training loop makes it."""
        logs = self.model.train_step(self.data, self.optimizers)
        if self.average is not None:
            self.average.after_train_iter(self._as_runner(1))
        return logs

    def start_average(self) -> None:
        """Let the moving average begin with the weights, as a run does."""
        if self.average is not None:
            self.average.before_train(self._as_runner(0))

    def _as_runner(self, iteration: int) -> Any:
        return SimpleNamespace(model=self.model, iter=iteration)

    def inputs(self) -> dict[str, Any]:
        """A batch as the model computes with it, on its device."""
        batch = self.data[0] if isinstance(self.data, list) else self.data
        return self.model.data_preprocessor(batch, training=False)

    def generate(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Generated images of :meth:`inputs`, in the precision of the case."""
        names = ('source_image', 'source_keypoints', 'target_keypoints')
        with torch.inference_mode(), precision(self.case):
            return self.model.generate(*(inputs[name] for name in names))


def build_subject(case: Case, training: bool, compiled: bool = True) -> Subject:
    """Build the model of a case as the runner does, with random weights.

    Args:
        case: What to build.
        training: With optimizers, for training steps.
        compiled: Compile what the config says; the first steps then take longer.

    Raises:
        ConfigError: The config cannot be read, or something in it not be built.
    """
    cfg = case.load()
    set_up(cfg, case.device)
    notes = without_fetched_weights(cfg)
    if training and case.amp != 'off':
        use_amp(cfg, case.amp)
    if not compiled:
        cfg.compile = None
    try:
        return _build(cfg, case, training, notes)
    except Exception as error:
        raise explain_build_error(error, cfg) from error


def without_fetched_weights(cfg: Config) -> list[str]:
    """Give the feature net random weights where it would get them from elsewhere.

    Neither time nor memory depends on them.

    Args:
        cfg: The config of a stage; changed in place.

    Returns:
        A sentence where something was changed.
    """
    spec = cfg.model.get('feature_net')
    kind = MODELS.get(spec.get('type')) if spec else None
    if not inspect.isclass(kind) or not issubclass(kind, FeatureNet):
        return []
    weights = inspect.signature(kind).parameters.get('weights')
    given = spec.get('weights', weights.default if weights else None)
    if given not in FETCHED:
        return []
    spec.weights = 'random'
    return [f"feature_net.weights='random' in place of {given!r}: nothing is fetched"]


def precision(case: Case) -> torch.autocast:
    """The context that computes in the precision of a case."""
    dtype = _TYPES.get(case.amp)
    kind = torch.device(case.device).type
    return torch.autocast(kind, dtype, enabled=dtype is not None)


def set_up(cfg: Config, device: str) -> None:
    """Seed, scope and settings of PyTorch, as a run of the config has them.

    Args:
        cfg: The config of a stage.
        device: Device to work on.
    """
    init_default_scope(cfg.get('default_scope') or 'posegen')
    randomness = cfg.get('randomness') or {}
    set_random_seed(0, deterministic=bool(randomness.get('deterministic')))
    env_cfg = cfg.get('env_cfg') or {}
    torch.backends.cudnn.benchmark = bool(env_cfg.get('cudnn_benchmark'))
    if torch.device(device).index is not None:
        torch.cuda.set_device(device)


def _build(cfg: Config, case: Case, training: bool, notes: list[str]) -> Subject:
    model = MODELS.build(cfg.model).to(case.device).train(training)
    if networks := cfg.get('compile'):
        compile_networks(model, **networks)
    data = random_batch(case.batch_size, case.size)
    subject = Subject(model, data, case, notes=notes)
    if not training:
        return subject
    times = (cfg.get('train_cfg') or {}).get('accumulate') or 1
    if times > 1:
        subject.data = [
            random_batch(case.batch_size, case.size, i) for i in range(times)
        ]
    subject.optimizers = build_optim_wrapper(model, cfg.optim_wrapper)
    for hook in cfg.get('custom_hooks') or ():
        if hook.get('type') == 'GeneratorEMAHook':
            subject.average = HOOKS.build(hook)
            subject.start_average()
    return subject
