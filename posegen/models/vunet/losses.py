"""The price of information in VU-Net's latents."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from posegen.models.ops.precision import at_least_float32
from posegen.registry import MODELS


def latent_kl(posteriors: Sequence[Tensor], priors: Sequence[Tensor]) -> Tensor:
    """Kullback-Leibler divergence of normal posteriors from priors of unit variance.

    Args:
        posteriors: Means (B, C, h, w), one a scale.
        priors: Means of the same shapes.

    Returns:
        Scalar in nats: summed over scales, channels and positions, mean over the batch.
    """
    return sum(
        0.5 * (q - p).square().flatten(1).sum(1).mean()
        for q, p in zip(
            map(at_least_float32, posteriors),
            map(at_least_float32, priors),
            strict=True,
        )
    )


@MODELS.register_module()
class LatentKLLoss(nn.Module):
    """:func:`latent_kl` with a weight that rises during training.

    A full weight from the start lets the latents collapse to the prior; the published
    ramp prevents it.

    Args:
        start_weight: Weight until iteration ``begin``.
        end_weight: Weight from iteration ``end`` on.
        begin: First iteration of the linear rise.
        end: Its last iteration.

    Raises:
        ValueError: ``end`` is not behind ``begin``.
    """

    layers_needed: frozenset[str] = frozenset()

    def __init__(
        self,
        start_weight: float = 1e-6,
        end_weight: float = 1.0,
        begin: int = 50_000,
        end: int = 75_000,
    ) -> None:
        super().__init__()
        if not 0 <= begin < end:
            raise ValueError(
                f'end must be behind begin, and begin at least 0; got {begin}, {end}'
            )
        self.start_weight, self.end_weight = start_weight, end_weight
        self.begin, self.end = begin, end

    def weight_at(self, iteration: int) -> float:
        """The weight at an iteration, counted from 0."""
        done = (iteration - self.begin) / (self.end - self.begin)
        done = min(max(done, 0.0), 1.0)
        return self.start_weight + done * (self.end_weight - self.start_weight)

    def forward(
        self, posteriors: Sequence[Tensor], priors: Sequence[Tensor], iteration: int
    ) -> Tensor:
        """Weighted scalar; arguments of :func:`latent_kl`, and the iteration."""
        return self.weight_at(iteration) * latent_kl(posteriors, priors)

    def extra_repr(self) -> str:
        return (
            f'start_weight={self.start_weight}, end_weight={self.end_weight}, '
            f'begin={self.begin}, end={self.end}'
        )
