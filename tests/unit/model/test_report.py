"""What a scan's verdict is."""

from datetime import UTC, datetime

import pytest

from reconciler.model.comparison import MismatchKind, compare
from reconciler.model.mapping import DEFAULT_MAPPINGS
from reconciler.model.report import Consistency, Coverage, ScanMode, ScanReport, Verdict
from tests.unit.model.views import view


def report(mismatch_count: int, listed: int, incomplete: tuple[str, ...]) -> ScanReport:
    mismatch = compare(view("1", "2", "1", "1"), DEFAULT_MAPPINGS)
    assert mismatch is not None
    return ScanReport(
        scan_id="s",
        mode=ScanMode.FULL,
        consistency=Consistency.SNAPSHOT,
        started_at=datetime(2026, 1, 1, tzinfo=UTC),
        duration_seconds=1.5,
        coverage=Coverage(accounts=9, users=3, currencies=3),
        mismatch_count=mismatch_count,
        mismatched_users=1,
        by_kind={MismatchKind.AMOUNT: mismatch_count},
        mismatches=(mismatch,) * listed,
        incomplete=incomplete,
    )


@pytest.mark.parametrize(
    "mismatch_count, listed, incomplete, verdict, truncated",
    [
        (0, 0, (), Verdict.HEALTHY, False),
        (0, 0, ("wallets could not be read",), Verdict.INCOMPLETE, False),
        (2, 2, (), Verdict.INTEGRITY_FAILURE, False),
        (2, 1, (), Verdict.INTEGRITY_FAILURE, True),
        (2, 0, (), Verdict.INTEGRITY_FAILURE, True),
        (1, 1, ("wallets could not be read",), Verdict.INTEGRITY_FAILURE, False),
    ],
)
def test_the_verdict(
    mismatch_count: int,
    listed: int,
    incomplete: tuple[str, ...],
    verdict: Verdict,
    truncated: bool,
) -> None:
    """Healthy is said only when all was seen and nothing is wrong; a cut list changes nothing."""
    observed = report(mismatch_count, listed, incomplete)

    assert (observed.verdict, observed.truncated) == (verdict, truncated)


def test_the_spellings_of_the_status_are_a_promise() -> None:
    """They stand in public answers."""
    assert [str(each) for each in Verdict] == ["healthy", "INTEGRITY_FAILURE", "incomplete"]
