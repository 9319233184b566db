"""The application as a whole: what is there, who may call, what is told, and what breaks."""

import json
from datetime import timedelta
from hashlib import sha256
from typing import Any

import httpx
import pytest

from reconciler.errors import NotBound
from reconciler.model.access import Scope
from reconciler.settings import ApiSettings, TokenSettings
from reconciler.surfaces.ports import Health
from tests.fakes.http import Api
from tests.fakes.service import NOW, FakeService

CHECK = "/api/integrity/check"
CREDIT = "/api/test/credit"
TRADES = ("/api/p2p/create-trade", "/api/p2p/release-crypto", "/api/p2p/cancel-trade")
A_CREDIT = '{"user_id": "u", "currency": "BTC", "amount": 1}'
TOKEN = "rec_0123456789abcdef"
WITH_TOKEN = ApiSettings(
    test_endpoints=True,
    tokens=(
        TokenSettings(
            name="on-call",
            sha256=sha256(TOKEN.encode()).hexdigest(),
            scopes=(Scope.CHECK,),
            expires=NOW + timedelta(days=1),
        ),
    ),
)


async def ask(api: Api, method: str, address: str, **more: Any) -> httpx.Response:
    async with api.client() as client:
        return await client.request(method, address, **more)


@pytest.mark.parametrize("address", [CREDIT, *TRADES])
async def test_what_is_not_switched_on_is_not_there(address: str) -> None:
    """By default neither the test endpoint nor those of trades exist, nor are they described."""
    api = Api(settings=ApiSettings())
    answer = await ask(api, "POST", address, content=A_CREDIT)

    assert answer.status_code == 404
    assert answer.json() == {
        "type": "urn:reconciler:problem:not-found",
        "title": "Not found",
        "status": 404,
        "detail": "There is nothing at this address.",
    }
    assert address not in api.app().openapi()["paths"]


@pytest.mark.parametrize("address", ["/docs", "/openapi.json", "/redoc", "/", "/API/integrity"])
async def test_there_is_nothing_else(address: str) -> None:
    """The description is served only if it is switched on."""
    answer = await ask(Api(), "GET", address)

    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


async def test_the_description_can_be_served() -> None:
    """It is the one that the application has in any case."""
    api = Api(settings=ApiSettings(docs=True))

    assert (await ask(api, "GET", "/docs")).status_code == 200
    assert (await ask(api, "GET", "/openapi.json")).json() == api.app().openapi()


async def test_every_operation_and_no_other_is_described() -> None:
    """Each path has one method; schemas that are referred to are there."""
    document = Api().app().openapi()
    paths = {path: list(methods) for path, methods in document["paths"].items()}
    text = json.dumps(document)

    assert paths == {
        CHECK: ["get"],
        "/api/integrity/sync-all": ["post"],
        "/api/integrity/explain/{user_id}/{currency}": ["get"],
        "/api/integrity/findings": ["get"],
        "/api/integrity/bypassing-writes": ["get"],
        "/api/integrity/checklist": ["get"],
        "/api/integrity/scans": ["get"],
        "/api/repairs/{plan_id}": ["get"],
        "/api/repairs/{plan_id}/approve": ["post"],
        "/metrics": ["get"],
        "/healthz/live": ["get"],
        "/healthz/ready": ["get"],
        CREDIT: ["post"],
        **{each: ["post"] for each in TRADES},
    }
    for name in document["components"]["schemas"]:
        assert f'"#/components/schemas/{name}"' in text


@pytest.mark.parametrize(
    "method, address, allowed",
    [
        ("POST", CHECK, "GET, HEAD"),
        ("OPTIONS", CHECK, "GET, HEAD"),
        ("PROPFIND", "/api/integrity/explain/a/BTC", "GET, HEAD"),
        ("GET", CREDIT, "POST"),
        ("HEAD", CREDIT, "POST"),
    ],
)
async def test_another_method_is_told_which_ones_there_are(
    method: str, address: str, allowed: str
) -> None:
    """OPTIONS too: no page of another site is to be let in by it."""
    answer = await ask(Api(), method, address)

    assert answer.status_code == 405
    assert answer.headers["allow"] == allowed
    if method != "HEAD":
        assert answer.json()["detail"] == f"This address answers {allowed}."


@pytest.mark.parametrize("address", [CHECK, "/metrics", "/healthz/ready"])
async def test_head_is_answered_as_get(address: str) -> None:
    """The status and the headers are those of the answer that GET would have."""
    api = Api()
    got, headed = await ask(api, "GET", address), await ask(api, "HEAD", address)

    assert (headed.status_code, headed.headers) == (got.status_code, got.headers)


