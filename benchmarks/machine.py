"""On what was measured."""

import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pymongo
from pymongo import AsyncMongoClient

import reconciler


def peak_memory_mb() -> float:
    """The most memory this process ever held, in MB (10^6 bytes).

    From `VmHWM`, not `ru_maxrss`: that one begins at what the parent held when it started us.
    """
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise OSError("the kernel does not tell this process's peak memory")


async def description(uri: str) -> dict[str, Any]:
    """Describe the machine, the versions and the time."""
    async with AsyncMongoClient[dict[str, Any]](uri) as client:
        server = (await client.server_info())["version"]
    memory_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "cores": os.cpu_count(),
        "processor": _processor(),
        "memory_gb": round(memory_bytes / 1e9, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "load_average": list(os.getloadavg()),
        "python": platform.python_version(),
        "pymongo": pymongo.version,
        "mongodb": server,
        "reconciler": reconciler.__version__,
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor() or "unknown"
