"""The scripts of tools/ for several processes, run as a user runs them."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.helpers import warm
from tests.helpers.forked import ROOT

SECONDS_TO_WAIT = 200


@dataclass
class Outcome:
    """What a script ended with.

    Attributes:
        code: Exit code.
        output: What it printed to standard output.
        errors: What it printed to standard error.
    """

    code: int
    output: str
    errors: str


def script(name: str, *arguments: str | Path, folder: Path, **env: str) -> Outcome:
    """Run a script to its end.

    Args:
        name: Its file.
        *arguments: Of it.
        folder: Where it is run.
        **env: Environment variables.
    """
    pythons = {} if 'PYTHON' in env else warm.variables()
    done = subprocess.run(
        ['bash', str(ROOT / 'tools' / name), *map(str, arguments)],
        cwd=folder,
        env={**os.environ, 'OMP_NUM_THREADS': '1', **pythons, **env},
        capture_output=True,
        text=True,
        timeout=SECONDS_TO_WAIT,
    )
    return Outcome(done.returncode, done.stdout, done.stderr)
