"""Runs something of our choice at one exact await of a posting."""

import asyncio
from collections.abc import Callable, Coroutine, Generator
from typing import Any


class Steps:
    """A task factory that counts the suspensions of a posting's own tasks.

    `at` is called at suspension number `stop_at` (from 1), while the posting waits for its answer.
    `owners` are the classes whose coroutines count as its tasks. Other tasks (the driver's
    monitors) run untouched.
    """

    def __init__(
        self,
        *,
        stop_at: int | None = None,
        at: Callable[[], None] | None = None,
        owners: tuple[str, ...] = ("Carrier",),
    ) -> None:
        self.count = 0
        self._starts = tuple(f"{owner}." for owner in owners)
        self._stop_at = stop_at
        self._at = at

    def __call__(
        self, loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any
    ) -> asyncio.Task[Any]:
        if getattr(coroutine, "__qualname__", "").startswith(self._starts):
            coroutine = _Stepped(coroutine, self._suspended)
        return asyncio.Task(coroutine, loop=loop, **options)

    def _suspended(self) -> None:
        self.count += 1
        if self.count == self._stop_at and self._at is not None:
            self._at()


class _Stepped(Coroutine[Any, Any, Any]):
    def __init__(self, inner: Coroutine[Any, Any, Any], suspended: Callable[[], None]) -> None:
        self._inner = inner
        self._suspended = suspended

    def send(self, value: Any) -> Any:
        yielded = self._inner.send(value)
        self._suspended()
        return yielded

    def throw(self, *error: Any) -> Any:
        yielded = self._inner.throw(*error)
        self._suspended()
        return yielded

    def close(self) -> None:
        self._inner.close()

    def __await__(self) -> Generator[Any, Any, Any]:
        return self._inner.__await__()
