"""The switches for speed, each as comparisons of the ways that it chooses between."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from posegen.engine.benchmark.batches import random_batch
from posegen.engine.benchmark.cases import Case, get_section
from posegen.engine.benchmark.subject import (
    Subject,
    build_subject,
    precision,
    set_up,
)
from posegen.engine.compile import compile_networks
from posegen.engine.speed.compare import Comparison, Results, Way
from posegen.models import BasePoseTransfer
from posegen.models.ops import max_similarity, sampling_correctness
from posegen.models.ops.precision import at_least_float32
from posegen.registry import HOOKS, MODELS
from posegen.utils.errors import ConfigError

#: The size that the streaming maximum is measured at: channels, height, width.
SIMILARITY_SHAPE = (256, 64, 64)


def batched_parts(case: Case) -> Iterator[Comparison]:
    """The parts' networks one after the other, or in one pass."""
    if 'parts' not in get_section(case.load(), 'model.generator', case.config):
        raise ConfigError(f'{case.config} has no parts: take a config of SPIG')
    generators = {
        name: _generator(case, batched_parts=value)
        for name, value in {'one after the other': False, 'one pass': True}.items()
    }
    inputs = _inputs(case)
    for what, flow_only in {'flow nets': True, 'generator': False}.items():
        yield Comparison(
            f'{what}, forward and backward',
            [
                _generator_way(name, net, inputs, case, flow_only=flow_only)
                for name, net in generators.items()
            ],
        )


def feature_passes(case: Case) -> Iterator[Comparison]:
    """A pass of the feature net for each loss that reads it, or one for all."""
    model = build_subject(case, training=False).model
    missing = {'sam', 'per', 'sty'} - set(model.losses)
    if missing:
        raise ConfigError(
            f'{case.config} has no losses {sorted(missing)}, whose passes of the '
            'feature net are compared'
        )
    target, source, fake = _images(case, 3)
    fake.requires_grad_()

    def losses(fake_feats: Mapping, target_feats: Mapping, *terms: str) -> Tensor:
        return sum(model.losses[term](fake_feats, target_feats) for term in terms)

    def results(loss: Tensor) -> Results:
        (gradient,) = torch.autograd.grad(loss, fake)
        return [loss.detach()], [gradient]

    def apart() -> Results:
        total = 0.0
        with precision(case):
            for image in (target, source):
                _without_gradient(model, image, 'sam')
            for term in ('per', 'sty'):
                seen = _without_gradient(model, target, term)
                feats = model.feature_net(fake, model.layers_of(term))
                total = total + losses(feats, seen, term)
        return results(total)

    def shared() -> Results:
        terms = ('per', 'sty')
        with precision(case):
            seen = _without_gradient(model, target, 'sam', *terms)
            _without_gradient(model, source, 'sam')
            feats = model.feature_net(fake, model.layers_of(*terms))
            total = losses(feats, seen, *terms)
        return results(total)

    yield Comparison(
        'features of all losses, forward and backward',
        [Way('a pass for each loss', apart), Way('one pass an image', shared)],
    )

    def one_by_one() -> Results:
        with precision(case):
            found = [_without_gradient(model, x, 'sam') for x in (target, source)]
        return [f for feats in found for f in feats.values()], []

    def joined() -> Results:
        with precision(case):
            found = _without_gradient(model, torch.cat([target, source]), 'sam')
        halves = [f.chunk(2) for f in found.values()]
        return [half[i] for i in (0, 1) for half in halves], []

    yield Comparison(
        'features of target and source for the correctness',
        [Way('two batches', one_by_one), Way('one batch', joined)],
    )


def similarity(case: Case) -> Iterator[Comparison]:
    """The maximum similarity from all similarities at once, or streaming."""
    shape = (case.batch_size, *SIMILARITY_SHAPE)
    torch.manual_seed(0)
    target, source = torch.rand(2, *shape, device=case.device)
    flow = torch.randn(shape[0], 2, *shape[2:], device=case.device, requires_grad=True)
    ways = {'all at once': similarity_at_once, 'streaming': max_similarity}
    yield Comparison(
        'maximum similarity of {} channels at {}x{}'.format(*SIMILARITY_SHAPE),
        [
            Way(name, lambda way=way: ([way(target, source)], []))
            for name, way in ways.items()
        ],
    )

    def judge(way) -> Results:
        best = way(target, source)
        loss = sampling_correctness(target, source, flow, max_similarity=best)
        return [loss.detach()], torch.autograd.grad(loss, flow)

    yield Comparison(
        'the correctness with it, forward and backward',
        [Way(name, lambda way=way: judge(way)) for name, way in ways.items()],
    )


