"""The gate in front of an application, without a network."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import httpx
import pytest
from fastapi import Depends, FastAPI

from reconciler.model.access import Principal, Scope, digest_of
from reconciler.settings import ApiSettings, InvalidSettings
from reconciler.surfaces.http.access import Gate, LoopbackGuard
from reconciler.surfaces.http.problems import PROBLEM_JSON, answer_problems

NOW = datetime(2025, 12, 22, 1, 30, tzinfo=UTC)


class Seen:
    def __init__(self) -> None:
        self.reasons: list[str] = []

    def request_denied(self, reason: str) -> None:
        self.reasons.append(reason)


def token(text: str, name: str = "oncall", *scopes: str, days: int = 1) -> dict[str, Any]:
    return {
        "name": name,
        "sha256": digest_of(text.encode()).hex(),
        "scopes": scopes or ("check",),
        "expires": NOW + timedelta(days=days),
    }


def settings(*tokens: Mapping[str, Any], **others: Any) -> ApiSettings:
    return ApiSettings.model_validate({"tokens": list(tokens), **others})


class Served:
    """An application with two routes behind a gate, and what the gate told."""

    def __init__(self, api: ApiSettings) -> None:
        self.seen = Seen()
        self.seconds = 0.0
        self.gate = Gate(api, clock=lambda: NOW, observer=self.seen, monotonic=lambda: self.seconds)
        self._app = LoopbackGuard(self._routes(), gate=self.gate)

    def _routes(self) -> FastAPI:
        app = FastAPI()
        answer_problems(app)
        check = self.gate.require(Scope.CHECK)
        approve = self.gate.require(Scope.REPAIR_APPROVE)

        @app.get("/check")
        async def checked(caller: Annotated[Principal, Depends(check)]) -> str:
            return caller.name

        @app.get("/approve")
        async def approved(caller: Annotated[Principal, Depends(approve)]) -> str:
            return caller.name

        @app.get("/metrics")
        async def metrics() -> str:
            return "up 1"

        return app

    async def get(
        self, path: str = "/check", *, client: str = "192.0.2.1", **headers: str
    ) -> httpx.Response:
        transport = httpx.ASGITransport(self._app, client=(client, 1234))
        async with httpx.AsyncClient(
            transport=transport, base_url="http://127.0.0.1:8080"
        ) as caller:
            return await caller.get(path, headers=headers)


async def test_a_token_opens_what_its_scopes_say() -> None:
    """200 with the scope, 403 with another one; the caller has the token's name."""
    served = Served(settings(token("t1")))

    let_in = await served.get(authorization="Bearer t1")
    refused = await served.get("/approve", authorization="Bearer t1")

    assert (let_in.status_code, let_in.json()) == (200, "oncall")
    assert refused.status_code == 403
    assert refused.json()["scope"] == "repair:approve"
    assert 'error="insufficient_scope"' in refused.headers["WWW-Authenticate"]
    assert served.seen.reasons == ["scope_missing"]


async def test_missing_unknown_and_expired_are_one_answer() -> None:
    """Only the observer is told which of them it was."""
    served = Served(settings(token("t1"), token("t2", days=-1)))

    answers = [
        await served.get(),
        await served.get(authorization="Bearer nope"),
        await served.get(authorization="Bearer t2"),
        await served.get(authorization="Basic dDE6dDE="),
    ]

    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.text for answer in answers}) == 1
    assert len({str(sorted(answer.headers.items())) for answer in answers}) == 1
    assert answers[0].headers["WWW-Authenticate"] == 'Bearer realm="reconciler"'
    assert answers[0].headers["Content-Type"] == PROBLEM_JSON
    assert served.seen.reasons == [
        "token_missing",
        "token_unknown",
        "token_expired",
        "token_malformed",
    ]


