"""The values that labels may have are those that the rest of the system uses."""

from typing import Any

from reconciler.model.access import Denial
from reconciler.settings import ApiSettings, Settings
from reconciler.surfaces.daemon.schedule import REASONS
from reconciler.surfaces.http.app import build_app
from reconciler.surfaces.metrics.http import ENDPOINTS
from reconciler.surfaces.metrics.scheduler import MISS_REASONS
from tests.observing.exported import made, values


class Anything:
    """Stands for what is only held, and never asked, while routes are made."""

    def __getattr__(self, name: str) -> Any:
        return lambda *_given, **_named: lambda: None


def test_every_call_of_the_api_is_counted_under_its_own_name() -> None:
    """A new route without a place among the metrics' endpoints would be counted as `other`."""
    anything: Any = Anything()
    app = build_app(
        service=anything,
        repair=anything,
        gate=anything,
        settings=Settings(api=ApiSettings(test_endpoints=True, escrow_endpoints=True)),
        prices_usd={},
        checksum="c",
        checklist=anything,
        observer=made().http,
        credits_given=anything,
        escrow=anything,
        metrics_text=anything,
        idempotency=anything,
        logs=anything,
    )
    routes: list[Any] = list(app.routes)

    assert {
        (method, route.path_format) for route in routes for method in route.methods - {"HEAD"}
    } == set(ENDPOINTS)


def test_the_reasons_of_others_are_values_of_the_label() -> None:
    """Those of the gate and those of the schedule."""
    assert {reason for (reason,) in values(made(), "http_denied_total")} == {*Denial, "other"}
    assert set(MISS_REASONS) == set(REASONS)
