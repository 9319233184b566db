"""Mutants of the guarded repair: what is planned, what is asked, and what is written."""

from tests.mutants.mutant import Edit, Mutant

_APPLYING = "reconciler/repairing/applying.py"
_ASKING = "reconciler/repairing/asking.py"
_CHANGE = "reconciler/model/change.py"
_PLANNING = "reconciler/model/planning.py"
_TRUTH = "reconciler/model/truth.py"
_REPAIR = "reconciler/model/repair.py"
_SERVICE = "reconciler/repairing/service.py"
_PLANS = "reconciler/storage/repair_plans.py"
_FACTS = "reconciler/storage/repair_facts.py"
_PAUSED_READS = "reconciler/sync/work.py"
_FOLDER = "tests/integration/repairing"
_OF_APPLYING = f"{_FOLDER}/test_applying.py"
_OF_ASKING = f"{_FOLDER}/test_asked_again.py"
_OF_CLAIMS = f"{_FOLDER}/test_claims.py"
_OF_TRAFFIC = f"{_FOLDER}/test_under_traffic.py"
_OF_GUARDS = "tests/unit/model/test_guards.py"
_OF_TRUTH = "tests/unit/model/test_truth.py"

_APPLYING_MUTANTS = (
    Mutant(
        "repair-without-the-before-image",
        "a repair reads and then sets, and overwrites what was posted in between",
        (
            Edit(
                _CHANGE,
                "if amounts_found(view, rules.mappings) != amounts_found(before, rules.mappings):",
                "if False:",
            ),
        ),
        (f"{_OF_APPLYING}::test_what_changed_since_is_stale",),
    ),
    Mutant(
        "stale-step-tried-with-new-data",
        "a balance is written over copies that nobody saw when it was approved",
        (
            Edit(_APPLYING, "import dataclass\n", "import dataclass, replace\n"),
            Edit(
                _APPLYING,
                "            except StaleBefore:\n",
                "            except StaleBefore:\n"
                "                if attempt == 1:\n"
                "                    seen = await self.parts.facts.accounts([step.account])\n"
                "                    step = replace(step, before=seen[step.account].view)\n"
                "                    continue\n",
            ),
        ),
        (f"{_OF_APPLYING}::test_what_changed_since_is_stale",),
    ),
    Mutant(
        "one-refused-step-stops-the-plan",
        "the other accounts of a plan are never put right, however often it is applied",
        (
            Edit(
                _APPLYING, "            except _MAY_PASS:\n", "            except PostingRefused:\n"
            ),
        ),
        (f"{_OF_CLAIMS}::test_a_step_that_is_refused_for_good",),
    ),
    Mutant(
        "verification-of-the-wrong-steps",
        "what was just repaired is not looked at again",
        (
            Edit(
                _APPLYING,
                "[s.account for s in plan.steps if s.outcome is StepOutcome.APPLIED]",
                "[s.account for s in plan.steps if s.outcome is StepOutcome.PLANNED]",
            ),
        ),
        (f"{_OF_APPLYING}::test_a_failed_verification_switches_repairs_off",),
    ),
    Mutant(
        "failed-verification-goes-on",
        "repairs stay on after one that did not help",
        (
            Edit(
                _APPLYING, "            await self._switch_off(plan, wrong)\n", "            pass\n"
            ),
        ),
        (f"{_OF_APPLYING}::test_a_failed_verification_switches_repairs_off",),
    ),
    Mutant(
        "pause-stays-after-a-step",
        "postings wait for nobody until the pause runs out",
        (Edit(_APPLYING, "        await self.parts.pauses.end([step.account])\n", ""),),
        (f"{_OF_ASKING}::test_nothing_is_paused_afterwards",),
    ),
    Mutant(
        "pauses-not-heeded",
        "under traffic nearly every step is stale",
        (
            Edit(
                _PAUSED_READS,
                "heeds_pauses=self.request.kind is not EntryKind.REPAIR",
                "heeds_pauses=False",
            ),
        ),
        (f"{_OF_TRAFFIC}::test_a_pause_holds_postings_and_ends",),
    ),
)

