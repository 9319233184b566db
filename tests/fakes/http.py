"""The real application over a fake daemon, and a client that calls it without a socket."""

import contextlib
import io
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import httpx
from fastapi import FastAPI

from reconciler.model.gate import Checklist
from reconciler.model.idempotency import KeyClaim, KeyedRequest, KeyState, StoredAnswer
from reconciler.settings import ApiSettings, Settings
from reconciler.surfaces.http.access import Gate
from reconciler.surfaces.http.app import build_app
from reconciler.surfaces.http.idempotency import Idempotency
from reconciler.surfaces.http.repairs import RepairAccess
from reconciler.surfaces.logs import Logs, open_logs
from tests.fakes.repairs import FakeRepairs, NotedRepairs
from tests.fakes.service import NOW, FakeCredits, FakeEscrow, FakeService

CHECKSUM = "COINHUBX_2025_FINAL_LOCK_ed0247eaa"
CONTACT = "the treasury desk, +1 555 0100"
ALL_ENDPOINTS = ApiSettings(test_endpoints=True, escrow_endpoints=True)


class MemoryKeys:
    """Keys in memory."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[str, StoredAnswer | None]] = {}

    async def claim(self, request: KeyedRequest, *, busy_seconds: float) -> KeyClaim:
        if request.id not in self._kept:
            self._kept[request.id] = (request.fingerprint, None)
            return KeyClaim(KeyState.CLAIMED, "1")
        fingerprint, answer = self._kept[request.id]
        if fingerprint != request.fingerprint:
            return KeyClaim(KeyState.OTHER_REQUEST, "1")
        state = KeyState.IN_FLIGHT if answer is None else KeyState.ANSWERED
        return KeyClaim(state, "1", answer)

    async def keep(self, request: KeyedRequest, claim: KeyClaim, answer: StoredAnswer) -> None:
        self._kept[request.id] = (request.fingerprint, answer)

    async def let_go(self, request: KeyedRequest, claim: KeyClaim) -> None:
        del self._kept[request.id]


@dataclass
class Noted:
    """What an observer was told."""

    finished: list[tuple[str, str, int]] = field(default_factory=list)
    denied: list[str] = field(default_factory=list)

    def request_finished(self, route: str, *, method: str, status: int, seconds: float) -> None:
        assert seconds >= 0
        self.finished.append((route, method, status))

    def request_denied(self, reason: str) -> None:
        self.denied.append(reason)


@dataclass
class Api:
    """An application and all that it was made of."""

    service: FakeService = field(default_factory=FakeService)
    credits_given: FakeCredits = field(default_factory=FakeCredits)
    escrow: FakeEscrow = field(default_factory=FakeEscrow)
    repairs: FakeRepairs = field(default_factory=FakeRepairs)
    told: NotedRepairs = field(default_factory=NotedRepairs)
    settings: ApiSettings = ALL_ENDPOINTS
    noted: Noted = field(default_factory=Noted)
    log: io.StringIO = field(default_factory=io.StringIO)
    logs: Logs | None = None
    metrics_error: Exception | None = None
    checklist: Checklist = field(default_factory=lambda: Checklist(()))

    def app(self) -> FastAPI:
        gate = Gate(self.settings, clock=lambda: NOW, observer=self.noted)
        return build_app(
            service=self.service,
            repair=RepairAccess(self.repairs, self.told, CONTACT),
            gate=gate,
            settings=Settings(api=self.settings),
            prices_usd=Settings().valuation.prices_usd,
            checksum=CHECKSUM,
            checklist=self._look,
            observer=self.noted,
            credits_given=self.credits_given if self.settings.test_endpoints else None,
            escrow=self.escrow if self.settings.escrow_endpoints else None,
            metrics_text=self._metrics,
            idempotency=Idempotency(MemoryKeys(), deadline_seconds=10),
            logs=self.logs or open_logs(level="info", as_text=False, stream=self.log),
        )

    @contextlib.asynccontextmanager
    async def client(self) -> AsyncIterator[httpx.AsyncClient]:
        transport = httpx.ASGITransport(app=self.app())
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            yield client

    async def _look(self) -> Checklist:
        return self.checklist

    def _metrics(self, _accept: str | None) -> tuple[bytes, str]:
        if self.metrics_error is not None:
            raise self.metrics_error
        return b"reconciler_integrity_failure 0\n", "text/plain; version=0.0.4; charset=utf-8"
