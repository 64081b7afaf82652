"""``python -m posegen.utils.launch`` is torchrun that says in a line what went wrong.

It takes torchrun's arguments and starts, watches and restarts processes through it. It
differs in what is left when they fail: torchrun shows a report and its own traceback,
and ends with 1 whatever happened. Here it is one sentence, and the exit code is that of
the process that failed first, so that 143, a training that was told to stop, can be
told from 2, a mistake in the config.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch.distributed.elastic.multiprocessing.errors import ProcessFailure

USER_ERROR = 2
#: A training that SIGTERM ended, after saving its state.
PREEMPTED = 128 + signal.SIGTERM


def main(argv: Sequence[str] | None = None) -> int:
    """Start processes and wait for them.

    Args:
        argv: Arguments of torchrun; those of this process by default.

    Returns:
        0; the exit code of the process that failed first, 128 + n where signal n killed
        it; 128 + n where this process got signal n and passed it on; 2 where there is
        no connection between machines.
    """
    with _quiet_torch():
        from torch.distributed import DistNetworkError, DistStoreError, run
        from torch.distributed.elastic.multiprocessing.api import SignalException
        from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
        from torch.distributed.elastic.rendezvous import RendezvousError
    # Processes that are started again would find addresses of their predecessors in a
    # store that torchrun keeps (torch 2.14); so each group gets one of its own.
    os.environ.setdefault('TORCH_DISABLE_SHARE_RDZV_TCP_STORE', '1')
    args = run.parse_args(list(sys.argv[1:] if argv is None else argv))
    try:
        run.run(args)
    except ChildFailedError as error:
        rank, failure = error.get_first_failure()
        code = exit_code(failure)
        if code != PREEMPTED:
            _say(describe(rank, failure))
        return code
    except SignalException as error:
        return 128 + error.sigval
    except (RendezvousError, DistNetworkError, DistStoreError) as error:
        reason = str(error).split('\n')[0].rstrip('.')
        _say(
            f'error: no connection between the machines: {reason}; either another one '
            'has ended, and says why, or the address is not that of a machine which '
            'runs this command too, with a free port that no firewall closes'
        )
        return USER_ERROR
    return 0


@contextmanager
def _quiet_torch() -> Iterator[None]:
    """Import torch for a process whose warnings only repeat what is said here.

    The level of those that are written in C++ is read once, and not passed on to the
    processes that are started; each of torchrun's modules has one of its own.
    """
    name = 'TORCH_CPP_LOG_LEVEL'
    before = os.environ.get(name)
    os.environ.setdefault(name, 'ERROR')
    yield
    if before is None:
        del os.environ[name]
    for module in logging.root.manager.loggerDict:
        if module.startswith('torch.distributed.elastic'):
            logging.getLogger(module).setLevel(logging.CRITICAL)


def _say(sentence: str) -> None:
    sys.stderr.write(f'posegen: {sentence}\n')


def exit_code(failure: ProcessFailure) -> int:
    """The code of a process as a shell has it."""
    return failure.exitcode if failure.exitcode >= 0 else 128 - failure.exitcode


def describe(rank: int, failure: ProcessFailure) -> str:
    """What happened to the process that failed first, in a sentence.

    Args:
        rank: Its number among all processes.
        failure: What torchrun knows of it.
    """
    if failure.exitcode >= 0:
        how = f'ended with code {failure.exitcode}'
    else:
        how = f'was ended by {signal.Signals(-failure.exitcode).name}'
        if failure.exitcode == -signal.SIGKILL:
            how += ' (as the system does where memory runs out)'
    return f'process {rank} {how}, which ended the others too'


if __name__ == '__main__':
    sys.exit(main())
