"""By which method the scanners of the tests scan: every test is run by each."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from reconciler.model.digest import Bucketing, ByHash, ByPiece, bucketing_for
from reconciler.model.report import ScanMethod
from reconciler.scanning.rules import ScanOptions
from reconciler.storage.bucketing import Choose


def always_by_hash(accounts: int, ids: Sequence[str | None]) -> Bucketing:
    """Choose the form of digest for ids of all types."""
    del accounts, ids
    return ByHash(32)


def first_by(piece: ByPiece) -> Choose:
    """Choose the form for texts, whatever the ids are, until it is found out that they are none."""

    def choose(accounts: int, ids: Sequence[str | None]) -> Bucketing:
        return piece if ids else always_by_hash(accounts, ids)

    return choose


@dataclass(frozen=True)
class Way:
    """A method, and for digests how users are divided into buckets."""

    method: ScanMethod
    choose: Choose = bucketing_for


WAYS = {method.value: Way(method) for method in ScanMethod}
EACH_FORM = {
    "by hash": Way(ScanMethod.DIGEST, always_by_hash),
    # All that begins with `user` is in one bucket: nothing but sums can tell drifts then.
    "by piece": Way(ScanMethod.DIGEST, first_by(ByPiece(0, 4))),
    "exact": Way(ScanMethod.EXACT),
}


class Chosen:
    """The way of the test that runs."""

    way = WAYS["digest"]


def options_of(**options: Any) -> ScanOptions:
    """Make options with the method of the test that runs."""
    return ScanOptions(**({"method": Chosen.way.method} | options))