_CLAIM_MUTANTS = (
    Mutant(
        "approval-by-the-planner",
        "one person plans and approves",
        (Edit(_PLANS, '            "planned_by": {"$ne": actor},\n', ""),),
        (f"{_OF_APPLYING}::test_the_database_keeps_self_approval",),
    ),
    Mutant(
        "approval-without-the-digest",
        "what is approved is not what was shown",
        (
            Edit(
                _PLANS,
                '            "digest": {"$eq": digest},\n'
                '            "state": PlanState.PLANNED.value,\n',
                '            "state": PlanState.PLANNED.value,\n',
            ),
        ),
        (f"{_OF_APPLYING}::test_approval",),
    ),
    Mutant(
        "approval-of-an-expired-plan",
        "what was true hours ago is approved",
        (
            Edit(
                _PLANS,
                '            "planned_by": {"$ne": actor},\n            "$expr": _NOT_EXPIRED,\n',
                '            "planned_by": {"$ne": actor},\n',
            ),
        ),
        (f"{_OF_CLAIMS}::test_what_expired_is_not_approved",),
    ),
    Mutant(
        "claim-without-the-digest",
        "another plan is applied than the caller named",
        (
            Edit(
                _PLANS,
                '            "digest": {"$eq": digest},\n'
                '            "approved_by": {"$ne": actor},\n',
                '            "approved_by": {"$ne": actor},\n',
            ),
        ),
        (f"{_OF_CLAIMS}::test_a_claim_names_the_digest",),
    ),
    Mutant(
        "claim-by-the-approver",
        "who approved a repair carries it out as well",
        (Edit(_PLANS, '            "approved_by": {"$ne": actor},\n', ""),),
        (f"{_OF_CLAIMS}::test_who_approved_claims_nothing",),
    ),
    Mutant(
        "claim-of-an-expired-plan",
        "a plan is applied after its time",
        (
            Edit(
                _PLANS,
                '    ],\n    "$expr": _NOT_EXPIRED,\n',
                "    ],\n",
            ),
        ),
        (f"{_OF_CLAIMS}::test_who_approved_claims_nothing",),
    ),
    Mutant(
        "claim-taken-from-the-living",
        "two daemons carry out one plan",
        (
            Edit(
                _PLANS,
                '{"state": PlanState.APPLYING.value, "$expr": _IS_ABANDONED}',
                '{"state": PlanState.APPLYING.value}',
            ),
        ),
        (f"{_OF_CLAIMS}::test_a_claim_names_the_digest",),
    ),
    Mutant(
        "outcome-by-whoever-lost-the-claim",
        "a daemon that was frozen writes steps of a plan that another one goes on with",
        (
            Edit(
                _PLANS,
                '            "applier": {"$eq": applier},\n            f"{step}.outcome"',
                '            f"{step}.outcome"',
            ),
        ),
        (f"{_OF_CLAIMS}::test_who_lost_the_claim_writes_nothing",),
    ),
    Mutant(
        "record-outside-the-transaction",
        "the trail tells of a step that was undone",
        (
            Edit(
                _PLANS,
                "            await audited(session)\n            changes = {",
                "            async with session.client.start_session() as own:\n"
                "                await own.with_transaction(audited)\n"
                "            changes = {",
            ),
        ),
        (f"{_OF_CLAIMS}::test_who_lost_the_claim_writes_nothing",),
    ),
    Mutant(
        "form-not-held-to-its-digest",
        "a plan is applied of which somebody changed a digit in the database",
        (
            Edit(
                _PLANS,
                'if digest_of(form.encode("ascii", "replace").decode()) != document["digest"]:',
                "if False:",
            ),
        ),
        (f"{_OF_APPLYING}::test_a_plan_is_used_once",),
    ),
    Mutant(
        "fields-not-held-to-the-form",
        "a field that is set beside the form lets a plan through without approval",
        (Edit(_PLANS, "    _refuse_other(plan, document)\n", ""),),
        (f"{_OF_CLAIMS}::test_a_plan_changed_beside_its_form",),
    ),
)

