"""Peak memory: of the allocator on a GPU, of the process on a CPU."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import torch

_STATUS = Path('/proc/self/status')
_PEAK = re.compile(r'^VmHWM:\s+(\d+) kB$', re.MULTILINE)


def peak_resident() -> int:
    """Bytes that this process had in memory at most, its libraries included.

    On Linux the kernel's ``VmHWM``, which begins with the program; ``ru_maxrss``, all
    that other systems have, may begin with what the process had that started it.
    """
    found = _STATUS.is_file() and _PEAK.search(_STATUS.read_text())
    if found:
        return int(found[1]) * 1024
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == 'darwin' else peak * 1024


class MemoryWatch:
    """What a process needs, from now on.

    Args:
        device: Device that is worked on.
    """

    def __init__(self, device: str) -> None:
        self.device = device
        self.on_gpu = torch.device(device).type == 'cuda'
        self.libraries = peak_resident()
        self.first = (0, 0)

    def steady(self) -> None:
        """Say that from here on everything has been done once."""
        if self.on_gpu:
            self.first = self._gpu_peaks()
            torch.cuda.reset_peak_memory_stats(self.device)

    def report(self) -> dict[str, int | str]:
        """What has been needed.

        Returns:
            ``kind``, and bytes. ``'allocated'`` on a GPU: ``peak`` is what PyTorch's
            allocator gave out at most, ``reserved`` what it held of the GPU, ``steady``
            the peak since :meth:`steady`; the context of CUDA is no part of any.
            ``'resident'`` on a CPU: ``peak`` of the whole process since it began,
            ``libraries`` the part of it that was there before.
        """
        if not self.on_gpu:
            peak = peak_resident()
            return dict(kind='resident', peak=peak, libraries=self.libraries)
        steady, held = self._gpu_peaks()
        return dict(
            kind='allocated',
            peak=max(steady, self.first[0]),
            reserved=max(held, self.first[1]),
            steady=steady,
        )

    def _gpu_peaks(self) -> tuple[int, int]:
        return (
            torch.cuda.max_memory_allocated(self.device),
            torch.cuda.max_memory_reserved(self.device),
        )
