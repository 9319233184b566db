"""A plan's canonical form: the one text of what is proposed, its digest, and reading it back."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from reconciler.model.amounts import plain
from reconciler.model.copies import Balance, BalanceView, Copy, StoredNumber
from reconciler.model.identity import Account, Identifier
from reconciler.model.repair import PlanState, RepairPlan, RepairStep, StepOutcome, TruthPolicy

Json = Mapping[str, Any]


def canonical_form(plan: RepairPlan) -> str:
    """Write what is proposed, all of it and in one way; not what became of it since.

    Sorted keys, no spaces, ASCII; amounts and times are strings.
    """
    content = {
        "plan_id": plan.plan_id,
        "policy": plan.policy.value,
        "reason": plan.reason,
        "override_reason": plan.override_reason,
        "planned_by": plan.planned_by,
        "planned_at": _time_text(plan.planned_at),
        "expires_at": _time_text(plan.expires_at),
        "owed_change": {name: plain(change) for name, change in plan.owed_change.items()},
        "value_usd": None if plan.value_usd is None else plain(plan.value_usd),
        "needs_approval": plan.needs_approval,
        "reverts": plan.reverts,
        "mapping": plan.mapping,
        "steps": [_step_json(step) for step in plan.steps],
    }
    return json.dumps(content, sort_keys=True, ensure_ascii=True, separators=(",", ":"))


def digest_of(form: str) -> str:
    """Give the SHA-256 of a canonical form as 64 hex digits."""
    return hashlib.sha256(form.encode("ascii")).hexdigest()


def sealed(plan: RepairPlan) -> RepairPlan:
    """Give the plan with the digest of its canonical form."""
    return replace(plan, digest=digest_of(canonical_form(plan)))


def plan_of(form: str) -> RepairPlan:
    """Read a plan back as it was when it was made.

    Raises:
        ValueError, KeyError, TypeError: this is no canonical form.
    """
    content = json.loads(form)
    return RepairPlan(
        plan_id=content["plan_id"],
        digest=digest_of(form),
        policy=TruthPolicy(content["policy"]),
        reason=content["reason"],
        override_reason=content["override_reason"],
        planned_by=content["planned_by"],
        planned_at=_time_of(content["planned_at"]),
        expires_at=_time_of(content["expires_at"]),
        steps=tuple(_step_of(each) for each in content["steps"]),
        owed_change={name: Decimal(change) for name, change in content["owed_change"].items()},
        value_usd=None if content["value_usd"] is None else Decimal(content["value_usd"]),
        needs_approval=content["needs_approval"],
        state=PlanState.PLANNED,
        reverts=content["reverts"],
        mapping=content["mapping"],
    )


def _step_json(step: RepairStep) -> Json:
    account = step.account
    return {
        "user_id": [account.user_id.text, account.user_id.bson_type],
        "currency": [account.currency.text, account.currency.bson_type],
        "before": {
            name: [_copy_json(copy) for copy in copies]
            for name, copies in step.before.copies.items()
            if copies
        },
        "after": _balance_json(step.after),
        "policy": step.policy.value,
        "alternatives": {
            policy.value: _balance_json(balance) for policy, balance in step.alternatives.items()
        },
        "owed_change": plain(step.owed_change),
        "finding_id": step.finding_id,
        "refusal": step.refusal,
    }


def _step_of(content: Json) -> RepairStep:
    account = Account(Identifier(*content["user_id"]), Identifier(*content["currency"]))
    copies = {
        name: tuple(_copy_of(each) for each in found) for name, found in content["before"].items()
    }
    refusal = content["refusal"]
    return RepairStep(
        before=BalanceView(account, copies),
        after=_balance_of(content["after"]),
        policy=TruthPolicy(content["policy"]),
        alternatives={
            TruthPolicy(name): _balance_of(balance)
            for name, balance in content["alternatives"].items()
        },
        owed_change=Decimal(content["owed_change"]),
        finding_id=content["finding_id"],
        outcome=StepOutcome.PLANNED if refusal is None else StepOutcome.REFUSED,
        refusal=refusal,
    )


def _copy_json(copy: Copy) -> Json:
    return {
        "document_id": copy.document_id,
        "available": _number_json(copy.available),
        "locked": _number_json(copy.locked),
        "total": _number_json(copy.total),
        "updated": copy.updated,
    }


def _copy_of(content: Json) -> Copy:
    return Copy(
        document_id=content["document_id"],
        available=_number_of(content["available"]),
        locked=_number_of(content["locked"]),
        total=_number_of(content["total"]),
        updated=content["updated"],
    )


def _number_json(number: StoredNumber) -> list[str | None]:
    value = None if number.value is None else str(number.value)
    return [number.bson_type, value, number.text]


def _number_of(content: list[Any]) -> StoredNumber:
    bson_type, value, text = content
    return StoredNumber(bson_type, None if value is None else Decimal(value), text)


def _balance_json(balance: Balance | None) -> Json | None:
    if balance is None:
        return None
    return {"available": plain(balance.available), "locked": plain(balance.locked)}


def _balance_of(content: Json | None) -> Balance | None:
    if content is None:
        return None
    return Balance(Decimal(content["available"]), Decimal(content["locked"]))


def _time_text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")


def _time_of(text: str) -> datetime:
    return datetime.fromisoformat(text)
