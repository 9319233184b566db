"""Log lines: one JSON object a line on standard error, or one line of text on a terminal.

The only file that knows structlog. No line holds local variables, and no text in one can break it
into two.
"""

import logging
import sys
from collections.abc import Callable, MutableMapping
from decimal import Decimal
from typing import Any, TextIO

import structlog
from structlog.tracebacks import ExceptionDictTransformer

from reconciler import __version__
from reconciler.model.amounts import plain
from reconciler.surfaces.escape import escaped
from reconciler.surfaces.json_text import encode_line

SERVICE = "reconciler"
_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}

_Event = MutableMapping[str, Any]
_Processor = Callable[[Any, str, _Event], Any]


class Logs:
    """Writes events; `with_fields` gives one that adds fields to each line."""

    def __init__(self, logger: Any) -> None:
        """Take structlog's bound logger; `open_logs` makes one."""
        self._logger = logger

    def with_fields(self, **fields: object) -> "Logs":
        """Give logs that write these fields into every line."""
        return Logs(self._logger.bind(**fields))

    def debug(self, event: str, **fields: object) -> None:
        """Write a line for whoever looks for a fault in this program."""
        self._logger.debug(event, **fields)

    def info(self, event: str, **fields: object) -> None:
        """Write a line of ordinary work."""
        self._logger.info(event, **fields)

    def warning(self, event: str, **fields: object) -> None:
        """Write a line about what somebody should look at."""
        self._logger.warning(event, **fields)

    def error(self, event: str, *, error: BaseException | None = None, **fields: object) -> None:
        """Write a line about what failed, with the traceback of `error`."""
        self._logger.error(event, exc_info=error, **fields)


def open_logs(*, level: str, as_text: bool, stream: TextIO | None = None) -> Logs:
    """Send our events, and those of the standard library's logging, to `stream` (standard error).

    The root logger's handlers are replaced: call it once, at the start of a process.
    """
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _add_service,
    ]
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *_rendering(as_text=as_text),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    set_level(level)
    # At debug the driver logs whole commands, balances among them.
    logging.getLogger("pymongo").setLevel(logging.WARNING)
    # It tells of each run of a job; what matters of them has events of its own.
    logging.getLogger("apscheduler").setLevel(logging.CRITICAL)
    logging.captureWarnings(True)
    logger = structlog.wrap_logger(
        logging.getLogger(SERVICE),
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        context_class=dict,
        cache_logger_on_first_use=False,
    )
    return Logs(logger.bind())


def set_level(level: str) -> None:
    """Log from another level on: `debug`, `info`, `warning` or `error`."""
    logging.getLogger().setLevel(_LEVELS[level])


def _add_service(_logger: Any, _method: str, event: _Event) -> _Event:
    return {"service": SERVICE, "version": __version__, **event}


def _rendering(*, as_text: bool) -> list[_Processor]:
    if as_text:
        return [structlog.processors.format_exc_info, _as_text]
    return [
        structlog.processors.ExceptionRenderer(
            ExceptionDictTransformer(show_locals=False, max_frames=30)
        ),
        _as_json,
    ]


def _as_json(_logger: Any, _method: str, event: _Event) -> str:
    order = ("timestamp", "level", "event", "service", "version", "scan_id")
    ordered = {key: event[key] for key in order if key in event}
    return encode_line({**ordered, **event})


def _as_text(_logger: Any, _method: str, event: _Event) -> str:
    left = dict(event)
    time, level, name = (str(left.pop(key, "")) for key in ("timestamp", "level", "event"))
    traceback = str(left.pop("exception", ""))
    for common in ("service", "version"):
        left.pop(common, None)
    fields = " ".join(f"{key}={escaped(_as_str(value))}" for key, value in left.items())
    lines = [f"{time[11:19]} {level:<7} {escaped(name)} {fields}".rstrip()]
    # A traceback is our own text, but what an exception says may be anybody's.
    lines += [f"  {escaped(line.strip())}" for line in traceback.splitlines()]
    return "\n".join(lines)


def _as_str(value: object) -> str:
    return plain(value) if isinstance(value, Decimal) and value.is_finite() else str(value)
