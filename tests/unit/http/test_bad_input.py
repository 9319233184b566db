"""What cannot be used is refused with one exact answer, and is not in it."""

from typing import Any

import httpx
import pytest

from reconciler.settings import ApiSettings
from tests.fakes.http import Api

INVALID = (422, "Invalid input")
MALFORMED = (400, "Malformed JSON")
NAN = "The body has a number that is NaN or infinite, which JSON does not have."
TWICE = "The body has a key twice; which one is meant?"
LITERAL = "The field amount must be a plain decimal number such as 12.50 or 1E-8."
LONG = "The field amount needs more than the 34 digits that can be kept exactly."
FINE = "The field amount has more than the 8 decimal places of its currency, and is never rounded."
ABOVE = "The field amount must be above zero."
NUMBER = "The field amount must be a JSON number, or a string that holds one."
NAME = "must have 1 to 128 characters, none of them a control character or a lone surrogate."
UNKNOWN_FIELD = "The body has a field that is not known here; known are user_id, currency, amount."


def credit(amount: str = "1", *, user_id: str = '"u"', currency: str = '"BTC"') -> str:
    return f'{{"user_id": {user_id}, "currency": {currency}, "amount": {amount}}}'


BODIES: dict[str, tuple[str | bytes, tuple[int, str], str]] = {
    "NaN": (credit("NaN"), INVALID, NAN),
    "Infinity": (credit("Infinity"), INVALID, NAN),
    "-Infinity": (credit("-Infinity"), INVALID, NAN),
    "NaN as text": (credit('"NaN"'), INVALID, LITERAL),
    "an exponent beyond all bounds as text": (credit('"1e999999"'), INVALID, LITERAL),
    "an exponent beyond all bounds": (credit("1e999999"), INVALID, LITERAL),
    "an amount of 400 digits": (credit("1e400"), INVALID, LONG),
    "a number of 5000 digits": (credit("9" * 5000), INVALID, LITERAL),
    "finer than the currency": (credit("0.1234567890123456789"), INVALID, FINE),
    "finer than the currency as text": (credit('"0.123456789"'), INVALID, FINE),
    "an underscore and spaces": (credit('" 1_0 "'), INVALID, LITERAL),
    "full-width digits": (credit('"１２"'), INVALID, LITERAL),
    "zero": (credit("0.0"), INVALID, ABOVE),
    "below zero": (credit("-1"), INVALID, ABOVE),
    "true as an amount": (credit("true"), INVALID, NUMBER),
    "null as an amount": (credit("null"), INVALID, NUMBER),
    "a list as an amount": (credit("[1]"), INVALID, NUMBER),
    "a key twice": ('{"user_id": "a", "user_id": "b"}', MALFORMED, TWICE),
    "a key twice, deep inside": ('{"user_id": [{"a": 1, "a": 1}]}', MALFORMED, TWICE),
    "an unknown field": (credit()[:-1] + ', "secret": 1}', INVALID, UNKNOWN_FIELD),
    "a surrogate in a key": ('{"\\ud800": 1}', INVALID, UNKNOWN_FIELD),
    "a lone surrogate": (credit(user_id='"a\\ud800"'), INVALID, f"The field user_id {NAME}"),
    "NUL": (credit(user_id='"a\\u0000"'), INVALID, f"The field user_id {NAME}"),
    "a line break": (credit(currency='"BTC\\n"'), INVALID, f"The field currency {NAME}"),
    "an empty id": (credit(user_id='""'), INVALID, f"The field user_id {NAME}"),
    "an id of 129 characters": (
        credit(user_id=f'"{"a" * 129}"'),
        INVALID,
        f"The field user_id {NAME}",
    ),
    "an id that is a number": (credit(user_id="7"), INVALID, "The field user_id must be a string."),
    "an id that is an operator": (
        credit(user_id='{"$gt": ""}'),
        INVALID,
        "The field user_id must be a string.",
    ),
    "a field that is missing": (
        '{"user_id": "u", "amount": 1}',
        INVALID,
        "The body needs the field currency.",
    ),
    "a currency that is a key of the answer": (
        credit(currency='"Total USD"'),
        INVALID,
        "The field currency must not be one of the answer's other keys.",
    ),
    "a list": ("[]", INVALID, "The body must be a JSON object."),
    "a text": ('"secret"', INVALID, "The body must be a JSON object."),
    "nothing": ("", MALFORMED, "The body is empty; a JSON object is needed."),
    "blanks": (" \n", MALFORMED, "The body is empty; a JSON object is needed."),
    "a form": ("user_id=u", MALFORMED, "The body is not JSON: see line 1, column 1."),
    "half of it": ('{"user_id":', MALFORMED, "The body is not JSON: see line 1, column 12."),
    "two of it": ("{} {}", MALFORMED, "The body is not JSON: see line 1, column 4."),
    "single quotes": ("{'a': 1}", MALFORMED, "The body is not JSON: see line 1, column 2."),
    "a leading plus": (credit("+1"), MALFORMED, "The body is not JSON: see line 1, column 47."),
    "no UTF-8": (b'{"user_id": "\xff"}', MALFORMED, "The body is not UTF-8."),
    "UTF-16": ("{}".encode("utf-16"), MALFORMED, "The body is not UTF-8."),
    "a byte order mark": (
        "\ufeff{}".encode(),
        MALFORMED,
        "The body is not JSON: see line 1, column 1.",
    ),
    "a depth bomb of lists": ("[" * 100_000, MALFORMED, "The body is nested too deeply."),
    "a depth bomb of objects": ('{"a":' * 100_000, MALFORMED, "The body is nested too deeply."),
}


