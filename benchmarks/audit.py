"""How long it takes to prove the audit trail."""

import time
from typing import Any

from pymongo import AsyncMongoClient

from benchmarks.figures import Bar, Section, Spread, Table
from reconciler.auditing.proving import prove
from reconciler.embedded import EmbeddedMongo
from reconciler.model.audit import GENESIS_HASH, AuditHead, canonical, head_after, next_record
from reconciler.storage.auditing import AUDIT_HEAD, AUDIT_TRAIL, HEAD, MongoAuditTrail

SECONDS_MAX = 5.0
BATCH = 5_000


async def measure(*, records: int, rounds: int, bars: bool) -> Section:
    """Write a trail of so many records, and prove it."""
    async with EmbeddedMongo() as server, AsyncMongoClient[dict[str, Any]](server.uri) as client:
        database = client["exchange"]
        await _write(database, records)
        store = MongoAuditTrail(database)
        seconds = []
        for _ in range(rounds):
            started = time.perf_counter()
            proof = await prove(store)
            seconds.append(time.perf_counter() - started)
            assert proof.is_valid
            assert proof.records == records
    spread = Spread(tuple(seconds))
    bar = Bar(
        f"proving {records:,} audit records",
        f"under {SECONDS_MAX:g} s",
        f"{spread.median:.2f} s",
        spread.median < SECONDS_MAX,
    )
    table = Table(
        "Proving the audit trail",
        ("records", "seconds, median (least to most)"),
        ((f"{records:,}", spread.shown(2)),),
    )
    return Section(
        name="audit",
        tables=(table,),
        bars=(bar,) if bars else (),
        data={"records": records, "seconds": spread.as_json()},
    )


async def _write(database: Any, records: int) -> None:
    head = AuditHead("benchmark", 0, GENESIS_HASH)
    batch = []
    for number in range(1, records + 1):
        details = {"scan_id": f"{number:032}", "counts": {"accounts": 200_000, "mismatches": 0}}
        fields = {"kind": "INTEGRITY_CHECK", "outcome": "PASSED", "user": "all", "details": details}
        record = next_record(head, canonical(fields))
        head = head_after(record)
        batch.append(
            {
                "_id": record.sequence,
                "previous_hash": record.previous_hash,
                "body": record.body,
                "hash": record.hash,
            }
        )
        if len(batch) == BATCH or number == records:
            await database[AUDIT_TRAIL].insert_many(batch)
            batch = []
    await database[AUDIT_HEAD].insert_one(
        {"_id": HEAD, "log_id": head.log_id, "size": head.size, "hash": head.hash}
    )
