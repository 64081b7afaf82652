"""How fast a config's samples come, beside the way of the published code."""

from __future__ import annotations

import io
import os
import posixpath
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from mmengine import fileio
from PIL import Image
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms.functional import normalize, to_tensor

from posegen.codecs import keypoints_to_heatmaps
from posegen.codecs.formats import scale_keypoints
from posegen.registry import DATASETS
from posegen.utils.errors import ConfigError

from .made_photos import make_photo_pairs
from .transforms import SIDES

SIGMA = 6.0
ROUNDS = 5
WAYS = ('posegen', 'published')


def published_sample(results: Mapping[str, Any]) -> dict[str, Any]:
    """One sample as the published code makes it (GFLA, PATN and those built on them).

    Per image: Pillow opens it, converts it to RGB and resizes it, whatever its size is;
    18 Gaussian maps of the full size come from NumPy; image and maps become float
    tensors, the image in [-1, 1]. No augmentation.

    Args:
        results: what ``PosePairDataset`` hands to its pipeline.

    Returns:
        ``P1``, ``P2``: float32 ``(3, H, W)``; ``BP1``, ``BP2``: float32
        ``(18, H, W)``; the paths.
    """
    size = results['image_size']
    sample: dict[str, Any] = {}
    for number, side in ((1, 'source'), (2, 'target')):
        path = results[f'{side}_path']
        data = fileio.get(path, backend_args=results['backend_args'])
        image = Image.open(io.BytesIO(data)).convert('RGB')
        frame = results['annotation_size'] or image.size[::-1]
        image = image.resize(size[::-1], Image.Resampling.BILINEAR)
        keypoints = scale_keypoints(results[f'{side}_keypoints'], frame, size, 'gfla')
        maps = published_maps(keypoints, size).transpose(2, 0, 1)
        sample[f'P{number}'] = normalize(to_tensor(image), [0.5] * 3, [0.5] * 3)
        sample[f'BP{number}'] = torch.from_numpy(maps).float()
        sample[f'P{number}_path'] = path
    return sample


