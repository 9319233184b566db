"""The whole API as one application, from what it is given."""

from collections.abc import Mapping
from decimal import Decimal

from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response

from reconciler import __version__
from reconciler.errors import ReconcilerError
from reconciler.model.mapping import Mappings
from reconciler.settings import Settings
from reconciler.surfaces.http.access import Gate, LoopbackGuard
from reconciler.surfaces.http.checking import Checks
from reconciler.surfaces.http.credits import CreditApi
from reconciler.surfaces.http.deployments import CHECKLIST_SCHEMAS, GateApi, LookAtRecords
from reconciler.surfaces.http.description import DescribedApi
from reconciler.surfaces.http.failures import problem_of
from reconciler.surfaces.http.idempotency import Idempotency
from reconciler.surfaces.http.integrity import IntegrityApi
from reconciler.surfaces.http.limits import limited
from reconciler.surfaces.http.listings import ListingApi
from reconciler.surfaces.http.observing import HttpObserver, Observed
from reconciler.surfaces.http.operations import Operation, mount
from reconciler.surfaces.http.probes import MetricsText, ProbeApi
from reconciler.surfaces.http.problems import answer_problems, problem_response
from reconciler.surfaces.http.repair_schemas import repair_schemas_of
from reconciler.surfaces.http.repairs import RepairAccess, RepairApi
from reconciler.surfaces.http.schemas import schemas_of
from reconciler.surfaces.http.trades import TradeApi
from reconciler.surfaces.logs import Logs
from reconciler.surfaces.ports import Credits, Escrow, Service


def build_app(
    *,
    service: Service,
    repair: RepairAccess,
    gate: Gate,
    settings: Settings,
    prices_usd: Mapping[str, Decimal],
    checksum: str,
    checklist: LookAtRecords,
    observer: HttpObserver,
    credits_given: Credits | None,
    escrow: Escrow | None,
    metrics_text: MetricsText,
    idempotency: Idempotency,
    logs: Logs,
) -> FastAPI:
    """Make the application. What is None has no routes.

    The limits of a request, the gate and the observer stand before every route. What they refuse is
    counted as well. `prices_usd` is looked at anew with each request.
    """
    mappings = settings.mappings()
    has_tokens = bool(settings.api.tokens)
    app = DescribedApi(
        {**schemas_of(mappings), **repair_schemas_of(mappings), **CHECKLIST_SCHEMAS},
        has_tokens=has_tokens,
        title="balance-reconciler",
        version=__version__,
        docs_url="/docs" if settings.api.docs else None,
        openapi_url="/openapi.json" if settings.api.docs else None,
        redoc_url=None,
        redirect_slashes=False,
        # What leaves this process is what the settings say, not the environment.
        telemetry={"auto_configure": False, "tracing": False, "metrics": False, "logs": False},
        middleware=[
            Middleware(Observed, observer=observer, logs=logs),
            # Before the limits: of what is denied not even the body is read.
            Middleware(LoopbackGuard, gate=gate),
            Middleware(limited, api=settings.api),
        ],
    )
    answer_problems(app)
    app.add_exception_handler(ReconcilerError, _answer_library)
    operations = [
        *_integrity(service, repair, mappings=mappings, checksum=checksum),
        *GateApi(checklist, checksum=checksum).operations(),
        *ProbeApi(service, metrics_text=metrics_text).operations(),
        *_postings(settings, credits_given, escrow, prices_usd),
    ]
    for operation in operations:
        mount(app, operation, gate=gate, idempotency=idempotency, has_tokens=has_tokens)
    return app


def _integrity(
    service: Service, repair: RepairAccess, *, mappings: Mappings, checksum: str
) -> list[Operation]:
    """List what looks at balances and what puts them right."""
    checks = Checks(service, mappings=mappings, checksum=checksum)
    return [
        *IntegrityApi(service, checks, mappings=mappings, checksum=checksum).operations(),
        *ListingApi(service, mappings=mappings).operations(),
        *RepairApi(repair, checks, mappings=mappings).operations(),
    ]


def _postings(
    settings: Settings,
    credits_given: Credits | None,
    escrow: Escrow | None,
    prices_usd: Mapping[str, Decimal],
) -> list[Operation]:
    """List what changes balances; what is None has no routes."""
    scales = settings.currency_scales()
    operations: list[Operation] = []
    if credits_given is not None:
        operations += CreditApi(credits_given, scales=scales, prices_usd=prices_usd).operations()
    if escrow is not None:
        operations += TradeApi(escrow, scales=scales).operations()
    return operations


async def _answer_library(_request: Request, error: Exception) -> Response:
    assert isinstance(error, ReconcilerError)
    problem = problem_of(error)
    if problem is None:
        raise error
    return problem_response(problem)
