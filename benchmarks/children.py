"""Runs each measured way in a process of its own."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

CHILD_SECONDS_MAX = 600.0

_ROOT = Path(__file__).resolve().parents[1]


async def child(module: str, *arguments: str) -> dict[str, Any]:
    """Run a module in a process of its own and read the JSON that it prints.

    Raises:
        RuntimeError: it failed, or did not end in time.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, *arguments, cwd=_ROOT, stdout=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(CHILD_SECONDS_MAX):
            output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        raise RuntimeError(f"{module} ended with {process.returncode}")
    found: dict[str, Any] = json.loads(output)
    return found
