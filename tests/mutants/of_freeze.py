"""Mutants of the freeze: what it does not see, and what it believes."""

from tests.mutants.mutant import Edit, Mutant

_FORM = "reconciler/control/normal_form.py"
_IMPORTS = "reconciler/control/imports.py"
_VERIFYING = "reconciler/control/verifying.py"
_APPROVING = "reconciler/control/approving.py"
_TEXT = "reconciler/control/record_text.py"
_DOCUMENTS = "reconciler/control/documents.py"
_GUARDS = "reconciler/model/guards.py"
_OF_FUNCTIONS = "tests/unit/control/test_every_function.py"
_OF_IMPORTS = "tests/unit/control/test_imports.py"
_OF_RECORD = "tests/unit/control/test_record.py"
_OF_APPROVING = "tests/unit/control/test_approving.py"

FREEZE_MUTANTS = (
    Mutant(
        "freeze-blind-to-operators",
        "an operator that is exchanged is no change",
        (Edit(_FORM, "        return f\"{type(node).__name__}({','.join(fields)})\"",
              "        return f\"Node({','.join(fields)})\""),),
        (f"{_OF_FUNCTIONS}::test_an_operator_changed_in_any_function_is_named",),
    ),
    Mutant(
        "freeze-star-not-followed",
        "what a star imports from a package is not frozen",
        (Edit(_IMPORTS, "            yield from _submodules(base, sources)", "            pass"),),
        (f"{_OF_IMPORTS}::test_what_an_import_imports_counts_too",),
    ),
    Mutant(
        "freeze-hidden-import",
        "code that only runs can import what it likes",
        (Edit(_IMPORTS, "        elif _is_hidden(node, calls):", "        elif False:"),),
        (f"{_OF_IMPORTS}::test_what_only_a_running_program_knows_cannot_be_frozen",),
    ),
    Mutant(
        "freeze-signature-not-checked",
        "anybody signs under the lead's name",
        (Edit(_VERIFYING, "    if not _has_signed(key, freeze):", "    if False:"),),
        (f"{_OF_RECORD}::test_another_signature_over_good_documents_does_not_do",),
    ),
    Mutant(
        "freeze-root-not-pinned",
        "a record that a stranger began passes for the pinned one",
        (Edit(_VERIFYING, "    if trusted_keys and _root_key(record) not in trusted_keys:",
              "    if False:"),),
        (f"{_OF_RECORD}::test_the_first_freeze_is_believed_unless_its_key_is_pinned",),
    ),
    Mutant(
        "freeze-edited-by-hand",
        "a space more in the record is nothing",
        (Edit(_TEXT, "    if again != text:", "    if False:"),),
        (f"{_OF_RECORD}::test_nothing_can_be_added_or_taken_away",),
    ),
    Mutant(
        "freeze-own-proposal-approved",
        "who proposes a freeze approves it too",
        (Edit(_APPROVING, "    if signer.name == freeze.proposed_by and not policy.self_approval:",
              "    if False:"),),
        (f"{_OF_APPROVING}::test_nobody_approves_their_own",),
    ),
    Mutant(
        "freeze-unhealthy-evidence",
        "a check that was not healthy proves a freeze",
        (Edit(_DOCUMENTS, '    if step["check"]["status"] != "healthy":', "    if False:"),),
        (f"{_OF_APPROVING}::test_one_failing_step_is_no_evidence",),
    ),
    Mutant(
        "freeze-broken-repairs",
        "code that nobody approved repairs balances",
        (Edit(_GUARDS, "    if facts.freeze_problem is None:", "    if True:"),),
        ("tests/unit/model/test_guards.py::test_each_guard_trips_alone",),
    ),
)  # fmt: skip
