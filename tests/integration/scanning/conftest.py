"""Runs every test of the scan by digests and exactly."""

from collections.abc import Iterator

import pytest

from reconciler.model.report import ScanMethod
from tests.integration.scanning.methods import EACH_FORM, WAYS, Chosen

# What knows one method alone, scans by both itself, or has a server for all its tests.
OF_THEIR_OWN = {
    "test_narrowed",
    "test_under_traffic",
    "test_differential",
    "test_digest_use",
    "test_bucketing",
    "test_stages",
    "test_throttled",
}

# What digests prove is tried in each form that they have.
IN_EACH_FORM = {"test_digest", "test_equal_everywhere"}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give each test both methods."""
    name = metafunc.module.__name__.rpartition(".")[2]
    if "method" in metafunc.fixturenames and name not in OF_THEIR_OWN:
        ways = EACH_FORM if name in IN_EACH_FORM else WAYS
        metafunc.parametrize("method", list(ways.values()), indirect=True, ids=list(ways))


@pytest.fixture(autouse=True)
def method(request: pytest.FixtureRequest) -> Iterator[ScanMethod]:
    """The method by which the test's scanners scan."""
    Chosen.way = getattr(request, "param", WAYS["digest"])
    yield Chosen.way.method
    Chosen.way = WAYS["digest"]
