"""By which method the scanners of the tests scan: every test is run by each."""

from typing import Any

from reconciler.model.report import ScanMethod
from reconciler.scanning.rules import ScanOptions


class Chosen:
    """The method of the test that runs."""

    method = ScanMethod.DIGEST


def options_of(**options: Any) -> ScanOptions:
    """Make options with the method of the test that runs."""
    return ScanOptions(**({"method": Chosen.method} | options))