def assert_problem(answer: httpx.Response, status: int, title: str, detail: str) -> None:
    """The answer is this problem, and nothing besides."""
    expected: dict[str, Any] = {
        "type": "urn:reconciler:problem:" + title.lower().replace(" ", "-"),
        "title": title,
        "status": status,
        "detail": detail,
    }

    assert (answer.status_code, answer.json()) == (status, expected)
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("name", BODIES)
async def test_a_body_that_cannot_be_used(name: str) -> None:
    """It is refused, nothing is credited, and the answer says what is wanted."""
    body, (status, title), detail = BODIES[name]
    api = Api()
    async with api.client() as client:
        answer = await client.post("/api/test/credit", content=body)

    assert_problem(answer, status, title, detail)
    assert api.credits_given.asked == []


UNKNOWN = (
    "The query has a parameter that is not known here; known are user_id, currency, "
    "max_age_seconds."
)
LOOKUP = "must have 1 to 1024 characters."
NO_ID = "holds a NUL or a lone surrogate, which no id can."
AGE = "The parameter max_age_seconds must be a number of seconds from 0 to 31536000."
CHECK, FINDINGS = "/api/integrity/check", "/api/integrity/findings"
CURSOR = "The parameter cursor must be the next_cursor of an earlier answer."
LIMIT = "The parameter limit must be a whole number from 1 to 500."
NOT_UTF8 = "The query is not percent-encoded UTF-8."
QUERIES = {
    f"{CHECK}?user_id[$gt]=": UNKNOWN,
    f"{CHECK}?User_id=a": UNKNOWN,
    f"{CHECK}?=a": UNKNOWN,
    "/metrics?a=1": "The query has a parameter that is not known here; known are none.",
    f"{CHECK}?user_id=a&user_id=a": "The query has the parameter user_id twice.",
    f"{CHECK}?user_id=": f"The parameter user_id {LOOKUP}",
    f"{CHECK}?user_id": f"The parameter user_id {LOOKUP}",
    f"{CHECK}?user_id=a%00": f"The parameter user_id {NO_ID}",
    f"{CHECK}?user_id=%ED%A0%80": NOT_UTF8,
    f"{CHECK}?user_id=%ff": NOT_UTF8,
    f"{CHECK}?currency={'a' * 1025}": f"The parameter currency {LOOKUP}",
    f"{CHECK}?max_age_seconds=NaN": AGE,
    f"{CHECK}?max_age_seconds=-1": AGE,
    f"{CHECK}?max_age_seconds=1e9": AGE,
    f"{CHECK}?max_age_seconds=%EF%BC%91": AGE,
    f"{CHECK}?max_age_seconds=+1": AGE,
    f"{CHECK}?max_age_seconds=9&currency=BTC": (
        "The parameter max_age_seconds goes with neither user_id nor currency: what is kept is the "
        "last scan of everything. Leave it out to check these accounts now."
    ),
    f"{FINDINGS}?state=open": ("The parameter state must be one of suspect, confirmed, resolved."),
    f"{FINDINGS}?kind=": (
        "The parameter kind must be one of malformed, duplicate, orphan, missing, amount, total, "
        "negative."
    ),
    f"{FINDINGS}?limit=0": LIMIT,
    f"{FINDINGS}?limit=501": LIMIT,
    f"{FINDINGS}?limit=1.0": LIMIT,
    f"{FINDINGS}?limit=%EF%BC%91": LIMIT,
    f"{FINDINGS}?cursor=secret": CURSOR,
    f"{FINDINGS}?cursor=%C3%A9": CURSOR,
    "/api/integrity/scans?cursor=NzQ=": CURSOR,
    "/api/integrity/explain/a%00/BTC": f"The path's user_id {NO_ID}",
    "/api/integrity/explain/%ff/BTC": "The path's user_id is not percent-encoded UTF-8.",
    f"/api/integrity/explain/{'a' * 1025}/BTC": f"The path's user_id {LOOKUP}",
}


