"""How long things may last before somebody is told; all in seconds."""

from dataclasses import dataclass, fields

_UNITS = (("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1))


@dataclass(frozen=True, slots=True)
class Timing:
    """The durations of the rules; the defaults are those of production.

    Args:
        evaluation_seconds: how often the rules are evaluated.
        memory_seconds: for how long what was known last still counts when nobody says anything.
        mongo_memory_seconds: the same of whether MongoDB answered.
        up_memory_seconds: for how long a daemon that was up counts as having been there.
        finding_age_seconds_max: how old a finding may become.
        scans_failing_seconds: within which time two failed scans are too many.
        watch_lag_seconds_max: how far the watch may be behind.
        bypassing_seconds: for how long a write past the library is spoken of.
        not_recorded_seconds: for how long a scan that was not recorded is spoken of.
        repair_verify_failed_seconds: the same of a repair after which something was still wrong.
        repair_flapping_seconds: the same of a repair that was refused, the account having drifted
            again.
        repair_awaiting_for_seconds: for how long plans may wait for a second person; less than a
            plan lives (`repair.plan_ttl_seconds`), for one that has expired no longer waits.
    """

    evaluation_seconds: float = 15
    memory_seconds: float = 6 * 3600
    mongo_memory_seconds: float = 600
    up_memory_seconds: float = 600
    integrity_failure_for_seconds: float = 60
    mismatch_surge_for_seconds: float = 300
    finding_age_seconds_max: float = 86_400
    finding_unresolved_for_seconds: float = 900
    down_for_seconds: float = 60
    scan_overdue_for_seconds: float = 300
    never_succeeded_for_seconds: float = 1800
    scans_failing_seconds: float = 3600
    not_recorded_seconds: float = 1800
    watch_lag_seconds_max: float = 30
    watch_lagging_for_seconds: float = 300
    bypassing_seconds: float = 1800
    repair_verify_failed_seconds: float = 900
    repair_flapping_seconds: float = 900
    repair_awaiting_for_seconds: float = 300
    audit_checkpoint_stale_for_seconds: float = 300
    mongo_down_for_seconds: float = 120
    mongo_down_critical_for_seconds: float = 900

    def faster(self, factor: float) -> "Timing":
        """Give the same rules in a world where everything is so many times faster."""
        return Timing(**{each.name: getattr(self, each.name) / factor for each in fields(self)})


def duration(seconds: float) -> str:
    """Write a duration as Prometheus reads it, in the largest unit that holds it whole.

    Less than a millisecond becomes one: Prometheus knows nothing smaller.
    """
    milliseconds = max(round(seconds * 1000), 1)
    name, size = next((name, size) for name, size in _UNITS if milliseconds % size == 0)
    return f"{milliseconds // size}{name}"
