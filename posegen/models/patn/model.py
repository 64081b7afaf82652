"""PATN: its training step.

"Progressive Pose Attention Transfer for Person Image Generation", Zhu, Huang, Shi, Yu,
Wang, Bai, CVPR 2019.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mmengine.optim import OptimWrapperDict
from torch import Tensor

from posegen.models.base import BasePoseTransfer
from posegen.models.patn.pool import ImagePool
from posegen.models.phase import Shares, as_batches, optimize
from posegen.registry import MODELS
from posegen.utils.errors import ConfigError


@MODELS.register_module()
class PATN(BasePoseTransfer):
    """Progressive pose attention transfer network.

    A step trains the generator first and then each discriminator, in the order of the
    config, on the same generated batch; the published order is PP, PB. Discriminators
    share the optimizer ``discriminator``, or each ``<name>`` has one of its own,
    ``discriminator_<name>``.

    Args:
        generator: Config of :class:`~posegen.models.patn.PATNGenerator`, or of another
            generator that is called alike and has ``heatmaps``.
        discriminators: Name -> ``dict(net=..., condition=(...))``.
        feature_net: Frozen feature net of the perceptual term.
        losses: ``rec``, ``adv``, ``per``, ``sty``, see the base class.
        data_preprocessor: Config of the preprocessor.
        pool_size: Generated inputs that each discriminator's pool keeps, joined with
            their conditions; published: 50 for Market-1501, 0 for DeepFashion.

    Raises:
        ValueError: If ``pool_size`` is below 0; further as in the base class.
    """

    def __init__(
        self,
        generator: Mapping,
        discriminators: Mapping | None = None,
        feature_net: Mapping | None = None,
        losses: Mapping | None = None,
        data_preprocessor: Mapping | None = None,
        pool_size: int = 0,
    ) -> None:
        super().__init__(
            generator, discriminators, feature_net, losses, data_preprocessor
        )
        self.pools = {name: ImagePool(pool_size) for name in discriminators or ()}

    def generate(
        self, source_image: Tensor, source_keypoints: Tensor, target_keypoints: Tensor
    ) -> dict[str, Tensor]:
        """Generate images; arguments as in the base class.

        Returns:
            ``image`` (B, 3, H, W) in [-1, 1].
        """
        out = self.generator(source_image, source_keypoints, target_keypoints)
        return dict(image=out['image'])

    def train_step(
        self, data: Mapping | Sequence[Mapping], optim_wrapper: OptimWrapperDict
    ) -> dict[str, Tensor | float]:
        """One step of the generator, then one of each discriminator.

        Args:
            data: Collated batch of the data set, or several to accumulate.
            optim_wrapper: Wrappers ``generator`` and, where there are discriminators,
                ``discriminator`` or one ``discriminator_<name>`` each.

        Returns:
            Scalars to log; keys of losses start with ``loss_``.
        """
        batches = [self.training_batch(batch) for batch in as_batches(data)]
        fakes: list[Tensor] = []

        def losses_of(batch: Mapping):
            out = self.run_generator(batch)
            fakes.append(out['image'].detach())
            return self.generator_losses(batch, out)

        if self.trains_discriminators:
            # The generator's step goes through the discriminators but not into them.
            self.discriminators.requires_grad_(False)
        wrapper = optim_wrapper['generator']
        logs = optimize([(wrapper, None)], self.generator, batches, losses_of)
        if self.trains_discriminators:
            logs |= self.step_discriminators(batches, fakes, optim_wrapper)
        return logs

    def step_discriminators(
        self,
        batches: Sequence[Mapping],
        fakes: Sequence[Tensor],
        optim_wrapper: OptimWrapperDict,
    ) -> dict[str, Tensor | float]:
        """Update every discriminator on real and generated batches.

        Args:
            batches: Preprocessed batches.
            fakes: For each (B, 3, H, W) generated images, without gradient.
            optim_wrapper: See :meth:`train_step`.

        Returns:
            ``loss_d_<name>`` of each.
        """
        self.discriminators.requires_grad_(True)
        return optimize(
            _by_optimizer(optim_wrapper, list(self.pools)),
            self.discriminators,
            list(zip(batches, fakes, batches)),
            lambda item: (self.discriminator_losses(*item), {}),
        )

    def discriminator_losses(
        self, batch: Mapping, fake: Tensor, fake_batch: Mapping
    ) -> dict[str, Tensor]:
        """``loss_d_<name>`` on a real batch and on what the pools give for a fake one.

        Args:
            batch: Preprocessed batch.
            fake: (B, 3, H, W) generated images; no gradient reaches them.
            fake_batch: Batch that they were generated from; gives their conditions.
        """
        maps = self.condition_maps(batch)
        fake_maps = maps if fake_batch is batch else self.condition_maps(fake_batch)
        join = getattr(self.discriminators, 'module', self.discriminators).join
        fakes = {
            name: self.pools[name].query(joined)
            for name, joined in join(fake, fake_maps).items()
        }
        real_logits = self.discriminators(join(batch['target_image'], maps))
        fake_logits = self.discriminators(fakes)
        return {
            f'loss_d_{name}': self.losses['adv'].discriminator(
                real_logits[name], fake_logits[name]
            )
            for name in real_logits
        }

    def training_state(self) -> dict[str, list[Tensor]]:
        """What resumed training needs beside weights: the content of the pools."""
        return {name: pool.state() for name, pool in self.pools.items()}

    def load_training_state(self, state: Mapping[str, list[Tensor]]) -> None:
        """Take over a :meth:`training_state`."""
        device = next(self.parameters()).device
        for name, items in state.items():
            self.pools[name].load_state(items, device)


def _by_optimizer(optim_wrapper: OptimWrapperDict, names: list[str]) -> Shares:
    """Each discriminator's optimizer with the losses that it minimises."""
    if 'discriminator' in optim_wrapper:
        return [(optim_wrapper['discriminator'], None)]
    missing = [n for n in names if f'discriminator_{n}' not in optim_wrapper]
    if missing:
        raise ConfigError(
            f'optim_wrapper has no optimizer for the discriminators {missing}: it '
            f'needs discriminator_{missing[0]} (one each) or discriminator (one for '
            f'all); it has {sorted(optim_wrapper.keys())}'
        )
    return [
        (optim_wrapper[f'discriminator_{name}'], [f'loss_d_{name}']) for name in names
    ]
