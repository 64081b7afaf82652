"""``python -m posegen`` is ``posegen``."""

import sys

from posegen.cli import main

if __name__ == '__main__':
    sys.exit(main())
