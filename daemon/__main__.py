"""``python -m daemon`` is the `vigil` command."""

import sys
from typing import NoReturn

from daemon import hiding


def main() -> NoReturn:
    """Hide what must not be seen before anything is imported that takes time; then run the command line."""
    arguments = hiding.arguments()
    from daemon.cli import main as run  # noqa: PLC0415 - see above

    run(arguments)


if __name__ == "__main__":
    sys.exit(main())