def published_maps(keypoints: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Maps ``(H, W, J)`` float32 of joints ``(J, 3)``, one full exponential a joint."""
    columns, rows = np.meshgrid(np.arange(size[1]), np.arange(size[0]))
    maps = np.zeros((*size, len(keypoints)), np.float32)
    for joint, (x, y, score) in enumerate(keypoints):
        if score > 0:
            distance = (rows - y) ** 2 + (columns - x) ** 2
            maps[..., joint] = np.exp(-distance / (2 * SIGMA**2))
    return maps


def benchmark_dataset(
    dataset: Mapping[str, Any],
    batch_size: int,
    workers: int = 0,
    seconds: float = 20.0,
    made: bool = False,
) -> dict[str, Any]:
    """Time a dataset and the published way on the same files, by turns.

    Both go through torch's DataLoader into batches, with one thread a process. Time on
    processors, of all processes, is what counts: it stays the same on a busy machine,
    where the clock on the wall does not.

    Args:
        dataset: config of a ``PosePairDataset``.
        batch_size: samples a batch.
        workers: processes that load; 0 loads in this one.
        seconds: time to spend on the measurements, about half on each way.
        made: take pictures made here instead of the dataset's. Without its data, they
            are taken in any case.

    Returns:
        ``image_size``, ``batch_size``, ``workers``, ``data`` (folder, or 'made here'),
        ``image_kilobytes`` (mean of a stored file); of each way in ``ways``: medians of
        ``samples_per_core_second``, ``samples_per_second`` and
        ``milliseconds`` (on a core, for a sample), and ``batch_megabytes``;
        ``speed_up`` (per core); ``heatmaps_milliseconds``: device -> for a batch;
        ``speed_up_with_heatmaps``: with the maps built on the same core.

    Raises:
        ConfigError: it is no ``PosePairDataset``, or a number is not positive.
    """
    if dataset.get('type') not in ('PosePairDataset', 'posegen.PosePairDataset'):
        raise ConfigError(
            f'the benchmark needs a PosePairDataset, got {dataset.get("type")}'
        )
    if batch_size < 1 or seconds <= 0 or workers < 0:
        raise ConfigError('batch size, seconds and workers must be positive numbers')
    with _one_thread(), _stored_images(dataset, made) as (stored, place):
        ours = DATASETS.build(dict(stored))
        theirs = DATASETS.build(dict(stored, pipeline=[published_sample]))
        ways = _measure_by_turns(
            dict(zip(WAYS, (ours, theirs))), batch_size, workers, seconds
        )
        heatmaps = _heatmap_times(ours, batch_size)
        kilobytes = _mean_file_size(ours) / 1e3
    with_maps = ways['posegen']['milliseconds'] + heatmaps['cpu'] / batch_size
    published = ways['published']['milliseconds']
    return {
        'image_size': list(ours.image_size),
        'batch_size': batch_size,
        'workers': workers,
        'data': place,
        'image_kilobytes': kilobytes,
        'ways': ways,
        'speed_up': published / ways['posegen']['milliseconds'],
        'heatmaps_milliseconds': heatmaps,
        'speed_up_with_heatmaps': published / with_maps,
    }


def format_benchmark(report: Mapping[str, Any]) -> str:
    """The report of :func:`benchmark_dataset` as a table."""
    height, width = report['image_size']
    lines = [
        f'{height}x{width}, batches of {report["batch_size"]}, {report["workers"]} '
        f'workers; images: {report["data"]}, {report["image_kilobytes"]:.1f} KB each',
        '',
        f'{"":16}{"samples/s":>12}{"ms a sample":>14}{"samples/s":>14}{"MB":>8}',
        f'{"":16}{"a core":>12}{"on a core":>14}{"by the clock":>14}{"a batch":>8}',
    ]
    for name, way in report['ways'].items():
        lines.append(
            f'{name:16}{way["samples_per_core_second"]:12.0f}'
            f'{way["milliseconds"]:14.3f}{way["samples_per_second"]:14.0f}'
            f'{way["batch_megabytes"]:8.1f}'
        )
    maps = ', '.join(
        f'{value:.2f} ms on {device}'
        for device, value in report['heatmaps_milliseconds'].items()
    )
    return '\n'.join(
        [
            *lines,
            '',
            f'speed-up per core: {report["speed_up"]:.1f}x',
            f'maps of a batch, built by the model: {maps}',
            'speed-up if the same core builds them: '
            f'{report["speed_up_with_heatmaps"]:.1f}x',
        ]
    )


@contextmanager
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


@contextmanager
def _stored_images(
    dataset: Mapping[str, Any], made: bool
) -> Iterator[tuple[dict[str, Any], str]]:
    """The dataset's config and where its images are; made ones go away again."""
    root = str(dataset.get('data_root', ''))
    elsewhere = dataset.get('backend_args') is not None or '://' in root
    if not made and (elsewhere or Path(root).is_dir()):
        yield dict(dataset), root
        return
    with tempfile.TemporaryDirectory() as folder:
        pairs = make_photo_pairs(folder, tuple(dataset['image_size']))
        files = pairs | {'truth_dir': None, 'backend_args': None, 'max_pairs': None}
        yield dict(dataset) | files, 'made here'


def _measure_by_turns(
    datasets: Mapping[str, Dataset], batch_size: int, workers: int, seconds: float
) -> dict[str, dict[str, float]]:
    """Each way as often, in turns, so that what else the machine does hits both."""
    share = seconds / len(datasets) / ROUNDS
    loops, sizes = {}, {}
    for name, dataset in datasets.items():
        sizes[name] = _run(dataset, batch_size, 1, 0)[0]  # reads files, fills caches
        _, _, once = _run(dataset, batch_size, 2, 0)
        loops[name] = max(1, workers, round(share * max(workers, 1) / (once / 2)))
    runs: dict[str, list[tuple[float, float]]] = {name: [] for name in datasets}
    for _ in range(ROUNDS):
        for name, dataset in datasets.items():
            _, cpu, wall = _run(dataset, batch_size, loops[name], workers)
            samples = loops[name] * batch_size
            runs[name].append((samples / cpu, samples / wall))
    return {name: _summarise(runs[name], sizes[name]) for name in datasets}


def _summarise(runs: list[tuple[float, float]], size: int) -> dict[str, float]:
    per_core, on_wall = (median(values) for values in zip(*runs))
    return {
        'samples_per_core_second': per_core,
        'samples_per_second': on_wall,
        'milliseconds': 1e3 / per_core,
        'batch_megabytes': size / 1e6,
    }


def _run(
    dataset: Dataset, batch_size: int, batches: int, workers: int
) -> tuple[int, float, float]:
    """Load some batches: bytes of one, seconds on processors, seconds on the wall.

    The loader ends with the last of them, so that no batch is begun and not counted.
    """
    rng = np.random.default_rng(0)
    order = rng.integers(0, len(dataset), batches * batch_size).tolist()
    cpu, wall = _processor_seconds(), time.perf_counter()
    size = 0
    for batch in DataLoader(dataset, batch_size, sampler=order, num_workers=workers):
        size = sum(v.nbytes for v in batch.values() if isinstance(v, torch.Tensor))
    return size, _processor_seconds() - cpu, time.perf_counter() - wall


def _processor_seconds() -> float:
    """Of this process and of its workers that have ended."""
    times = os.times()
    return time.process_time() + times.children_user + times.children_system


def _heatmap_times(dataset: Dataset, batch_size: int) -> dict[str, float]:
    """Milliseconds that both poses of a batch take, by device."""
    samples = [dataset[index % len(dataset)] for index in range(batch_size)]
    keypoints = torch.stack(
        [sample[f'{side}_keypoints'] for sample in samples for side in SIDES]
    )
    devices = ['cpu', *['cuda'] * torch.cuda.is_available()]
    return {device: _time_maps(keypoints.to(device), dataset) for device in devices}


def _time_maps(keypoints: torch.Tensor, dataset: Dataset) -> float:
    clock = time.perf_counter if keypoints.is_cuda else time.process_time
    times = []
    for _ in range(4 * ROUNDS):
        before = clock()
        keypoints_to_heatmaps(keypoints, dataset.image_size, SIGMA)
        if keypoints.is_cuda:
            torch.cuda.synchronize()
        times.append(1e3 * (clock() - before))
    return median(times)


def _mean_file_size(dataset: Dataset, count: int = 50) -> float:
    sizes = []
    for index in range(min(count, len(dataset))):
        path = posixpath.join(dataset.image_dir, dataset.pair_names(index)[0])
        sizes.append(len(fileio.get(path, backend_args=dataset.backend_args)))
    return float(np.mean(sizes))