@pytest.mark.parametrize("address", QUERIES)
async def test_a_query_that_cannot_be_used(address: str) -> None:
    """A filter is never ignored: without it the answer would be about everybody."""
    api = Api()
    async with api.client() as client:
        answer = await client.get(address)

    assert_problem(answer, 422, "Invalid input", QUERIES[address])
    assert api.service.asked == []


SYNC_ALL, CREATE = "/api/integrity/sync-all", "/api/p2p/create-trade"
GIVEN = "The user_id must be given: in the body, or as a parameter of the query."
ONCE = "The user_id must be given once: in the body, or as a parameter of the query."
REASON = (
    "The field reason must say why, in 1 to 1000 characters that are not all blank, none of them "
    "NUL or a lone surrogate."
)
BPS = "The field fee_bps must be a whole number from 0 to 9999."
TERMS = '{"seller_id": "s", "buyer_id": "b", "currency": "BTC", "amount": 1, "fee_bps": %s}'
POSTS = [
    (SYNC_ALL, '{"user_id": "a"}', "The body needs the field reason."),
    (SYNC_ALL, '{"user_id": "a", "reason": " \\n"}', REASON),
    (SYNC_ALL, '{"user_id": "a", "reason": "\\ud800"}', REASON),
    (SYNC_ALL, '{"user_id": "a", "reason": 1}', "The field reason must be a string."),
    (SYNC_ALL, '{"reason": "r"}', GIVEN),
    (f"{SYNC_ALL}?user_id=a", '{"user_id": "a", "reason": "r"}', ONCE),
    (
        SYNC_ALL,
        '{"user_id": "a", "reason": "r", "dry_run": 1}',
        "The field dry_run must be true or false.",
    ),
    (
        f"{SYNC_ALL}?reason=r",
        '{"user_id": "a"}',
        "The query has a parameter that is not known here; known are user_id.",
    ),
    (CREATE, TERMS % "1.5", BPS),
    (CREATE, TERMS % "-1", BPS),
    (CREATE, TERMS % "10000", BPS),
    (CREATE, TERMS % "true", BPS),
    (
        CREATE,
        TERMS.replace('"b"', '"s"') % "0",
        "The seller_id and the buyer_id are the same: nobody trades with oneself.",
    ),
    ("/api/p2p/release-crypto", '{"trade_id": ""}', f"The field trade_id {NAME}"),
    ("/api/p2p/cancel-trade", "{}", "The body needs the field trade_id."),
]


@pytest.mark.parametrize("address, body, detail", POSTS)
async def test_a_request_that_cannot_be_used(address: str, body: str, detail: str) -> None:
    """Each operation says which of its fields it is."""
    api = Api()
    async with api.client() as client:
        answer = await client.post(address, content=body)

    assert_problem(answer, 422, "Invalid input", detail)
    assert (api.service.asked, api.escrow.op_ids) == ([], [])


@pytest.mark.parametrize(
    "key", [b"", b"a b", b"\xe9", b"k" * 129], ids=["empty", "blank", "no ASCII", "long"]
)
async def test_a_key_that_cannot_be_used(key: bytes) -> None:
    """An Idempotency-Key is 1 to 128 visible ASCII characters."""
    api = Api()
    async with api.client() as client:
        answer = await client.post(
            "/api/test/credit", content=credit(), headers={b"Idempotency-Key": key}
        )

    assert_problem(
        answer,
        422,
        "Invalid input",
        "The header Idempotency-Key must be 1 to 128 visible ASCII characters.",
    )
    assert api.credits_given.asked == []


async def test_a_body_that_is_too_long() -> None:
    """It is refused before it is read as JSON."""
    settings = ApiSettings(test_endpoints=True, body_bytes_max=100)
    async with Api(settings=settings).client() as client:
        answer = await client.post("/api/test/credit", content="x" * 101)

    assert_problem(answer, 413, "Body too long", "A body has at most 100 bytes.")


@pytest.mark.parametrize(
    "content_type",
    [
        "application/x-www-form-urlencoded",
        "application/json",
        "text/plain; charset=utf-16",
        "nonsense",
        "",
    ],
)
async def test_the_content_type_does_not_matter(content_type: str) -> None:
    """`curl -d` sends that of a form: the body is JSON whatever its header says."""
    async with Api().client() as client:
        answer = await client.post(
            "/api/test/credit", content=credit(), headers={"Content-Type": content_type}
        )

    assert answer.status_code == 200