async def test_metrics_and_health_are_for_everybody() -> None:
    """They need no token; nothing in them is about a user."""
    api = Api(settings=WITH_TOKEN)
    metrics = await ask(api, "GET", "/metrics")

    assert metrics.text == "reconciler_integrity_failure 0\n"
    assert metrics.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert (await ask(api, "GET", "/healthz/live")).json() == {"status": "live"}
    assert (await ask(api, "GET", "/healthz/ready")).json() == {"status": "ready", "reasons": []}


async def test_what_is_missing_is_told_by_readiness() -> None:
    """Each reason has its sentence; liveness goes on."""
    state = Health(mongo_up=False, is_standing_known=False, is_stopping=True, is_leader=False)
    api = Api(FakeService(state=state))
    answer = await ask(api, "GET", "/healthz/ready")

    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "5"
    assert answer.json() == {
        "status": "not_ready",
        "reasons": [
            "MongoDB does not answer.",
            "Findings and scans were not read from the database yet.",
            "The service is stopping.",
        ],
    }
    assert (await ask(api, "GET", "/healthz/live")).status_code == 200


async def test_a_token_opens_what_its_scopes_say() -> None:
    """Without one 401, with one that lacks the scope 403; what was sent is not even read."""
    api = Api(settings=WITH_TOKEN)
    token = {"Authorization": f"Bearer {TOKEN}"}

    assert (await ask(api, "GET", CHECK)).status_code == 401
    assert (await ask(api, "GET", CHECK, headers=token)).status_code == 200
    assert (await ask(api, "POST", CREDIT, content="{", headers=token)).status_code == 403
    assert (await ask(api, "GET", f"{CHECK}?nonsense=1")).status_code == 401


async def test_tokens_are_described_where_they_are_needed() -> None:
    """Metrics and health need none, and without tokens nothing does."""
    with_token, without = (
        Api(settings=each).app().openapi() for each in (WITH_TOKEN, ApiSettings())
    )

    assert with_token["paths"][CHECK]["get"]["security"] == [{"token": []}]
    assert "401" in with_token["paths"][CHECK]["get"]["responses"]
    assert "security" not in with_token["paths"]["/metrics"]["get"]
    assert "401" not in without["paths"][CHECK]["get"]["responses"]


@pytest.mark.parametrize("address", [CHECK, "/metrics"])
@pytest.mark.parametrize("header", [{"Host": "evil.example"}, {"Origin": "http://127.0.0.1"}])
async def test_a_page_of_a_browser_is_not_answered(address: str, header: dict[str, str]) -> None:
    """Without tokens the gate stands before every route, and what it denies is counted."""
    api = Api()
    answer = await ask(api, "GET", address, headers=header)

    assert answer.status_code == 403
    assert len(api.noted.denied) == 1
    assert api.service.asked == []
    # It never came to a route.
    assert api.noted.finished == [("unmatched", "GET", 403)]


async def test_requests_are_told_under_their_template() -> None:
    """No id and no unknown path or method becomes a label."""
    api = Api()
    await ask(api, "GET", "/api/integrity/explain/alice/BTC")
    await ask(api, "GET", "/wp-login.php")
    await ask(api, "PROPFIND", CHECK)

    assert api.noted.finished == [
        ("/api/integrity/explain/{user_id}/{currency}", "GET", 200),
        ("unmatched", "GET", 404),
        (CHECK, "OTHER", 405),
    ]


@pytest.mark.parametrize("error", [RuntimeError("the password is hunter2"), NotBound("hunter2")])
async def test_what_nobody_foresaw_is_logged_and_not_told(error: Exception) -> None:
    """The caller learns that it failed; how it did is in the log, without local variables."""
    api = Api(FakeService(error=error))
    answer = await ask(api, "GET", "/api/integrity/explain/alice/BTC")
    lines = [json.loads(each) for each in api.log.getvalue().splitlines()]
    (line,) = [each for each in lines if each["event"] == "http_request_failed"]

    assert answer.status_code == 500
    assert answer.json()["title"] == "Unexpected error"
    assert answer.headers["content-type"] == "application/problem+json"
    assert "hunter2" not in answer.text
    assert line["level"] == "error"
    assert line["route"] == "/api/integrity/explain/{user_id}/{currency}"
    assert line["exception"][0]["exc_type"] == type(error).__name__
    assert "locals" not in line["exception"][0]["frames"][-1]
    assert "alice" not in json.dumps(line["exception"][0]["frames"])
    assert api.noted.finished[0][2] == 500


async def test_metrics_that_fail_are_no_metrics() -> None:
    """A collector's failure never reads as zero."""
    answer = await ask(Api(metrics_error=RuntimeError("broken")), "GET", "/metrics")

    assert answer.status_code == 500
    assert "reconciler_" not in answer.text


async def test_nothing_is_kept_on_the_way() -> None:
    """No answer may be cached: a balance is never old news."""
    api = Api()
    answers = [await ask(api, "GET", each) for each in (CHECK, "/metrics", "/nowhere")]

    assert [each.headers["cache-control"] for each in answers] == ["no-store"] * 3
