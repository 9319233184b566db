"""The interfaces that applications rely on: changing one is a breaking change."""

import inspect
from collections.abc import Callable
from typing import Any

import pytest

import reconciler.errors
import reconciler.sync
from reconciler.errors import OutcomeUnknown, PostingRefused, ReconcilerError
from reconciler.sync import BalanceSync

ERRORS = [getattr(reconciler.errors, name) for name in reconciler.errors.__all__]


@pytest.mark.parametrize(
    "function, parameters",
    [
        (reconciler.sync.sync_credit_balance, ["user_id", "currency", "amount", "reason"]),
        (reconciler.sync.sync_debit_balance, ["user_id", "currency", "amount", "reason"]),
        (reconciler.sync.sync_lock_balance, ["user_id", "currency", "amount", "reason"]),
        (
            reconciler.sync.sync_balance_update,
            ["user_id", "currency", "available_delta", "locked_delta", "reason"],
        ),
    ],
)
def test_the_module_level_functions(function: Callable[..., Any], parameters: list[str]) -> None:
    """They are coroutine functions of exactly these parameters, and `op_id` by keyword."""
    found = list(inspect.signature(function).parameters.values())

    assert inspect.iscoroutinefunction(function)
    assert [each.name for each in found[:-1]] == parameters
    assert all(each.kind is each.POSITIONAL_OR_KEYWORD for each in found[:-1])
    assert all(each.default is each.empty for each in found[:-1])
    assert (found[-1].name, found[-1].kind, found[-1].default) == (
        "op_id",
        inspect.Parameter.KEYWORD_ONLY,
        None,
    )


@pytest.mark.parametrize(
    "name",
    [
        "credit",
        "debit",
        "lock",
        "unlock",
        "release",
        "update",
        "post",
        "balance",
        "outcome",
        "open",
        "close",
        "replace",
    ],
)
def test_the_methods_are_asynchronous(name: str) -> None:
    """Every method that reaches the database is awaited."""
    assert inspect.iscoroutinefunction(getattr(BalanceSync, name))


@pytest.mark.parametrize(
    "name", ["credit", "debit", "lock", "unlock", "release", "update", "post", "replace"]
)
def test_every_change_can_be_named_and_joined(name: str) -> None:
    """Each takes an `op_id`, for being applied once, and `within`, for writes of the caller's."""
    parameters = inspect.signature(getattr(BalanceSync, name)).parameters

    assert parameters["op_id"].kind is inspect.Parameter.KEYWORD_ONLY
    assert parameters["within"].kind is inspect.Parameter.KEYWORD_ONLY


def test_all_that_is_exported_is_there() -> None:
    """`reconciler.sync` exports the library, its values and its functions."""
    exported = set(reconciler.sync.__all__)

    assert {"BalanceSync", "Leg", "Outcome", "PostingResult", "SyncObserver", "bind"} <= exported
    assert all(hasattr(reconciler.sync, name) for name in exported)


@pytest.mark.parametrize("error", ERRORS)
def test_every_error_is_one_of_ours_and_says_what_it_means(error: type[Exception]) -> None:
    """Catching `ReconcilerError` catches them all; each has a docstring of its own."""
    assert issubclass(error, ReconcilerError)
    assert error.__dict__.get("__doc__")


def test_not_knowing_is_no_refusal() -> None:
    """Who catches refusals must not take an unknown outcome for one."""
    assert not issubclass(OutcomeUnknown, PostingRefused)
