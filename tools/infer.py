"""``posegen infer`` from a checkout, installed or not."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from posegen.cli import main

if __name__ == '__main__':  # other processes import this file
    sys.exit(main(['infer', *sys.argv[1:]]))
