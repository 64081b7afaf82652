"""How much memory deformable skips take, with and without a copy for each part."""

from __future__ import annotations

import gc
import json
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.profiler import ProfilerActivity, profile

from posegen.codecs import NUM_JOINTS
from posegen.models.def_gan.generator import DefGANGenerator
from posegen.models.def_gan.geometry import PartGeometry
from posegen.models.def_gan.warp import PartAffineWarp, affine_sample
from posegen.models.layers.blocks import widths

MEGABYTE = 1e6


class CopiesWarp(PartAffineWarp):
    """The deformable skip with a copy of the features for each part, to compare with.

    Arguments as :class:`~posegen.models.def_gan.PartAffineWarp`.
    """

    def forward(self, feat: Tensor, geometry: PartGeometry) -> Tensor:
        stride = geometry.masks.shape[-2] // feat.shape[-2]
        masks = geometry.masks[:, :, None, ::stride, ::stride]
        copies = [
            affine_sample(feat, matrices, self.interpolation, stride)
            for matrices in geometry.transforms.unbind(1)
        ]
        return (torch.stack(copies, dim=1) * masks).amax(dim=1)


#: What is compared; the first is what the others are counted above.
WAYS: dict[str, Callable[..., nn.Module | None]] = {
    'plain skips': lambda **_: None,
    'running maximum': PartAffineWarp,
    'ten copies': CopiesWarp,
}


def benchmark_memory(
    size: tuple[int, int] = (256, 256),
    batch_size: int = 1,
    interpolation: str = 'nearest',
    device: str = 'cpu',
    base_channels: int = 64,
) -> dict[str, Any]:
    """Peak memory of a forward and a backward pass of the generator.

    Counted is what PyTorch's allocator gives out above what was there before the pass,
    which the weights are part of: activations, gradients, and all that an operation
    needs on its way. On a CPU every allocation is logged by torch.profiler, on a GPU it
    is ``torch.cuda.max_memory_allocated``; neither depends on what else runs.

    Args:
        size: (height, width), a published one: 256x256 or 128x64.
        batch_size: Pairs.
        interpolation: See :class:`~posegen.models.def_gan.PartAffineWarp`.
        device: ``'cpu'`` or a GPU.
        base_channels: Width of the generator at full resolution, 64 as published.

    Returns:
        ``size``, ``batch_size``, ``interpolation``, ``device``, and in megabytes, for
        ``'generator'`` and for the four deformable ``'skips'`` by themselves (features
        in, features joined with those of the pose out): way -> ``peak`` and ``extra``
        over plain skips; ``ratio``, how many times less extra the running maximum takes
        than ten copies, or None where it takes none: a small image's peak is elsewhere.
    """
    torch.manual_seed(0)
    levels = 7 if min(size) >= 256 else 6
    net = DefGANGenerator(base_channels, 8 * base_channels, levels).to(device)
    joints = torch.rand(2, batch_size, NUM_JOINTS, 3, device=device)
    joints *= joints.new_tensor([size[1], size[0], 1])
    image = torch.zeros(batch_size, 3, *size, device=device)
    report: dict[str, Any] = dict(
        size=list(size),
        batch_size=batch_size,
        interpolation=interpolation,
        device=device,
    )
    peaks: dict[str, dict[str, float]] = dict(generator={}, skips={})
    for name, build in WAYS.items():
        net.warp = build(interpolation=interpolation)
        run = _generator_pass(net, image, joints)
        peaks['generator'][name] = peak_memory(run, device)
        net.zero_grad(set_to_none=True)
        run = _skips_pass(net, image, joints)
        peaks['skips'][name] = peak_memory(run, device)
    return report | {what: _compared(found) for what, found in peaks.items()}


def _generator_pass(
    net: DefGANGenerator, image: Tensor, joints: Tensor
) -> Callable[[], None]:
    return lambda: net(image, *joints)['image'].mean().backward()


def _skips_pass(
    net: DefGANGenerator, image: Tensor, joints: Tensor
) -> Callable[[], None]:
    """Warp and join features of the levels that are warped, as the generator does."""
    size = tuple(image.shape[-2:])
    shapes = [
        (len(image), channels, *(length >> level for length in size))
        for level, channels in enumerate(
            widths(net.image_encoder[0].out_channels, net.warp_levels, 10**6)
        )
    ]
    feats = [torch.randn(s, device=image.device, requires_grad=True) for s in shapes]

    def run() -> None:
        geometry = net.warp.geometry(*joints, size) if net.warp else None
        moved = [net.warp(feat, geometry) if net.warp else feat for feat in feats]
        joined = [torch.cat([m, f], dim=1) for m, f in zip(moved, feats)]
        del moved
        torch.stack([j.mean() for j in joined]).sum().backward()

    return run


def _compared(peaks: Mapping[str, float]) -> dict[str, Any]:
    plain, best, worst = WAYS
    extra = {name: peak - peaks[plain] for name, peak in peaks.items()}
    ways = {name: dict(peak=peaks[name], extra=extra[name]) for name in peaks}
    ratio = extra[worst] / extra[best] if extra[best] > 0 else None
    return dict(ways=ways, ratio=ratio)


def peak_memory(run: Callable[[], None], device: str = 'cpu') -> float:
    """Peak of what PyTorch's allocator gives out while ``run`` runs, in megabytes.

    Args:
        run: What to measure; it runs once.
        device: ``'cpu'`` or a GPU.
    """
    gc.collect()
    if device != 'cpu':
        torch.cuda.synchronize(device)
        before = torch.cuda.memory_allocated(device)
        torch.cuda.reset_peak_memory_stats(device)
        run()
        return (torch.cuda.max_memory_allocated(device) - before) / MEGABYTE
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as log:
        run()
    with tempfile.TemporaryDirectory() as folder:
        trace = Path(folder, 'trace.json')
        log.export_chrome_trace(str(trace))
        events = json.loads(trace.read_text())['traceEvents']
    memory = [event for event in events if event.get('name') == '[memory]']
    peak = total = 0
    for event in sorted(memory, key=lambda event: event['ts']):
        total += event['args']['Bytes']
        peak = max(peak, total)
    return peak / MEGABYTE


def format_memory(report: Mapping[str, Any]) -> str:
    """The report of :func:`benchmark_memory` as text."""
    height, width = report['size']
    lines = [
        f'{height}x{width}, batch {report["batch_size"]}, {report["interpolation"]}, '
        f'{report["device"]}; peak of a forward and a backward pass, MB',
        f'{"":18}{"generator":>12}{"extra":>10}{"skips alone":>14}{"extra":>10}',
    ]
    for name in WAYS:
        row = [report[what]['ways'][name] for what in ('generator', 'skips')]
        (peak, extra), (peak_skips, extra_skips) = (way.values() for way in row)
        lines.append(
            f'{name:18}{peak:12.1f}{extra:10.1f}{peak_skips:14.1f}{extra_skips:10.1f}'
        )
    ratios = [
        '-' if report[what]['ratio'] is None else f'{report[what]["ratio"]:.1f}x'
        for what in ('generator', 'skips')
    ]
    return '\n'.join([*lines, f'{"less extra":28}{ratios[0]:>12}{ratios[1]:>24}'])
