"""Whose tokens are let in is on the audit trail, by a daemon on a real server."""

import hashlib
import json
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pymongo.asynchronous.database import AsyncDatabase

from reconciler.model.audit import AuditKind
from reconciler.storage.auditing import AUDIT_TRAIL, MongoAuditTrail
from tests.e2e.daemon.asking import until_event
from tests.e2e.daemon.conftest import NewDaemon
from tests.observing.processes import until

Database = AsyncDatabase[dict[str, Any]]
EXPIRES = "2099-01-01T00:00:00Z"


def settings(**scopes: str) -> str:
    """Settings with a token for each name; here it is the name."""
    return "\n".join(
        f'[[api.tokens]]\nname = "{name}"\nsha256 = "{digest(name)}"\n'
        f'scopes = ["{scope}"]\nexpires = {EXPIRES}'
        for name, scope in scopes.items()
    )


def digest(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


async def told(database: Database, *, records: int) -> Sequence[dict[str, Any]]:
    """Wait for so many records about tokens, and give them."""
    store = MongoAuditTrail(database)

    async def look() -> Sequence[str] | None:
        found = await store.bodies(AuditKind.TOKEN)
        return found if len(found) >= records else None

    bodies = await until(look, f"{records} records about tokens", within_seconds=10)
    assert len(bodies) == records
    return [json.loads(body) for body in bodies]


async def test_tokens_are_on_the_trail(
    new_daemon: NewDaemon, exchange: Database, tmp_path: Path
) -> None:
    """What is new at the start and at SIGHUP, each once; never a token, nor its hash."""
    config = tmp_path / "config.toml"
    config.write_text(settings(alice="check", bob="audit"))
    daemon = new_daemon(CONFIG=str(config))
    await daemon.start()
    await told(exchange, records=2)
    await daemon.kill()
    await daemon.start()
    config.write_text(settings(alice="repair:propose", carol="check"))
    assert daemon.process is not None
    await daemon.process.signal(signal.SIGHUP)
    await until_event(daemon, "settings_reloaded", within_seconds=5)
    records = await told(exchange, records=5)

    seen = [(each["details"]["principal"], each["outcome"]) for each in records]
    assert seen[:2] == [("alice", "issued"), ("bob", "issued")]
    assert seen[2:] == [("alice", "changed"), ("bob", "revoked"), ("carol", "issued")]
    assert records[2]["details"]["tokens"] == [
        {"scopes": ["repair:propose"], "expires": "2099-01-01T00:00:00.000000Z"}
    ]
    whole = str(await exchange[AUDIT_TRAIL].find().to_list())
    assert not any(digest(name) in whole for name in ("alice", "bob", "carol"))
