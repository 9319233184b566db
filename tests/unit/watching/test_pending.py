"""When a changed account is due, and that their number is bounded."""

from reconciler.scanning.ports import SeenKey
from reconciler.watching.pending import PendingAccounts


def key(name: str) -> SeenKey:
    return SeenKey((name,), name, is_account=True, address=name)


def pending(*, accounts_max: int = 100) -> PendingAccounts:
    return PendingAccounts(settle_seconds=0.5, max_wait_seconds=1.0, accounts_max=accounts_max)


def touched(accounts: PendingAccounts, name: str, at: float, *, mark: int = 1) -> None:
    accounts.touch(key(name), mark=mark, now=at, behind_seconds=0.0)


def due(accounts: PendingAccounts, now: float, *, limit: int = 10) -> list[str]:
    return [str(each.key.user) for each in accounts.due(now, limit=limit)]


def test_an_account_is_due_once_it_was_quiet() -> None:
    """Not before, so that one that is written copy by copy is not looked at half-way."""
    accounts = pending()
    touched(accounts, "alice", 10.0)

    assert due(accounts, 10.49) == []
    assert due(accounts, 10.5) == ["alice"]


def test_each_change_begins_the_quiet_anew() -> None:
    """What counts is the last change."""
    accounts = pending()
    touched(accounts, "alice", 10.0)
    touched(accounts, "alice", 10.4)

    assert due(accounts, 10.6) == []
    assert due(accounts, 10.9) == ["alice"]


def test_a_busy_account_is_due_at_last() -> None:
    """An account that is never quiet is looked at a second after its first change."""
    accounts = pending()
    for tenth in range(10):
        touched(accounts, "alice", 10.0 + tenth / 10)

    assert due(accounts, 10.95) == []
    assert due(accounts, 11.0) == ["alice"]


def test_what_was_checked_begins_anew() -> None:
    """The wait is counted from the first change that was not checked."""
    accounts = pending()
    touched(accounts, "alice", 10.0)
    accounts.done(accounts.due(11.0, limit=10))
    touched(accounts, "alice", 11.1, mark=7)

    assert due(accounts, 11.2) == []
    assert accounts.oldest_mark == 7


def test_the_oldest_mark_is_that_of_the_first_change() -> None:
    """What is stored as done must not be beyond it, however often it changes."""
    accounts = pending()
    touched(accounts, "alice", 10.0, mark=3)
    touched(accounts, "bob", 10.1, mark=4)
    touched(accounts, "alice", 10.2, mark=5)

    assert accounts.oldest_mark == 3
    accounts.done(accounts.due(10.65, limit=1))
    assert accounts.oldest_mark == 3
    accounts.done(accounts.due(11.0, limit=1))
    assert accounts.oldest_mark is None


def test_when_it_is_full_nothing_waits() -> None:
    """Room is made at once, the oldest first."""
    accounts = pending(accounts_max=2)
    touched(accounts, "alice", 10.0)
    alone = due(accounts, 10.0)
    touched(accounts, "bob", 10.0)

    assert (alone, accounts.is_full) == ([], True)
    assert due(accounts, 10.0, limit=1) == ["alice"]
