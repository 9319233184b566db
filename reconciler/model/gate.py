"""The gate for deployments: what must be met, judged from facts. Pure.

A fact that could not be looked at is an `Unseen` and makes its requirement unknown, never met.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from reconciler.model.report import ScanReport, Verdict
from reconciler.model.schema import SchemaReport
from reconciler.model.schema_status import LineState, SchemaLine, schema_status

# So many digits of the digest of the frozen code end a checksum.
CHECKSUM_DIGITS = 9
# So many problems of one requirement are named; the others are counted.
NAMED_MAX = 5
_DATE = "%Y-%m-%d %H:%M UTC"
_SCHEMA_STEP = "`reconciler db status` shows all of it"


class Line(StrEnum):
    """What must be met, in the order in which it is shown; the value is its name in JSON."""

    INTEGRITY = "integrity"
    FREEZE = "freeze"
    DEPLOYED_CODE = "deployed_code"
    MAPPING = "mapping"
    INDEXES = "indexes"
    VALIDATORS = "validators"
    PLANS = "plans"
    FINDINGS = "findings"


# What a database or a daemon on it is asked beside the check.
RECORD_LINES = (Line.MAPPING, Line.INDEXES, Line.VALIDATORS, Line.PLANS, Line.FINDINGS)
# What a status of the schema calls what these lines are about.
_SCHEMA_LINES = {Line.MAPPING: "mapping", Line.INDEXES: "index", Line.VALIDATORS: "validator"}
TITLES = {
    Line.INTEGRITY: "All copies of every balance agree",
    Line.FREEZE: "The code is what was frozen, and every freeze is signed",
    Line.DEPLOYED_CODE: "The daemon runs the code that is to be deployed",
    Line.MAPPING: "Every mapped collection is there",
    Line.INDEXES: "Every unique index that postings need is there",
    Line.VALIDATORS: "The database refuses balances that cannot be",
    Line.PLANS: "No plan of a repair waits for approval",
    Line.FINDINGS: "No finding is open",
}


class Outcome(StrEnum):
    """What became of a requirement, in order of precedence: the first one of any decides."""

    NOT_MET = "not_met"
    UNKNOWN = "unknown"
    MET = "met"


# In order of precedence as well.
_OUTCOME_OF_STATE = {
    LineState.NOT_MET: Outcome.NOT_MET,
    LineState.UNKNOWN: Outcome.UNKNOWN,
    LineState.MET: Outcome.MET,
}


@dataclass(frozen=True, slots=True)
class Requirement:
    """One line of the checklist: what was seen, and what to do next unless it is met."""

    line: Line
    outcome: Outcome
    detail: str
    next_step: str = ""


@dataclass(frozen=True, slots=True)
class Checklist:
    """What was asked, and notes that are worth reading and fail nothing."""

    requirements: tuple[Requirement, ...]
    notes: tuple[str, ...] = ()

    @property
    def outcome(self) -> Outcome:
        """What the whole comes to: met only if every single requirement is, and there are some."""
        seen = {each.outcome for each in self.requirements} or {Outcome.UNKNOWN}
        return next(outcome for outcome in Outcome if outcome in seen)

    def count(self, outcome: Outcome) -> int:
        """Give how many requirements came to this."""
        return sum(each.outcome is outcome for each in self.requirements)

    def joined(self, other: "Checklist") -> "Checklist":
        """Join two lists; the lines in their order."""
        both = (*self.requirements, *other.requirements)
        order = list(Line)
        requirements = sorted(both, key=lambda each: order.index(each.line))
        return Checklist(tuple(requirements), (*self.notes, *other.notes))


@dataclass(frozen=True, slots=True)
class Unseen:
    """A fact that could not be looked at, and why."""

    reason: str


@dataclass(frozen=True, slots=True)
class CheckFacts:
    """What a check said that was made for the gate; `reasons` is why it could not look everywhere.

    `checksum` is that of the code which made it.
    """

    verdict: Verdict
    accounts: int
    mismatch_count: int = 0
    reasons: tuple[str, ...] = ()
    checksum: str | None = None


@dataclass(frozen=True, slots=True)
class FreezeFacts:
    """The code that runs here, held against its freeze; `problems` is everything that is wrong.

    `digest` is that of the code as it is, 64 hex digits, None where it cannot be told.
    """

    problems: tuple[str, ...]
    digest: str | None
    approved_by: str | None = None
    approved_at: str | None = None


@dataclass(frozen=True, slots=True)
class PlanFacts:
    """The plans that somebody must approve before they expire: how many, and some of their ids."""

    count: int
    plan_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FindingFacts:
    """How many findings are open, and since when the oldest is; None without any."""

    confirmed: int
    suspect: int
    oldest_first_seen: datetime | None = None


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What fails nothing: since when and why repairs are switched off, and bypassing writes.

    `repairs_off` is None while they are on, and where nobody ever threw the switch.
    """

    repairs_off: str | None
    bypassing_writes: int
    bypassing_hours: int


