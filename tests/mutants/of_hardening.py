"""Mutants of the guard of the database: validators, levels and roles."""

from tests.mutants.mutant import Edit, Mutant

_VALIDATORS = "reconciler/storage/validators.py"
_GUARDING = "reconciler/model/guarding.py"
_HARDENING = "reconciler/storage/hardening.py"
_ROLES = "reconciler/model/roles.py"
_WRITES = "reconciler/sync/transaction.py"
_OF_VALIDATORS = "tests/integration/hardening/test_validators.py"
_TABLE = f"{_OF_VALIDATORS}::test_each_good_document_is_taken_and_each_bad_one_refused"
_OF_LEVELS = "tests/unit/model/test_guarding.py"
_MATRIX = "tests/integration/hardening/test_matrix.py"

HARDENING_MUTANTS = (
    Mutant(
        "line-break-passes-the-validator",
        "a currency may end with a line break",
        (Edit(_VALIDATORS, "{{1,{NAME_CHARACTERS_MAX}}}\\z", "{{1,{NAME_CHARACTERS_MAX}}}$"),),
        (_TABLE,),
    ),
    Mutant(
        "minus-zero-passes-the-validator",
        "-0 is taken, which equals 0 and is written otherwise",
        (
            Edit(
                _VALIDATORS,
                '{"$ne": [{"$substrCP": [{"$toString": amount}, 0, 1]}, "-"]},',
                "",
            ),
        ),
        (_TABLE,),
    ),
    Mutant(
        "validator-ignores-the-total",
        "a wrong total is taken",
        (Edit(_VALIDATORS, "conditions += _total_holds(mapping)", "pass"),),
        (_TABLE,),
    ),
    Mutant(
        "strict-without-a-count",
        "what could not be counted is taken for zero",
        (Edit(_GUARDING, "if count == 0:", "if not count:"),),
        (_OF_LEVELS,),
    ),
    Mutant(
        "foreign-validator-is-replaced",
        "what others set vanishes unasked",
        (
            Edit(
                _GUARDING,
                "if not replaces and report.state is ValidatorState.FOREIGN:",
                "if False:",
            ),
        ),
        (_OF_LEVELS,),
    ),
    Mutant(
        "level-not-looked-at",
        "a validator that was switched off counts as a guard",
        (
            Edit(
                _GUARDING,
                "return self.state is ValidatorState.OURS and not self.is_switched_off",
                "return self.state is ValidatorState.OURS",
            ),
        ),
        (_OF_LEVELS,),
    ),
    Mutant(
        "trail-can-be-changed",
        "the roles may update records of the audit trail",
        (
            Edit(
                _ROLES,
                'Privilege("audit_trail", ("find", "insert")),',
                'Privilege("audit_trail", ("find", "insert", "update")),',
            ),
        ),
        (_MATRIX,),
    ),
    Mutant(
        "refusal-looks-like-an-outage",
        "a posting that a validator refuses is one that may be tried again",
        (Edit(_WRITES, "raise RefusedByValidator(collection) from error", "raise"),),
        (f"{_OF_VALIDATORS}::test_a_refused_posting_names_the_collection",),
    ),
    Mutant(
        "hardening-stays-moderate",
        "nothing is counted again once the validator is there",
        (
            Edit(
                _HARDENING,
                "if plan.level is ValidationLevel.STRICT:",
                "if before.is_guarded and plan.level is ValidationLevel.STRICT:",
            ),
        ),
        (f"{_OF_VALIDATORS}::test_another_mapping_replaces_what_is_ours",),
    ),
)
