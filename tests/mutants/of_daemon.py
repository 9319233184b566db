"""Mutants of the daemon: findings, the lease, its life, and what it tells."""

from tests.mutants.mutant import Edit, Mutant

_FINDING = "reconciler/model/finding.py"
_STANDING = "reconciler/model/standing.py"
_LEASING = "reconciler/storage/leasing.py"
_SCANS = "reconciler/storage/recorded_scans.py"
_RECORDING = "reconciler/scanning/recording.py"
_LEADERSHIP = "reconciler/scanning/leadership.py"
_SHARING = "reconciler/scanning/sharing.py"
_LATEST = "reconciler/scanning/latest.py"
_DAEMON = "reconciler/surfaces/daemon/daemon.py"
_TOLD = "reconciler/surfaces/metrics/standing.py"
_METRICS = "reconciler/surfaces/metrics/metrics.py"
_OF_FINDING = "tests/unit/model/test_finding.py"
_OF_LEASING = "tests/integration/storage/test_leasing.py"
_OF_RECORDING = "tests/integration/records/test_recording.py"
_OF_DAEMON = "tests/integration/records/test_daemon_scans.py"
_OF_LEADERSHIP = "tests/unit/scanning/test_leadership.py"
_OF_SHARING = "tests/unit/scanning/test_sharing.py"
_OF_LATEST = "tests/unit/scanning/test_latest.py"
_OF_METRICS = "tests/observing/test_metrics.py"

_FINDING_MUTANTS = (
    Mutant(
        "incomplete-scan-resolves",
        "a finding is resolved by a scan that could not look at its account",
        (Edit(_RECORDING, "if not report.incomplete:", "if True:"),),
        (f"{_OF_RECORDING}::test_an_incomplete_scan_resolves_nothing",),
    ),
    Mutant(
        "older-scan-overrules-a-sighting",
        "an older scan's sighting overwrites a younger one's",
        (Edit(_FINDING, "if last is not None and last.sequence > stamp.sequence:", "if False:"),),
        (f"{_OF_FINDING}::test_a_younger_scan_is_not_overruled",),
    ),
    Mutant(
        "older-scan-resolves",
        "an older scan, which saw the account before it drifted, resolves its finding",
        (
            Edit(
                _FINDING,
                "if not last.is_open or last.sequence > stamp.sequence:",
                "if not last.is_open:",
            ),
        ),
        (f"{_OF_FINDING}::test_a_younger_scan_is_not_overruled",),
    ),
    Mutant(
        "confirmed-falls-back",
        "a confirmed finding is a suspect again when it is wrong in another way",
        (Edit(_FINDING, "if last.state is FindingState.CONFIRMED:", "if False:"),),
        (f"{_OF_FINDING}::test_what_is_confirmed_stays_so_in_another_shape",),
    ),
    Mutant(
        "other-differences-confirm",
        "two different passing differences are taken for one that stays",
        (Edit(_FINDING, "sighting.differences == last.differences and ", ""),),
        (f"{_OF_FINDING}::test_other_differences_begin_the_confirmation_anew",),
    ),
    Mutant(
        "same-look-confirms",
        "what is noted twice by one scan counts as seen twice",
        (Edit(_FINDING, " and stamp.sequence > last.sequence\n", "\n"),),
        (f"{_OF_FINDING}::test_the_same_look_twice_confirms_nothing",),
    ),
    Mutant(
        "suspect-is-a-failure",
        "people are paged for what was seen once",
        (Edit(_STANDING, "if state is FindingState.CONFIRMED", "if True"),),
        (f"{_OF_METRICS}::test_only_what_is_confirmed_is_a_failure",),
    ),
)