def check_facts(report: ScanReport) -> CheckFacts:
    """Give what the gate needs of a scan."""
    return CheckFacts(
        report.verdict, report.coverage.accounts, report.mismatch_count, tuple(report.incomplete)
    )


def judged_check(facts: CheckFacts | Unseen) -> Checklist:
    """Judge a check that was made for the gate."""
    if isinstance(facts, Unseen):
        return _one(_unknown(Line.INTEGRITY, facts, "make the check possible, and ask again"))
    match facts.verdict:
        case Verdict.HEALTHY if not facts.mismatch_count:
            said = f"{facts.accounts:,} accounts were compared"
            empty = "no account was there to compare: is this the right database?"
            found = Requirement(Line.INTEGRITY, Outcome.MET, said)
            return Checklist((found,), () if facts.accounts else (empty,))
        case Verdict.INCOMPLETE:
            why = Unseen("it could not be looked everywhere: " + _named(facts.reasons))
            return _one(_unknown(Line.INTEGRITY, why, "see to it, and check again"))
        case _:
            return _one(
                Requirement(
                    Line.INTEGRITY,
                    Outcome.NOT_MET,
                    f"{facts.mismatch_count:,} accounts are wrong",
                    "`reconciler check` names them, docs/runbooks/ReconcilerIntegrityFailure.md "
                    "says what to do",
                )
            )


def judged_freeze(facts: FreezeFacts | Unseen) -> Checklist:
    """Judge the code that runs here."""
    if isinstance(facts, Unseen):
        return _one(_unknown(Line.FREEZE, facts, "run `reconciler freeze verify`"))
    if facts.problems or facts.digest is None:
        return _one(
            Requirement(
                Line.FREEZE,
                Outcome.NOT_MET,
                _named(facts.problems) or "the code cannot be told",
                "deploy the code that was frozen, or have the change approved: "
                "`reconciler freeze verify` lists what differs",
            )
        )
    since = f"approved by {facts.approved_by}, {facts.approved_at}"
    return _one(Requirement(Line.FREEZE, Outcome.MET, f"{facts.digest[:12]}…, {since}"))


def judged_deployed_code(check: CheckFacts | Unseen, freeze: FreezeFacts | Unseen) -> Checklist:
    """Judge whether the daemon that was asked runs the code that runs here.

    By the digest alone: what a checksum begins with is a setting, and here may be none.
    """
    line, again = Line.DEPLOYED_CODE, "ask again once both are known"
    if isinstance(check, Unseen):
        return _one(_unknown(line, check, again))
    if check.checksum is None:
        return _one(_unknown(line, Unseen("the daemon does not say what it runs"), again))
    if isinstance(freeze, Unseen) or freeze.digest is None:
        return _one(_unknown(line, Unseen("the digest of the code here is not known"), again))
    here, there = freeze.digest[:CHECKSUM_DIGITS], check.checksum[-CHECKSUM_DIGITS:]
    if here == there:
        return _one(Requirement(line, Outcome.MET, f"both end in {here}"))
    return _one(
        Requirement(
            line,
            Outcome.NOT_MET,
            f"the daemon says {check.checksum}, and the code here ends in {here}",
            "deploy the daemon first; or run the gate of the version that the daemon runs",
        )
    )


