"""What hardening decides, and what a gate reads of a schema."""

import pytest

from reconciler.model.guarding import (
    ValidationLevel,
    ValidatorReport,
    ValidatorState,
    plan_validator,
)
from reconciler.model.mapping import DEFAULT_MAPPINGS
from reconciler.model.schema import (
    CollectionReport,
    IndexReport,
    IndexState,
    SchemaReport,
    required_indexes,
)
from reconciler.model.schema_status import LineState, schema_status

STRICT, MODERATE, OFF = ValidationLevel.STRICT, ValidationLevel.MODERATE, ValidationLevel.OFF
OURS, ABSENT = ValidatorState.OURS, ValidatorState.ABSENT


def found(
    state: ValidatorState = OURS,
    level: ValidationLevel = STRICT,
    count: int | None = 0,
    action: str = "error",
) -> ValidatorReport:
    return ValidatorReport(
        "wallets", exists=True, state=state, level=level, action=action, nonconforming=count
    )


@pytest.mark.parametrize(
    "report, level, is_change",
    [
        (found(ABSENT, OFF, 0), STRICT, True),
        (found(ABSENT, OFF, 1), MODERATE, True),
        (found(ABSENT, OFF, None), MODERATE, True),
        (found(OURS, MODERATE, 0), STRICT, True),
        (found(OURS, MODERATE, 1), MODERATE, False),
        (found(OURS, MODERATE, None), MODERATE, False),
        (found(OURS, STRICT, 0), STRICT, False),
        (found(OURS, STRICT, 1), STRICT, False),
        (found(OURS, STRICT, None), STRICT, False),
        (found(OURS, OFF, 0), STRICT, True),
        (found(OURS, STRICT, 1, "warn"), MODERATE, True),
        (found(ValidatorState.OUTDATED, STRICT, 1), MODERATE, True),
        (found(ValidatorState.FOREIGN), None, False),
        (found(ValidatorState.ALTERED), None, False),
        (ValidatorReport("wallets", exists=False), None, False),
    ],
)
def test_the_level(report: ValidatorReport, level: ValidationLevel | None, is_change: bool) -> None:
    """Strict takes an exact count of zero; what is not ours is left alone."""
    plan = plan_validator(report, replaces=False)

    assert (plan.level, plan.is_change) == (level, is_change)
    assert plan.why
    if report.exists:
        assert plan_validator(report, replaces=True).level is not None


def schema(*validators: ValidatorReport, state: IndexState = IndexState.PRESENT) -> SchemaReport:
    return SchemaReport(
        "MongoDB",
        (),
        tuple(IndexReport(each, state) for each in required_indexes(DEFAULT_MAPPINGS)),
        collections=tuple(CollectionReport(name, True) for name in DEFAULT_MAPPINGS.names),
        validators=validators,
    )


@pytest.mark.parametrize("level, count", [(STRICT, 0), (MODERATE, 7), (MODERATE, None)])
def test_a_schema_in_order(level: ValidationLevel, count: int | None) -> None:
    """Collections, indexes and validators of ours, of either level, are all that is asked."""
    status = schema_status(schema(found(level=level, count=count)))

    assert status.is_met
    assert status.unmet == ()
    assert {line.about for line in status.lines} == {"mapping", "index", "validator"}


def test_each_fault_is_a_line_of_its_own() -> None:
    """A missing index, a missing collection and a validator that is off; not looking is unknown."""
    without_index = schema_status(schema(found(), state=IndexState.MISSING))
    switched_off = schema_status(schema(found(level=OFF)))
    absent = schema_status(schema(found(ABSENT, OFF)))
    unseen = schema_status(schema())

    assert {line.about for line in without_index.unmet} == {"index"}
    assert [line.state for line in switched_off.unmet] == [LineState.NOT_MET]
    assert "--replace" in switched_off.unmet[0].detail
    assert "db harden" in absent.unmet[0].detail
    assert [line.state for line in unseen.unmet] == [LineState.UNKNOWN]