_LEASE_MUTANTS = (
    Mutant(
        "lease-taken-before-it-expires",
        "two daemons scan at once",
        (
            Edit(
                _LEASING,
                '{"$lte": [{"$ifNull": ["$expires_at", _LONG_AGO]}, "$$NOW"]}',
                '{"$lte": [_LONG_AGO, "$$NOW"]}',
            ),
        ),
        (f"{_OF_LEASING}::test_a_lease_is_prolonged_by_its_holder_alone",),
    ),
    Mutant(
        "same-token-for-a-new-holder",
        "the last holder's late writes pass for the new one's",
        (Edit(_LEASING, '{"$add": [last, 1]}', '{"$max": [last, 1]}'),),
        (f"{_OF_LEASING}::test_a_free_lease_changes_hands_under_the_next_token",),
    ),
    Mutant(
        "lease-given-back-by-anybody",
        "a daemon that stops ends another one's lease",
        (Edit(_LEASING, '{"_id": SCANNER, "holder": holder, "token": token}', '{"_id": SCANNER}'),),
        (f"{_OF_LEASING}::test_a_free_lease_changes_hands_under_the_next_token",),
    ),
    Mutant(
        "no-fence-at-the-beginning",
        "a scan begins under a lease that has gone to another daemon",
        (Edit(_SCANS, "if await is_fenced(self._database, token, None):", "if False:"),),
        (f"{_OF_RECORDING}::test_who_took_over_shuts_the_last_holder_out",),
    ),
    Mutant(
        "no-fence-at-findings",
        "a daemon that was frozen changes findings when it wakes",
        (
            Edit(
                _SCANS,
                "record.token is not None "
                "and await is_fenced(self._database, record.token, session)",
                "False",
            ),
        ),
        (f"{_OF_RECORDING}::test_the_token_alone_shuts_it_out",),
    ),
    Mutant(
        "no-fence-at-the-end",
        "a daemon that was frozen says what its scan said when it wakes",
        (
            Edit(
                _SCANS,
                "record.token is not None and await is_fenced(self._database, record.token, None)",
                "False",
            ),
        ),
        (f"{_OF_RECORDING}::test_the_token_alone_shuts_it_out",),
    ),
    Mutant(
        "interrupted-scan-ends-all-the-same",
        "a scan that was given up for dead overwrites its record",
        (
            Edit(
                _SCANS,
                '"state": ScanState.RUNNING.value}, {"$set": fields}',
                '"state": {"$exists": True}}, {"$set": fields}',
            ),
        ),
        (f"{_OF_RECORDING}::test_a_scan_that_was_marked_as_interrupted_stays_so",),
    ),
    Mutant(
        "interrupted-scan-notes-findings",
        "a scan that was given up for dead changes findings",
        (
            Edit(
                _SCANS,
                '{"_id": record.scan_id, "state": ScanState.RUNNING.value},\n'
                '            {"$set": {"written_at"',
                '{"_id": record.scan_id},\n            {"$set": {"written_at"',
            ),
        ),
        (f"{_OF_RECORDING}::test_a_scan_that_was_marked_as_interrupted_stays_so",),
    ),
    Mutant(
        "lease-without-end",
        "a daemon that cannot ask goes on scanning beside its successor",
        (
            Edit(
                _LEADERSHIP,
                "return self._token if self._monotonic() < self._until else None",
                "return self._token",
            ),
        ),
        (f"{_OF_LEADERSHIP}::test_time_ends_the_lease_without_the_database",),
    ),
    Mutant(
        "lease-counted-from-the-answer",
        "a daemon thinks that it leads for as long as its question was under way too long",
        (Edit(_LEADERSHIP, "self._until = asked_at + ", "self._until = self._monotonic() + "),),
        (f"{_OF_LEADERSHIP}::test_time_counts_from_before_the_question",),
    ),
    Mutant(
        "follower-scans",
        "every daemon scans on schedule",
        (
            Edit(_DAEMON, "if self.leadership is None or self.leadership.token is None:", "if 0:"),
            Edit(_DAEMON, "if is_due and token is None:", "if False:"),
        ),
        (f"{_OF_DAEMON}::test_only_who_holds_the_lease_scans_on_schedule",),
    ),
)

