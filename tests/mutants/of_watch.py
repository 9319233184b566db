"""Mutants of the watch: when it looks, what it takes for bypassing, and where it goes on."""

from tests.mutants.mutant import Edit, Mutant

_BYPASSING = "reconciler/model/bypassing.py"
_PENDING = "reconciler/watching/pending.py"
_GROUPING = "reconciler/watching/grouping.py"
_INTAKE = "reconciler/watching/intake.py"
_CHECKING = "reconciler/watching/checking.py"
_WATCH = "reconciler/watching/watch.py"
_POSITIONS = "reconciler/storage/watch_positions.py"
_CHANGES = "reconciler/storage/changes.py"
_KEPT = "reconciler/storage/bypassing_writes.py"
_SCANS = "reconciler/storage/recorded_scans.py"
_METRICS = "reconciler/surfaces/metrics/watch.py"
_OF_BYPASSING = "tests/unit/model/test_bypassing.py"
_OF_PENDING = "tests/unit/watching/test_pending.py"
_OF_GROUPING = "tests/unit/watching/test_grouping.py"
_OF_WATCHING = "tests/integration/watching/test_watching.py"
_OF_TAKING_UP = "tests/integration/watching/test_taking_up.py"
_OF_METRICS = "tests/observing/test_metrics.py"

_CHECK_MUTANTS = (
    Mutant(
        "watch-does-not-settle",
        "an account is looked at while somebody writes its copies one by one",
        (Edit(_PENDING, "return is_quiet or has_waited or self.is_full", "return True"),),
        (
            f"{_OF_PENDING}::test_an_account_is_due_once_it_was_quiet",
            f"{_OF_WATCHING}::test_what_is_written_copy_by_copy_is_not_looked_at_half_way",
        ),
    ),
    Mutant(
        "watch-waits-for-quiet-for-ever",
        "an account that is never quiet is never looked at",
        (Edit(_PENDING, "is_quiet or has_waited or", "is_quiet or"),),
        (
            f"{_OF_PENDING}::test_a_busy_account_is_due_at_last",
            f"{_OF_WATCHING}::test_a_busy_account_is_checked_all_the_same",
        ),
    ),
    Mutant(
        "watch-counts-from-the-first-change",
        "later changes do not begin the quiet anew",
        (Edit(_PENDING, "            known.last_at = now\n", "            pass\n"),),
        (f"{_OF_PENDING}::test_each_change_begins_the_quiet_anew",),
    ),
    Mutant(
        "watch-is-never-full",
        "however many accounts wait, more is read",
        (Edit(_PENDING, "return len(self._accounts) >= self._accounts_max", "return False"),),
        (
            f"{_OF_PENDING}::test_when_it_is_full_nothing_waits",
            f"{_OF_WATCHING}::test_memory_is_bounded_however_much_is_written",
        ),
    ),
    Mutant(
        "watch-never-resolves",
        "what was put right stays a finding until the next full scan",
        (
            Edit(
                _CHECKING,
                "if wrong is not None or state is not None:",
                "if wrong is not None:",
            ),
        ),
        (f"{_OF_WATCHING}::test_a_drift_is_confirmed_soon_and_resolved_soon",),
    ),
    Mutant(
        "watch-records-the-known",
        "a busy drifted account makes a record at each look",
        (Edit(_CHECKING, "state is FindingState.CONFIRMED:", "state is None:"),),
        (
            f"{_OF_WATCHING}::test_what_is_known_is_not_recorded_again",
            f"{_OF_WATCHING}::test_a_drift_is_confirmed_soon_and_resolved_soon",
        ),
    ),
    Mutant(
        "watch-interrupts-the-scan",
        "the beginning of a check marks the full scan of the same daemon as interrupted",
        (Edit(_SCANS, '{"token": token, "mode": alike}', '{"token": token}'),),
        (f"{_OF_TAKING_UP}::test_a_check_leaves_the_full_scan_alone",),
    ),
)