async def test_too_many_denials_are_told_to_wait_and_a_valid_token_is_not() -> None:
    """The limit is of the address, and whoever has a token gets in from it."""
    served = Served(settings(token("t1"), denials_per_minute_max=2))

    statuses = [(await served.get()).status_code for _ in range(3)]
    waiting = await served.get()

    assert statuses == [401, 401, 429]
    assert waiting.headers["Retry-After"] == "30"
    assert served.seen.reasons == ["token_missing", "token_missing", "too_many", "too_many"]
    assert (await served.get(authorization="Bearer t1")).status_code == 200
    assert (await served.get(client="192.0.2.2")).status_code == 401
    served.seconds = 30.5
    assert (await served.get()).status_code == 401


async def test_without_tokens_this_machine_may_all_but_approve() -> None:
    """Whoever is on it is called loopback."""
    served = Served(settings())

    assert (await served.get()).json() == "loopback"
    assert (await served.get("/approve")).status_code == 403
    assert (await served.get(authorization="Bearer whatever")).status_code == 200


@pytest.mark.parametrize("path", ["/check", "/metrics", "/nowhere"])
@pytest.mark.parametrize(
    "headers,reason",
    [
        ({"host": "evil.example:8080"}, "foreign_host"),
        ({"host": "evil.example", "origin": "http://evil.example"}, "foreign_host"),
        ({"origin": "http://evil.example"}, "foreign_origin"),
        ({"origin": "http://127.0.0.1:8080"}, "foreign_origin"),
        ({"origin": "null"}, "foreign_origin"),
        ({"origin": ""}, "foreign_origin"),
    ],
)
async def test_without_tokens_no_web_page_gets_in(
    path: str, headers: dict[str, str], reason: str
) -> None:
    """A foreign Host or any Origin is denied on every path, before it is looked at."""
    served = Served(settings())

    denied = await served.get(path, **headers)

    assert denied.status_code == 403
    assert "evil" not in denied.text
    assert served.seen.reasons == [reason]


async def test_with_tokens_host_and_origin_say_nothing() -> None:
    """A page has no token to send; whoever has one may come through a proxy with any name."""
    served = Served(settings(token("t1"), host="0.0.0.0"))
    headers = {"host": "reconciler.example", "origin": "https://grafana.example"}

    assert (await served.get(authorization="Bearer t1", **headers)).status_code == 200
    assert (await served.get(**headers)).status_code == 401


async def test_a_reload_takes_effect_with_the_next_request() -> None:
    """A new token gets in, one that was removed does not, and the limit changes."""
    served = Served(settings(token("t1")))

    served.gate.reload(settings(token("t2"), denials_per_minute_max=1))

    assert (await served.get(authorization="Bearer t2")).status_code == 200
    assert (await served.get(authorization="Bearer t1")).status_code == 401
    assert (await served.get(authorization="Bearer t1")).status_code == 429


def test_without_tokens_it_does_not_start_beyond_this_machine() -> None:
    """The error says why and what to do."""
    with pytest.raises(InvalidSettings, match=r"without tokens .* `reconciler token new`"):
        Served(settings(host="0.0.0.0"))


async def test_a_reload_cannot_open_the_gate_to_the_world() -> None:
    """Taking the last token away is refused where others can reach it, whatever the new host is."""
    served = Served(settings(token("t1"), host="0.0.0.0"))

    with pytest.raises(InvalidSettings, match="without tokens"):
        served.gate.reload(settings(host="127.0.0.1"))

    assert served.gate.has_tokens
    assert (await served.get()).status_code == 401


async def test_what_is_no_request_passes() -> None:
    """The events of the server's life are none of the guard's business."""
    passed: list[str] = []

    async def app(scope: Any, _receive: Any, _send: Any) -> None:
        passed.append(scope["type"])

    gate = Gate(settings(), clock=lambda: NOW, observer=Seen())
    guarded = LoopbackGuard(app, gate=gate)
    await guarded({"type": "lifespan"}, asyncio.Queue[Any]().get, asyncio.Queue[Any]().put)

    assert passed == ["lifespan"]
