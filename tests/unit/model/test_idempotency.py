"""Keys of requests: which are the same, and what a posting is named."""

from typing import Any

import pytest

from reconciler.model.idempotency import KeyedRequest, is_key, keyed_request

SENT: dict[str, Any] = {
    "key": "k1",
    "principal": "oncall",
    "method": "POST",
    "path": "/api/test/credit",
    "query": b"",
    "body": b"{}",
}


def request(**changes: Any) -> KeyedRequest:
    return keyed_request(**{**SENT, **changes})


def test_the_same_request_is_the_same() -> None:
    """Key, content and op_id come from what was sent alone."""
    assert request() == request()
    assert request().op_id == request().op_id
    assert len(request().op_id) <= 128


@pytest.mark.parametrize(
    "changes",
    [{"key": "k2"}, {"principal": "other"}, {"path": "/api/p2p/create-trade"}, {"method": "PUT"}],
)
def test_a_key_is_one_callers_on_one_route(changes: dict[str, Any]) -> None:
    """The same text of another caller or for another route is another key."""
    assert request(**changes).id != request().id
    assert request(**changes).op_id != request().op_id


@pytest.mark.parametrize("changes", [{"body": b"{ }"}, {"query": b"a=1"}])
def test_another_content_is_another_request_under_the_key(changes: dict[str, Any]) -> None:
    """The query is part of it, and so is every byte of the body."""
    assert request(**changes).id == request().id
    assert request(**changes).fingerprint != request().fingerprint


def test_no_two_divisions_are_alike() -> None:
    """A name that ends as a key begins is not taken for another one."""
    assert request(principal="a", key="bc").id != request(principal="ab", key="c").id
    assert request(query=b"a", body=b"b").fingerprint != request(query=b"", body=b"ab").fingerprint


@pytest.mark.parametrize("text", ["k", "x" * 128, "!~", '"8e03978e-40d5"'])
def test_visible_ascii_is_a_key(text: str) -> None:
    """Of one character to 128."""
    assert is_key(text)


@pytest.mark.parametrize("text", ["", "x" * 129, "a b", "a\tb", "a\n", "é", "\x7f"])
def test_anything_else_is_no_key(text: str) -> None:
    """Nothing is cut off or put right."""
    assert not is_key(text)
