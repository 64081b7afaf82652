"""What all models share: building, the adversarial training step, prediction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack

import torch
from mmengine.model import BaseModel
from mmengine.optim import OptimWrapper, OptimWrapperDict
from torch import Tensor, nn

from posegen.models.discriminators import DiscriminatorSet
from posegen.models.feature_nets import FeatureNet
from posegen.models.phase import as_batches, each_with, optimize
from posegen.models.preprocessor import images_to_uint8
from posegen.registry import MODELS

#: Batch keys of the ground truth, and their names in predicted samples. ``has_truth``
#: is False for pairs that stand in a set with truth but have none.
TRUTH_KEYS = dict(
    flow='flow_truth',
    visibility='visibility_truth',
    part_labels='part_labels',
    has_truth='has_truth',
)
SAMPLE_KEYS = ('source_keypoints', 'target_keypoints', 'source_name', 'target_name')


class BasePoseTransfer(BaseModel):
    """A generator, the discriminators against it, and the losses between them.

    Subclasses add their own terms in :meth:`generator_losses` and give
    :meth:`generate`. The generator and the discriminators are only ever called through
    ``forward``, so each can be wrapped for distributed training.

    Args:
        generator: Config of the generator.
        discriminators: Name -> ``dict(net=..., condition=(...))``; None trains without.
        feature_net: Config of the frozen feature net of perceptual terms.
        losses: Term -> config: ``rec`` (pixels, eq. 11), ``adv`` (eq. 12), ``per``
            (eq. 13), ``sty`` (eq. 14) and what a subclass adds. A term that is absent
            is not computed. None for inference only.
        data_preprocessor: Config of the preprocessor.

    Raises:
        ValueError: If a term of ``losses`` is unknown, ``adv`` and ``discriminators``
            are not given together, or a perceptual term comes without a feature net or
            reads layers that the net does not have.
    """

    #: Terms that are computed; a subclass may extend it.
    terms: tuple[str, ...] = ('rec', 'adv', 'per', 'sty')
    #: Those of them that need features.
    feature_terms: tuple[str, ...] = ('per', 'sty')

    def __init__(
        self,
        generator: Mapping,
        discriminators: Mapping | None = None,
        feature_net: Mapping | None = None,
        losses: Mapping | None = None,
        data_preprocessor: Mapping | None = None,
    ) -> None:
        preprocessor = dict(data_preprocessor or dict(type='PosePairPreprocessor'))
        # Built here: MMEngine's base would look it up in its own registry.
        super().__init__(data_preprocessor=MODELS.build(preprocessor))
        self.generator = MODELS.build(dict(generator))
        self.discriminators = (
            DiscriminatorSet(discriminators) if discriminators else None
        )
        self.losses = nn.ModuleDict(
            {name: MODELS.build(dict(cfg)) for name, cfg in (losses or {}).items()}
        )
        self._check_terms(feature_net)
        self.feature_net = MODELS.build(dict(feature_net)) if feature_net else None
        self._check_layers()

    def _check_terms(self, feature_net: Mapping | None) -> None:
        unknown = sorted(set(self.losses) - set(self.terms))
        if unknown:
            raise ValueError(
                f'losses {unknown} are not computed by {type(self).__name__}; its '
                f'terms are {sorted(self.terms)}'
            )
        if ('adv' in self.losses) != (self.discriminators is not None):
            raise ValueError(
                'losses.adv and discriminators belong together: give both or neither'
            )
        needed = [term for term in self.feature_terms if term in self.losses]
        if needed and feature_net is None:
            raise ValueError(f'losses {needed} need a feature_net, which is not given')

    def _check_layers(self) -> None:
        """A wrong name must not come to light after a first stage of days."""
        if not isinstance(self.feature_net, FeatureNet):
            return
        for term in self.feature_terms:
            unknown = {*self.layers_of(term)} - self.feature_net.levels.keys()
            if unknown:
                raise ValueError(
                    f'losses.{term} reads layers that '
                    f'{type(self.feature_net).__name__} does not have: '
                    f'{sorted(unknown)}; it has {", ".join(self.feature_net.levels)}'
                )

    # -- calls -------------------------------------------------------------------------

    def forward(self, mode: str = 'tensor', **batch: Tensor) -> dict | list[dict]:
        """MMEngine's entry: ``'predict'`` gives samples, ``'tensor'`` raw outputs."""
        if mode == 'predict':
            return self.predict(batch)
        if mode == 'tensor':
            return self.run_generator(batch)
        raise ValueError(f"mode must be 'predict' or 'tensor', got {mode!r}")

    def run_generator(self, batch: Mapping) -> dict:
        """The generator's outputs for a preprocessed batch."""
        return self.generator(
            batch['source_image'], batch['source_keypoints'], batch['target_keypoints']
        )

    def generate(
        self, source_image: Tensor, source_keypoints: Tensor, target_keypoints: Tensor
    ) -> dict:
        """Generate images.

        Args:
            source_image: (B, 3, H, W) in [-1, 1].
            source_keypoints: (B, 18, 3) x, y in pixels and score.
            target_keypoints: (B, 18, 3).

        Returns:
            ``image`` (B, 3, H, W) in [-1, 1] and what a method adds.
        """
        raise NotImplementedError

    # -- training ----------------------------------------------------------------------

    def train_step(
        self, data: Mapping | Sequence[Mapping], optim_wrapper: OptimWrapperDict
    ) -> dict[str, Tensor | float]:
        """One step of the discriminators, then one of the generator against them.

        Args:
            data: Collated batch of the data set; or several, whose gradients are
                accumulated: the step is that of one batch that holds them all. (With
                two exceptions: spectral norms take a step of their power iteration a
                batch, and terms that are no means over samples see each batch alone.)
                The generator then runs twice a batch, since the discriminators have to
                have seen all before they judge any.
            optim_wrapper: Wrappers ``generator`` and, where there are discriminators,
                ``discriminator``.

        Returns:
            Scalars to log; keys of losses start with ``loss_``.

        Raises:
            NonFiniteError: A gradient is nan or infinite; it has reached no weight. If
                it is the generator's, the discriminators have made their step.
        """
        batches = [self.training_batch(batch) for batch in as_batches(data)]
        wrapper = optim_wrapper['generator']
        logs: dict[str, Tensor | float] = {}
        outs = None
        if self.trains_discriminators:
            outs = self.first_outputs(batches, wrapper)
            fakes = [
                with_known_background(out['image'], batch).detach()
                for out, batch in zip(outs, batches)
            ]
            logs |= self.discriminator_step(
                batches, fakes, optim_wrapper['discriminator']
            )
        outs = outs if len(batches) == 1 else None
        return logs | self.generator_step(batches, wrapper, outs)

    def first_outputs(
        self, batches: Sequence[Mapping], wrapper: OptimWrapper
    ) -> list[dict]:
        """The generator's outputs for the discriminators to judge.

        Of a single batch they are kept with their graph for the generator's own step.
        """
        with torch.set_grad_enabled(len(batches) == 1), ExitStack() as contexts:
            contexts.enter_context(wrapper.optim_context(self.generator))
            return [self.run_generator(batch) for batch in batches]

    def generator_step(
        self,
        batches: Sequence[Mapping],
        wrapper: OptimWrapper,
        outs: Sequence[Mapping] | None = None,
    ) -> dict[str, Tensor | float]:
        """Update the generator on the mean of :meth:`generator_losses` over batches.

        Args:
            batches: Preprocessed batches.
            wrapper: The generator's optimizer.
            outs: What the generator made of them, with gradient; None: it is run.

        Returns:
            Losses and monitors.
        """

        def losses_of(item: tuple[Mapping, Mapping | None]):
            batch, out = item
            return self.generator_losses(batch, out or self.run_generator(batch))

        items = list(each_with(batches, outs))
        return optimize([(wrapper, None)], self.generator, items, losses_of)

    def training_batch(self, data: Mapping) -> dict:
        """A collated batch as the training step sees it: on the device, in [-1, 1]."""
        return self.data_preprocessor(data, training=True)

    @property
    def trains_discriminators(self) -> bool:
        """Whether this stage trains against discriminators."""
        return self.discriminators is not None

    def discriminator_step(
        self,
        batches: Sequence[Mapping],
        fakes: Sequence[Tensor],
        wrapper: OptimWrapper,
        fake_batches: Sequence[Mapping] | None = None,
    ) -> dict[str, Tensor | float]:
        """Update the discriminators on real and generated batches.

        Args:
            batches: Preprocessed batches with the real images.
            fakes: For each (B, 3, H, W) generated images, without gradient.
            wrapper: The discriminators' optimizer.
            fake_batches: Batches that ``fakes`` were generated from; None: ``batches``.

        Returns:
            ``loss_d_<name>`` of each.
        """
        self.discriminators.requires_grad_(True)
        items = list(zip(batches, fakes, fake_batches or batches))
        logs = optimize(
            [(wrapper, None)],
            self.discriminators,
            items,
            lambda item: (self.discriminator_losses(*item), {}),
        )
        # The generator's step goes through the discriminators but not into them.
        self.discriminators.requires_grad_(False)
        return logs

    def discriminator_losses(
        self, batch: Mapping, fake: Tensor, fake_batch: Mapping
    ) -> dict[str, Tensor]:
        """``loss_d_<name>`` of each discriminator on a real and a generated batch.

        Args:
            batch: Preprocessed batch with the real images.
            fake: (B, 3, H, W) generated images; no gradient reaches them.
            fake_batch: Batch that they were generated from.
        """
        maps = self.condition_maps(batch)
        fake_maps = maps if fake_batch is batch else self.condition_maps(fake_batch)
        real_logits = self.discriminators(batch['target_image'], maps)
        fake_logits = self.discriminators(fake, fake_maps)
        return {
            f'loss_d_{name}': self.losses['adv'].discriminator(
                real_logits[name], fake_logits[name]
            )
            for name in real_logits
        }

    def generator_losses(
        self, batch: Mapping, out: Mapping
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Weighted terms of the generator (sum: eq. 10) and values only to watch."""
        return self.image_losses(batch, out['image'], self.target_features(batch)), {}

    def image_losses(
        self, batch: Mapping, fake: Tensor, target_feats: Mapping[str, Tensor]
    ) -> dict[str, Tensor]:
        """Equations 11 to 14 for generated images (B, 3, H, W), weighted.

        Where a pair shows two places (``same_place`` of the batch), nothing could tell
        the target's background from the source: there the target's own counts.
        """
        fake = with_known_background(fake, batch)
        losses: dict[str, Tensor] = {}
        if 'rec' in self.losses:
            losses['loss_rec'] = self.losses['rec'](fake, batch['target_image'])
        if 'adv' in self.losses:
            logits = self.discriminators(fake, self.condition_maps(batch))
            losses['loss_adv'] = sum(map(self.losses['adv'].generator, logits.values()))
        layers = self.layers_of('per', 'sty')
        if layers:
            fake_feats = self.feature_net(fake, layers)
            for term in ('per', 'sty'):
                if term in self.losses:
                    losses[f'loss_{term}'] = self.losses[term](fake_feats, target_feats)
        return losses

    def layers_of(self, *terms: str) -> list[str]:
        """Feature layers that the given terms need, each once."""
        present = [self.losses[term] for term in terms if term in self.losses]
        return sorted(set().union(*(loss.layers_needed for loss in present)))

    @torch.no_grad()
    def target_features(self, batch: Mapping) -> dict[str, Tensor]:
        """Features of the target image for all terms, in one pass."""
        layers = self.layers_of(*self.feature_terms)
        return self.feature_net(batch['target_image'], layers) if layers else {}

    def condition_maps(self, batch: Mapping) -> dict[str, Tensor]:
        """Maps that discriminators may be conditioned on; built only when one is."""
        wanted = {c for names in self._conditions().values() for c in names}
        size = tuple(batch['source_image'].shape[-2:])
        maps = {'source_image': batch['source_image']} if wanted else {}
        for side in ('source', 'target'):
            if f'{side}_pose' in wanted:
                maps[f'{side}_pose'] = self.pose_maps(batch[f'{side}_keypoints'], size)
        return maps

    def _conditions(self) -> dict[str, tuple[str, ...]]:
        # A distributed wrapper keeps the set itself under ``module``.
        module = getattr(self.discriminators, 'module', self.discriminators)
        return module.conditions

    def pose_maps(self, keypoints: Tensor, size: tuple[int, int]) -> Tensor:
        """Heat maps (B, 18, H, W) that discriminators see; the generator's own."""
        module = getattr(self.generator, 'module', self.generator)
        return module.heatmaps(keypoints, size)

    # -- prediction --------------------------------------------------------------------

    def val_step(self, data: Mapping) -> list[dict]:
        """Samples for metrics and pictures; see :meth:`predict`."""
        return self.predict(self.data_preprocessor(data, training=False))

    test_step = val_step

    @torch.no_grad()
    def predict(self, batch: Mapping) -> list[dict]:
        """One plain dict a sample.

        Returns:
            ``image``, ``source_image``, ``target_image`` (3, H, W) uint8, keypoints,
            names, and the ground truth where the batch has it (:data:`TRUTH_KEYS`);
            every other output of :meth:`generate` is split by sample, nested dicts too.
        """
        out = self.generate(
            batch['source_image'], batch['source_keypoints'], batch['target_keypoints']
        )
        columns = {'image': images_to_uint8(out.pop('image')), **out}
        for key in ('source_image', 'target_image'):
            columns[key] = images_to_uint8(batch[key])
        columns |= {key: batch[key] for key in SAMPLE_KEYS}
        columns |= {
            name: batch[key] for key, name in TRUTH_KEYS.items() if key in batch
        }
        return [_take(columns, index) for index in range(len(batch['source_image']))]


def with_known_background(fake: Tensor, batch: Mapping) -> Tensor:
    """Generated images with the target's background where the source is elsewhere.

    Args:
        fake: (B, 3, H, W).
        batch: With ``same_place`` (B,) bool and ``part_labels`` (B, H, W), and with
            ``has_truth`` (B,) bool where some pairs have none: of these all counts.
            Without ``same_place``, all pairs show one place.

    Returns:
        (B, 3, H, W); no gradient reaches the pixels that were replaced.
    """
    if 'same_place' not in batch:
        return fake
    person = batch['part_labels'][:, None] > 0
    known = person | batch['same_place'].view(-1, 1, 1, 1)
    if 'has_truth' in batch:
        known = known | ~batch['has_truth'].view(-1, 1, 1, 1)
    return torch.where(known, fake, batch['target_image'])


def _take(value: Mapping | Tensor | list, index: int) -> dict | Tensor | str:
    """The ``index``-th sample of a column, on the CPU."""
    if isinstance(value, Mapping):
        return {key: _take(entry, index) for key, entry in value.items()}
    entry = value[index]
    return entry.cpu() if isinstance(entry, Tensor) else entry
