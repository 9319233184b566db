"""What machines ask: the metrics, whether the process lives, whether it can do its work."""

from collections.abc import Callable, Sequence

from starlette.responses import Response

from reconciler.surfaces.http.answering import ExactJsonResponse, retry_after
from reconciler.surfaces.http.description import Reply, json_reply, unavailable_reply
from reconciler.surfaces.http.operations import Call, Operation
from reconciler.surfaces.ports import Health, Service

# Of the header `Accept`, the text and its content type.
MetricsText = Callable[[str | None], tuple[bytes, str]]
_TEXT = {"type": "string"}
_NO_LEASE = (
    "The lease in the database cannot be asked for, so that this daemon never scans: see the log, "
    "and let its user write the collection leases."
)


class ProbeApi:
    """Answers anybody: nothing in it is about a user."""

    def __init__(self, service: Service, *, metrics_text: MetricsText) -> None:
        self._service = service
        self._metrics_text = metrics_text

    def operations(self) -> tuple[Operation, ...]:
        """List what is answered here."""
        return (
            Operation(
                name="metrics",
                method="GET",
                prefix="/metrics",
                summary="Give the metrics, for Prometheus",
                handle=self.metrics,
                replies={
                    200: Reply(
                        "The metrics.",
                        {"text/plain": _TEXT, "application/openmetrics-text": _TEXT},
                    )
                },
            ),
            Operation(
                name="live",
                method="GET",
                prefix="/healthz/live",
                summary="Say that the process answers",
                handle=self.live,
                replies={200: json_reply("It does.", "Live")},
            ),
            Operation(
                name="ready",
                method="GET",
                prefix="/healthz/ready",
                summary="Say whether it can do its work",
                handle=self.ready,
                replies={
                    200: json_reply("It can.", "Readiness"),
                    503: unavailable_reply("It cannot, and why.", "Readiness"),
                },
            ),
        )

    async def metrics(self, call: Call) -> Response:
        """Give the metrics as they are now."""
        text, content_type = self._metrics_text(call.accept)
        headers = {"Content-Type": content_type, "Cache-Control": "no-store"}
        return Response(text, headers=headers)

    async def live(self, _call: Call) -> Response:
        """Answer: that is all there is to it."""
        return ExactJsonResponse({"status": "live"})

    async def ready(self, _call: Call) -> Response:
        """Say what is missing, if anything."""
        health = self._service.health()
        if health.is_ready:
            return ExactJsonResponse({"status": "ready", "reasons": []})
        answer = {"status": "not_ready", "reasons": _reasons(health)}
        return ExactJsonResponse(answer, 503, headers=retry_after())


def _reasons(health: Health) -> Sequence[str]:
    said = (
        (not health.mongo_up, "MongoDB does not answer."),
        (not health.is_standing_known, "Findings and scans were not read from the database yet."),
        (health.mongo_up and not health.is_lease_answered, _NO_LEASE),
        (health.is_stopping, "The service is stopping."),
    )
    return [reason for is_so, reason in said if is_so]
