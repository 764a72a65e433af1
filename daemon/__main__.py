"""``python -m daemon`` is the `vigil` command."""

import sys

from daemon.cli import main

sys.exit(main())
