"""`python -m tests.integration.auditing.dying URI DATABASE`: appends until it is killed."""

import asyncio
import sys
from typing import Any

from pymongo import AsyncMongoClient

from reconciler.auditing.ports import UnobservedTrail
from reconciler.auditing.trail import Trail
from reconciler.storage.auditing import MongoAuditTrail
from tests.integration.auditing.writing import START, event


async def main(uri: str, name: str) -> None:
    async with AsyncMongoClient[dict[str, Any]](uri) as client:
        store = MongoAuditTrail(client[name])
        trail = Trail(store, None, UnobservedTrail(), clock=lambda: START)
        for number in range(100_000):
            await trail.append(event(number))
            sys.stdout.write(".")
            sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
