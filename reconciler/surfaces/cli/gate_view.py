"""The checklist of the gate for deployments, for a person."""

from collections.abc import Iterator

from rich.console import RenderableType
from rich.text import Text

from reconciler.model.gate import TITLES, Checklist, Outcome, Requirement
from reconciler.surfaces.escape import escaped

MARKS = {Outcome.MET: "[x]", Outcome.NOT_MET: "[ ]", Outcome.UNKNOWN: "[?]"}
_STYLES = {Outcome.MET: "green", Outcome.NOT_MET: "bold red", Outcome.UNKNOWN: "bold yellow"}
_WORDS = {Outcome.MET: "READY", Outcome.NOT_MET: "NOT READY", Outcome.UNKNOWN: "INCOMPLETE"}


def gate_view(checklist: Checklist, *, asked: str) -> Iterator[RenderableType]:
    """Give the parts of the result, in the order in which they are read."""
    outcome = checklist.outcome
    yield Text.assemble(
        (_WORDS[outcome], _STYLES[outcome]), f": {_in_words(checklist)} ({escaped(asked)})"
    )
    for each in checklist.requirements:
        yield from _line(each)
    yield from (Text(f"[!] {escaped(note)}") for note in checklist.notes)


def _in_words(checklist: Checklist) -> str:
    total = len(checklist.requirements)
    counted = (
        f"{checklist.count(Outcome.MET)} of {total} requirements are met",
        f"{checklist.count(Outcome.NOT_MET)} are not",
        f"{checklist.count(Outcome.UNKNOWN)} could not be looked at",
    )
    return ", ".join(counted)


def _line(requirement: Requirement) -> Iterator[RenderableType]:
    outcome = requirement.outcome
    yield Text.assemble(
        (MARKS[outcome], _STYLES[outcome]),
        f" {TITLES[requirement.line]}: {escaped(requirement.detail)}",
    )
    if outcome is not Outcome.MET and requirement.next_step:
        yield Text(f"    next: {escaped(requirement.next_step)}")
