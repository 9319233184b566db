"""The OpenAPI description against the running application: Schemathesis tries both."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import schemathesis
from hypothesis import settings
from schemathesis.checks import not_a_server_error
from schemathesis.config import GenerationConfig, ProjectConfig, ProjectsConfig, SchemathesisConfig
from schemathesis.specs.openapi.checks import positive_data_acceptance

from reconciler.errors import InsufficientFunds, OutcomeUnknown, ReadInterrupted
from reconciler.model.identity import Account
from reconciler.model.report import ScanReport
from reconciler.surfaces.ports import Health
from tests.fakes.http import Api
from tests.fakes.repairs import FakeRepairs
from tests.fakes.service import FAILURE, HEALTHY, INCOMPLETE, FakeCredits, FakeEscrow, FakeService

AnyCase = schemathesis.Case[Any]
Test = Callable[[AnyCase], None]
BASE_URL = "http://127.0.0.1"
EXAMPLES_MAX = 10


def described(api: Api) -> Any:
    """Make Schemathesis' view of an application; it draws the same examples each time."""
    app = api.app()
    generation = GenerationConfig(max_examples=EXAMPLES_MAX, deterministic=True, database="none")
    projects = ProjectsConfig(default=ProjectConfig(generation=generation))
    schema = schemathesis.openapi.from_dict(
        app.openapi(), config=SchemathesisConfig(projects=projects)
    )
    schema.app = app
    return schema


def check(case: AnyCase, *, server_errors: frozenset[tuple[str, int]]) -> None:
    """Call, and compare the answer with the description in every way that Schemathesis knows."""
    response = case.call(base_url=BASE_URL)
    if response.status_code >= 500:
        # Documented is not enough: a 5xx has to be one that this exchange must answer.
        assert (case.operation.path, response.status_code) in server_errors
    # What goes together and what is too fine for its currency, a schema cannot say.
    case.validate_response(response, excluded_checks=[not_a_server_error, positive_data_acceptance])


def tried(schema: Any) -> Callable[[Test], Test]:
    """Make a test of each operation, which has no deadline on a machine that is busy."""

    def decorate(test: Test) -> Test:
        made: Test = schema.parametrize()(settings(deadline=None)(test))
        return made

    return decorate


def everywhere(report: ScanReport) -> Api:
    return Api(FakeService(report), repairs=FakeRepairs(needs_approval=report is FAILURE))


def broken() -> Api:
    """Nothing can be read, and nothing comes of a posting."""
    unknown = OutcomeUnknown("op-1", "the connection was cut")
    poor = InsufficientFunds(
        Account.of("a", "BTC"),
        "available",
        available=Decimal(1),
        locked=Decimal(0),
        needed=Decimal(2),
    )
    return Api(
        FakeService(INCOMPLETE, error=ReadInterrupted("an election"), state=AWAY),
        FakeCredits(error=unknown),
        FakeEscrow(error=poor),
    )


AWAY = Health(mongo_up=False, is_standing_known=False, is_stopping=True, is_leader=False)
CHECK, SYNC_ALL = "/api/integrity/check", "/api/integrity/sync-all"
LISTS = (
    "/api/integrity/bypassing-writes",
    "/api/integrity/findings",
    "/api/integrity/scans",
)
EXPLAIN = "/api/integrity/explain/{user_id}/{currency}"
UNREADABLE = frozenset(
    (path, 503) for path in (CHECK, SYNC_ALL, EXPLAIN, *LISTS, "/api/test/credit", "/healthz/ready")
)

healthy = described(everywhere(HEALTHY))
mismatched = described(everywhere(FAILURE))
incomplete = described(everywhere(INCOMPLETE))
unreadable = described(broken())


@tried(healthy)
def test_a_healthy_exchange_is_as_described(case: AnyCase) -> None:
    """No answer is undocumented, and none is a server's error."""
    check(case, server_errors=frozenset())


@tried(mismatched)
def test_a_mismatch_is_as_described(case: AnyCase) -> None:
    """The check alone answers 500."""
    check(case, server_errors=frozenset({(CHECK, 500)}))


@tried(incomplete)
def test_an_incomplete_scan_is_as_described(case: AnyCase) -> None:
    """The check, and a repair that begins with one, answer 503."""
    check(case, server_errors=frozenset({(CHECK, 503), (SYNC_ALL, 503)}))


@tried(unreadable)
def test_a_database_that_is_away_is_as_described(case: AnyCase) -> None:
    """What needs the database answers 503, and nothing else does."""
    check(case, server_errors=UNREADABLE)
