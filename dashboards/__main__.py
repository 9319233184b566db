"""Writes the dashboards beside this package, or into the folder that is given."""

import sys
from pathlib import Path

from dashboards.catalogue import DASHBOARDS, as_json

USAGE = "Usage: python -m dashboards [FOLDER]"


def write(folder: Path) -> None:
    """Write one file for each dashboard."""
    for name, build in DASHBOARDS.items():
        (folder / f"{name}.json").write_text(as_json(build()), encoding="utf-8")


def main(words: list[str]) -> int:
    """Write where the words say; give the exit code."""
    if len(words) > 1 or words[:1] in (["-h"], ["--help"]):
        sys.stderr.write(f"{USAGE}\n")
        return 0 if len(words) == 1 else 2
    folder = Path(words[0]) if words else Path(__file__).parent
    if not folder.is_dir():
        sys.stderr.write(f"There is no folder {str(folder)!r} to write to; make it first.\n")
        return 2
    write(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
