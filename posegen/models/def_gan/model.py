"""Def-GAN: its training step.

"Deformable GANs for Pose-based Human Image Generation", Siarohin, Sangineto,
Lathuiliere, Sebe, CVPR 2018.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from mmengine.optim import OptimWrapperDict
from torch import Tensor

from posegen.models.base import BasePoseTransfer
from posegen.models.phase import as_batches
from posegen.registry import MODELS
from posegen.utils.errors import ConfigError

#: Real images, generated ones, and those that the generator is trained with.
NUM_BATCHES = 3


@MODELS.register_module()
class DefGAN(BasePoseTransfer):
    """Deformable GAN.

    A step trains the discriminators first and then the generator. In the published step
    each of the three things that are judged comes from a batch of its own: the real
    images and the generated ones that the discriminators see, and the generated ones
    that train the generator.

    Args:
        generator: Config of :class:`~posegen.models.def_gan.DefGANGenerator`, or of
            another generator that is called alike and has ``heatmaps``.
        discriminators: Name -> ``dict(net=..., condition=(...))``.
        feature_net: Frozen feature net of the content term.
        losses: ``rec``, ``adv``, ``per``, ``sty``, see the base class; the published
            content term is a ``NearestNeighbourLoss`` as ``per``.
        data_preprocessor: Config of the preprocessor.
        separate_batches: Cut a loaded batch into three, as published: the loader's
            ``batch_size`` is three times the published one. False takes one batch for
            all, which runs the generator once a step instead of twice.

    Raises:
        ValueError: As in the base class.
    """

    def __init__(
        self,
        generator: Mapping,
        discriminators: Mapping | None = None,
        feature_net: Mapping | None = None,
        losses: Mapping | None = None,
        data_preprocessor: Mapping | None = None,
        separate_batches: bool = True,
    ) -> None:
        super().__init__(
            generator, discriminators, feature_net, losses, data_preprocessor
        )
        self.separate_batches = separate_batches and self.trains_discriminators

    @property
    def batch_multiple(self) -> int:
        """What the number of samples in a training batch must be a multiple of."""
        return NUM_BATCHES if self.separate_batches else 1

    def generate(
        self, source_image: Tensor, source_keypoints: Tensor, target_keypoints: Tensor
    ) -> dict[str, Tensor]:
        """Generate images; arguments as in the base class.

        Returns:
            ``image`` (B, 3, H, W) in [-1, 1].
        """
        return self.generator(source_image, source_keypoints, target_keypoints)

    def train_step(
        self, data: Mapping | Sequence[Mapping], optim_wrapper: OptimWrapperDict
    ) -> dict[str, Tensor | float]:
        """One step of the discriminators, then one of the generator against them.

        Args:
            data: Collated batch of the data set, or several to accumulate.
            optim_wrapper: Wrappers ``generator`` and, where there are discriminators,
                ``discriminator``.

        Returns:
            Scalars to log; keys of losses start with ``loss_``.

        Raises:
            ConfigError: If separate batches are asked for and the batch is no multiple
                of three.
        """
        if not self.separate_batches:
            return super().train_step(data, optim_wrapper)
        batches = [self.training_batch(batch) for batch in as_batches(data)]
        cut = [split_batch(batch, NUM_BATCHES) for batch in batches]
        real, generated, own = (list(batches) for batches in zip(*cut))
        wrapper = optim_wrapper['generator']
        with torch.no_grad(), wrapper.optim_context(self.generator):
            fakes = [self.run_generator(batch)['image'] for batch in generated]
        logs = self.discriminator_step(
            real, fakes, optim_wrapper['discriminator'], generated
        )
        return logs | self.generator_step(own, wrapper)


def split_batch(batch: Mapping, count: int) -> list[dict]:
    """Cut a batch into equal ones.

    Args:
        batch: Name -> tensor or list, all with one entry a sample.
        count: Number of batches.

    Raises:
        ConfigError: If the samples can't be shared out equally.
    """
    total = len(batch['source_image'])
    if total % count:
        raise ConfigError(
            f'separate_batches cuts a batch into {count}, but train_dataloader.'
            f'batch_size gives {total} samples; make it a multiple of {count} or set '
            'model.separate_batches=False'
        )
    size = total // count
    return [
        {key: value[i * size : (i + 1) * size] for key, value in batch.items()}
        for i in range(count)
    ]
