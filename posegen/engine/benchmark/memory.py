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


def memory_report(device: str, before: int) -> dict[str, int | str]:
    """What has been needed since the process began.

    Args:
        device: Device that was worked on.
        before: :func:`peak_resident` when the libraries were there, and nothing else.

    Returns:
        ``kind``, and bytes. ``'allocated'`` on a GPU: ``peak`` is what PyTorch's
        allocator gave out at most, ``reserved`` what it held of the GPU, and the
        context of CUDA is no part of either. ``'resident'`` on a CPU: ``peak`` of the
        whole process, ``libraries`` the part of it that was there before.
    """
    if torch.device(device).type == 'cuda':
        return dict(
            kind='allocated',
            peak=torch.cuda.max_memory_allocated(device),
            reserved=torch.cuda.max_memory_reserved(device),
        )
    return dict(kind='resident', peak=peak_resident(), libraries=before)
