"""The JSON answers: exact keys, exact digits, always valid."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from reconciler.model.amounts import WIDE
from reconciler.model.comparison import Mismatch, MismatchKind, compare
from reconciler.model.copies import (
    NOT_STORED,
    BalanceView,
    Copy,
    StoredNumber,
    stored_nonsense,
    stored_number,
)
from reconciler.model.identity import Account, Identifier
from reconciler.model.mapping import DEFAULT_MAPPINGS
from reconciler.model.report import Consistency, Coverage, ScanMode, ScanReport
from reconciler.surfaces.answers import check_answer, incomplete_answer, mismatch_answer, timestamp
from reconciler.surfaces.json_text import encode

CHECKSUM = "COINHUBX_2025_FINAL_LOCK_ed0247eaa"


def decimal(text: str) -> StoredNumber:
    return stored_number("decimal", Decimal(text))


def one(available: str, locked: str = "0") -> tuple[Copy, ...]:
    total = decimal(str(WIDE.add(Decimal(available), Decimal(locked))))
    return (Copy("507f", decimal(available), decimal(locked), total, "2025-12-22T01:30:00+00:00"),)


def view(user_id: Identifier | str = "abc123", **copies: tuple[Copy, ...]) -> BalanceView:
    account = Account(
        user_id if isinstance(user_id, Identifier) else Identifier(user_id), Identifier("BTC")
    )
    return BalanceView(account, {name: one("0.001") for name in DEFAULT_MAPPINGS.names} | copies)


def mismatch(**arguments: Any) -> Mismatch:
    found = compare(view(**arguments), DEFAULT_MAPPINGS)
    assert found is not None
    return found


def report(*mismatches: Mismatch, **changes: Any) -> ScanReport:
    made = ScanReport(
        scan_id="s1",
        mode=ScanMode.FULL,
        consistency=Consistency.SNAPSHOT,
        started_at=datetime(2025, 12, 22, 1, 30, 0, 999_999, tzinfo=UTC),
        duration_seconds=0.12345,
        coverage=Coverage(accounts=20, users=5, currencies=12),
        mismatch_count=len(mismatches),
        mismatched_users=len(mismatches),
        by_kind=dict.fromkeys({each.kind for each in mismatches}, 1),
        mismatches=mismatches,
    )
    return replace(made, **changes)


def answered(given: ScanReport) -> tuple[str, Mapping[str, Any]]:
    text = encode(check_answer(given, mappings=DEFAULT_MAPPINGS, checksum=CHECKSUM))
    return text, json.loads(text, parse_float=Decimal, parse_constant=pytest.fail)


def test_a_healthy_answer_is_as_designed() -> None:
    """The design's keys with the design's values, and the further ones."""
    _, answer = answered(report())

    assert answer == {
        "status": "healthy",
        "details": "All balances in sync across all 4 collections",
        "checked_users": 5,
        "checked_currencies": 12,
        "timestamp": "2025-12-22T01:30:00Z",
        "checksum": CHECKSUM,
        "scan_id": "s1",
        "mode": "full",
        "consistency": "snapshot",
        "checked_balances": 20,
        "duration_seconds": Decimal("0.123"),
        "mismatch_count": 0,
        "truncated": False,
        "incomplete": [],
        "mismatches": [],
    }


def test_a_failure_answer_is_as_designed() -> None:
    """The mismatch names the account, the four available amounts, and what differs."""
    _, answer = answered(report(mismatch(crypto_balances=one("0.0005"))))
    (wrong,) = answer["mismatches"]

    assert answer["status"] == "INTEGRITY_FAILURE"
    assert answer["message"] == "Balance mismatch detected across collections"
    assert answer["by_kind"] == {"amount": 1}
    assert {key: wrong[key] for key in wrong if key != "copies"} == {
        "user_id": "abc123",
        "currency": "BTC",
        "wallets": Decimal("0.001"),
        "crypto_balances": Decimal("0.0005"),
        "trader_balances": Decimal("0.001"),
        "internal_balances": Decimal("0.001"),
        "in_sync": False,
        "kind": "amount",
        "also": [],
        "differs": ["crypto_balances.available"],
    }
    assert wrong["copies"]["wallets"] == {
        "available": Decimal("0.001"),
        "locked": 0,
        "total": Decimal("0.001"),
        "updated": "2025-12-22T01:30:00+00:00",
        "_id": "507f",
    }


def test_an_incomplete_scan_says_why() -> None:
    """It is never healthy, and each place that was not seen is a reason."""
    _, answer = answered(report(incomplete=("One", "Two")))

    assert answer["status"] == "incomplete"
    assert answer["reason"] == "One; Two"
    assert answer["incomplete"] == ["One", "Two"]


def test_a_failure_that_could_not_look_everywhere_says_both() -> None:
    """A confirmed mismatch is true whatever was not seen; what was not seen is said too."""
    _, answer = answered(report(mismatch(wallets=one("2")), incomplete=("One",)))

    assert answer["status"] == "INTEGRITY_FAILURE"
    assert answer["incomplete"] == ["One"]


def test_the_list_may_be_cut_and_the_count_never_is() -> None:
    """`truncated` says that there are more than are listed."""
    _, answer = answered(report(mismatch(wallets=one("2")), mismatch_count=12_345))

    assert answer["mismatch_count"] == 12_345
    assert answer["truncated"] is True
    assert len(answer["mismatches"]) == 1


@pytest.mark.parametrize(
    "amount,written",
    [
        ("1E-8", "0.00000001"),
        ("0.1234567890123456789012345678901234", "0.1234567890123456789012345678901234"),
        ("9999999999999999999999999999999999", "9999999999999999999999999999999999"),
        ("1E+3", "1000"),
        ("-0", "0"),
        ("0.10", "0.10"),
        ("-2.5", "-2.5"),
    ],
)
def test_an_amount_is_a_json_number_with_its_exact_digits(amount: str, written: str) -> None:
    """No exponent, no rounding, no quotes."""
    text, _ = answered(report(mismatch(wallets=one("7", "1"), crypto_balances=one(amount))))

    assert f'"crypto_balances": {written},' in text


def test_a_missing_malformed_or_duplicated_copy_is_null() -> None:
    """Null beside the four; in `copies` it is null, an object or a list of objects."""
    broken = (replace(one("1")[0], available=stored_nonsense("string", "1")),)
    found = mismatch(crypto_balances=(), trader_balances=broken, internal_balances=one("1") * 2)

    answer = json.loads(encode(mismatch_answer(found, DEFAULT_MAPPINGS)))

    assert [answer[name] for name in DEFAULT_MAPPINGS.names] == [0.001, None, None, None]
    assert answer["kind"] == "malformed"
    assert answer["also"] == ["duplicate", "missing", "amount"]
    assert answer["copies"]["crypto_balances"] is None
    assert answer["copies"]["trader_balances"]["available"] == {"type": "string", "text": "1"}
    assert [copy["available"] for copy in answer["copies"]["internal_balances"]] == [1, 1]


@pytest.mark.parametrize(
    "number,shown",
    [
        (NOT_STORED, None),
        (stored_number("double", Decimal("NaN")), {"type": "double", "text": "NaN"}),
        (stored_number("double", Decimal("Infinity")), {"type": "double", "text": "Infinity"}),
        (stored_number("decimal", Decimal("1E+6000")), {"type": "decimal", "text": "1E+6000"}),
        (stored_nonsense("null", "null"), {"type": "null", "text": "null"}),
        (stored_nonsense("array", "[2]"), {"type": "array", "text": "[2]"}),
        (stored_number("int", Decimal(2)), 2),
    ],
)
def test_a_number_is_always_a_number_and_what_is_broken_never_looks_like_one(
    number: StoredNumber, shown: object
) -> None:
    """A field that is no usable number is an object with its type and text; one not there, null."""
    found = mismatch(wallets=(replace(one("1")[0], available=number),))

    answer = json.loads(encode(mismatch_answer(found, DEFAULT_MAPPINGS)))

    assert answer["copies"]["wallets"]["available"] == shown


def test_types_are_named_where_they_are_no_decimals() -> None:
    """A double that shows the same digits as a decimal can be told from it."""
    double = replace(one("1")[0], available=stored_number("double", Decimal(2)))

    answer = mismatch_answer(mismatch(wallets=(double,)), DEFAULT_MAPPINGS)

    assert answer["copies"]["wallets"]["types"] == {"available": "double"}
    assert "types" not in answer["copies"]["trader_balances"]


@pytest.mark.parametrize(
    "identifier,expected",
    [
        (Identifier("two\nlines"), {"user_id": "two\nlines"}),
        (Identifier("\ud800"), {"user_id": "\ud800"}),
        (
            Identifier("507f1f77bcf86cd799439011", "objectId"),
            {"user_id": "507f1f77bcf86cd799439011", "user_id_type": "objectId"},
        ),
        (Identifier("", "missing"), {"user_id": "", "user_id_type": "missing"}),
    ],
)
def test_an_id_is_carried_unchanged(identifier: Identifier, expected: dict[str, str]) -> None:
    """JSON escapes what it must by itself, and a type that is no string is named."""
    text, answer = answered(report(mismatch(user_id=identifier, wallets=one("2"))))
    (wrong,) = answer["mismatches"]

    assert text.isascii()
    assert {key: wrong[key] for key in wrong if key.startswith("user_id")} == expected


def test_a_moment_is_written_in_utc() -> None:
    """To the second, whatever the zone it came in."""
    moment = datetime(2025, 12, 22, 3, 30, 59, tzinfo=timezone(timedelta(hours=2)))

    assert timestamp(moment) == "2025-12-22T01:30:59Z"


def test_a_check_that_never_began_is_incomplete() -> None:
    """Nothing was looked at, and nothing is said to be in sync."""
    answer = incomplete_answer(
        ["No server."], now=datetime(2025, 1, 1, tzinfo=UTC), checksum=CHECKSUM
    )

    assert answer["status"] == "incomplete"
    assert answer["reason"] == "No server."
    assert answer["checked_balances"] == 0


@pytest.mark.parametrize("kind", MismatchKind)
def test_every_kind_can_be_answered(kind: MismatchKind) -> None:
    """The kind's spelling in JSON is its value."""
    found = replace(mismatch(wallets=one("2")), kind=kind)

    assert mismatch_answer(found, DEFAULT_MAPPINGS)["kind"] == kind.value
