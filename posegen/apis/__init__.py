"""Use a model from Python: by name, on photos of any size."""

from posegen.apis.inferencer import InferenceResult, PoseTransferInferencer
from posegen.apis.model_zoo import get_model, list_models

__all__ = [
    'InferenceResult',
    'PoseTransferInferencer',
    'get_model',
    'list_models',
]
