"""How worker processes start, so that they end with the process that started them."""

from __future__ import annotations

import os
import signal
import threading
from multiprocessing import connection, parent_process


def start_worker() -> None:
    """In a new process: leave Ctrl-C to the parent, and end when the parent does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    # A parent that is killed cannot stop its workers, and they would wait for ever.
    connection.wait([parent_process().sentinel])
    os._exit(1)
