"""Runs every test of the scan by digests and exactly."""

from collections.abc import Iterator

import pytest

from reconciler.model.report import ScanMethod
from tests.integration.scanning.methods import Chosen

# What knows one method alone, scans by both itself, or has a server for all its tests.
OF_THEIR_OWN = {
    "test_narrowed",
    "test_under_traffic",
    "test_differential",
    "test_digest_use",
    "test_stages",
    "test_throttled",
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give each test both methods."""
    name = metafunc.module.__name__.rpartition(".")[2]
    if "method" in metafunc.fixturenames and name not in OF_THEIR_OWN:
        metafunc.parametrize("method", list(ScanMethod), indirect=True, ids=str)


@pytest.fixture(autouse=True)
def method(request: pytest.FixtureRequest) -> Iterator[ScanMethod]:
    """The method by which the test's scanners scan."""
    Chosen.method = getattr(request, "param", ScanMethod.DIGEST)
    yield Chosen.method
    Chosen.method = ScanMethod.DIGEST