_BYPASSING_MUTANTS = (
    Mutant(
        "bypassing-judged-by-agreement",
        "a write past the library is not told where all copies are written alike",
        (
            Edit(
                _BYPASSING,
                "    if accounts is None:\n",
                "    if accounts is None and len({each.collection for each in writes}) < 4:\n",
            ),
            Edit(_BYPASSING, "left = set(accounts)", "left = set(accounts or ())"),
        ),
        (f"{_OF_BYPASSING}::test_without_an_entry_everything_is_bypassing",),
    ),
    Mutant(
        "bypassing-is-what-the-accounts-drift-by",
        "writes are told only where a look finds a mismatch: those that agree are not kept",
        (Edit(_INTAKE, "if verdicts.bypassing or verdicts.unclear:", "if verdicts.unclear:"),),
        (f"{_OF_WATCHING}::test_a_bypassing_write_is_told_though_all_copies_agree",),
    ),
    Mutant(
        "bypassing-may-ride-on-a-posting",
        "a transaction with any entry may write what it wants",
        (
            Edit(
                _BYPASSING,
                "if len(unowned) > len(left) or len(documents) < len(unowned):",
                "if False:",
            ),
        ),
        (
            f"{_OF_BYPASSING}::test_more_updates_than_accounts_are_unclear",
            f"{_OF_WATCHING}::test_who_rides_on_a_posting_is_bypassing",
        ),
    ),
    Mutant(
        "bypassing-twice-on-one-document",
        "a second write to the document of a posting is taken for another account's",
        (Edit(_BYPASSING, " or len(documents) < len(unowned)", ""),),
        (f"{_OF_BYPASSING}::test_two_updates_of_one_document_are_unclear",),
    ),
    Mutant(
        "bypassing-ignores-the-transaction",
        "an entry accounts for whatever comes before it, whoever wrote that",
        (
            Edit(
                _GROUPING,
                "self._open is not None and self._open.transaction != event.transaction",
                "False",
            ),
        ),
        (f"{_OF_GROUPING}::test_a_transaction_ends_with_the_next_one",),
    ),
    Mutant(
        "bypassing-counted-again",
        "what a restart reads again is counted again",
        (Edit(_KEPT, "if number not in known]", "if number >= 0]"),),
        (f"{_OF_TAKING_UP}::test_the_position_is_not_beyond_what_was_checked",),
    ),
    Mutant(
        "bypassing-writes-without-end",
        "old code that writes a million documents fills the disk with records of that",
        (Edit(_KEPT, "            await self._trim()\n", ""),),
        (f"{_OF_WATCHING}::test_the_oldest_bypassing_writes_make_room",),
    ),
    Mutant(
        "deletion-of-the-unknown-is-nothing",
        "nobody looks for an account whose copy was deleted by its `_id` alone",
        (Edit(_INTAKE, "if has_left and before is None:", "if False:"),),
        (f"{_OF_WATCHING}::test_a_deletion_of_the_unknown_asks_for_a_full_scan",),
    ),
    Mutant(
        "former-owner-is-forgotten",
        "who lost a copy that changed hands is not looked at",
        (Edit(_INTAKE, "for each in (before, key):", "for each in (key,):"),),
        (f"{_OF_WATCHING}::test_a_copy_that_changes_hands_is_two_accounts",),
    ),
)

_POSITION_MUTANTS = (
    Mutant(
        "position-before-the-look",
        "a restart goes on behind changes that nobody has checked",
        (
            Edit(
                _WATCH,
                "marks = (self.pending.oldest_mark, self.checker.oldest_mark, taking_mark)",
                "marks = (taking_mark,)",
            ),
        ),
        (f"{_OF_TAKING_UP}::test_the_position_is_not_beyond_what_was_checked",),
    ),
    Mutant(
        "position-without-a-fence",
        "a daemon that lost the lease moves the position of the one that has it",
        (
            Edit(
                _POSITIONS,
                '{"_id": SCANNER, "token": token},',
                '{"_id": SCANNER, "token": {"$gte": 0 * token}},',
            ),
        ),
        (f"{_OF_TAKING_UP}::test_who_lost_the_lease_moves_nothing",),
    ),
    Mutant(
        "lost-history-is-passed-over",
        "what was written while the oplog rolled over is never looked for",
        (
            Edit(
                _WATCH,
                "            self._is_lost = True\n"
                "            self._observer.restarted(Restart(error.reason)",
                "            self._is_lost = True\n"
                "            self._scan_soon = lambda: None\n"
                "            self._observer.restarted(Restart(error.reason)",
            ),
        ),
        (f"{_OF_TAKING_UP}::test_a_position_that_cannot_be_used_asks_for_a_full_scan",),
    ),
    Mutant(
        "lost-history-is-tried-for-ever",
        "a position that the server refuses is taken for a cut connection",
        (Edit(_CHANGES, "if cause.code == _HISTORY_LOST:", "if False:"),),
        (f"{_OF_TAKING_UP}::test_a_lost_history_asks_for_a_full_scan",),
    ),
    Mutant(
        "dropped-collection-is-nothing",
        "a balance collection is gone, and nobody looks until the next scan",
        (
            Edit(
                _INTAKE,
                "self._want_scan(ScanWanted.COLLECTION_CHANGED, detail)",
                "self._known.forget(detail)",
            ),
        ),
        (f"{_OF_TAKING_UP}::test_a_dropped_collection_asks_for_a_full_scan",),
    ),
    Mutant(
        "followers-watch-too",
        "two daemons take each change, and the one without the lease writes",
        (
            Edit(
                _WATCH,
                "            token = self._leading.token\n            if token is None:",
                "            token = self._leading.token or 1\n            if token < 0:",
            ),
            Edit(_WATCH, "while self._leading.token == token:", "while token:"),
        ),
        (f"{_OF_TAKING_UP}::test_only_the_leader_watches",),
    ),
    Mutant(
        "lag-of-nobody-is-zero",
        "where nobody watches the lag reads as none",
        (Edit(_METRICS, "            self._progress.known = None\n", "            pass\n"),),
        (f"{_OF_METRICS}::test_where_nobody_watches_nothing_is_said_of_the_lag",),
    ),
)

WATCH_MUTANTS = (*_CHECK_MUTANTS, *_BYPASSING_MUTANTS, *_POSITION_MUTANTS)
