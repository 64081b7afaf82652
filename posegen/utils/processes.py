"""What a process of several says when things go wrong, and what it leaves to others.

A mistake in a config fails every process, and a process that dies takes all others with
it. Of the first, one message is enough; of the second, that of the process that died.
Imports nothing heavy.
"""

from __future__ import annotations

import os
import re
import time

from posegen.utils.errors import PosegenError

#: Seconds in which whoever started the processes ends those whose words are not needed.
HEAD_START = 5.0

# How gloo, NCCL and torch's store call a process that is not there any more.
_LOST = re.compile(
    r'gloo/|Connection (closed|reset) by peer|Broken pipe|remote process exited'
    r'|ncclRemoteError|recvValue failed|sendBytes failed'
)


def process_rank() -> int:
    """The number of this process among those started together; 0 for a single one."""
    for name in ('RANK', 'SLURM_PROCID'):
        if os.environ.get(name, '').isdigit():
            return int(os.environ[name])
    return 0


def lost_process(error: BaseException | None) -> bool:
    """Whether an error only says that another process of the group has ended.

    Args:
        error: What was raised; what it was raised for is looked at as well.
    """
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        if _is_torchs(error) and _LOST.search(str(error)):
            return True
        seen.add(id(error))
        error = error.__cause__
    return False


def let_first_speak() -> None:
    """Processes but the first wait, since the first may be about to say the same.

    As soon as it has ended, torchrun and ``srun --kill-on-bad-exit`` end those that
    wait.
    """
    if process_rank() > 0:
        time.sleep(HEAD_START)


def wait_for_end() -> None:
    """A process that lost another waits to be ended.

    Ending at once it would look as if it had been the first to fail.
    """
    time.sleep(HEAD_START)


def _is_torchs(error: BaseException) -> bool:
    """Whether torch may have raised it in a group of processes."""
    if not isinstance(error, RuntimeError) or isinstance(error, PosegenError):
        return False
    import torch.distributed as dist

    return dist.is_available() and dist.is_initialized()
