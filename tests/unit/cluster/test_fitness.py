"""Which clusters can be used, and what is said where Dask is not installed."""

import subprocess
import sys
from typing import Any

import pytest

from reconciler.cluster.connection import unfit
from reconciler.cluster.tasks import Access
from tests.unit.test_imports import modules_after


def versions(python: str = "3.11.7.final.0", **packages: str | None) -> dict[str, Any]:
    same = {"balance-reconciler": "1.0", "distributed": "2026.8.0", "pymongo": "4.20.0"}
    return {"host": {"python": python}, "packages": same | packages | {"numpy": None}}


SAME = versions()
NONE: dict[str, Any] = {"balance-reconciler": None}


@pytest.mark.parametrize(
    "scheduler, worker, told",
    [
        (SAME, SAME, None),
        (SAME, versions(python="3.11.9.final.0"), None),
        (versions(pymongo="4.19.0"), SAME, "its scheduler has pymongo 4.19.0 and this process 4"),
        (SAME, versions(python="3.12.1.final.0"), "worker tcp://w:2 has Python 3.12 and this"),
        (SAME, versions(**{"balance-reconciler": "0.9"}), "has balance-reconciler 0.9 and this"),
        (SAME, versions(**NONE), "has balance-reconciler none and this"),
        (SAME, versions(distributed="2025.1.0"), "has distributed 2025.1.0 and this process 2026"),
    ],
)
def test_versions_must_be_the_same_everywhere(
    scheduler: dict[str, Any], worker: dict[str, Any], told: str | None
) -> None:
    """Values travel pickled: other versions are refused, except for a patch of Python."""
    workers = {"tcp://w:1": SAME, "tcp://w:2": worker}

    said = unfit({"client": SAME, "scheduler": scheduler, "workers": workers})

    assert (said is None) == (told is None)
    assert (told or "") in (said or "")


def test_a_cluster_needs_workers() -> None:
    """Without any, a scan would wait until its deadline."""
    assert unfit({"client": SAME, "scheduler": SAME, "workers": {}}) == (
        "it has no workers: start some"
    )


def test_no_text_of_a_job_shows_the_connection_string() -> None:
    """Whatever logs a job logs no password."""
    access = Access("mongodb://app:hunter2@h", "exchange", 5.0, 5.0)

    assert "hunter2" not in f"{access} {access!r}"


def test_dask_is_imported_when_it_is_used() -> None:
    """Whoever wants no cluster neither needs Dask nor waits for it."""
    modules = modules_after("import reconciler.bootstrap, reconciler.cluster.connection")

    assert {module.partition(".")[0] for module in modules} & {"dask", "distributed"} == set()
    assert "reconciler.cluster.tasks" in modules


def test_the_extra_is_asked_for_where_it_is_missing() -> None:
    """A cluster that is wanted without Dask is a fault of the settings: what to do is said."""
    program = (
        "import sys; sys.modules['distributed'] = None\n"
        "from reconciler.__main__ import main\n"
        "sys.argv = ['reconciler', 'check']; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"RECONCILER_SCAN__DASK_SCHEDULER": "tcp://127.0.0.1:1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 2
    assert "scan.dask_scheduler: needs Dask" in done.stderr
    assert "pip install 'balance-reconciler[cluster]'" in done.stderr
