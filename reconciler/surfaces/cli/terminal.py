"""Standard output and standard error, as the commands write to them.

The result goes to standard output, everything else to standard error. What reads our output may go
away early (`| head`); that is its right, and no error.
"""

import io
import os
import shutil
from collections.abc import Mapping
from typing import Any, TextIO

from rich.console import Console, RenderableType

from reconciler.surfaces.cli.failures import OutputLost
from reconciler.surfaces.json_text import encode

PIPE_COLUMNS = 160


class Terminal:
    """The two streams of a process, and whether people look at them."""

    def __init__(
        self, out: TextIO | None, err: TextIO | None, *, environment: Mapping[str, str]
    ) -> None:
        """Take the streams; None for one that the process was started without."""
        self.out = out
        self.err = err
        self._environment = environment
        for stream in (out, err):
            if isinstance(stream, io.TextIOWrapper):
                # An ASCII terminal gets \u2026 instead of an exception.
                stream.reconfigure(errors="backslashreplace")

    @property
    def is_watched(self) -> bool:
        """Whether standard error is a terminal: then progress is shown there."""
        return self.err is not None and self.err.isatty()

    @property
    def has_colour(self) -> bool:
        """Whether colours are wanted: https://no-color.org."""
        return not self._environment.get("NO_COLOR")

    def show(self, *parts: RenderableType) -> None:
        """Write parts of a result for people, each on lines of its own."""
        console = Console(
            file=io.StringIO(),
            force_terminal=self._is_terminal,
            no_color=not self.has_colour,
            width=self.columns,
            highlight=False,
            markup=False,
            emoji=False,
            soft_wrap=False,
        )
        with console.capture() as capture:
            for part in parts:
                console.print(part, soft_wrap=not hasattr(part, "columns"))
        self._write(self.out, capture.get())

    def show_json(self, answer: Mapping[str, Any]) -> None:
        """Write the one JSON document of this process."""
        self._write(self.out, encode(answer) + "\n")

    def write(self, line: str) -> None:
        """Write one line of a result as it is: for results of many lines."""
        self._write(self.out, line + "\n")

    def say(self, text: str) -> None:
        """Write a line to standard error."""
        self._write(self.err, text + "\n")

    @property
    def columns(self) -> int:
        """How wide a line of the result can be."""
        given = self._environment.get("COLUMNS", "")
        if given.isascii() and given.isdigit() and 20 <= int(given) <= 1000:
            return int(given)
        return shutil.get_terminal_size().columns if self._is_terminal else PIPE_COLUMNS

    @property
    def _is_terminal(self) -> bool:
        return self.out is not None and self.out.isatty()

    def _write(self, stream: TextIO | None, text: str) -> None:
        if stream is None:
            return
        try:
            stream.write(text)
            stream.flush()
        except OSError as error:
            # What is still buffered must not fail again when the process ends.
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)
            if stream is self.out and not isinstance(error, BrokenPipeError):
                raise OutputLost(f"the result could not be written: {error.strerror}") from error