_GUARD_MUTANTS = (
    Mutant(
        "guards-in-another-order",
        "the answer names another guard than the documents say",
        (
            Edit(
                _REPAIR,
                '    SCOPE = "scope"\n    KILL_SWITCH = "kill_switch"\n',
                '    KILL_SWITCH = "kill_switch"\n    SCOPE = "scope"\n',
            ),
        ),
        (f"{_OF_GUARDS}::test_the_first_guard_speaks",),
    ),
    Mutant(
        "guards-asked-once",
        "a plan is applied although repairs were switched off since, or the account was repaired",
        (
            Edit(
                _SERVICE,
                "        await self._asking.again(plan, actor=actor)\n"
                "        await self._asking.sign(",
                "        await self._asking.sign(",
            ),
        ),
        (f"{_OF_ASKING}::test_two_plans_for_one_drift",),
    ),
    Mutant(
        "another-mapping-applies",
        "a daemon that knows more collections writes copies that nobody saw in the plan",
        (
            Edit(
                _SERVICE,
                "        refuse_other_mapping(plan, self._parts.rules_of)\n",
                "",
            ),
        ),
        (f"{_OF_ASKING}::test_a_mapping_changed_after_planning",),
    ),
    Mutant(
        "no-checkpoint-before-a-repair",
        "a repair is made of which nothing outside the database tells",
        (
            Edit(
                _SERVICE,
                '        await self._asking.sign("before repair", actor=actor, plan_id=plan_id)\n',
                "",
            ),
        ),
        (f"{_OF_ASKING}::test_without_a_checkpoint_nothing_is_repaired",),
    ),
    Mutant(
        "every-repair-is-ones-own",
        "an account that drifts again and again is repaired again and again",
        (Edit(_ASKING, "but_by=own) is not None", 'but_by="repair:") is not None'),),
        (f"{_OF_ASKING}::test_an_account_that_drifts_again",),
    ),
    Mutant(
        "trades-of-nobody",
        "a repair takes away what an open trade has set aside",
        (Edit(_FACTS, '"seller_id": {"$eq": account.user_id.text}', '"seller_id": "nobody"'),),
        (f"{_OF_ASKING}::test_what_a_trade_has_set_aside",),
    ),
    Mutant(
        "unpriced-is-worth-nothing",
        "a currency without a price is repaired by one person",
        (
            Edit(
                _PLANNING,
                "rises or value.total_usd is None or value.total_usd > threshold_usd",
                "rises or (value.total_usd or ZERO) > threshold_usd",
            ),
        ),
        (f"{_OF_ASKING}::test_without_a_price_somebody_must_approve",),
    ),
    Mutant(
        "value-of-the-truth-alone",
        "a repair that leaves the source of truth alone is worth nothing, and needs nobody",
        (
            Edit(
                _PLANNING,
                "    for name in rules.mappings.names:\n        held =",
                "    for name in [rules.mappings.source_of_truth]:\n        held =",
            ),
        ),
        (f"{_OF_APPLYING}::test_a_drifted_account_is_put_right",),
    ),
)

_TRUTH_MUTANTS = (
    Mutant(
        "majority-of-two",
        "two copies outvote the others, which may be missing",
        (Edit(_TRUTH, "COPIES_IN_MAJORITY_MIN = 3", "COPIES_IN_MAJORITY_MIN = 2"),),
        (f"{_OF_TRUTH}::test_wallets_and_majority",),
    ),
    Mutant(
        "journal-with-a-gap",
        "what some postings add up to passes for the balance",
        (Edit(_TRUTH, "if entry.sequence != last + 1 and problem is None:", "if False:"),),
        (f"{_OF_TRUTH}::test_a_journal_with_a_gap_says_nothing",),
    ),
    Mutant(
        "repair-replayed-as-a-posting",
        "after a repair the journal says another balance than was set",
        (
            Edit(
                _TRUTH,
                "            balance = entry.balance\n",
                "            balance = _plus(balance or Balance(), entry.delta)\n",
            ),
        ),
        (f"{_OF_TRUTH}::test_a_replay",),
    ),
    Mutant(
        "override-without-a-reason",
        "a plan goes against the journal, and nobody said why",
        (
            Edit(
                _PLANNING,
                "if problem == _OVERRIDABLE and intent.override_reason:",
                "if problem == _OVERRIDABLE:",
            ),
        ),
        (f"{_OF_TRUTH}::test_what_is_refused",),
    ),
    Mutant(
        "revert-of-what-was-posted-on",
        "taking a repair back takes the postings since it back as well",
        (
            Edit(
                _PLANNING,
                "if applied.after is None or standing_of(facts.view, rules) != applied.after:",
                "if applied.after is None:",
            ),
        ),
        (f"{_OF_ASKING}::test_a_revert_after_a_posting",),
    ),
)

REPAIR_MUTANTS = (*_APPLYING_MUTANTS, *_CLAIM_MUTANTS, *_GUARD_MUTANTS, *_TRUTH_MUTANTS)