_LIFE_MUTANTS = (
    Mutant(
        "served-before-the-standing-is-known",
        "a restart looks like a recovery",
        (
            Edit(
                _DAEMON,
                "await self._pulse.beat()\n        async with self._serve()",
                "async with self._serve()",
            ),
        ),
        (f"{_OF_DAEMON}::test_the_standing_is_known_before_anything_is_served",),
    ),
    Mutant(
        "unknown-standing-is-zero",
        "a daemon that knows nothing yet says that nothing is wrong",
        (
            Edit(
                _TOLD,
                "if standing is None:\n            return\n",
                "if standing is None:\n"
                "            standing = Standing({}, 0, {}, 0, None, {}, {}, None, None)\n",
            ),
        ),
        (f"{_OF_METRICS}::test_nothing_is_said_of_a_standing_that_is_not_known",),
    ),
    Mutant(
        "failed-collector-swallowed",
        "metrics that could not be collected read as if there were none",
        (
            Edit(
                _METRICS,
                "return encode(self._registry), content_type",
                "try:\n"
                "            return encode(self._registry), content_type\n"
                "        except Exception:\n"
                '            return b"", content_type',
            ),
        ),
        (f"{_OF_METRICS}::test_a_collector_that_fails_makes_the_scrape_fail",),
    ),
    Mutant(
        "interruption-not-recorded",
        "a scan that was stopped stays in the records as running",
        (
            Edit(
                _RECORDING,
                'await book.give_up("it was interrupted", is_fault=False)\n            raise',
                "raise",
            ),
        ),
        (f"{_OF_RECORDING}::test_a_cancelled_scan_is_recorded_as_interrupted",),
    ),
    Mutant(
        "scans-not-stopped",
        "a daemon that is told to stop leaves its scans running",
        (
            Edit(
                _DAEMON,
                'await self._bounded("scans", self._scans.shared.stop(), SCANS_STOP_SECONDS_MAX)',
                "pass",
            ),
        ),
        (f"{_OF_DAEMON}::test_a_daemon_that_stops_ends_its_scans",),
    ),
    Mutant(
        "cancelled-once",
        "a daemon whose cancellation got lost in the driver never stops",
        (Edit("reconciler/scanning/stopping.py", "while left:", "for _ in range(1):"),),
        (f"{_OF_DAEMON}::test_a_cancellation_that_got_lost_is_repeated",),
    ),
    Mutant(
        "scan-joined-after-it-began-to-read",
        "a caller is told what was read before its question",
        (Edit(_SHARING, "del self._gathering[selection]\n                return", "return"),),
        (f"{_OF_SHARING}::test_who_comes_later_gets_a_later_scan",),
    ),
    Mutant(
        "full-scans-beside-each-other",
        "two full scans read at once",
        (
            Edit(
                _SHARING,
                "self._full if selection.mode is ScanMode.FULL else self._narrowed",
                "self._narrowed",
            ),
        ),
        (f"{_OF_SHARING}::test_who_comes_later_gets_a_later_scan",),
    ),
    Mutant(
        "own-scan-not-seen",
        "whoever was told of a mismatch is told a moment later that all is well",
        (Edit(_DAEMON, "self._latest.forget()", "pass"),),
        (f"{_OF_DAEMON}::test_nobody_hears_of_an_older_scan_after_a_younger_one",),
    ),
    Mutant(
        "last-scan-kept-for-ever",
        "what another daemon found is never told",
        (Edit(_LATEST, "if self._monotonic() >= self._good_until:", "if False:"),),
        (f"{_OF_LATEST}::test_another_daemons_scan_is_seen_in_time",),
    ),
    Mutant(
        "failure-to-read-kept",
        "a daemon goes on saying that the database is away when it is back",
        (Edit(_LATEST, "reading.cancelled() or reading.exception() is not None", "False"),),
        (f"{_OF_LATEST}::test_a_failure_is_not_kept",),
    ),
)

DAEMON_MUTANTS = (*_FINDING_MUTANTS, *_LEASE_MUTANTS, *_LIFE_MUTANTS)
