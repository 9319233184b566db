"""The whole emergency, as a person lives it: real daemon, commands, Prometheus, Alertmanager."""

import asyncio
import hashlib
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.observing.daemon import QUICK, ROOT
from tests.observing.exchange import Database, Exchange, exchange

FAILURE = "ReconcilerIntegrityFailure"
FLAPPING = "ReconcilerRepairFlapping"
PAGED_SECONDS_MAX = 30.0
COMMAND_SECONDS_MAX = 60.0
CONTACT = "the treasury desk, +1 555 0100"
WHY = "incident 4711"
SCOPES = {"alice": ["check", "repair:propose"], "bob": ["check", "repair:approve"]}


def tokens() -> str:
    """Alice may repair, Bob may approve: each has a name as token, here alone."""
    return json.dumps(
        [
            {
                "name": name,
                "sha256": hashlib.sha256(name.encode()).hexdigest(),
                "scopes": scopes,
                "expires": "2099-01-01T00:00:00Z",
            }
            for name, scopes in SCOPES.items()
        ]
    )


def settings(folder: Path) -> dict[str, str]:
    """A repair of half a thousandth of a bitcoin needs a second person here."""
    return {
        "RECONCILER_API__TOKENS": tokens(),
        "RECONCILER_AUDIT__SIGNING_KEY_PATH": str(folder / "audit.pem"),
        "RECONCILER_AUDIT__CHECKPOINT_PATH": str(folder / "checkpoints"),
        "RECONCILER_REPAIR__APPROVAL_THRESHOLD_USD": "1",
        "RECONCILER_REPAIR__ESCALATION_CONTACT": CONTACT,
    }


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody at a shell, and with a token."""

    environment: Mapping[str, str]
    url: str = ""

    async def run(self, *words: str, exit_code: int = 0) -> str:
        """Run a command to its end, and give what it printed."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "reconciler",
            *words,
            env={"PYTHONPATH": str(ROOT), **QUICK, **self.environment},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(COMMAND_SECONDS_MAX):
            out, err = await process.communicate()
        assert process.returncode == exit_code, f"{words}\n{out.decode()}\n{err.decode()}"
        return out.decode()

    async def post(self, name: str, path: str, **body: object) -> httpx.Response:
        """Call the API with somebody's token."""
        async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
            headers = {"Authorization": f"Bearer {name}"}
            return await client.post(f"{self.url}{path}", json=body, headers=headers)

    async def document(self, *words: str, exit_code: int = 0) -> dict[str, Any]:
        """Run a command that prints JSON."""
        found: dict[str, Any] = json.loads(await self.run(*words, "--json", exit_code=exit_code))
        return found


async def prepared(database: Database, mongo_uri: str, folder: Path) -> dict[str, str]:
    """Make the key, which is never in the database, and give everybody's environment."""
    key = ("--signing-key", str(folder / "audit.pem"), "--public-key", str(folder / "audit.pub"))
    await Person({}).run("audit", "keygen", *key)
    return {
        **settings(folder),
        "RECONCILER_MONGO__URI": mongo_uri,
        "RECONCILER_MONGO__DATABASE": database.name,
    }


async def test_the_whole_emergency(database: Database, mongo_uri: str, tmp_path: Path) -> None:
    """Page, explain, plan, approval by another, apply, healthy, page resolved, trail verified."""
    environment = await prepared(database, mongo_uri, tmp_path)
    async with exchange(database, mongo_uri, settings(tmp_path)) as run:
        person = Person(environment, f"http://{run.daemon.address}")
        await _paged(run)
        await _refused_while_off(person)
        await person.run("repair", "enable", "--reason", WHY)
        plan = await _planned(person)
        await _approved_by_another(person, plan)
        await _applied(person, plan)
        await run.receiver.told(FAILURE, "resolved", within_seconds=PAGED_SECONDS_MAX)
        await person.run("repair", "disable", "--reason", f"{WHY} is over")
        await _audited(person, tmp_path)
        await run.watching.prometheus.holds("reconciler_repair_enabled == 0", within_seconds=20)


