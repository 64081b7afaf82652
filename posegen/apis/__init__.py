"""Use a model from Python: by name, on photos of any size; publish your own."""

from posegen.apis.inferencer import InferenceResult, PoseTransferInferencer
from posegen.apis.model_zoo import get_model, list_models
from posegen.apis.publish import publish_model

__all__ = [
    'InferenceResult',
    'PoseTransferInferencer',
    'get_model',
    'list_models',
    'publish_model',
]
