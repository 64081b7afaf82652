"""limbwarp: posegen's own method, for photos.

The analytic flow of the limbs (:func:`~posegen.models.ops.limb_flow`), corrected by a
net that learns from the true flow of synthetic people; the paper's local warping,
hybrid dilated blocks, fusion and pyramid non-local block on features; and a picture
that is composed of the photo's own pixels.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from posegen.codecs import part_masks
from posegen.models.base import with_known_background
from posegen.models.flow_based import FlowBasedTransfer
from posegen.models.losses.truth import has_truth, require_truth
from posegen.models.ops import compose
from posegen.registry import MODELS

# Fractions of the image's height: how far clothes and hair may reach from the limbs,
# and how near to them there is nothing but the person.
_REACH = 1 / 8
_CORE = 1 / 32


@MODELS.register_module()
class LimbWarp(FlowBasedTransfer):
    """Limb flow, warped pixels, painted rest.

    Args:
        generator: Config of :class:`~posegen.models.limbwarp.LimbWarpGenerator`.
        discriminators: Name -> ``dict(net=..., condition=(...))``; None trains without.
        feature_net: Frozen feature net of L_sam, L_per and L_sty.
        losses: ``rec``, ``adv``, ``per``, ``sty`` on the picture (eq. 11 to 14);
            ``ssim``, a further pixel loss of the picture; ``paint``, one of the
            painted picture alone; ``flow``, ``visibility``, ``parsing`` and ``choice``
            (the candidate that a pixel is made from) against the truth; ``sam``
            (eq. 9), which takes the place of these four in batches of which no pair has
            a truth.
        data_preprocessor: Config of the preprocessor.
        train_stage: ``'flow'`` or ``'full'``.
        mask_radius: Radius, as a fraction of the image height, of the capsules around a
            part's limbs inside which ``sam`` sees the part.

    Raises:
        ValueError: If ``mask_radius`` is not above 0; further as in the base class.
    """

    terms = (*FlowBasedTransfer.terms, 'parsing', 'ssim', 'paint', 'choice')
    #: Those of them that need the truth.
    truth_terms = frozenset({'flow', 'visibility', 'parsing', 'choice'})

    def __init__(
        self,
        generator: Mapping,
        discriminators: Mapping | None = None,
        feature_net: Mapping | None = None,
        losses: Mapping | None = None,
        data_preprocessor: Mapping | None = None,
        train_stage: str = 'full',
        mask_radius: float = 1 / 16,
    ) -> None:
        if mask_radius <= 0:
            raise ValueError(f'mask_radius must be above 0, got {mask_radius}')
        super().__init__(
            generator,
            discriminators,
            feature_net,
            losses,
            data_preprocessor,
            train_stage,
        )
        self.mask_radius = mask_radius
        self.parts = dict(self.generator.parts)

    def loss_masks(self, batch: Mapping) -> dict[str, Tensor]:
        keypoints = batch['target_keypoints']
        size = tuple(batch['target_image'].shape[-2:])
        return {
            part: part_masks(keypoints, joints, size, radius=self.mask_radius)
            for part, joints in self.parts.items()
        }

    def active_terms(self, batch: Mapping) -> set[str]:
        """With ``losses.sam``, the terms that suit the batch: truth, or L_sam."""
        if 'sam' not in self.losses:
            return set(self.losses)
        unsuitable = {'sam'} if has_truth(batch) else self.truth_terms
        return set(self.losses) - unsuitable

    def generator_losses(
        self, batch: Mapping, out: Mapping
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """The terms of the base class, and those of the composition."""
        losses, monitors = super().generator_losses(batch, out)
        if 'loss_sam' in losses:
            # Distributed training wants every part of the net in use.
            unused = _visible(out).sum() + out['parsing'].sum()
            losses['loss_sam'] = losses['loss_sam'] + 0 * unused
        if 'parsing' in self.active_terms(batch):
            truth = require_truth(batch, 'losses.parsing')
            losses['loss_parsing'] = self.losses['parsing'](
                out['parsing'], [*self.parts], **truth
            )
        if self.train_stage == 'full':
            losses |= self.composition_losses(batch, out)
        return losses, monitors

    def composition_losses(self, batch: Mapping, out: Mapping) -> dict[str, Tensor]:
        """``ssim``, ``paint`` and ``choice``, at the size of the image."""
        losses = {}
        size = tuple(batch['target_image'].shape[-2:])
        if 'ssim' in self.losses:
            known = with_known_background(out['image'], batch)
            losses['loss_ssim'] = self.losses['ssim'](known, batch['target_image'])
        if 'paint' in self.losses:
            painted = _enlarge(out['painted'], size, 'bicubic').clamp(-1, 1)
            known = with_known_background(painted, batch)
            losses['loss_paint'] = self.losses['paint'](known, batch['target_image'])
        if 'choice' in self.active_terms(batch):
            losses['loss_choice'] = self._choice_loss(batch, out, size)
        return losses

    def _choice_loss(
        self, batch: Mapping, out: Mapping, size: tuple[int, int]
    ) -> Tensor:
        """Of the composition, and of what the painter takes for background and parts.

        The painter has the source wherever it is background, and a part's warp or what
        it was filled to wherever the part is.
        """
        truth = require_truth(batch, 'losses.choice')
        joints, parts = batch['source_keypoints'], [*self.parts]
        masks, regions = (_enlarge(out[key], size) for key in ('masks', 'regions'))
        composed = self.losses['choice'](
            masks,
            parts,
            **truth,
            near_person=_around_joints(joints, size, _REACH),
            on_person=_around_joints(joints, size, _CORE),
        )
        nothing = torch.zeros_like(regions[:, :1])
        choice = torch.cat([regions[:, :1], nothing, regions[:, 1:]], dim=1)
        everywhere = torch.ones_like(truth['visibility'])
        painted = self.losses['choice'](
            choice, parts, **truth | dict(visibility=everywhere)
        )
        return composed + painted

    def generate(
        self, source_image: Tensor, source_keypoints: Tensor, target_keypoints: Tensor
    ) -> dict:
        """Generate images; arguments as in the base class.

        Returns:
            As the base class, and in stage ``'full'`` what the picture was composed of
            (:func:`~posegen.models.ops.compose`): ``painted`` (B, 3, h, w) in [-1, 1]
            and ``masks`` (B, 2 + parts, h, w).
        """
        joints = dict(
            source_keypoints=source_keypoints, target_keypoints=target_keypoints
        )
        out = self.run_generator(dict(source_image=source_image, **joints))
        flow, visibility = (
            {part: levels[self.level][place] for part, levels in out['flows'].items()}
            for place in (0, 1)
        )
        if self.train_stage == 'full':
            kept = {key: out[key] for key in ('image', 'painted', 'masks')}
        else:
            kept = dict(image=_by_visibility(source_image, flow, visibility))
        return kept | dict(flow=flow, visibility=visibility)


def _around_joints(keypoints: Tensor, size: tuple[int, int], radius: float) -> Tensor:
    """(B, H, W) bool: capsules around all limbs; radius as in ``part_masks``."""
    everywhere = range(keypoints.shape[1])
    return part_masks(keypoints, everywhere, size, radius)[:, 0] > 0


def _by_visibility(
    source: Tensor, flow: Mapping[str, Tensor], visibility: Mapping[str, Tensor]
) -> Tensor:
    """The source and its warps by their visibility, for a net that only knows these."""
    seen = torch.cat([*visibility.values()], dim=1)
    rest = (1 - seen.sum(1, keepdim=True)).clamp_min(0)
    masks = torch.cat([rest, torch.zeros_like(rest), seen], dim=1)
    masks = masks / masks.sum(1, keepdim=True)
    return compose(source, torch.zeros_like(source), flow, masks)


def _visible(out: Mapping) -> Tensor:
    return torch.cat([v for flows in out['flows'].values() for _, v in flows.values()])


def _enlarge(maps: Tensor, size: tuple[int, int], mode: str = 'bilinear') -> Tensor:
    """Maps at the size of the image, as :func:`~posegen.models.ops.compose` has it."""
    if tuple(maps.shape[-2:]) == size:
        return maps
    return F.interpolate(maps, size=size, mode=mode)
