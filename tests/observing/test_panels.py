"""Every panel's query against a real Prometheus that scrapes a running daemon."""

import contextlib
import math
from pathlib import Path

from reconciler.keys import make_keys
from tests.observing.exchange import Database, Exchange, exchange
from tests.observing.panels import annotation_targets, panel_targets
from tests.observing.processes import until

ENDPOINTS = {
    "RECONCILER_API__TEST_ENDPOINTS": "true",
    "RECONCILER_API__ESCROW_ENDPOINTS": "true",
    "RECONCILER_AUDIT__CHECKPOINT_INTERVAL_SECONDS": "1",
}
ANSWER_SECONDS = 30.0
# What it shows does not depend on balances or on postings.
STEADY = {
    "write_path: MongoDB reachable",
    "repair_audit: Awaiting approval",
    "repair_audit: Repairs",
    "repair_audit: Audit chain",
}

# By panel, query and the labels of a series: its value.
Shown = dict[str, dict[str, dict[str, float]]]


async def test_every_panel_shows_what_happens(
    database: Database, mongo_uri: str, tmp_path: Path
) -> None:
    """Each query of each panel returns series, and each panel changes with drift and postings."""
    make_keys(tmp_path / "audit.pem", tmp_path / "audit.pub")
    signing = {
        "RECONCILER_AUDIT__SIGNING_KEY_PATH": str(tmp_path / "audit.pem"),
        "RECONCILER_AUDIT__CHECKPOINT_PATH": str(tmp_path / "checkpoints"),
    }
    async with exchange(database, mongo_uri, ENDPOINTS | signing) as run:
        before = await until(lambda: _shown(run), "series", within_seconds=ANSWER_SECONDS)
        await run.drift()
        await _post(run)

        async def still() -> set[str]:
            shown = await _shown(run)
            return {name for name in before if not shown or not _is_news(before, shown, name)}

        async def only_steady_ones_are() -> bool:
            return await still() <= STEADY

        with contextlib.suppress(AssertionError):
            await until(only_steady_ones_are, "", within_seconds=ANSWER_SECONDS)
        assert await still() - STEADY == set(), "panels that show no change"
        await _deploy_is_marked(run)


def _is_news(before: Shown, shown: Shown, name: str) -> bool:
    """Whether a panel shows something else than before, and a number in each of its queries."""
    are_numbers = all(
        any(not math.isnan(value) for value in series.values()) for series in shown[name].values()
    )
    return are_numbers and repr(shown[name]) != repr(before[name])


async def _post(run: Exchange) -> None:
    """A new user's deposit, a trade that its seller cannot cover, and a repair while it is off."""
    credited = await run.daemon.post(
        "/api/test/credit", {"user_id": "dave", "currency": "ETH", "amount": "0.05"}
    )
    assert credited.status_code == 200, credited.text
    refused = await run.daemon.post(
        "/api/p2p/create-trade",
        {"seller_id": "bob", "buyer_id": "carol", "currency": "BTC", "amount": "5"},
    )
    assert 400 <= refused.status_code < 500, refused.text
    guarded = await run.daemon.post(
        "/api/integrity/sync-all", {"user_id": "alice", "reason": "it drifted"}
    )
    assert guarded.json()["guard"] == "kill_switch", guarded.text


async def _shown(run: Exchange) -> Shown | None:
    """What every panel shows now; None while a query gives no series."""
    shown: Shown = {}
    for target in panel_targets():
        expression = target.filled(instance=run.daemon.address)
        samples = await run.watching.prometheus.query(expression)
        if not samples:
            return None
        series = {repr(sorted(sample.labels.items())): sample.value for sample in samples}
        shown.setdefault(str(target), {})[expression] = dict(sorted(series.items()))
    return shown


async def _deploy_is_marked(run: Exchange) -> None:
    """The mark stands where the build was not there just before: now and a minute ago it was."""
    (deploys,) = {target.expression: target for target in annotation_targets()}.values()

    assert await run.watching.prometheus.query(deploys.filled(__interval="1s")) == []
    assert await run.watching.prometheus.query(deploys.filled(__interval="10m"))
