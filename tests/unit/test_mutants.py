"""The mutants fit the present source, and a trial can tell a notice from an accident."""

from pathlib import Path

import pytest

from tests.mutants.catalogue import MUTANTS
from tests.mutants.mutant import Edit, Mutant, StalePatch
from tests.mutants.trial import ROOT, Verdict, judge


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_every_patch_fits_the_present_source(mutant: Mutant) -> None:
    """Each old text is there exactly once, the result is Python, and each test file exists."""
    broken: dict[str, str] = {}
    for edit in mutant.edits:
        text = broken.get(edit.file) or (ROOT / edit.file).read_text()
        broken[edit.file] = edit.applied_to(text)

    for file, text in broken.items():
        compile(text, file, "exec")
    for test in mutant.tests:
        file, _, name = test.partition("::")
        assert f"def {name.partition('[')[0]}" in (ROOT / file).read_text()


def test_names_are_unique() -> None:
    """A mutant is called for by its name."""
    names = [mutant.name for mutant in MUTANTS]

    assert len(names) == len(set(names))


@pytest.mark.parametrize("text", ["", "old old", "other"])
def test_a_patch_that_does_not_fit_once_is_stale(tmp_path: Path, text: str) -> None:
    """An old text that is missing or ambiguous is an error, not a mutant that nobody notices."""
    (tmp_path / "file.py").write_text(text)
    mutant = Mutant("m", "nothing", (Edit("file.py", "old", "new"),), ())

    with pytest.raises(StalePatch):
        mutant.apply(tmp_path)


@pytest.mark.parametrize(
    "exit_code, element, verdict",
    [
        (0, "", Verdict.PASSED),
        (1, '<failure message="AssertionError: x"/>', Verdict.NOTICED),
        (1, '<failure message="reconciler.errors.PostingFailed: x"/>', Verdict.NOTICED),
        (1, '<failure message="NameError: x"/>', Verdict.NONSENSE),
        (1, '<error message="failed on setup"/>', Verdict.NOT_RUN),
        (2, '<failure message="AssertionError: x"/>', Verdict.NOT_RUN),
        (97, '<failure message="AssertionError: x"/>', Verdict.NOT_RUN),
    ],
)
def test_only_a_failing_test_is_a_notice(
    tmp_path: Path, exit_code: int, element: str, verdict: Verdict
) -> None:
    """Neither a broken collection nor a patch that makes no sense counts."""
    report = tmp_path / "report.xml"
    report.write_text(f'<testsuite><testcase name="t">{element}</testcase></testsuite>')

    assert judge(exit_code, report, "")[0] is verdict
