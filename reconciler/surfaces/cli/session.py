"""Runs one command: settings, logs, its work, and one clear ending whatever happens."""

import sys
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from reconciler.control.required_plan import Trial
from reconciler.errors import DatabaseUnavailable
from reconciler.model.gate import FreezeFacts
from reconciler.settings import LogLevel, LogShape, Settings, load_settings, shown_uri
from reconciler.surfaces.account_answers import error_answer
from reconciler.surfaces.answers import Answer, incomplete_answer
from reconciler.surfaces.cli.failures import Failure, failure_of
from reconciler.surfaces.cli.hints import Invocation, program_name
from reconciler.surfaces.cli.interruption import run_interruptibly
from reconciler.surfaces.cli.terminal import Terminal
from reconciler.surfaces.escape import escaped
from reconciler.surfaces.logs import Logs, open_logs
from reconciler.surfaces.ports import Backend, RunningDaemon, Stage

# Option name to dotted setting and value, as `load_settings` takes them.
Overrides = Mapping[str, tuple[str, Any]]


@dataclass(frozen=True, slots=True)
class Wiring:
    """What `bootstrap` gives to the command line: how to open things, and the clock."""

    open_backend: Callable[[Settings, Logs], AbstractAsyncContextManager[Backend]]
    open_daemon: Callable[[Settings, Logs], AbstractAsyncContextManager[RunningDaemon]]
    open_stage: Callable[[Settings, Logs], AbstractAsyncContextManager[Stage]]
    open_trial: Callable[[Settings, Logs, str | None], AbstractAsyncContextManager[Trial]]
    checksum: Callable[[str], str]
    freeze_facts: Callable[[Settings], FreezeFacts]
    clock: Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class GlobalOptions:
    """The options that stand before the command."""

    config: Path | None = None
    mongo_uri: str | None = None
    database: str | None = None
    log_level: str | None = None

    def overrides(self) -> dict[str, tuple[str, Any]]:
        """Give them as settings."""
        return {
            "--mongo-uri": ("mongo.uri", self.mongo_uri),
            "--database": ("mongo.database", self.database),
            "--log-level": ("log.level", self.log_level),
        }

    def repeated(self) -> tuple[str, ...]:
        """Give those that the next command needs too; a connection string with a secret is not."""
        words: list[str] = []
        if self.config is not None:
            words += ["--config", str(self.config)]
        if self.mongo_uri is not None:
            is_secret = "@" in self.mongo_uri or shown_uri(self.mongo_uri).endswith(")")
            words += ["--mongo-uri", "YOUR_URI" if is_secret else self.mongo_uri]
        if self.database is not None:
            words += ["--database", self.database]
        return tuple(words)


@dataclass(frozen=True, slots=True)
class Running:
    """What a command works with."""

    settings: Settings
    logs: Logs
    terminal: Terminal
    invocation: Invocation
    wiring: Wiring
    as_json: bool

    def backend(self) -> AbstractAsyncContextManager[Backend]:
        """Open the running system."""
        return self.wiring.open_backend(self.settings, self.logs)

    def checksum(self) -> str:
        """Give the checksum of the frozen code."""
        return self.wiring.checksum(self.settings.freeze.checksum_prefix)


@dataclass
class Session:
    """One process of the command line; the commands find it in Typer's context."""

    wiring: Wiring
    terminal: Terminal
    environment: Mapping[str, str]
    options: GlobalOptions = field(default_factory=GlobalOptions)

    def run(
        self,
        command: Callable[[Running], Awaitable[int]],
        *,
        as_json: bool = False,
        is_check: bool = False,
        overrides: Overrides | None = None,
    ) -> int:
        """Run a command to its end and give its exit code; nothing is raised but by a bug here."""
        settings: Settings | None = None
        logs = None
        try:
            settings = self._settings(overrides or {})
            logs = open_logs(
                level=_level(settings, self.terminal), as_text=_as_text(settings, self.terminal)
            )
            running = Running(
                settings,
                logs,
                self.terminal,
                Invocation(program_name(), self.options.repeated()),
                self.wiring,
                as_json,
            )
            return run_interruptibly(lambda: _awaited(command(running)))
        except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - the last one to see it
            failure = failure_of(error)
            if failure.is_unexpected:
                logs = logs or open_logs(level="info", as_text=self.terminal.is_watched)
                logs.error("unexpected_error", error=error)
            elif logs and isinstance(error, DatabaseUnavailable):
                logs.error("mongo_unavailable", reason=failure.message)
            self.end_with(failure, as_json=as_json, settings=settings if is_check else None)
            return failure.exit

    def end_with(
        self, failure: Failure, *, as_json: bool, settings: Settings | None = None
    ) -> None:
        """Tell of a failure: as the one JSON document, or in words."""
        if as_json:
            self.terminal.show_json(self._failure_answer(failure, settings))
            return
        word = "INCOMPLETE" if failure.kind == "incomplete" else "reconciler"
        # Line by line: a message may quote an id, but its own line breaks are ours.
        first, *rest = [_shown_line(line) for line in failure.message.splitlines() or [""]]
        self.terminal.say("\n".join([f"{word}: {first}", *rest]))

    def _failure_answer(self, failure: Failure, settings: Settings | None) -> Answer:
        if failure.kind == "incomplete" or (failure.kind == "interrupted" and settings):
            if settings is None:
                return {
                    "status": "incomplete",
                    "reason": failure.message,
                    "incomplete": [failure.message],
                }
            return incomplete_answer(
                [failure.message],
                now=self.wiring.clock(),
                checksum=self.wiring.checksum(settings.freeze.checksum_prefix),
            )
        answer = error_answer(failure.kind, failure.message, exit_code=failure.exit)
        if failure.guard is not None:
            answer["error"]["guard"] = failure.guard
        return answer

    def reloaded(self) -> tuple[Settings, str]:
        """Give the settings as they are now, and the level of logs that they ask for.

        Raises:
            InvalidSettings: they cannot be used.
        """
        settings = self._settings({})
        return settings, _level(settings, self.terminal)

    def _settings(self, overrides: Overrides) -> Settings:
        return load_settings(
            environment=self.environment,
            config_file=self.options.config,
            options={**self.options.overrides(), **overrides},
        )


async def _awaited(work: Awaitable[int]) -> int:
    return await work


def _shown_line(line: str) -> str:
    text = line.lstrip(" ")
    return line[: len(line) - len(text)] + (escaped(text) if text else "")


def _level(settings: Settings, terminal: Terminal) -> str:
    if settings.log.level is not LogLevel.AUTO:
        return settings.log.level.value
    return "warning" if terminal.is_watched else "info"


def _as_text(settings: Settings, terminal: Terminal) -> bool:
    if settings.log.shape is not LogShape.AUTO:
        return settings.log.shape is LogShape.TEXT
    return terminal.is_watched


def standard_terminal(environment: Mapping[str, str]) -> Terminal:
    """Give the process's own streams."""
    return Terminal(sys.stdout, sys.stderr, environment=environment, keyboard=sys.stdin)
