"""The suggested commands can be pasted as they are."""

import shlex

from reconciler.model.identity import Account
from reconciler.surfaces.cli.hints import Invocation
from reconciler.surfaces.cli.session import GlobalOptions


def test_a_command_repeats_the_options_and_quotes_the_id() -> None:
    """A shell reads back the very words."""
    invocation = Invocation("reconciler", ("--database", "a b"))

    command = invocation.explain(Account.of("it's $(me)", "BTC"))

    assert shlex.split(command) == [
        "reconciler",
        "--database",
        "a b",
        "explain",
        "it's $(me)",
        "BTC",
    ]


def test_an_id_that_looks_like_an_option_is_none() -> None:
    """Two dashes come before it; in an option it is joined by an equals sign."""
    account = Account.of("--help", "BTC")

    assert Invocation().explain(account) == "reconciler explain -- --help BTC"
    assert Invocation().check(account) == "reconciler check --user=--help --currency=BTC"


def test_a_connection_string_with_a_password_is_not_repeated() -> None:
    """The reader puts it in; one without secrets is repeated."""
    secret = GlobalOptions(mongo_uri="mongodb://u:hunter2@h").repeated()
    plain = GlobalOptions(mongo_uri="mongodb://h:1").repeated()

    assert secret == ("--mongo-uri", "YOUR_URI")
    assert plain == ("--mongo-uri", "mongodb://h:1")
