"""The life of a finding: which sighting makes it what."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from reconciler.model.comparison import Mismatch, compare, drift_of, malformed_identity
from reconciler.model.copies import BalanceView
from reconciler.model.finding import (
    Change,
    Finding,
    FindingState,
    ScanStamp,
    Sighting,
    Transition,
    drift_amount,
    finding_key,
    in_sync,
    sighted,
)
from reconciler.model.identity import Account, Identifier
from reconciler.model.mapping import DEFAULT_MAPPINGS
from tests.unit.model.views import copy, view

START = datetime(2026, 1, 1, tzinfo=UTC)


def stamp(sequence: int) -> ScanStamp:
    return ScanStamp(f"scan{sequence}", sequence, START + timedelta(minutes=sequence))


def mismatch_of(*texts: str | None) -> Mismatch:
    found = compare(view(*texts), DEFAULT_MAPPINGS)
    assert found is not None
    return found


def sighting(*texts: str | None, is_confirmed: bool = False) -> Sighting:
    mismatch = mismatch_of(*texts)
    differences = "; ".join(drift_of(mismatch.view, DEFAULT_MAPPINGS).values())
    return Sighting(mismatch, differences, is_confirmed)


def seen(
    last: Finding | None, sequence: int, *texts: str | None, is_confirmed: bool = False
) -> Transition:
    made = sighted(
        last, sighting(*texts, is_confirmed=is_confirmed), stamp(sequence), DEFAULT_MAPPINGS
    )
    assert made is not None
    return made


ONE_OFF = ("2", "1", "1", "1")
ONE_OFF_WITH_MORE = ("12", "11", "11", "11")
TWO_OFF = ("3", "1", "1", "1")


def test_a_first_sighting_is_a_suspect() -> None:
    """What was seen once is a suspect, first and last seen now."""
    made = seen(None, 1, *ONE_OFF)

    assert made.changes == (Change.DETECTED,)
    assert made.finding.state is FindingState.SUSPECT
    assert (made.finding.episode, made.finding.drift) == (1, Decimal(1))
    assert made.finding.first_seen == made.finding.last_seen == stamp(1).at


def test_a_second_look_of_the_same_scan_confirms() -> None:
    """A sighting that the scan itself confirmed makes a suspect confirmed."""
    made = seen(seen(None, 1, *ONE_OFF).finding, 1, *ONE_OFF, is_confirmed=True)

    assert made.changes == (Change.CONFIRMED,)
    assert made.finding.confirmed_at == stamp(1).at


def test_the_same_look_twice_confirms_nothing() -> None:
    """A range that one scan read again is no second snapshot."""
    made = seen(seen(None, 1, *ONE_OFF).finding, 1, *ONE_OFF)

    assert made.finding.state is FindingState.SUSPECT


def test_the_next_scan_confirms_what_an_interrupted_one_saw() -> None:
    """The same differences in a later scan are a second snapshot."""
    made = seen(seen(None, 1, *ONE_OFF).finding, 2, *ONE_OFF)

    assert made.changes == (Change.CONFIRMED,)
    assert made.finding.first_seen == stamp(1).at


def test_other_amounts_with_the_same_differences_confirm() -> None:
    """A busy drifted account is confirmed too: only the distance between its copies counts."""
    made = seen(seen(None, 1, *ONE_OFF).finding, 2, *ONE_OFF_WITH_MORE)

    assert made.finding.state is FindingState.CONFIRMED


def test_other_differences_begin_the_confirmation_anew() -> None:
    """A suspect that differs in another way now is a suspect again, and then confirmed."""
    first = seen(None, 1, *ONE_OFF).finding
    second = seen(first, 2, *TWO_OFF)
    third = seen(second.finding, 3, *TWO_OFF)

    assert (second.finding.state, second.changes) == (FindingState.SUSPECT, ())
    assert third.changes == (Change.CONFIRMED,)


def test_what_is_confirmed_stays_so_in_another_shape() -> None:
    """A confirmed finding that differs in another way now is no recovery, and no second page."""
    confirmed = seen(None, 1, *ONE_OFF, is_confirmed=True).finding
    made = seen(confirmed, 2, *TWO_OFF)

    assert (made.finding.state, made.changes) == (FindingState.CONFIRMED, ())
    assert made.finding.drift == Decimal(2)
    assert (made.finding.first_seen, made.finding.confirmed_at) == (stamp(1).at, stamp(1).at)


def test_a_younger_scan_is_not_overruled() -> None:
    """What an older scan saw changes nothing that a younger one wrote."""
    finding = seen(None, 5, *ONE_OFF).finding

    assert sighted(finding, sighting(*TWO_OFF), stamp(4), DEFAULT_MAPPINGS) is None
    assert in_sync(finding, stamp(4)) is None


def test_in_sync_is_resolved_once() -> None:
    """A finding is resolved by a scan that saw it in sync, and only while it is open."""
    gone = in_sync(seen(None, 1, *ONE_OFF).finding, stamp(2))
    assert gone is not None

    assert gone.changes == (Change.RESOLVED,)
    assert gone.finding.resolved_at == stamp(2).at
    assert in_sync(gone.finding, stamp(3)) is None


def test_a_new_drift_is_a_new_finding() -> None:
    """An account that drifts again has another finding, with another id and another first time."""
    gone = in_sync(seen(None, 1, *ONE_OFF).finding, stamp(2))
    assert gone is not None
    again = seen(gone.finding, 3, *ONE_OFF, is_confirmed=True)

    assert again.changes == (Change.DETECTED, Change.CONFIRMED)
    assert again.finding.episode == 2
    assert again.finding.finding_id != gone.finding.finding_id
    assert again.finding.first_seen == stamp(3).at


def test_ids_of_one_key_sort_by_their_episode() -> None:
    """The last finding of an account is the one with the greatest id."""
    finding = seen(None, 1, *ONE_OFF).finding
    ids = [replace(finding, episode=number).finding_id for number in (1, 2, 10, 999_999)]

    assert ids == sorted(ids)


@pytest.mark.parametrize(
    "texts, drift",
    [
        (("2 1", "1 1", "2 1", "2 1"), "1"),
        (("2 1", "1 2", "2 1", "2 1"), "2"),
        (("2 1", None, "2 1", "2 1"), "3"),
        ((None, "2 1", "2 1", "2 1"), "3"),
        (("1", "2", "3", "0.5"), "2"),
        (("?", "1", "1", "1"), None),
        (("1&1", "1", "1", "1"), None),
        (("1 0 5", "1", "1", "1"), "0"),
    ],
)
def test_the_drift_is_that_of_the_farthest_copy(
    texts: tuple[str | None, ...], drift: str | None
) -> None:
    """A posting that one copy lost counts once, and what cannot be measured is not zero."""
    expected = None if drift is None else Decimal(drift)

    assert drift_amount(view(*texts), DEFAULT_MAPPINGS) == expected


def test_a_key_is_the_accounts_and_nothing_elses() -> None:
    """The key depends on the account with its types, not on what is wrong with it."""
    texts = mismatch_of(*ONE_OFF)
    other_type = replace(
        texts, view=BalanceView(Account(Identifier("alice", "int"), Identifier("BTC")), {})
    )
    joined = replace(texts, view=BalanceView(Account.of("aliceBTC", ""), {}))

    assert finding_key(texts) == finding_key(mismatch_of(*TWO_OFF))
    assert finding_key(texts) == finding_key(mismatch_of("?", "1", "1", "1"))
    assert len({finding_key(each) for each in (texts, other_type, joined)}) == 3


def test_documents_without_an_identity_are_told_apart() -> None:
    """Two documents that belong to no account are two findings, by where they are."""
    nobody = Account(Identifier("", "missing"), Identifier("\ud800", "string"))
    one, other = (
        malformed_identity(
            BalanceView(nobody, {"wallets": (replace(copy("1"), document_id=document_id),)})
        )
        for document_id in ("a", "b")
    )

    assert finding_key(one) != finding_key(other)
