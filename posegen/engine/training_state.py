"""What a model keeps for training beside its weights, such as pools of images.

A model that keeps something has ``training_state()``, which gives plain types and
tensors, and ``load_training_state(state)``, which takes them back.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmengine.model import is_model_wrapper
from torch import nn


def training_state(model: nn.Module) -> dict[str, Any]:
    """The state of a model, bare or wrapped; empty where it keeps none."""
    bare = model.module if is_model_wrapper(model) else model
    return bare.training_state() if hasattr(bare, 'training_state') else {}


def restore_training_state(model: nn.Module, state: Mapping[str, Any]) -> None:
    """Bring a state of :func:`training_state` back."""
    if state:
        bare = model.module if is_model_wrapper(model) else model
        bare.load_training_state(state)