@torch.no_grad()
def similarity_at_once(target_feat: Tensor, source_feat: Tensor) -> Tensor:
    """:func:`~posegen.models.ops.max_similarity` from the product of all positions.

    Args:
        target_feat: (B, C, h, w).
        source_feat: (B, C, h', w').

    Returns:
        (B, 1, h, w); on the way there are B * h * w * h' * w' numbers.
    """
    target, source = (
        (feat / (feat.norm(dim=1, keepdim=True) + 1e-8)).flatten(2)
        for feat in (target_feat, source_feat)
    )
    best = torch.bmm(target.mT, source).amax(dim=2)
    return best.unflatten(1, target_feat.shape[2:])[:, None]


def mixed_precision(case: Case) -> Iterator[Comparison]:
    """Training steps in float32, and in each half type that the device trains in."""
    types = ('bf16',) if torch.device(case.device).type == 'cpu' else ('bf16', 'fp16')
    ways = []
    for amp in ('off', *types):
        subject = build_subject(replace(case, amp=amp), training=True)
        name = 'float32' if amp == 'off' else amp
        ways.append(Way(name, _step(subject, compared=True)))
    yield Comparison(f'training step, stage {case.stage}', ways)


def accumulation(case: Case) -> Iterator[Comparison]:
    """A training step from one batch, or from two of half the size.

    The random samples are others, so results are not compared here.
    """
    if case.batch_size % 2:
        raise ConfigError(
            f'a batch of {case.batch_size} cannot be halved: give an even --batch-size'
        )
    halved = replace(
        case,
        batch_size=case.batch_size // 2,
        options=(*case.options, 'train_cfg.accumulate=2'),
    )
    yield Comparison(
        f'training step, stage {case.stage}',
        [
            Way(
                f'{times} x {part.batch_size}',
                _step(build_subject(part, training=True)),
            )
            for times, part in ((1, case), (2, halved))
        ],
    )


def average(case: Case) -> Iterator[Comparison]:
    """A training step without and with the moving average of the generator."""
    ways = []
    for name in ('without', 'with average'):
        subject = build_subject(case, training=True)
        if name != 'without':
            subject.average = HOOKS.build(dict(type='GeneratorEMAHook'))
            subject.start_average()
        ways.append(Way(name, _step(subject, compared=True)))
    yield Comparison(f'training step, stage {case.stage}', ways)


def compiled(case: Case) -> Iterator[Comparison]:
    """The generator as it is, and compiled by inductor."""
    inputs, ways = _inputs(case), []
    for name in ('eager', 'compiled'):
        generator = _generator(case)
        if name == 'compiled':
            compile_networks(nn.ModuleDict(dict(generator=generator)), ['generator'])
        ways.append(_generator_way(name, generator, inputs, case))
    yield Comparison('generator, forward and backward', ways)


def _step(subject: Subject, compared: bool = False) -> Callable[[], Results]:
    """A training step; its losses are the results, where they are to be compared."""

    def step() -> Results:
        logs = subject.train_step()
        losses = [torch.as_tensor(v) for k, v in logs.items() if 'loss' in k]
        return losses if compared else [], []

    return step


def _generator(case: Case, **changes: object) -> nn.Module:
    cfg = case.load()
    set_up(cfg, case.device)
    spec = get_section(cfg, 'model.generator', case.config)
    return MODELS.build({**spec, **changes}).to(case.device)


def _inputs(case: Case) -> list[Tensor]:
    batch = random_batch(case.batch_size, case.size)
    (image,) = _images(case, 1)
    joints = [batch[f'{side}_keypoints'] for side in ('source', 'target')]
    return [image, *(x.to(case.device) for x in joints)]


def _images(case: Case, count: int) -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    shape = (count, case.batch_size, 3, *case.size)
    images = torch.rand(shape, generator=generator) * 2 - 1
    return list(images.to(case.device))


def _without_gradient(
    model: BasePoseTransfer, image: Tensor, *terms: str
) -> dict[str, Tensor]:
    with torch.no_grad():
        return model.feature_net(image, model.layers_of(*terms))


def _generator_way(
    name: str, net: nn.Module, inputs: Sequence[Tensor], case: Case, **options: bool
) -> Way:
    def run() -> Results:
        net.zero_grad(set_to_none=True)
        with precision(case):
            maps = [*_tensors(net(*inputs, **options))]
        sum(at_least_float32(x).square().mean() for x in maps).backward()
        gradients = [p.grad for p in net.parameters() if p.grad is not None]
        return [x.detach() for x in maps], gradients

    return Way(name, run)


def _tensors(value: object) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
        return
    for inner in value.values() if isinstance(value, Mapping) else value:
        yield from _tensors(inner)
