"""The gate for deployments on a real server: each trouble fails its own line, in both modes."""

import asyncio
import contextlib
import hashlib
import io
import json
import secrets
import shutil
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from bson import Decimal128
from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase

from reconciler.bootstrap import open_backend, wiring
from reconciler.bootstrap.daemon import open_daemon
from reconciler.bootstrap.gating import facts_at
from reconciler.settings import Settings
from reconciler.storage.hardening import Hardening
from reconciler.storage.schema import Schema
from reconciler.surfaces.cli.daemon_client import DaemonAddress
from reconciler.surfaces.cli.gate import run_gate
from reconciler.surfaces.cli.hints import Invocation
from reconciler.surfaces.cli.session import Running
from reconciler.surfaces.cli.terminal import Terminal
from reconciler.surfaces.logs import Logs, open_logs
from reconciler.sync import BalanceSync
from tests.e2e.conftest import CommandLine
from tests.unit.control.repository import Repository, new_key

ROOT = Path(__file__).resolve().parents[2]
Database = AsyncDatabase[dict[str, Any]]
MODES = ("database", "url")
LINES = ("integrity", "freeze", "mapping", "indexes", "validators", "plans", "findings")
AWAY = "mongodb://operator:s3cret@127.0.0.1:1/"
FAR = datetime(2100, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Asked:
    """How a gate ended."""

    code: int
    answer: dict[str, Any]

    def outcomes(self) -> dict[str, str]:
        return {each["name"]: each["outcome"] for each in self.answer["requirements"]}

    def failing(self) -> set[str]:
        return {name for name, outcome in self.outcomes().items() if outcome == "not_met"}

    def line(self, name: str) -> dict[str, Any]:
        (found,) = [each for each in self.answer["requirements"] if each["name"] == name]
        return dict(found)


@dataclass
class Exchange:
    """A healthy exchange, a daemon on it, and a checkout of our own code that is frozen."""

    database: Database
    settings: Settings
    logs: Logs
    url: str
    tree: Repository
    wide: dict[str, Any] = field(default_factory=dict)

    async def ask(self, mode: str, settings: Settings | None = None, *, url: str = "") -> Asked:
        """Run the command in this process; all but the words of the command line."""
        out = io.StringIO()
        made = wiring(open_backend)
        running = Running(
            settings or self.settings,
            self.logs,
            Terminal(out, io.StringIO(), environment={}),
            Invocation(),
            replace(made, freeze_facts=lambda given: facts_at(self.tree.place, given)),
            as_json=True,
        )
        address = DaemonAddress.of(url or self.url) if mode == "url" else None
        code = await run_gate(running, address)
        return Asked(int(code), json.loads(out.getvalue()))


def frozen_tree(root: Path) -> Repository:
    """A copy of our own package, frozen and signed."""
    # With what was compiled, which starting a process of it would do again.
    shutil.copytree(ROOT / "reconciler", root / "reconciler")
    (root / "docs").mkdir()
    shutil.copy(ROOT / "docs/PAYMENT_SYNC_SPEC.md", root / "docs")
    repository = Repository(root, new_key(), new_key())
    repository.bootstrap()
    return repository


@pytest.fixture(scope="module")
async def exchange(
    client: AsyncMongoClient[dict[str, Any]],
    mongo_uri: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Exchange]:
    database = client["test_gate"]
    await client.drop_database(database.name)
    settings = Settings.model_validate(
        {
            "mongo": {"uri": mongo_uri, "database": database.name},
            "scan": {"settle_seconds": 0.05, "interval_seconds": 3600, "jitter_seconds": 0},
            "watch": {"enabled": False},
            "api": {"port": 0},
        }
    )
    await Schema(database, settings.mappings()).init()
    sync = BalanceSync(database)
    await sync.credit("alice", "BTC", "0.001", "deposit")
    await sync.close()
    await Hardening(database, settings.mappings()).apply(replaces=False)
    logs = open_logs(level="error", as_text=False, stream=io.StringIO())
    async with serving(settings, logs) as url:
        tree = frozen_tree(tmp_path_factory.mktemp("tree"))
        yield Exchange(database, settings, logs, url, tree)
    await client.drop_database(database.name)


@contextlib.asynccontextmanager
async def serving(
    settings: Settings, logs: Logs, *, has_scanned: bool = True
) -> AsyncIterator[str]:
    """The real daemon in the loop of the test; its own first scan would see what tests do."""
    stop = asyncio.Event()
    async with open_daemon(settings, logs, holds_to_freeze=False) as daemon:
        running = asyncio.create_task(daemon.run(stop))
        try:
            url = await daemon.url()
            if has_scanned:
                await daemon.verdict()
            yield url
        finally:
            stop.set()
            await running


@contextlib.asynccontextmanager
async def drift(database: Database) -> AsyncIterator[str]:
    copies = database["crypto_balances"]
    await copies.update_one(
        {}, {"$inc": {"available_balance": Decimal128("1"), "balance": Decimal128("1")}}
    )
    yield "1 accounts are wrong"
    await copies.update_one(
        {}, {"$inc": {"available_balance": Decimal128("-1"), "balance": Decimal128("-1")}}
    )


@contextlib.asynccontextmanager
async def missing_index(database: Database) -> AsyncIterator[str]:
    await database["trader_balances"].drop_index("reconciler_account")
    yield "trader_balances (trader_id, currency)"
    await Schema(database, Settings().mappings()).init()


@contextlib.asynccontextmanager
async def open_finding(database: Database) -> AsyncIterator[str]:
    """One that a later scan than any of this test saw once."""
    found = database["integrity_findings"]
    first_seen = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
    suspect = {"state": "suspect", "open": True, "first_seen": first_seen, "sequence": 2**40}
    await found.insert_one({"_id": "finding", "kind": "amount", "currency": "BTC", **suspect})
    yield "0 confirmed and 1 suspect are open, the oldest since 2026-01-02 03:04 UTC"
    await found.delete_one({"_id": "finding"})


@contextlib.asynccontextmanager
async def pending_plan(database: Database) -> AsyncIterator[str]:
    """Seven wait, and one that expired does not."""
    plans = database["repair_plans"]
    waiting = {"state": "planned", "needs_approval": True, "expires_at": FAR}
    gone = datetime.now(UTC) - timedelta(seconds=1)
    await plans.insert_many([{"_id": f"plan-{n}", **waiting} for n in range(7)])
    await plans.insert_one({"_id": "old", **waiting, "expires_at": gone})
    yield "7 wait for approval: plan-"
    await plans.delete_many({})


@contextlib.asynccontextmanager
async def removed_validator(database: Database) -> AsyncIterator[str]:
    await database.command({"collMod": "wallets", "validator": {}})
    yield "wallets: the validator is absent"
    await Hardening(database, Settings().mappings()).apply(replaces=True)


Trouble = Callable[[Database], contextlib.AbstractAsyncContextManager[str]]
TROUBLES: dict[str, tuple[Trouble, set[str]]] = {
    "drift": (drift, {"integrity"}),
    "missing index": (missing_index, {"indexes"}),
    "open finding": (open_finding, {"findings"}),
    "pending plan": (pending_plan, {"plans"}),
    "removed validator": (removed_validator, {"validators"}),
}


@pytest.mark.parametrize("mode", MODES)
async def test_healthy_and_frozen_is_0(exchange: Exchange, mode: str) -> None:
    """Each line is met, and a daemon is asked for its code as well."""
    asked = await exchange.ask(mode)

    assert asked.code == 0, asked.answer
    assert asked.answer["status"] == "ready"
    assert set(asked.outcomes()) == {*LINES, *(["deployed_code"] if mode == "url" else [])}
    assert set(asked.outcomes().values()) == {"met"}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("trouble", TROUBLES)
async def test_each_trouble_fails_its_own_line(exchange: Exchange, mode: str, trouble: str) -> None:
    """Exit 3, that line alone, with what was seen and what to do; and it passes when it is over."""
    make, lines = TROUBLES[trouble]
    async with make(exchange.database) as told:
        asked = await exchange.ask(mode)
    if mode == "url" and trouble == "drift":
        # The daemon's check of the gate wrote the drift down.
        lines = lines | {"findings"}

    assert asked.code == 3, asked.answer
    assert asked.failing() == lines
    (line,) = [asked.line(name) for name in lines if told in asked.line(name)["detail"]]
    assert line["next"]
    assert (await exchange.ask(mode)).code == 0


@pytest.mark.parametrize("mode", MODES)
async def test_a_broken_freeze_fails(exchange: Exchange, mode: str) -> None:
    """One operator changed in the library: its function is named, and a daemon runs other code."""
    code = exchange.tree.root / "reconciler/sync/turns.py"
    text = code.read_text()
    assert " is None" in text
    code.write_text(text.replace(" is None", " is not None", 1))
    asked = await exchange.ask(mode)
    code.write_text(text)

    assert asked.code == 3
    assert asked.failing() == {"freeze", *(["deployed_code"] if mode == "url" else [])}
    assert "reconciler/sync/turns.py" in asked.line("freeze")["detail"]


async def test_a_key_that_is_not_trusted_fails(exchange: Exchange) -> None:
    """A freeze.toml that somebody else signed is no freeze here."""
    freeze = exchange.settings.freeze.model_copy(update={"trusted_keys": ("0" * 64,)})
    asked = await exchange.ask("database", exchange.settings.model_copy(update={"freeze": freeze}))

    assert asked.failing() == {"freeze"}
    assert "none of freeze.trusted_keys" in asked.line("freeze")["detail"]


async def test_without_mongodb_it_is_4(exchange: Exchange) -> None:
    """What could not be looked at is not met; the freeze is told all the same."""
    mongo = exchange.settings.mongo.model_validate(
        {"uri": AWAY, "server_selection_timeout_seconds": 0.2}
    )
    away = exchange.settings.model_copy(update={"mongo": mongo})
    asked = await exchange.ask("database", away)
    async with serving(away, exchange.logs, has_scanned=False) as url:
        over_http = await exchange.ask("url", url=url)

    assert (asked.code, over_http.code) == (4, 4)
    assert asked.answer["status"] == over_http.answer["status"] == "incomplete"
    unknown = {name for name, outcome in asked.outcomes().items() if outcome == "unknown"}
    assert unknown == set(LINES) - {"freeze"}
    met = {name for name, outcome in over_http.outcomes().items() if outcome == "met"}
    assert met == {"freeze", "deployed_code"}
    assert "s3cret" not in str(asked.answer) + str(over_http.answer)


async def test_a_broken_freeze_counts_more_than_what_is_unknown(exchange: Exchange) -> None:
    """Nothing that could not be looked at hides what was seen to be wrong."""
    mongo = exchange.settings.mongo.model_validate(
        {"uri": AWAY, "server_selection_timeout_seconds": 0.2}
    )
    freeze = exchange.settings.freeze.model_copy(update={"trusted_keys": ("0" * 64,)})
    worse = exchange.settings.model_copy(update={"mongo": mongo, "freeze": freeze})

    assert (await exchange.ask("database", worse)).code == 3


async def test_a_daemon_with_tokens_wants_one_with_the_scope(exchange: Exchange) -> None:
    """No token, and one without the scope, is not known and no verdict; the right one is 0."""
    rights = {"check": ["check"], "other": ["audit"]}
    made = {name: secrets.token_urlsafe(32) for name in rights}
    tables = [
        {
            "name": name,
            "sha256": hashlib.sha256(token.encode()).hexdigest(),
            "scopes": rights[name],
            "expires": FAR,
        }
        for name, token in made.items()
    ]
    api = {"port": 0, "tokens": tables}
    guarded = Settings.model_validate({**exchange.settings.model_dump(), "api": api})
    codes = {}
    async with serving(guarded, exchange.logs) as url:
        for name, token in {"none": "", **made}.items():
            gate = exchange.settings.gate.model_validate({"token": token})
            asking = exchange.settings.model_copy(update={"gate": gate})
            asked = await exchange.ask("url", asking, url=url)
            codes[name] = asked.code
            assert not token or token not in str(asked.answer)

    assert codes == {"none": 4, "other": 4, "check": 0}


async def test_the_command_as_it_is_typed(exchange: Exchange, command_line: CommandLine) -> None:
    """In a process of its own, whose code is the frozen copy: marks for people, exit codes."""
    settings = {
        "PYTHONPATH": str(exchange.tree.root),
        "RECONCILER_MONGO__URI": exchange.settings.mongo.uri.get_secret_value(),
        "RECONCILER_MONGO__DATABASE": exchange.database.name,
        "RECONCILER_SCAN__SETTLE_SECONDS": "0.05",
    }

    async def run(*words: str) -> tuple[int, str]:
        ended = await asyncio.to_thread(command_line.run, "gate", *words, environment=settings)
        return ended.returncode, ended.stdout + ended.stderr

    healthy = await run("--url", exchange.url)
    async with missing_index(exchange.database):
        failing = await run()

    assert (healthy[0], failing[0]) == (0, 3), healthy + failing
    assert healthy[1].count("[x]") == 8
    assert "NOT READY: 6 of 7 requirements are met, 1 are not" in failing[1]
    assert "[ ] Every unique index that postings need is there: trader_balances" in failing[1]
    assert "next: " in failing[1]
