"""The network of a record, made once in each process."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import cache

from mmengine.device import get_device
from torch import Tensor, nn

from posegen.evaluation.networks import (
    Lite0Embedding,
    STLPIPSNet,
    build_inception,
    build_lpips,
)
from posegen.evaluation.protocols import FID, LPIPS, InceptionScore, Metric
from posegen.evaluation.steps import apply_steps

ST_LPIPS, LITE0 = 'st_lpips', 'fd_efficientnet_lite0'
STAND_INS = (ST_LPIPS, LITE0)
"""Metrics on networks whose weights come inside packages; never LPIPS or FID."""


def network_key(metric: Metric | str) -> Hashable | None:
    """What a metric needs of a network; None for none.

    Metrics with equal keys share one network.
    """
    if isinstance(metric, LPIPS):
        return 'lpips', metric.net, metric.input_range
    if isinstance(metric, FID | InceptionScore):
        return 'inception', metric.weights, metric.normalisation
    return metric if isinstance(metric, str) else None


def pair_network(metric: LPIPS | str) -> Callable[[Tensor, Tensor], Tensor]:
    """Distance of pairs: (B, 3, H, W) of 0..255 twice -> (B,) on the CPU.

    Raises:
        WeightsError: Weights are neither there nor to be had.
        DependencyError: The extra ``offline-features`` is not installed.
    """
    network = load_network(network_key(metric))
    device = get_device()
    return lambda fake, real: network(fake.to(device), real.to(device)).cpu()


def feature_network(recipe: FID | InceptionScore | str) -> Callable[[Tensor], Tensor]:
    """Features of images: (B, 3, H, W) of 0..255 -> (B, d) float32 on the CPU.

    Raises:
        WeightsError: As for :func:`pair_network`.
        DependencyError: The same.
    """
    network = load_network(network_key(recipe))
    device = get_device()

    def embed(images: Tensor) -> Tensor:
        if not isinstance(recipe, str) and recipe.input_resize is not None:
            images = apply_steps(images, (recipe.input_resize,), images.shape[2])
        return network(images.to(device)).float().cpu()

    return embed


@cache  # some five of them, and one protocol after another asks
def load_network(key: Hashable) -> nn.Module:
    """The network of a key of :func:`network_key`, on the device of this process."""
    if key == ST_LPIPS:
        network: nn.Module = STLPIPSNet()
    elif key == LITE0:
        network = Lite0Embedding()
    else:
        assert isinstance(key, tuple)
        kind, *options = key
        network = (build_lpips if kind == 'lpips' else build_inception)(*options)
    return network.to(get_device())


def inception_logits(metric: InceptionScore, features: Tensor) -> Tensor:
    """(n, 2048) features to (n, classes) logits on the CPU."""
    network = load_network(network_key(metric))
    logits = network.logits(features.to(get_device()), bias=metric.logits_bias)
    return logits.cpu()
