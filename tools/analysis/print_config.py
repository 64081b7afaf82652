"""``posegen print-config`` from a checkout, installed or not."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from posegen.cli import main

if __name__ == '__main__':  # other processes import this file
    sys.exit(main(['print-config', *sys.argv[1:]]))
