"""`python -m reconciler.embedded`: print which mongod would run, or say how to get one."""

import os
import sys
from pathlib import Path

from reconciler.embedded.binary import find_mongod
from reconciler.errors import MongodNotFound


def main() -> int:
    """Print the path of the server binary; exit 2 with one sentence when there is none."""
    configured = os.environ.get("RECONCILER_EMBEDDED__MONGOD_PATH")
    try:
        binary = find_mongod(Path(configured) if configured else None)
    except MongodNotFound as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(f"{binary}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
