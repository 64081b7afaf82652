"""Fixtures that every test may use."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

# Tests use tiny tensors and may run side by side: threads that wait for each other
# cost more than they bring. Set before torch is imported, and for subprocesses too.
os.environ.setdefault('OMP_NUM_THREADS', '1')

SHARED = Path(
    os.environ.get('POSEGEN_SHARED', Path(__file__).resolve().parents[2] / 'shared')
)


@pytest.fixture(scope='session')
def shared() -> Callable[[str], Path]:
    """Path below the folder of golden numbers and real photos, or a skip."""

    def find(relative: str) -> Path:
        path = SHARED / relative
        if not path.exists():
            pytest.skip(f'{path} is not here (set POSEGEN_SHARED)')
        return path

    return find
