"""Losses between features of a frozen net (eq. 13 and 14)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from posegen.models.ops.neighbours import nearest_neighbours
from posegen.models.ops.precision import full_precision
from posegen.registry import MODELS


@full_precision
def gram_matrix(feat: Tensor) -> Tensor:
    """Channel correlations F F^T / (C h w) of features (B, C, h, w) -> (B, C, C).

    Computed in float32 or better: sums over a map overflow half precision.
    """
    flat = feat.flatten(2)
    return flat @ flat.transpose(1, 2) / flat[0].numel()


def pick_layer(feats: Mapping[str, Tensor], layer: str, argument: str) -> Tensor:
    """``feats[layer]``, or an error that says which layers there are.

    Raises:
        ValueError: The layer is not there.
    """
    if layer not in feats:
        raise ValueError(
            f'{argument} lacks the layer {layer!r} (it has {sorted(feats)}); ask the '
            'feature net for all of layers_needed'
        )
    return feats[layer]


class _FeatureLoss(nn.Module):
    """Weighted sum over layers of a distance between fake and real features."""

    def __init__(
        self,
        layers: Sequence[str],
        layer_weights: Sequence[float] | None,
        weight: float,
    ) -> None:
        super().__init__()
        if isinstance(layers, str) or not layers:
            raise ValueError(f'layers must be a list of layer names, got {layers!r}')
        if layer_weights is None:
            layer_weights = [1.0] * len(layers)
        if len(layer_weights) != len(layers):
            raise ValueError(
                f'layer_weights must have one number a layer ({len(layers)}), got '
                f'{len(layer_weights)}'
            )
        self.layers = dict(zip(layers, layer_weights))
        self.weight = weight

    @property
    def layers_needed(self) -> frozenset[str]:
        return frozenset(self.layers)

    def forward(
        self, fake_feats: Mapping[str, Tensor], real_feats: Mapping[str, Tensor]
    ) -> Tensor:
        """Weighted scalar; no gradient reaches the real features.

        Args:
            fake_feats: Layer -> (B, C, h, w) of the generated images.
            real_feats: Layer -> (B, C, h, w) of the real images.

        Raises:
            ValueError: A layer is missing, or its shapes differ.
        """
        total = 0.0
        for layer, factor in self.layers.items():
            fake = pick_layer(fake_feats, layer, 'fake_feats')
            real = pick_layer(real_feats, layer, 'real_feats').detach()
            if fake.shape != real.shape:
                raise ValueError(
                    f'features of layer {layer!r} must have the same shape, got '
                    f'{tuple(fake.shape)} and {tuple(real.shape)}'
                )
            total = total + factor * self.distance(fake, real)
        return self.weight * total

    def distance(self, fake: Tensor, real: Tensor) -> Tensor:
        raise NotImplementedError

    def extra_repr(self) -> str:
        return f'layers={self.layers}, weight={self.weight}'


@MODELS.register_module()
class PerceptualLoss(_FeatureLoss):
    """Mean absolute difference of features, summed over layers (eq. 13).

    Args:
        layers: Layers of the feature net; the default is for VGG19.
        layer_weights: One factor a layer; None: all 1.
        weight: Factor of the sum.

    Raises:
        ValueError: ``layers`` is empty or a plain string, or the numbers of layers and
            of weights differ.
    """

    def __init__(
        self,
        layers: Sequence[str] = ('relu1_1', 'relu2_1', 'relu3_1', 'relu4_1', 'relu5_1'),
        layer_weights: Sequence[float] | None = None,
        weight: float = 0.5,
    ) -> None:
        super().__init__(layers, layer_weights, weight)

    @full_precision
    def distance(self, fake: Tensor, real: Tensor) -> Tensor:
        """Mean over batch, channels and positions."""
        return F.l1_loss(fake, real)


@MODELS.register_module()
class StyleLoss(_FeatureLoss):
    """Mean absolute difference of Gram matrices, summed over layers (eq. 14).

    Args:
        layers: Layers of the feature net; the default is for VGG19.
        layer_weights: One factor a layer; None: all 1.
        weight: Factor of the sum.

    Raises:
        ValueError: ``layers`` is empty or a plain string, or the numbers of layers and
            of weights differ.
    """

    def __init__(
        self,
        layers: Sequence[str] = ('relu2_2', 'relu3_4', 'relu4_4', 'relu5_2'),
        layer_weights: Sequence[float] | None = None,
        weight: float = 500.0,
    ) -> None:
        super().__init__(layers, layer_weights, weight)

    @full_precision
    def distance(self, fake: Tensor, real: Tensor) -> Tensor:
        """Mean over batch and matrix entries."""
        return F.l1_loss(gram_matrix(fake), gram_matrix(real))


@MODELS.register_module()
class NearestNeighbourLoss(_FeatureLoss):
    """Distance to the most similar real feature near by (Siarohin et al., CVPR 2018).

    Every vector of the generated features is compared with the best of a window of the
    real ones, so that small shifts cost little. Channels are summed, positions and
    batch averaged, as published.

    Args:
        layers: Layers of the feature net.
        layer_weights: One factor a layer; None: all 1.
        weight: Factor of the sum.
        window: Odd side of the window, in pixels of the layer's map; published are 3
            for Market-1501 and 5 for DeepFashion.

    Raises:
        ValueError: ``layers`` is empty or a plain string, the numbers of layers and of
            weights differ, or ``window`` is even or below 1.
    """

    def __init__(
        self,
        layers: Sequence[str] = ('relu1_2',),
        layer_weights: Sequence[float] | None = None,
        weight: float = 0.01,
        window: int = 5,
    ) -> None:
        super().__init__(layers, layer_weights, weight)
        if window < 1 or window % 2 == 0:
            raise ValueError(f'window must be odd and at least 1, got {window}')
        self.window = window

    @full_precision
    def distance(self, fake: Tensor, real: Tensor) -> Tensor:
        """Sum over channels, mean over batch and positions."""
        nearest = nearest_neighbours(fake, real, self.window)
        return (fake - nearest).abs().sum(1).mean()

    def extra_repr(self) -> str:
        return f'{super().extra_repr()}, window={self.window}'
