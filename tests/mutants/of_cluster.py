"""Mutants of scans by a cluster, and of the throttle."""

from tests.mutants.mutant import Edit, Mutant

_TASKS = "reconciler/cluster/tasks.py"
_SOURCES = "reconciler/cluster/sources.py"
_CONNECTION = "reconciler/cluster/connection.py"
_MODEL = "reconciler/model/throttle.py"
_THROTTLE = "reconciler/scanning/throttle.py"
_LOAD = "reconciler/storage/load.py"
_CLUSTER_TESTS = "tests/integration/cluster/test_cluster.py"
_GATE_TESTS = "tests/unit/scanning/test_throttle.py"

CLUSTER_MUTANTS = (
    Mutant(
        "cluster-counts-what-it-resumes-with-twice",
        "an answer that was cut is asked for again from its beginning",
        (
            Edit(
                _SOURCES,
                "left = replace(left, lower=answer.resume_at)",
                "left = replace(left, lower=left.lower or answer.resume_at)",
            ),
        ),
        (f"{_CLUSTER_TESTS}::test_an_answer_that_was_cut_is_gone_on_with",),
    ),
    Mutant(
        "cluster-answer-without-bound",
        "a worker sends whatever is wrong at once, however much it is",
        (
            Edit(
                _TASKS,
                "return len(self._mismatched) >= self._mismatches_max",
                "return False",
            ),
        ),
        (f"{_CLUSTER_TESTS}::test_answers_of_workers_are_bounded",),
    ),
    Mutant(
        "cluster-failure-taken-for-the-end",
        "a range that a worker could not read counts as read",
        (Edit(_SOURCES, "if answer.error is not None:", "if False:"),),
        (f"{_CLUSTER_TESTS}::test_what_the_database_does_to_a_worker_is_told",),
    ),
    Mutant(
        "cluster-without-workers-waited-for",
        "a scan of a cluster without workers waits until its deadline",
        (Edit(_CONNECTION, "    if not workers:\n", "    if workers is None:\n"),),
        ("tests/unit/cluster/test_fitness.py",),
    ),
    Mutant(
        "cluster-shows-the-connection-string",
        "whatever logs a job logs the password",
        (Edit(_TASKS, "uri: str = field(repr=False)", "uri: str = field(repr=True)"),),
        ("tests/unit/cluster/test_fitness.py",),
    ),
    Mutant(
        "throttle-waits-at-the-limit",
        "a server that is exactly at a limit is waited for",
        (Edit(_MODEL, "value > limit", "value >= limit"),),
        ("tests/unit/model/test_throttle.py",),
    ),
    Mutant(
        "throttle-without-bound",
        "a scan waits for a busy server until its deadline",
        (Edit(_THROTTLE, "self._waited_seconds += seconds", "self._waited_seconds = 0.0"),),
        (_GATE_TESTS,),
    ),
    Mutant(
        "throttle-reads-on-past-its-bound",
        "a scan that waited long enough reads from a busy server, silently",
        (
            Edit(
                _THROTTLE,
                "while found is not None:",
                "while found is not None and self._waited_seconds < self._limits.wait_seconds_max:",
            ),
        ),
        (_GATE_TESTS,),
    ),
    Mutant(
        "throttle-takes-a-delay-for-lag",
        "a member that is delayed on purpose stops every scan",
        (Edit(_LOAD, " - delays.get(name, 0.0)", ""),),
        ("tests/unit/storage/test_load.py",),
    ),
    Mutant(
        "throttle-waits-for-a-member-that-is-away",
        "a member that is down stops every scan",
        (Edit(_LOAD, 'if each.get("health") == 1 and each', "if each"),),
        ("tests/unit/storage/test_load.py",),
    ),
)
