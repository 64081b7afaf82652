"""The adversarial game between generator and discriminator (eq. 12)."""

from __future__ import annotations

from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor, nn

from posegen.models.ops.precision import full_precision
from posegen.registry import MODELS


def _lsgan_generator(fake: Tensor) -> Tensor:
    return (fake - 1).square().mean()


def _lsgan_discriminator(real: Tensor, fake: Tensor) -> Tensor:
    return 0.5 * ((real - 1).square().mean() + fake.square().mean())


def _log_generator(fake: Tensor) -> Tensor:
    return F.softplus(-fake).mean()


def _log_discriminator(real: Tensor, fake: Tensor) -> Tensor:
    # softplus(-x) = -log sigmoid(x), softplus(x) = -log(1 - sigmoid(x)).
    return F.softplus(-real).mean() + F.softplus(fake).mean()


def _hinge_generator(fake: Tensor) -> Tensor:
    return -fake.mean()


def _hinge_discriminator(real: Tensor, fake: Tensor) -> Tensor:
    return F.relu(1 - real).mean() + F.relu(1 + fake).mean()


#: Mode -> (generator's loss of fake logits, discriminator's of real and fake logits).
_MODES: dict[str, tuple[Callable[[Tensor], Tensor], Callable[..., Tensor]]] = {
    'lsgan': (_lsgan_generator, _lsgan_discriminator),
    'log': (_log_generator, _log_discriminator),
    'hinge': (_hinge_generator, _hinge_discriminator),
}


@MODELS.register_module()
class GANLoss(nn.Module):
    """Adversarial loss on raw logits of any shape.

    * ``'lsgan'``: squared distance to the labels 1 and 0, halved for the discriminator,
      as in the code that the paper's authors built on (Ren et al. 2020).
    * ``'log'``: eq. 12 with D = sigmoid(logits). The discriminator maximises eq. 12 as
      it stands. The generator minimises -log D(fake) in place of log(1 - D(fake)):
      the same direction, but without the vanishing gradient that the literal form has
      as long as the discriminator wins (Goodfellow et al. 2014, section 3).
    * ``'hinge'``: margins at 1 and -1.

    Args:
        mode: ``'lsgan'``, ``'log'`` or ``'hinge'``.
        weight: Factor of the generator's loss.
        discriminator_weight: Factor of the discriminators' loss.

    Raises:
        ValueError: The mode is unknown.
    """

    layers_needed: frozenset[str] = frozenset()

    def __init__(
        self,
        mode: str = 'lsgan',
        weight: float = 2.0,
        discriminator_weight: float = 1.0,
    ) -> None:
        super().__init__()
        if mode not in _MODES:
            raise ValueError(f'mode must be one of {tuple(_MODES)}, got {mode!r}')
        self.mode = mode
        self.weight = weight
        self.discriminator_weight = discriminator_weight

    @full_precision
    def generator(self, fake_logits: Tensor) -> Tensor:
        """Weighted scalar that falls as the generated images pass for real."""
        return self.weight * _MODES[self.mode][0](fake_logits)

    @full_precision
    def discriminator(self, real_logits: Tensor, fake_logits: Tensor) -> Tensor:
        """Weighted scalar that falls as real and generated images are told apart."""
        loss = _MODES[self.mode][1](real_logits, fake_logits)
        return self.discriminator_weight * loss

    def extra_repr(self) -> str:
        return (
            f'mode={self.mode!r}, weight={self.weight}, '
            f'discriminator_weight={self.discriminator_weight}'
        )
