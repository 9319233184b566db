"""`python -m tests.mutants`: try every mutant, and fail if one survives.

Exit code 1 if a mutant survives, a patch is stale or senseless, or the unbroken source fails.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed

from tests.mutants.catalogue import MUTANTS
from tests.mutants.mutant import Mutant
from tests.mutants.trial import Trial, Verdict, try_mutant, try_unbroken

WORKERS_DEFAULT = 2
UNBROKEN = "(unbroken)"


def main(arguments: Sequence[str] | None = None) -> int:
    """Try the mutants that were asked for; give the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("names", nargs="*", help="only mutants whose name contains one of these")
    parser.add_argument("--workers", type=int, default=WORKERS_DEFAULT, help="trials at a time")
    parser.add_argument("--list", action="store_true", help="show the mutants and end")
    options = parser.parse_args(arguments)
    chosen = [m for m in MUTANTS if not options.names or any(n in m.name for n in options.names)]
    if not chosen:
        parser.error("no mutant has such a name")
    if options.list:
        for mutant in chosen:
            print(f"{mutant.name:<{_width(chosen)}}  {mutant.breaks}")
        return 0
    return 0 if _try_all(chosen, options.workers) else 1


def _try_all(mutants: Sequence[Mutant], workers: int) -> bool:
    started = time.monotonic()
    selection = list(dict.fromkeys(test for mutant in mutants for test in mutant.tests))
    width = _width(mutants)
    wrong: list[str] = []
    with ThreadPoolExecutor(max_workers=workers) as pool:
        trials = {pool.submit(try_unbroken, selection): UNBROKEN}
        trials |= {pool.submit(try_mutant, mutant): mutant.name for mutant in mutants}
        for done in as_completed(trials):
            name, trial = trials[done], done.result()
            wanted = Verdict.PASSED if name == UNBROKEN else Verdict.NOTICED
            if trial.verdict is not wanted:
                wrong.append(name)
            print(_line(name, trial, width, is_right=trial.verdict is wanted), flush=True)
    elapsed = time.monotonic() - started
    print(f"\n{len(mutants)} mutants in {elapsed:.0f} s; {len(wrong)} not as it must be", *wrong)
    return not wrong


def _line(name: str, trial: Trial, width: int, *, is_right: bool) -> str:
    verdict = trial.verdict.value
    if name != UNBROKEN and trial.verdict is Verdict.PASSED:
        verdict = "SURVIVED"
    elif name == UNBROKEN and trial.verdict is Verdict.NOTICED:
        verdict = "FAILED"
    mark = "ok " if is_right else "BAD"
    return f"{mark} {name:<{width}}  {verdict:<10} {trial.seconds:5.1f} s  {trial.detail}"


def _width(mutants: Sequence[Mutant]) -> int:
    return max(len(name) for name in (UNBROKEN, *(mutant.name for mutant in mutants)))


if __name__ == "__main__":
    sys.exit(main())
