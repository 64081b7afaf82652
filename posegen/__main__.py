"""``python -m posegen`` is ``posegen``."""

import sys

from posegen.cli import main

sys.exit(main())
