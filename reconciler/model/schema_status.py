"""Whether the schema is in order, line by line: what a gate asks before a deployment."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from reconciler.model.guarding import ValidationLevel, ValidatorReport
from reconciler.model.schema import IndexReport, IndexState, SchemaReport


class LineState(StrEnum):
    """What is known of one requirement; what is unknown is not met."""

    MET = "met"
    NOT_MET = "not_met"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class SchemaLine:
    """One requirement: `about` is `mapping`, `index` or `validator`, `place` what it is on.

    `detail` says what is wrong and what to do, or what is worth knowing of what is met.
    """

    about: str
    place: str
    state: LineState
    detail: str = ""


@dataclass(frozen=True, slots=True)
class SchemaStatus:
    """Every requirement of the schema."""

    lines: tuple[SchemaLine, ...]

    @property
    def is_met(self) -> bool:
        """Whether every one is met; nothing looked at is not met."""
        return bool(self.lines) and all(line.state is LineState.MET for line in self.lines)

    @property
    def unmet(self) -> tuple[SchemaLine, ...]:
        """The lines that are not met or unknown."""
        return tuple(line for line in self.lines if line.state is not LineState.MET)


def schema_status(report: SchemaReport) -> SchemaStatus:
    """Judge what was found: mapped collections, unique indexes and validators."""
    return SchemaStatus((*_mapping_lines(report), *_index_lines(report), *_guard_lines(report)))


def _mapping_lines(report: SchemaReport) -> Iterator[SchemaLine]:
    for each in report.collections:
        if each.exists:
            yield SchemaLine("mapping", each.name, LineState.MET)
        else:
            detail = "the collection does not exist: run `reconciler db init`"
            yield SchemaLine("mapping", each.name, LineState.NOT_MET, detail)


def _index_lines(report: SchemaReport) -> Iterator[SchemaLine]:
    for each in report.indexes:
        place = f"{each.index.collection} ({', '.join(each.index.fields)})"
        if each.state in {IndexState.MADE, IndexState.PRESENT}:
            yield SchemaLine("index", place, LineState.MET)
        else:
            yield SchemaLine("index", place, LineState.NOT_MET, _index_detail(each))


def _index_detail(report: IndexReport) -> str:
    if report.duplicate_count:
        return f"{report.duplicate_count:,} accounts are doubled, so that it cannot be made"
    return report.detail or "it is missing: run `reconciler db init`"


def _guard_lines(report: SchemaReport) -> Iterator[SchemaLine]:
    if not report.validators:
        yield SchemaLine("validator", "all", LineState.UNKNOWN, "nobody looked at the validators")
    for each in report.validators:
        state = LineState.MET if each.is_guarded else LineState.NOT_MET
        yield SchemaLine("validator", each.collection, state, guard_detail(each))


def guard_detail(report: ValidatorReport) -> str:
    """Say in a sentence how a collection is guarded, and what to do if it is not well."""
    if not report.exists:
        return "the collection does not exist: run `reconciler db init`"
    if report.is_tampered:
        return (
            f"the validator was changed by somebody (level {report.level}, action "
            f"{report.action}): find out who, then run `reconciler db harden --apply --replace`"
        )
    if not report.is_guarded:
        return f"the validator is {report.state}: run `reconciler db harden`"
    if report.level is ValidationLevel.STRICT and not report.nonconforming:
        return ""
    if report.nonconforming is None:
        return f"level {report.level}; the documents could not be counted: {report.uncounted}"
    if report.nonconforming:
        return f"level {report.level}; {report.nonconforming:,} documents do not conform yet"
    return "every document conforms: `reconciler db harden --apply` makes it strict"
