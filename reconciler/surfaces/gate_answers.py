"""The checklist of the gate for deployments as JSON, written and read."""

from collections.abc import Mapping
from typing import Any

from reconciler.model.gate import TITLES, Checklist, Line, Outcome, Requirement
from reconciler.surfaces.answers import Answer

STATUS_OF_OUTCOME = {
    Outcome.MET: "ready",
    Outcome.NOT_MET: "not_ready",
    Outcome.UNKNOWN: "incomplete",
}


def checklist_answer(checklist: Checklist) -> Answer:
    """Show a checklist: the whole, each requirement, the notes."""
    return {
        "status": STATUS_OF_OUTCOME[checklist.outcome],
        "requirements": [_requirement_answer(each) for each in checklist.requirements],
        "notes": list(checklist.notes),
    }


def checklist_of(answer: Mapping[str, Any]) -> Checklist:
    """Read what a daemon told, which may be another version: lines that are unknown here are left.

    Raises:
        ValueError: it is no such answer.
    """
    try:
        told = [each for each in answer["requirements"] if each["name"] in set(Line)]
        requirements = [
            Requirement(
                Line(each["name"]),
                Outcome(each["outcome"]),
                str(each["detail"]),
                str(each["next"] or ""),
            )
            for each in told
        ]
        return Checklist(tuple(requirements), tuple(str(each) for each in answer["notes"]))
    except (KeyError, TypeError) as error:
        raise ValueError("no checklist") from error


def _requirement_answer(requirement: Requirement) -> Answer:
    return {
        "name": requirement.line.value,
        "requirement": TITLES[requirement.line],
        "outcome": requirement.outcome.value,
        "detail": requirement.detail,
        "next": requirement.next_step or None,
    }
