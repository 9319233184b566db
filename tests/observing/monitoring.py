"""A real Prometheus and a real Alertmanager on loopback, with the intervals of a test."""

import contextlib
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.observing.processes import Processes, binary, free_port, until

READY_SECONDS = 20.0
EVERY_SECONDS = 0.5
# Prometheus gives an alert's end as four times the longer of this and the evaluation interval.
RESEND_SECONDS = 2

Labels = Mapping[str, str]
Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Sample:
    """A series and its last value."""

    labels: Labels
    value: float


class Api:
    """Asks a server for JSON."""

    def __init__(self, client: httpx.AsyncClient, url: str) -> None:
        self._client = client
        self.url = url

    async def get(self, path: str, **parameters: str) -> Any:
        answer = await self._client.get(f"{self.url}{path}", params=parameters)
        assert answer.status_code == 200, f"{path} {parameters}: {answer.text}"
        return answer.json()

    async def page(self, path: str) -> str:
        answer = await self._client.get(f"{self.url}{path}")
        assert answer.status_code == 200, path
        return answer.text

    async def is_ready(self) -> bool:
        with contextlib.suppress(httpx.TransportError):
            return (await self._client.get(f"{self.url}/-/ready")).status_code == 200
        return False


class Prometheus(Api):
    """The questions that the tests have."""

    async def query(self, expression: str) -> list[Sample]:
        """Evaluate an expression now."""
        found = (await self.get("/api/v1/query", query=expression))["data"]
        assert found["resultType"] == "vector", expression
        return [Sample(each["metric"], float(each["value"][1])) for each in found["result"]]

    async def value(self, expression: str) -> float | None:
        """Give the value of an expression that has at most one series."""
        samples = await self.query(expression)
        assert len(samples) <= 1, samples
        return samples[0].value if samples else None

    async def firing(self) -> set[str]:
        """Name the alerts that fire, inhibited ones too."""
        alerts = (await self.get("/api/v1/alerts"))["data"]["alerts"]
        return {each["labels"]["alertname"] for each in alerts if each["state"] == "firing"}

    async def holds(self, expression: str, *, within_seconds: float) -> None:
        """Wait until an expression, a comparison, gives any series."""

        async def look() -> list[Sample]:
            return await self.query(expression)

        await until(look, expression, within_seconds=within_seconds)

    async def knows_alertmanager(self) -> bool:
        found = await self.get("/api/v1/alertmanagers")
        return bool(found["data"]["activeAlertmanagers"])


class Alertmanager(Api):
    """The questions that the tests have."""

    async def inhibited(self) -> set[str]:
        """Name the alerts that it holds back because of another one."""
        return {
            alert["labels"]["alertname"]
            for alert in await self.get("/api/v2/alerts")
            if alert["status"]["inhibitedBy"]
        }


@dataclass(frozen=True, slots=True)
class Monitoring:
    """Both of them, running."""

    prometheus: Prometheus
    alertmanager: Alertmanager


@contextlib.asynccontextmanager
async def monitoring(
    place: Processes, *, targets: Sequence[str], rules: Document, routing: Document
) -> AsyncIterator[Monitoring]:
    """Scrape targets (host:port) as the job `reconciler`, by rules, and route what fires.

    `routing` is the whole configuration of Alertmanager.
    """
    async with httpx.AsyncClient(trust_env=False, timeout=10) as client:
        alertmanager = await _alertmanager(place, client, routing)
        prometheus = await _prometheus(place, client, targets, rules, alertmanager)
        yield Monitoring(prometheus, alertmanager)


async def _alertmanager(
    place: Processes, client: httpx.AsyncClient, routing: Document
) -> Alertmanager:
    address = f"127.0.0.1:{free_port()}"
    config = _written(place.directory / "alertmanager.yml", routing)
    process = await place.start(
        "alertmanager",
        [
            str(binary("prometheus-alertmanager")),
            f"--config.file={config}",
            f"--storage.path={place.directory / 'alertmanager'}",
            f"--web.listen-address={address}",
            "--cluster.listen-address=",
        ],
    )
    api = Alertmanager(client, f"http://{address}")
    await process.answers(api.is_ready, within_seconds=READY_SECONDS)
    return api


async def _prometheus(
    place: Processes,
    client: httpx.AsyncClient,
    targets: Sequence[str],
    rules: Document,
    alertmanager: Alertmanager,
) -> Prometheus:
    address = f"127.0.0.1:{free_port()}"
    config = {
        "global": {
            "scrape_interval": f"{EVERY_SECONDS * 1000:.0f}ms",
            "evaluation_interval": f"{EVERY_SECONDS * 1000:.0f}ms",
        },
        "rule_files": [str(_written(place.directory / "rules.yml", rules))],
        "scrape_configs": [
            {"job_name": "reconciler", "static_configs": [{"targets": list(targets)}]}
        ],
        "alerting": {
            "alertmanagers": [
                {"static_configs": [{"targets": [alertmanager.url.removeprefix("http://")]}]}
            ]
        },
    }
    process = await place.start(
        "prometheus",
        [
            str(binary("prometheus")),
            f"--config.file={_written(place.directory / 'prometheus.yml', config)}",
            f"--storage.tsdb.path={place.directory / 'prometheus'}",
            f"--web.listen-address={address}",
            f"--rules.alert.resend-delay={RESEND_SECONDS}s",
        ],
    )
    api = Prometheus(client, f"http://{address}")
    await process.answers(api.is_ready, within_seconds=READY_SECONDS)
    await until(api.knows_alertmanager, "Alertmanager is found", within_seconds=READY_SECONDS)
    return api


def _written(path: Path, document: Document) -> Path:
    # JSON is YAML.
    path.write_text(json.dumps(document, indent=1))
    return path
