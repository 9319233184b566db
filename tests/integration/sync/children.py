"""Forks a child process for each await of an operation, and reads what became of each."""

import asyncio
import os
import sys
from collections.abc import Callable, Coroutine
from typing import Any


def fork_each(count: int, interrupt: Callable[[int], Coroutine[Any, Any, str]]) -> None:
    """Run `interrupt` for the awaits 1 to `count`, or for 0, each in a child of its own.

    One after another, so that each starts with everything imported. Prints a line for each.
    """
    for number in range(1, count + 1) if count else [0]:
        sys.stdout.flush()
        child = os.fork()
        if child == 0:
            seen = asyncio.run(interrupt(number))
            os.write(1, f"{number} {seen}\n".encode())
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            os.write(1, f"{number} signal {os.WTERMSIG(status)}\n".encode())


async def run_children(module: str, *arguments: str) -> dict[int, str]:
    """Run a module that forks such children to its end; give what it printed of each await."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, *arguments, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    assert process.returncode == 0
    lines = (line.split(maxsplit=1) for line in output.decode().splitlines())
    return {int(number): seen for number, seen in lines}