def judged_schema(facts: SchemaReport | Unseen) -> Checklist:
    """Judge what the database has of what is needed."""
    if isinstance(facts, Unseen):
        step = "run `reconciler db status` as a user who may look"
        return Checklist(tuple(_unknown(line, facts, step) for line in _SCHEMA_LINES))
    found = schema_status(facts).lines
    requirements = [
        _of_schema(line, [each for each in found if each.about == about])
        for line, about in _SCHEMA_LINES.items()
    ]
    return Checklist(tuple(requirements), facts.warnings)


def judged_plans(facts: PlanFacts | Unseen) -> Checklist:
    """Judge what waits for a second person."""
    if isinstance(facts, Unseen):
        return _one(_unknown(Line.PLANS, facts, "let its user read repair_plans"))
    if not facts.count:
        return _one(Requirement(Line.PLANS, Outcome.MET, "none waits"))
    return _one(
        Requirement(
            Line.PLANS,
            Outcome.NOT_MET,
            f"{facts.count:,} wait for approval: {_named(facts.plan_ids, facts.count)}",
            "look at each with `reconciler repair show PLAN`, and approve it, or let it expire",
        )
    )


def judged_findings(facts: FindingFacts | Unseen) -> Checklist:
    """Judge what is known to be wrong; one that was seen once counts as well."""
    if isinstance(facts, Unseen):
        return _one(_unknown(Line.FINDINGS, facts, "let its user read integrity_findings"))
    if not facts.confirmed + facts.suspect:
        return _one(Requirement(Line.FINDINGS, Outcome.MET, "none is open"))
    oldest = facts.oldest_first_seen
    since = "" if oldest is None else f", the oldest since {oldest.strftime(_DATE)}"
    return _one(
        Requirement(
            Line.FINDINGS,
            Outcome.NOT_MET,
            f"{facts.confirmed:,} confirmed and {facts.suspect:,} suspect are open{since}",
            "put the accounts right; `reconciler reconcile` closes what is right again",
        )
    )


def noted(facts: Surroundings | Unseen) -> Checklist:
    """Note what fails nothing."""
    if isinstance(facts, Unseen):
        return Checklist(
            (), (f"the switch of the repair and bypassing writes: unseen, {facts.reason}",)
        )
    notes = []
    if facts.repairs_off is not None:
        notes.append(f"repairs are switched off {facts.repairs_off}")
    if facts.bypassing_writes:
        notes.append(
            f"{facts.bypassing_writes:,} writes past the library are on record of the last "
            f"{facts.bypassing_hours} hours: some code is not on the library yet "
            "(docs/watch.md)"
        )
    return Checklist((), tuple(notes))


def only_record_lines(told: Sequence[Requirement]) -> tuple[Requirement, ...]:
    """Take from a daemon what it must tell; what it does not tell is unknown."""
    found = {each.line: each for each in told}
    silent = Unseen("the daemon does not tell")
    step = "run the gate with the connection string instead of --url"
    return tuple(found.get(line) or _unknown(line, silent, step) for line in RECORD_LINES)


def unseen_records(reason: Unseen, next_step: str) -> Checklist:
    """Give all lines about records as unknown."""
    return Checklist(tuple(_unknown(line, reason, next_step) for line in RECORD_LINES))


def _of_schema(line: Line, lines: Sequence[SchemaLine]) -> Requirement:
    """Join what was found about one matter; where nothing was looked at, nothing is known."""
    for state, outcome in _OUTCOME_OF_STATE.items():
        found = [each for each in lines if each.state is state]
        if found:
            said = [f"{each.place}: {each.detail}" for each in found if each.detail]
            met = f"{len(found)} of {len(lines)}"
            return Requirement(line, outcome, _named(said) or met, _SCHEMA_STEP)
    return _unknown(line, Unseen("nobody looked"), _SCHEMA_STEP)


def _named(things: Sequence[str], count: int | None = None) -> str:
    """Name some things, and how many more there are."""
    more = (len(things) if count is None else count) - len(things[:NAMED_MAX])
    return "; ".join(things[:NAMED_MAX]) + (f"; and {more:,} more" if more > 0 else "")


def _unknown(line: Line, unseen: Unseen, next_step: str) -> Requirement:
    return Requirement(line, Outcome.UNKNOWN, unseen.reason, next_step)


def _one(requirement: Requirement) -> Checklist:
    return Checklist((requirement,))
