"""One effect for one `Idempotency-Key`: the same request again gets the first answer.

An answer of success is kept. A refusal wrote nothing, and an unknown outcome or a fault of ours
may or may not have: in all these cases the same request can be sent again, under the same `op_id`,
with which a posting is applied at most once. Another request under the key is refused.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response

from reconciler.errors import ReconcilerError
from reconciler.model.access import Principal
from reconciler.model.idempotency import (
    KeyClaim,
    KeyedRequest,
    KeyState,
    StoredAnswer,
    is_key,
    keyed_request,
)
from reconciler.surfaces.http.answering import JSON
from reconciler.surfaces.http.problems import Problem, invalid, unavailable
from reconciler.surfaces.ports import IdempotencyKeys

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"
IN_FLIGHT_RETRY_SECONDS = 1
# A longer answer is not kept: a repetition is worked on again, under the same op_id.
ANSWER_BYTES_MAX = 4 * 1024 * 1024
# The work is cancelled at its deadline, and ends soon after.
GRACE_SECONDS = 5.0
# Longest wait of an answer for its key to be freed, and how many keys may be waited for.
LETTING_GO_SECONDS_MAX = 2.0
_LETTING_GO_MAX = 1_000

# Does what a request asks for, under an op_id if it has a key, and gives the answer.
Work = Callable[[str | None], Awaitable[Response]]


class Idempotency:
    """Runs the work of POST requests, once for each key.

    Args:
        keys: where they are kept.
        deadline_seconds: after which work is cancelled; a key whose worker died is free soon after.
    """

    def __init__(self, keys: IdempotencyKeys, *, deadline_seconds: float) -> None:
        self._keys = keys
        self._busy_seconds = deadline_seconds + GRACE_SECONDS
        self._letting_go: set[asyncio.Task[None]] = set()

    async def once(
        self, request: Request, principal: Principal, body: bytes, work: Work
    ) -> Response:
        """Give the answer to a request; the work is done only if it was not done before.

        Call it when the request is known to be sound: what is refused before leaves the key alone.

        Raises:
            Problem: 422 for a key that is none or another request's, 409 while the same request is
                worked on, 503 where the keys cannot be read; and whatever the work raises.
        """
        keyed = _keyed(request, principal, body)
        if keyed is None:
            return await work(None)
        claim = await self._claimed(keyed)
        if claim.answer is not None:
            return _replayed(claim.answer)
        try:
            answer = await work(keyed.op_id)
            await self._settle(keyed, claim, answer)
        except Exception:
            await self._let_go(keyed, claim)
            raise
        except asyncio.CancelledError:
            self._let_go_soon(keyed, claim)
            raise
        return answer

    async def close(self) -> None:
        """Wait until what is known of keys is written down."""
        while self._letting_go:
            await asyncio.wait(self._letting_go)

    async def _claimed(self, keyed: KeyedRequest) -> KeyClaim:
        try:
            claim = await self._keys.claim(keyed, busy_seconds=self._busy_seconds)
        except ReconcilerError as error:
            raise unavailable(
                f"The {HEADER} could not be looked up, and nothing was done: send the same request "
                "again."
            ) from error
        if claim.state is KeyState.OTHER_REQUEST:
            raise invalid(f"This {HEADER} was used for another request: take a new one.")
        if claim.state is KeyState.IN_FLIGHT:
            raise Problem(
                409,
                "Request in flight",
                f"A request with this {HEADER} is being worked on: send it again for its answer.",
                headers={"Retry-After": str(IN_FLIGHT_RETRY_SECONDS)},
            )
        return claim

    async def _settle(self, keyed: KeyedRequest, claim: KeyClaim, answer: Response) -> None:
        """Write down what became of the request; its answer is given even if that fails.

        The key is free for the same request then after a while, which finds its posting applied.
        """
        body = bytes(answer.body)
        if not 200 <= answer.status_code < 300 or len(body) > ANSWER_BYTES_MAX:
            await self._let_go(keyed, claim)
            return
        stored = StoredAnswer(answer.status_code, body, answer.media_type or JSON)
        try:
            await self._keys.keep(keyed, claim, stored)
        except ReconcilerError:
            await self._let_go(keyed, claim)

    async def _let_go(self, keyed: KeyedRequest, claim: KeyClaim) -> None:
        """Free the key, so that who is refused can send the request again at once."""
        task = self._let_go_soon(keyed, claim)
        if task is not None:
            await asyncio.wait({task}, timeout=LETTING_GO_SECONDS_MAX)

    def _let_go_soon(self, keyed: KeyedRequest, claim: KeyClaim) -> asyncio.Task[None] | None:
        """Free the key in a task of its own: the one that works for the request may be cancelled.

        Where that is not possible, the key becomes free by itself.
        """
        if len(self._letting_go) >= _LETTING_GO_MAX:
            return None
        task = asyncio.create_task(self._free(keyed, claim))
        self._letting_go.add(task)
        task.add_done_callback(self._letting_go.discard)
        return task

    async def _free(self, keyed: KeyedRequest, claim: KeyClaim) -> None:
        with contextlib.suppress(ReconcilerError):
            await self._keys.let_go(keyed, claim)


def _keyed(request: Request, principal: Principal, body: bytes) -> KeyedRequest | None:
    given = request.headers.getlist(HEADER)
    if not given:
        return None
    if len(given) > 1:
        raise invalid(f"The header {HEADER} must stand once.")
    if not is_key(given[0]):
        raise invalid(f"The header {HEADER} must be 1 to 128 visible ASCII characters.")
    return keyed_request(
        key=given[0],
        principal=principal.name,
        method=request.method,
        path=request.scope["path"],
        query=request.scope["query_string"],
        body=body,
    )


def _replayed(answer: StoredAnswer) -> Response:
    return Response(
        content=answer.body,
        status_code=answer.status,
        headers={"Cache-Control": "no-store", REPLAYED: "true"},
        media_type=answer.media_type,
    )
