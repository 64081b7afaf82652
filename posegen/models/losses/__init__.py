"""Losses of equations 9 to 14, each with its weight inside.

``layers_needed`` of a loss names the layers of the feature net that it reads, so that a
model runs one pass over an image for all of its losses.
"""

from posegen.models.losses.correctness import SamplingCorrectnessLoss, join_features
from posegen.models.losses.gan import GANLoss
from posegen.models.losses.perceptual import (
    NearestNeighbourLoss,
    PerceptualLoss,
    StyleLoss,
    gram_matrix,
)
from posegen.models.losses.pixel import L1Loss, SSIMLoss
from posegen.models.losses.truth import (
    ChoiceTruthLoss,
    FlowTruthLoss,
    ParsingTruthLoss,
    VisibilityTruthLoss,
)

__all__ = [
    'ChoiceTruthLoss',
    'FlowTruthLoss',
    'GANLoss',
    'L1Loss',
    'NearestNeighbourLoss',
    'ParsingTruthLoss',
    'PerceptualLoss',
    'SSIMLoss',
    'SamplingCorrectnessLoss',
    'StyleLoss',
    'VisibilityTruthLoss',
    'gram_matrix',
    'join_features',
]
