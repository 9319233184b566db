"""Who is told: the Alertmanager configuration. The receivers on loopback are examples."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from alerts.timing import duration

# The cause, and the symptoms that say nothing new while it lasts. Nothing inhibits what is said of
# balances: they are wrong whether or not somebody looks.
SYMPTOMS: Mapping[str, tuple[str, ...]] = {
    "ReconcilerDown": (
        "ReconcilerMongoDown",
        "ReconcilerNeverSucceeded",
        "ReconcilerScanOverdue",
        "ReconcilerScansFailing",
        "ReconcilerScansNotRecorded",
        "ReconcilerWatchLagging",
    ),
    "ReconcilerMongoDown": (
        "ReconcilerNeverSucceeded",
        "ReconcilerScanOverdue",
        "ReconcilerScansFailing",
        "ReconcilerScansNotRecorded",
        "ReconcilerWatchLagging",
    ),
}


@dataclass(frozen=True, slots=True)
class Routing:
    """Where notifications go, and how long they are gathered; durations in seconds."""

    receivers_url: str = "http://127.0.0.1:9095"
    group_wait_seconds: float = 5
    group_interval_seconds: float = 60
    repeat_seconds: float = 4 * 3600
    heartbeat_seconds: float = 60


def alertmanager_file(routing: Routing) -> dict[str, Any]:
    """Give the whole configuration: `critical` pages, `warning` makes a ticket, `none` is a pulse.

    What has no severity pages too: nothing may get lost for want of a label.
    """
    return {
        "route": {
            "receiver": "page",
            "group_by": ["alertname", "job", "severity"],
            "group_wait": duration(routing.group_wait_seconds),
            "group_interval": duration(routing.group_interval_seconds),
            "repeat_interval": duration(routing.repeat_seconds),
            "routes": [
                {
                    "receiver": "heartbeat",
                    "matchers": ['severity="none"'],
                    "group_interval": duration(routing.heartbeat_seconds),
                    "repeat_interval": duration(routing.heartbeat_seconds),
                },
                {"receiver": "ticket", "matchers": ['severity="warning"']},
            ],
        },
        "inhibit_rules": [_inhibiting(cause, what) for cause, what in SYMPTOMS.items()],
        "receivers": [
            _receiver("page", routing),
            _receiver("ticket", routing),
            _receiver("heartbeat", routing, tells_end=False),
        ],
    }


def _inhibiting(cause: str, symptoms: Iterable[str]) -> dict[str, Any]:
    return {
        "source_matchers": [f'alertname="{cause}"'],
        "target_matchers": [f'alertname=~"{"|".join(symptoms)}"'],
        "equal": ["job"],
    }


def _receiver(name: str, routing: Routing, *, tells_end: bool = True) -> dict[str, Any]:
    webhook = {"url": f"{routing.receivers_url}/{name}", "send_resolved": tells_end}
    return {"name": name, "webhook_configs": [webhook]}
