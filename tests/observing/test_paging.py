"""From a drift to a page and back: real daemon, Prometheus, Alertmanager and receiver."""

import time

from alerts.routing import SYMPTOMS
from tests.observing.exchange import Database, Exchange, exchange
from tests.observing.processes import until

FAILURE, DOWN, OVERDUE = "ReconcilerIntegrityFailure", "ReconcilerDown", "ReconcilerScanOverdue"
PAGED_SECONDS_MAX = 15.0
SETTLED_SECONDS = 30.0


async def test_a_drift_is_paged_until_it_is_gone(database: Database, mongo_uri: str) -> None:
    """Drift pages within 15 s, outlives the daemon's death, and resolves when seen to be gone."""
    async with exchange(database, mongo_uri) as run:
        assert await run.watching.prometheus.value("reconciler_integrity_failure") == 0
        await _drift_is_paged(run)
        await _a_browser_shows_it(run)
        await _death_takes_nothing_back(run)
        await _return_takes_nothing_back(run)

        await run.mend()
        await run.receiver.told(FAILURE, "resolved", within_seconds=SETTLED_SECONDS)

        assert await run.watching.prometheus.value("reconciler_integrity_failure") == 0
        assert FAILURE not in await run.watching.prometheus.firing()


async def _drift_is_paged(run: Exchange) -> None:
    begun = time.monotonic()
    await run.drift()
    page = await run.receiver.told(FAILURE, "firing", within_seconds=PAGED_SECONDS_MAX)

    assert page.at - begun < PAGED_SECONDS_MAX
    assert page.receiver == "page"
    assert page.labels["status"] == "INTEGRITY_FAILURE"
    assert page.labels["severity"] == "critical"
    assert page.annotations["summary"]
    assert page.annotations["runbook_url"]


async def _a_browser_shows_it(run: Exchange) -> None:
    """The page that docs/monitoring.md leads to names the alert."""
    page = await run.watching.prometheus.page("/classic/alerts")

    assert FAILURE in page
    assert "INTEGRITY_FAILURE" in page


async def _death_takes_nothing_back(run: Exchange) -> None:
    """While nobody is there to say anything, the failure stands; Down is told, its symptoms not."""
    await run.daemon.kill()
    page = await run.receiver.told(DOWN, "firing", within_seconds=SETTLED_SECONDS)
    assert page.receiver == "page"

    async def overdue_is_inhibited() -> bool:
        return OVERDUE in await run.watching.alertmanager.inhibited()

    await until(overdue_is_inhibited, f"{OVERDUE} is inhibited", within_seconds=SETTLED_SECONDS)
    assert {FAILURE, DOWN, OVERDUE} <= await run.watching.prometheus.firing()
    assert FAILURE not in await run.watching.alertmanager.inhibited()
    assert await run.watching.prometheus.query("reconciler_integrity_failure") == []
    assert run.receiver.of(FAILURE, "resolved") == []
    # From its return to its first scan Overdue may be told: then it is what is wrong.
    assert [each.name for each in run.receiver.notified if each.name in SYMPTOMS[DOWN]] == []


async def _return_takes_nothing_back(run: Exchange) -> None:
    """A daemon that is back says at once what was known, and so do its own scans."""
    await run.daemon.start()
    await run.receiver.told(DOWN, "resolved", within_seconds=SETTLED_SECONDS)
    await run.daemon.scans_again(within_seconds=SETTLED_SECONDS)
    await run.watching.prometheus.holds(
        "reconciler_integrity_failure == 1", within_seconds=SETTLED_SECONDS
    )
    values = await run.watching.prometheus.value(
        "min(min_over_time(reconciler_integrity_failure[5s]))"
    )

    assert values == 1, "a restart looked like a recovery"
    assert run.receiver.of(FAILURE, "resolved") == []
