"""VU-Net: its training step.

"A Variational U-Net for Conditional Appearance and Shape Generation", Esser, Sutter,
Ommer, CVPR 2018.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from mmengine.logging import MessageHub, print_log
from mmengine.optim import OptimWrapperDict
from torch import Tensor

from posegen.models.base import BasePoseTransfer
from posegen.models.phase import as_batches
from posegen.models.vunet.losses import latent_kl
from posegen.registry import MODELS


@MODELS.register_module()
class VUNet(BasePoseTransfer):
    """Variational U-Net, trained to reconstruct single images.

    The target image of a pair gives appearance, pose and truth of a training step; the
    source is used for the first calibration only. At inference the appearance is the
    source's. Published training goes over all images whose shoulders and hips are
    annotated, which those of pairs are.

    Before the first step gains and biases are set from data, once: on source and target
    images of the first batch, over all processes. (Published: on four batches of single
    images.) The weights carry the mark that it was done.

    Args:
        generator: Config of :class:`~posegen.models.vunet.VUNetGenerator`.
        discriminators: Name -> ``dict(net=..., condition=(...))``; the published
            method has none.
        feature_net: Frozen feature net of the perceptual terms.
        losses: ``kl`` (:class:`~posegen.models.vunet.LatentKLLoss`), and ``rec``,
            ``adv``, ``per``, ``sty``, see the base class.
        data_preprocessor: Config of the preprocessor.
        canvas: (height, width) that images are stretched to for the networks and the
            losses; generated images are brought back. Published for Market-1501:
            (128, 128). None: the images' own size.

    Raises:
        ValueError: If ``losses`` are given without ``kl``; further as in the base
            class.
    """

    terms = ('rec', 'adv', 'per', 'sty', 'kl')

    def __init__(
        self,
        generator: Mapping,
        discriminators: Mapping | None = None,
        feature_net: Mapping | None = None,
        losses: Mapping | None = None,
        data_preprocessor: Mapping | None = None,
        canvas: tuple[int, int] | None = None,
    ) -> None:
        super().__init__(
            generator, discriminators, feature_net, losses, data_preprocessor
        )
        if losses and 'kl' not in losses:
            raise ValueError('losses.kl is missing: nothing else trains the prior')
        self.canvas = tuple(canvas) if canvas else None
        self._is_calibrated = False

    def generate(
        self, source_image: Tensor, source_keypoints: Tensor, target_keypoints: Tensor
    ) -> dict[str, Tensor]:
        """Generate images; arguments as in the base class.

        Returns:
            ``image`` (B, 3, H, W) in [-1, 1].
        """
        size = tuple(source_image.shape[-2:])
        image = self.generator(
            self._stretched(source_image),
            *(self._moved(k, size) for k in (source_keypoints, target_keypoints)),
        )['image']
        if tuple(image.shape[-2:]) != size:
            image = F.interpolate(image, size, mode='bicubic')
        return dict(image=image.clamp(-1, 1))

    def training_batch(self, data: Mapping) -> dict:
        """A collated batch as a reconstruction: the target is the source, too."""
        batch = super().training_batch(data)
        size = tuple(batch['target_image'].shape[-2:])
        image = self._stretched(batch['target_image'])
        keypoints = self._moved(batch['target_keypoints'], size)
        return batch | dict(
            source_image=image,
            target_image=image,
            source_keypoints=keypoints,
            target_keypoints=keypoints,
        )

    def train_step(
        self, data: Mapping | Sequence[Mapping], optim_wrapper: OptimWrapperDict
    ) -> dict[str, Tensor | float]:
        """One step, after the calibration if that was not done; see the base class."""
        if not self._is_calibrated:
            self._calibrate_once(as_batches(data)[0])
        return super().train_step(data, optim_wrapper)

    def generator_losses(
        self, batch: Mapping, out: Mapping
    ) -> tuple[dict[str, Tensor], dict[str, Tensor | float]]:
        """Terms of the image and of the latents; beside them ``kl`` and its weight."""
        losses, monitors = super().generator_losses(batch, out)
        posteriors, priors = out['posteriors'], out['priors']
        # The runner's own count: it goes on where a run is resumed, and starts anew in
        # each stage.
        iteration = MessageHub.get_current_instance().get_info('iter', 0)
        losses['loss_kl'] = self.losses['kl'](posteriors, priors, iteration)
        monitors['kl'] = latent_kl(posteriors, priors).detach()
        monitors['kl_weight'] = self.losses['kl'].weight_at(iteration)
        return losses, monitors

    def _calibrate_once(self, data: Mapping) -> None:
        generator = getattr(self.generator, 'module', self.generator)
        if not generator.is_calibrated:
            batch = self.data_preprocessor(data, training=True)
            size = tuple(batch['target_image'].shape[-2:])
            images, keypoints = (
                torch.cat([batch[f'{side}_{what}'] for side in ('source', 'target')])
                for what in ('image', 'keypoints')
            )
            generator.calibrate(self._stretched(images), self._moved(keypoints, size))
            print_log('Gains and biases were set from the first batch', 'current')
        self._is_calibrated = True

    def _stretched(self, image: Tensor) -> Tensor:
        if self.canvas in (None, tuple(image.shape[-2:])):
            return image
        return F.interpolate(image, self.canvas, mode='bilinear')

    def _moved(self, keypoints: Tensor, size: tuple[int, int]) -> Tensor:
        """Joints (B, 18, 3) in pixels of ``size`` to those of the canvas."""
        if self.canvas in (None, size):
            return keypoints
        (height, width), (old_height, old_width) = self.canvas, size
        factors = keypoints.new_tensor([width / old_width, height / old_height])
        points = (keypoints[..., :2] + 0.5) * factors - 0.5
        return torch.cat([points, keypoints[..., 2:]], dim=-1)
