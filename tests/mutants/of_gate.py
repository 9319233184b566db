"""Mutants of the gate for deployments: what must never pass for met."""

from tests.mutants.mutant import Edit, Mutant

_MODEL = "reconciler/model/gate.py"
_RECORDS = "reconciler/storage/gate_records.py"
_COMMAND = "reconciler/surfaces/cli/gate.py"
_OF_MODEL = "tests/unit/model/test_gate.py"
_OF_CLIENT = "tests/unit/cli/test_daemon_client.py"
_OF_GATE = "tests/e2e/test_gate.py"

GATE_MUTANTS = (
    Mutant(
        "gate-unknown-hides-not-met",
        "a broken freeze is exit 4, which a pipeline tries again, while MongoDB is away",
        (
            Edit(
                _MODEL,
                '    NOT_MET = "not_met"\n    UNKNOWN = "unknown"\n',
                '    UNKNOWN = "unknown"\n    NOT_MET = "not_met"\n',
            ),
        ),
        (f"{_OF_MODEL}::test_the_worst_line_decides",),
    ),
    Mutant(
        "gate-passes-what-it-could-not-see",
        "without MongoDB a deployment goes on",
        (Edit(_COMMAND, "Outcome.UNKNOWN: Exit.INCOMPLETE", "Outcome.UNKNOWN: Exit.HEALTHY"),),
        (f"{_OF_GATE}::test_without_mongodb_it_is_4",),
    ),
    Mutant(
        "gate-believes-a-silent-daemon",
        "what an older daemon does not tell is left out instead of unknown",
        (
            Edit(
                _MODEL,
                "for line in RECORD_LINES)\n\n\ndef unseen",
                "for line in RECORD_LINES if line in found)\n\n\ndef unseen",
            ),
        ),
        (f"{_OF_MODEL}::test_what_a_daemon_does_not_tell_is_unknown",),
    ),
    Mutant(
        "gate-overlooks-suspects",
        "a finding that was seen once lets a deployment through",
        (Edit(_MODEL, "if not facts.confirmed + facts.suspect:", "if not facts.confirmed:"),),
        (f"{_OF_MODEL}::test_one_suspect_is_enough",),
    ),
    Mutant(
        "gate-counts-expired-plans",
        "a plan that nobody can approve any more keeps deployments away for ever",
        (Edit(_RECORDS, '"$gt": ["$expires_at", "$$NOW"]', '"$ne": ["$expires_at", "$$NOW"]'),),
        (f"{_OF_GATE}::test_each_trouble_fails_its_own_line[pending plan-database]",),
    ),
    Mutant(
        "gate-takes-a-narrow-check",
        "the answer of a check of one user passes for one of all",
        (
            Edit(
                _COMMAND,
                "case 200, Verdict.HEALTHY, ScanMode.FULL:",
                "case 200, Verdict.HEALTHY, _:",
            ),
        ),
        (f"{_OF_CLIENT}::test_healthy_is_what_says_so_in_every_way",),
    ),
    Mutant(
        "gate-ignores-the-daemons-code",
        "a daemon of other code passes",
        (Edit(_MODEL, "    if here == there:\n", "    if here:\n"),),
        (f"{_OF_MODEL}::test_the_daemons_code_is_told_by_its_digits",),
    ),
)
