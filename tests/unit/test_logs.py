"""Log lines: one strict JSON object each, whatever is in them, and no secret."""

import io
import json
import logging
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from reconciler.errors import FloatRefused
from reconciler.model.comparison import compare
from reconciler.model.copies import NOT_STORED, BalanceView, Copy, stored_number
from reconciler.model.identity import Account
from reconciler.model.mapping import DEFAULT_MAPPINGS
from reconciler.model.posting import EntryKind
from reconciler.model.report import Consistency, ScanMode
from reconciler.surfaces.log_events import PostingLog, ScanLog
from reconciler.surfaces.logs import open_logs
from tests.unit.test_answers import report


@pytest.fixture(autouse=True)
def root_logger_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(False)


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_one_json_object_with_the_common_fields() -> None:
    """Ids cannot break a line, decimals are text, levels below the least are silent."""
    stream = io.StringIO()
    logs = open_logs(level="info", as_text=False, stream=stream).with_fields(scan_id="s1")

    logs.debug("quiet")
    logs.info("something", user_id="two\nlines\ud800\u2028", amount=Decimal("1E-8"), odd=object)
    (line,) = lines(stream)

    assert list(line)[:6] == ["timestamp", "level", "event", "service", "version", "scan_id"]
    assert line["timestamp"].endswith("Z")
    assert (line["level"], line["event"], line["scan_id"]) == ("info", "something", "s1")
    assert (line["user_id"], line["amount"]) == ("two\nlines\ud800\u2028", "0.00000001")


@pytest.mark.parametrize("as_text", [False, True])
def test_a_traceback_shows_no_local_variables(as_text: bool) -> None:
    """A password in a frame stays there."""
    stream = io.StringIO()
    logs = open_logs(level="info", as_text=as_text, stream=stream)

    def connect(password: str) -> None:
        raise RuntimeError(f"cannot connect with {len(password)}")

    try:
        connect("hunter" + "2")
    except RuntimeError as error:
        logs.error("unexpected_error", error=error)

    assert "cannot connect" in stream.getvalue()
    assert "hunter2" not in stream.getvalue()


def test_text_lines_cannot_be_forged() -> None:
    """On a terminal an id cannot begin a line of its own, or colour anything."""
    stream = io.StringIO()
    logs = open_logs(level="info", as_text=True, stream=stream)

    logs.info("something", user_id="a\n00:00:00 error   forged\x1b[2J")

    assert stream.getvalue().count("\n") == 1
    assert "\x1b" not in stream.getvalue()


def test_what_others_log_has_the_same_shape() -> None:
    """The standard library's logging, asyncio's for one, gives JSON too."""
    stream = io.StringIO()
    open_logs(level="info", as_text=False, stream=stream)

    logging.getLogger("asyncio").error("Task %s was destroyed", "x")
    logging.getLogger("pymongo.command").info("secret command")

    assert [line["event"] for line in lines(stream)] == ["Task x was destroyed"]


def test_mismatches_are_cut_and_counted() -> None:
    """At most so many lines of their own, then one with the true count."""
    stream = io.StringIO()
    log = ScanLog(
        open_logs(level="info", as_text=False, stream=stream),
        mappings=DEFAULT_MAPPINGS,
        mismatches_max=2,
    )
    amount = stored_number("decimal", Decimal(1))
    view = BalanceView(
        Account.of("alice", "BTC"), {"wallets": (Copy("1", amount, NOT_STORED, NOT_STORED),)}
    )
    mismatch = compare(view, DEFAULT_MAPPINGS)
    assert mismatch is not None

    log.scan_started("s1", mode=ScanMode.FULL, consistency=Consistency.SNAPSHOT)
    for _ in range(3):
        log.mismatch_confirmed("s1", mismatch)
    log.scan_finished(report(mismatch, mismatch_count=3))
    logged = lines(stream)

    assert [line["event"] for line in logged] == [
        "scan_started",
        "mismatch_confirmed",
        "mismatch_confirmed",
        "mismatches_truncated",
        "scan_finished",
    ]
    assert logged[1]["available"]["wallets"] == "1"
    assert logged[1]["deltas"]["crypto_balances"] == "missing"
    assert logged[3]["mismatch_count"] == 3
    assert logged[4]["result"] == "INTEGRITY_FAILURE"


def test_a_refused_posting_is_logged_with_its_reason() -> None:
    """The sync library's observer says what was refused and why."""
    stream = io.StringIO()
    log = PostingLog(open_logs(level="info", as_text=False, stream=stream))

    log.posting_refused(
        EntryKind.CREDIT, FloatRefused("no floats"), op_id="o1", duration_seconds=0.1
    )
    (line,) = lines(stream)

    assert (line["event"], line["refusal"], line["op_id"]) == (
        "posting_refused",
        "FloatRefused",
        "o1",
    )