async def test_one_call_ends_it(database: Database, mongo_uri: str, tmp_path: Path) -> None:
    """Below the threshold `sync-all` plans, guards, applies and checks; the page is resolved."""
    environment = await prepared(database, mongo_uri, tmp_path)
    threshold = {"RECONCILER_REPAIR__APPROVAL_THRESHOLD_USD": "1000"}
    async with exchange(database, mongo_uri, {**settings(tmp_path), **threshold}) as run:
        person = Person({**environment, **threshold}, f"http://{run.daemon.address}")
        await person.run("repair", "enable", "--reason", WHY)
        await _paged(run)
        answer = await person.post("alice", "/api/integrity/sync-all", user_id="alice", reason=WHY)

        assert answer.status_code == 200, answer.text
        assert answer.json()["applied"] is True
        assert answer.json()["check"]["status"] == "healthy"
        (step,) = answer.json()["steps"]
        assert step["outcome"] == "applied"
        assert (step["before"]["crypto_balances"], set(step["after"].values())) == (
            0.0005,
            {0.001},
        )
        await run.receiver.told(FAILURE, "resolved", within_seconds=PAGED_SECONDS_MAX)
        await run.watching.prometheus.holds(
            'reconciler_repairs_total{outcome="applied"} == 1', within_seconds=20
        )
        await _again_is_refused(run, person)
        await _audited(person, tmp_path)


async def _again_is_refused(run: Exchange, person: Person) -> None:
    """An account that drifts again has a writer that must be found first: that pages."""
    await run.drift()
    answer = await person.post("alice", "/api/integrity/sync-all", user_id="alice", reason=WHY)

    assert answer.status_code == 409, answer.text
    assert answer.json()["guard"] == "flapping"
    await run.watching.prometheus.holds(
        'reconciler_repair_refusals_total{guard="flapping"} >= 1', within_seconds=20
    )
    page = await run.receiver.told(FLAPPING, "firing", within_seconds=PAGED_SECONDS_MAX)
    assert page.receiver == "page"


async def _paged(run: Exchange) -> None:
    await run.drift()
    page = await run.receiver.told(FAILURE, "firing", within_seconds=PAGED_SECONDS_MAX)

    assert page.receiver == "page"
    assert page.annotations["escalation_contact"]
    assert page.annotations["runbook_url"].endswith(f"{FAILURE}.md")


async def _refused_while_off(person: Person) -> None:
    """Nothing can be repaired before somebody switches it on; the answer says whom to call."""
    shown = await person.run("explain", "alice", "BTC", exit_code=3)
    answer = await person.post("alice", "/api/integrity/sync-all", user_id="alice", reason=WHY)

    assert "crypto_balances" in shown
    assert (answer.status_code, answer.json()["guard"]) == (409, "kill_switch")
    assert answer.json()["escalation_contact"] == CONTACT


async def _planned(person: Person) -> dict[str, Any]:
    plan = await person.document("repair", "plan", "--user", "alice", "--reason", WHY)
    shown = await person.run("repair", "show", plan["plan_id"])

    assert plan["needs_approval"] is True
    assert "NEEDS APPROVAL" in shown
    assert plan["digest"] in shown
    return plan


async def _approved_by_another(person: Person, plan: dict[str, Any]) -> None:
    """Who made the plan cannot approve it, and nobody another one than was shown."""
    named = (plan["plan_id"], "--digest", plan["digest"])
    early = await person.run("repair", "apply", *named, "--yes", exit_code=5)
    own = await person.document("repair", "approve", *named, exit_code=5)
    address = f"/api/repairs/{plan['plan_id']}/approve"
    edited = await person.post("bob", address, digest="0" * 64)
    approved = await person.post("bob", address, digest=plan["digest"])

    assert "by somebody else" in early
    assert own["error"]["kind"] == "refused"
    assert edited.status_code == 409, edited.text
    assert approved.status_code == 200, approved.text
    assert approved.json()["approved_by"] == "bob"


async def _applied(person: Person, plan: dict[str, Any]) -> None:
    """Without a terminal it takes the digest and --yes; a plan is used once."""
    named = (plan["plan_id"], "--digest", plan["digest"])
    await person.run("repair", "apply", plan["plan_id"], exit_code=2)
    done = await person.run("repair", "apply", *named, "--yes")
    await person.run("repair", "apply", *named, "--yes", exit_code=5)
    check = await person.document("check", "--user", "alice")

    assert "REPAIRED" in done
    assert check["status"] == "healthy"


async def _audited(person: Person, folder: Path) -> None:
    """The trail holds all of it, and the checkpoints outside the database say the same."""
    proof = await person.document("audit", "verify", "--public-key", str(folder / "audit.pub"))

    assert proof["valid"] is True
    assert proof["records"] > 0
