"""What is written down of tokens: what differs from what the trail says last."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from reconciler.model.audit import AuditEvent, body_of
from reconciler.model.token_trail import Grant, token_events

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ALICE = Grant("alice", ("check", "repair:propose"), NOW + timedelta(days=90))
ALICE_AGAIN = Grant("alice", ("check", "repair:propose"), NOW + timedelta(days=180))
ALICE_WIDER = Grant("alice", ("audit", "check", "repair:propose"), NOW + timedelta(days=90))
BOB = Grant("bob", ("repair:approve",), NOW + timedelta(days=90))


def events(grants: Sequence[Grant], recorded: Sequence[str] = ()) -> Sequence[AuditEvent]:
    return token_events(grants, recorded, at=NOW, actor="host:1:aa")


def bodies(*steps: Sequence[Grant]) -> list[str]:
    """The trail after settings with these tokens were taken one after the other."""
    trail: list[str] = []
    for grants in steps:
        trail += [body_of(each) for each in events(grants, trail)]
    return trail


@pytest.mark.parametrize(
    "before, now, outcomes",
    [
        ([], [], {}),
        ([], [ALICE, BOB], {"alice": "issued", "bob": "issued"}),
        ([ALICE, BOB], [BOB, ALICE], {}),
        ([ALICE, BOB], [ALICE], {"bob": "revoked"}),
        ([ALICE], [ALICE_WIDER], {"alice": "changed"}),
        ([ALICE], [ALICE, ALICE_AGAIN], {"alice": "changed"}),
        ([ALICE, ALICE_AGAIN], [ALICE_AGAIN], {"alice": "changed"}),
        ([ALICE], [], {"alice": "revoked"}),
    ],
)
def test_what_differs_is_told(
    before: list[Grant], now: list[Grant], outcomes: dict[str, str]
) -> None:
    """One event for each principal that got tokens, lost all of them, or has other ones."""
    told = events(now, bodies(before))

    assert {each.details["principal"]: each.outcome for each in told} == outcomes


def test_whoever_lost_a_token_can_get_another() -> None:
    """After a revocation a token is issued, not changed; what did not change is told once."""
    trail = bodies([ALICE], [], [ALICE], [ALICE])

    assert [body.partition('"outcome":')[2][:10] for body in trail] == [
        '"issued","',
        '"revoked",',
        '"issued","',
    ]


@pytest.mark.parametrize(
    "body", ["", "[]", "{}", '{"kind":"TOKEN"}', '{"kind":"TOKEN","details":1}']
)
def test_a_spoiled_record_says_nothing(body: str) -> None:
    """Finding it is the proof's; here it hides nothing and invents nothing."""
    assert len(events([ALICE], [*bodies([ALICE]), body])) == 0
    assert [each.outcome for each in events([ALICE], [body])] == ["issued"]
