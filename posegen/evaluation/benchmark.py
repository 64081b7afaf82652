"""How long SSIM, PSNR and L1 take, beside the usual loop over scikit-image."""

from __future__ import annotations

import json
import multiprocessing
import os
import platform
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

import cv2
import numpy as np
import torch
from rich import box
from rich.table import Table
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from posegen.evaluation import functional as F
from posegen.evaluation.processes import one_thread

_BATCH = 8
_SCENES = 16  # different pictures; the others are these, moved
_PACKAGES = ('torch', 'numpy', 'scikit-image', 'opencv-python')


@dataclass(frozen=True)
class Timing:
    """One way to compute the scores of all pairs.

    Attributes:
        name: What it is.
        processes: How many worked.
        seconds: Of the clock, from the first pair to the last score, start of the
            processes included; reading files is no part of it.
        processor_seconds: Of all processes together, which others that share the
            machine change less.
        speedup: Over the first one, by the clock.
        difference: Greatest distance of any score to that of the first one.
    """

    name: str
    processes: int
    seconds: float
    processor_seconds: float
    speedup: float
    difference: float


@dataclass(frozen=True)
class Report:
    """All timings of one run on the same images.

    Attributes:
        pairs: How many.
        size: (height, width).
        load: Mean number of running processes of the machine, over the last minute at
            the end of the run; more than there are cores means that others took part.
        cores: Of the machine.
        versions: Of the packages that work.
        timings: The loop over scikit-image first.
    """

    pairs: int
    size: tuple[int, int]
    load: float
    cores: int
    versions: dict[str, str]
    timings: tuple[Timing, ...]

    def to_json(self) -> str:
        """The same as text."""
        return json.dumps(asdict(self), indent=2) + '\n'

    def to_rich(self) -> Table:
        """Table for ``rich.print``."""
        height, width = self.size
        title = f'SSIM, PSNR and L1 of {self.pairs} pairs, {height}x{width}'
        table = Table(box=box.SIMPLE_HEAD, title=title)
        table.add_column('', no_wrap=True)
        for title in ('processes', 's', 'processor s', 'speed-up', 'difference'):
            table.add_column(title, justify='right')
        for timing in self.timings:
            table.add_row(
                timing.name,
                str(timing.processes),
                f'{timing.seconds:.2f}',
                f'{timing.processor_seconds:.2f}',
                f'{timing.speedup:.1f}',
                f'{timing.difference:.0e}',
            )
        return table


def run_benchmark(
    pairs: int = 1000, size: tuple[int, int] = (256, 256), processes: int = 2
) -> Report:
    """Time the loop that everybody uses and ours, one after the other.

    All score the same uint8 pictures with SSIM (sigma 1.5, data range 255), PSNR and
    L1 in float64. The pictures lie in memory: a file that processes share.

    Args:
        pairs: How many to score.
        size: (height, width) of the pictures.
        processes: For the last timing.
    """
    ways: list[tuple[str, int, Callable[[Path], np.ndarray]]] = [
        ('loop over scikit-image', 1, lambda file: _loop(_open(file))),
        ('posegen', 1, lambda file: _score_chunk((file, 0, pairs))),
        ('posegen', processes, lambda file: _score_in_processes(file, processes)),
    ]
    timings: list[Timing] = []
    reference = None
    with _stored_pairs(pairs, size) as file, one_thread():
        for name, count, score in ways[: 2 if processes == 1 else 3]:
            _score(_open(file)[:_BATCH])  # what is done once only
            start, used = time.perf_counter(), _processor_time()
            scores = score(file)
            seconds, used = time.perf_counter() - start, _processor_time() - used
            reference = scores if reference is None else reference
            difference = float(np.abs(scores - reference).max())
            first = timings[0].seconds if timings else seconds
            speedup = first / seconds
            timings.append(Timing(name, count, seconds, used, speedup, difference))
    return Report(
        pairs=pairs,
        size=size,
        load=os.getloadavg()[0],
        cores=os.cpu_count() or 1,
        versions={'python': platform.python_version()}
        | {package: version(package) for package in _PACKAGES},
        timings=tuple(timings),
    )


def _processor_time() -> float:
    """Seconds of this process and of those that it has waited for."""
    return sum(os.times()[:4])


@contextmanager
def _stored_pairs(pairs: int, size: tuple[int, int]) -> Iterator[Path]:
    """File of uint8 (pairs, 2, height, width, 3): blurred noise, plain and noisier."""
    rng = np.random.default_rng(0)
    scenes = rng.integers(0, 256, (_SCENES, *size, 3)).astype(np.float32)
    scenes = np.stack([cv2.GaussianBlur(scene, (0, 0), 3) for scene in scenes])
    scenes = (scenes - 127.5) * 6 + 127.5
    noisy = scenes + rng.normal(scale=20, size=scenes.shape)
    both = np.stack([scenes, noisy], axis=1).clip(0, 255).astype(np.uint8)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / 'pairs.npy'
        stored = np.lib.format.open_memmap(
            file, 'w+', dtype=np.uint8, shape=(pairs, *both.shape[1:])
        )
        for index in range(pairs):
            stored[index] = np.roll(both[index % _SCENES], index, axis=2)
        stored.flush()
        yield file


def _open(file: Path) -> np.ndarray:
    return np.load(file, mmap_mode='r')


def _loop(images: np.ndarray) -> np.ndarray:
    """What evaluation scripts do: (N, 2, H, W, 3) -> (N, 3)."""
    scores = []
    for target, pred in images:
        similarity = structural_similarity(
            target,
            pred,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
            channel_axis=-1,
            data_range=255,
        )
        ratio = peak_signal_noise_ratio(target, pred, data_range=255)
        error = np.abs(target.astype(np.float64) - pred).mean() / 127.5
        scores.append((similarity, ratio, error))
    return np.array(scores)


def _score(images: np.ndarray) -> np.ndarray:
    """(N, 2, H, W, 3) -> (N, 3)."""
    # In memory as decoders leave them, channels last.
    target, pred = torch.from_numpy(np.array(images)).permute(1, 0, 4, 2, 3)
    scores = [score(pred, target, 255) for score in (F.ssim, F.psnr, F.l1)]
    return torch.stack(scores, dim=1).numpy()


def _score_chunk(chunk: tuple[Path, int, int]) -> np.ndarray:
    file, start, stop = chunk
    images = _open(file)
    batches = range(start, stop, _BATCH)
    return np.concatenate([_score(images[i : min(i + _BATCH, stop)]) for i in batches])


def _score_in_processes(file: Path, processes: int) -> np.ndarray:
    count = len(_open(file))
    step = _BATCH * max(1, count // (_BATCH * 8 * processes))  # about 8 chunks each
    chunks = [(file, i, min(i + step, count)) for i in range(0, count, step)]
    # A fork starts at once; nothing has used a thread of torch's or OpenCV's by now.
    method = 'fork' if 'fork' in multiprocessing.get_all_start_methods() else None
    with multiprocessing.get_context(method).Pool(processes) as pool:
        scores = pool.map(_score_chunk, chunks, chunksize=1)
        pool.close()
        pool.join()
    return np.concatenate(scores)
