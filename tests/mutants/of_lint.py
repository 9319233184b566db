"""Mutants of the search for bypassing writers."""

from tests.mutants.mutant import Edit, Mutant

_LINTING = "reconciler/control/linting"
_CORPUS = "tests/unit/linting/test_corpus.py::test_exactly_the_writes_are_found"
_FILES = "tests/unit/linting/test_files.py"
_JUDGING = "tests/unit/linting/test_judging.py"

LINT_MUTANTS = (
    Mutant(
        "lint-forgets-merge",
        "a pipeline that ends in $merge is taken for a read",
        (Edit(f"{_LINTING}/targets.py", 'if key in {"$out", "$merge"}:', 'if key == "$out":'),),
        (_CORPUS,),
    ),
    Mutant(
        "lint-shared-names-unsure",
        "`update` of anything that is called wallets counts as a write",
        (
            Edit(
                f"{_LINTING}/writing.py",
                "certainty >= Certainty.LIKELY and method.name in SHARED_WRITES",
                "method.name in SHARED_WRITES",
            ),
        ),
        (_CORPUS,),
    ),
    Mutant(
        "lint-branches-lost",
        "after an `if` only what its last branch bound is known",
        (
            Edit(
                f"{_LINTING}/statements.py",
                "        run.env = _together(first, run.env)\n    return False",
                "        run.env = dict(run.env)\n    return False",
            ),
        ),
        (_CORPUS,),
    ),
    Mutant(
        "lint-callers-mixed",
        "what a function gives is what it gives to all its callers together",
        (
            Edit(
                f"{_LINTING}/following.py",
                "if any(run.context.settling.is_about_balances(each) for each in known):",
                "if not known:",
            ),
        ),
        (_CORPUS,),
    ),
    Mutant(
        "lint-line-of-the-chain",
        "a finding stands at the beginning of its chain instead of the method's name",
        (
            Edit(
                f"{_LINTING}/expressions.py",
                "note_methods(run, found, node.end_lineno or node.lineno)",
                "note_methods(run, found, node.lineno)",
            ),
        ),
        (_CORPUS,),
    ),
    Mutant(
        "lint-broken-files-skipped",
        "a file that is not Python is left out without a word",
        (
            Edit(
                f"{_LINTING}/reading.py",
                "sources.unsearched.append(Problem(file, error.lineno or 0, what))",
                "assert what",
            ),
        ),
        (f"{_FILES}::test_what_cannot_be_read_is_told",),
    ),
    Mutant(
        "lint-allowed-without-reason",
        "an allowance needs no reason",
        (
            Edit(
                f"{_LINTING}/allowances.py",
                "given = [reasons[line] for line in places if reasons[line]]",
                "given = [reasons[line] for line in places]",
            ),
        ),
        (f"{_JUDGING}::test_an_allowance_without_reason_or_write_is_faulty",),
    ),
    Mutant(
        "lint-baseline-goes-up",
        "lowering a baseline takes new writes in",
        (
            Edit(
                f"{_LINTING}/baseline.py",
                "{place: min(before, counts.get(place, 0)) for place, before in baseline.items()}",
                "dict(counts)",
            ),
        ),
        (f"{_JUDGING}::test_fewer_than_the_baseline_asks_to_lower_it",),
    ),
)
