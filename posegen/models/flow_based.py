"""Two-stage training of flow based methods, shared by the paper's model and GFLA."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from posegen.models.base import BasePoseTransfer
from posegen.models.losses.truth import require_truth

STAGES = ('flow', 'full')


class FlowBasedTransfer(BasePoseTransfer):
    """A generator with a flow net, which is trained alone first.

    Stage ``'flow'`` trains the flow nets with L_sam (eq. 9), with the true flow where
    the data has it, or with both; stage ``'full'`` trains everything with eq. 10. In
    stage ``'flow'`` all else is frozen; so are the visibility heads, since nothing of
    L_sam reaches them, unless ``losses.visibility`` trains them.

    Args:
        train_stage: ``'flow'`` or ``'full'``.
        generator: Config; the generator takes ``flow_only``, gives ``flows`` (part ->
            level -> (flow, visibility)) beside the image, and has
            ``flow_parameters()``, ``visibility_parameters()`` and ``finest_level``, the
            level whose flow is shown and scored.
        discriminators: As in :class:`~posegen.models.base.BasePoseTransfer`.
        feature_net: As there.
        losses: As there, and ``sam`` (eq. 9); ``flow`` and ``visibility``, which learn
            from the truth of synthetic people.
        data_preprocessor: As there.

    Raises:
        ValueError: If ``train_stage`` is unknown, or is ``'flow'`` without
            ``losses.sam`` or ``losses.flow``.
    """

    terms = ('rec', 'adv', 'per', 'sty', 'sam', 'flow', 'visibility')
    feature_terms = ('per', 'sty', 'sam')

    def __init__(
        self,
        generator: Mapping,
        discriminators: Mapping | None = None,
        feature_net: Mapping | None = None,
        losses: Mapping | None = None,
        data_preprocessor: Mapping | None = None,
        train_stage: str = 'full',
    ) -> None:
        if train_stage not in STAGES:
            raise ValueError(
                f'train_stage must be one of {STAGES}, got {train_stage!r}'
            )
        super().__init__(
            generator, discriminators, feature_net, losses, data_preprocessor
        )
        self.train_stage = train_stage
        self.level = self.generator.finest_level
        if 'visibility' in self.losses:  # it reads all levels, warped or not
            for parameter in self.generator.visibility_parameters():
                parameter.requires_grad_(True)
        if train_stage == 'flow':
            if losses is not None and not {'sam', 'flow'} & set(self.losses):
                raise ValueError(
                    "train_stage='flow' trains with losses.sam or losses.flow; neither "
                    'is given'
                )
            self._freeze_all_but_flow()

    def _freeze_all_but_flow(self) -> None:
        self.requires_grad_(False)
        trained = [*self.generator.flow_parameters()]
        if 'visibility' in self.losses:
            trained += self.generator.visibility_parameters()
        for parameter in trained:
            parameter.requires_grad_(True)

    @property
    def trains_discriminators(self) -> bool:
        return self.train_stage == 'full' and super().trains_discriminators

    def run_generator(self, batch: Mapping) -> dict:
        return self.generator(
            batch['source_image'],
            batch['source_keypoints'],
            batch['target_keypoints'],
            flow_only=self.train_stage == 'flow',
        )

    def generate(
        self, source_image: Tensor, source_keypoints: Tensor, target_keypoints: Tensor
    ) -> dict:
        """Generate images; arguments as in the base class.

        Returns:
            ``image`` (B, 3, H, W) in [-1, 1]; ``flow`` part -> (B, 2, h, w) and
            ``visibility`` part -> (B, 1, h, w) at the generator's finest level. In
            stage ``'flow'`` the image is the source warped by the flow, since the rest
            of the generator is not trained yet.
        """
        batch = dict(
            source_image=source_image,
            source_keypoints=source_keypoints,
            target_keypoints=target_keypoints,
        )
        out = self.run_generator(batch)
        at_level = {part: levels[self.level] for part, levels in out['flows'].items()}
        flow = {part: pair[0] for part, pair in at_level.items()}
        visibility = {part: pair[1] for part, pair in at_level.items()}
        image = out.get('image')
        if image is None:
            image = self.warped_source(source_image, target_keypoints, flow)
        return dict(image=image, flow=flow, visibility=visibility)

    def warped_source(
        self, source: Tensor, target_keypoints: Tensor, flows: Mapping[str, Tensor]
    ) -> Tensor:
        """What stage ``'flow'`` shows: the source (B, 3, H, W) moved by its flows.

        Args:
            source: (B, 3, H, W) in [-1, 1].
            target_keypoints: (B, 18, 3) in pixels.
            flows: Part -> (B, 2, h, w) in pixels of that map.

        Returns:
            (B, 3, H, W).
        """
        raise NotImplementedError

    def loss_masks(self, batch: Mapping) -> dict[str, Tensor] | None:
        """Part -> (B, 1, H, W) region of the target that L_sam looks at; None: all."""
        return None

    def generator_losses(
        self, batch: Mapping, out: Mapping
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Eq. 9 in stage ``'flow'``, eq. 10 in stage ``'full'``."""
        target_feats = self.target_features(batch)
        losses, monitors = {}, {}
        if 'sam' in self.active_terms(batch):
            losses['loss_sam'], monitors = self.correctness(batch, out, target_feats)
        losses |= self.truth_losses(batch, out)
        if self.train_stage == 'full':
            losses |= self.image_losses(batch, out['image'], target_feats)
        return losses, monitors

    def active_terms(self, batch: Mapping) -> set[str]:
        """Terms of the losses that are computed for a batch: all, unless overridden."""
        return set(self.losses)

    def truth_losses(self, batch: Mapping, out: Mapping) -> dict[str, Tensor]:
        """Terms that compare flow and visibility with the truth of the batch.

        Raises:
            DataError: The batch has no truth.
        """
        losses = {}
        for term, place in (('flow', 0), ('visibility', 1)):
            if term in self.active_terms(batch):
                maps = {
                    part: {level: pair[place] for level, pair in levels.items()}
                    for part, levels in out['flows'].items()
                }
                truth = require_truth(batch, f'losses.{term}')
                losses[f'loss_{term}'] = self.losses[term](maps, **truth)
        return losses

    def correctness(
        self, batch: Mapping, out: Mapping, target_feats: Mapping[str, Tensor]
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Weighted L_sam (eq. 9) and each part's raw value under ``sam_<part>``."""
        with torch.no_grad():
            source_feats = self.feature_net(
                batch['source_image'], self.layers_of('sam')
            )
        flows = {
            part: {level: flow for level, (flow, _) in levels.items()}
            for part, levels in out['flows'].items()
        }
        offsets = getattr(self.feature_net, 'offsets', None)
        result = self.losses['sam'](
            target_feats, source_feats, flows, self.loss_masks(batch), offsets
        )
        raw = {f'sam_{part}': value for part, value in result['parts'].items()}
        return result['total'], raw

    def target_features(self, batch: Mapping) -> dict[str, Tensor]:
        if self.train_stage == 'full':
            return super().target_features(batch)
        layers = self.layers_of('sam')
        with torch.no_grad():
            return self.feature_net(batch['target_image'], layers) if layers else {}
