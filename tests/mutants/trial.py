"""Runs tests in a copy of the tree, broken or whole, and judges how that went."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from tests.mutants.mutant import Mutant, StalePatch
from tests.mutants.provenance import EXIT_WRONG_SOURCE, MODULES_VARIABLE

ROOT = Path(__file__).resolve().parents[2]
# The specification in docs is part of the frozen code, of which every daemon knows the checksum.
COPIED = ("reconciler", "tests", "benchmarks", "docs", "pyproject.toml")
RUN_SECONDS_MAX = 240.0
TEST_SECONDS_MAX = 60
LINES_SHOWN_MAX = 15
REASON_CHARACTERS_MAX = 100
# An error of these kinds says that the patch does not make sense, not that a test is watchful.
NONSENSE = {
    "AttributeError",
    "ImportError",
    "IndentationError",
    "ModuleNotFoundError",
    "NameError",
    "SyntaxError",
    "UnboundLocalError",
}


class Verdict(StrEnum):
    """How a trial ended; a mutant is in order when it was noticed."""

    PASSED = "passed"
    NOTICED = "noticed"
    STALE = "stale patch"
    NONSENSE = "patch makes no sense"
    NOT_RUN = "did not run"


@dataclass(frozen=True)
class Trial:
    """What came out: the verdict, the first test that failed and why, and the seconds."""

    verdict: Verdict
    detail: str
    seconds: float


def try_mutant(mutant: Mutant) -> Trial:
    """Break a copy of the tree and run the mutant's tests there."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mutant-") as name:
        root = Path(name).resolve()
        copy_tree(root)
        try:
            mutant.apply(root)
        except StalePatch as stale:
            return Trial(Verdict.STALE, str(stale), time.monotonic() - started)
        return run_tests(root, mutant.tests, mutant.modules, first_failure_only=True)


def try_unbroken(tests: Sequence[str]) -> Trial:
    """Run tests in a copy that is not broken: a mutant proves nothing if they fail here, too."""
    with tempfile.TemporaryDirectory(prefix="mutant-") as name:
        root = Path(name).resolve()
        copy_tree(root)
        return run_tests(root, tests, (), first_failure_only=False)


def copy_tree(root: Path) -> None:
    """Copy what the tests need."""
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            ignored = shutil.ignore_patterns("__pycache__", "results")
            shutil.copytree(source, root / name, ignore=ignored)
        else:
            shutil.copy2(source, root / name)


def run_tests(
    root: Path, tests: Sequence[str], modules: Sequence[str], *, first_failure_only: bool
) -> Trial:
    """Run pytest in a tree, as a process of its own with all of its children."""
    started = time.monotonic()
    report = root / "report.xml"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    command += ["-p", "tests.mutants.provenance", f"--junitxml={report}"]
    command += [f"--timeout={TEST_SECONDS_MAX}", f"--rootdir={root}"]
    command += ["-x"] if first_failure_only else []
    environment = os.environ | {
        "PYTHONPATH": str(root),
        "PYTHONDONTWRITEBYTECODE": "1",
        "RECONCILER_REQUIRE_SERVICES": "1",
        MODULES_VARIABLE: ",".join(modules),
    }
    process = subprocess.Popen(
        [*command, *tests],
        cwd=root,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(timeout=RUN_SECONDS_MAX)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        late = f"no end in {RUN_SECONDS_MAX:g} s"
        return Trial(Verdict.NOT_RUN, late, time.monotonic() - started)
    verdict, detail = judge(process.returncode, report, output)
    return Trial(verdict, detail, time.monotonic() - started)


def judge(exit_code: int, report: Path, output: str) -> tuple[Verdict, str]:
    """Read pytest's exit code and report: only a test that ran and failed is a notice."""
    if exit_code == 0:
        return Verdict.PASSED, "every test passed"
    last = "\n".join(output.splitlines()[-LINES_SHOWN_MAX:])
    if exit_code == EXIT_WRONG_SOURCE:
        return Verdict.NOT_RUN, f"tested another source than the copy\n{last}"
    if exit_code != 1 or not report.is_file():
        return Verdict.NOT_RUN, f"pytest ended with {exit_code}\n{last}"
    failures = [
        (str(case.get("name")), str(failure.get("message")))
        for case in ET.parse(report).iter("testcase")
        for failure in case.iter("failure")
    ]
    if not failures:
        return Verdict.NOT_RUN, f"no test failed, but something else did\n{last}"
    for name, message in failures:
        if message.split(":")[0].split(".")[-1].strip() not in NONSENSE:
            reason = (message.splitlines() or ["no reason given"])[0]
            return Verdict.NOTICED, f"{name}: {reason[:REASON_CHARACTERS_MAX]}"
    return Verdict.NONSENSE, failures[0][1].splitlines()[0]
