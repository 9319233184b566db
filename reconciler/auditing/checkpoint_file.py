"""The file of signed checkpoints: one JSON line each, appended, synced, never changed."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from reconciler.errors import CheckpointFailed
from reconciler.model.audit import Checkpoint, canonical

# A line is some 400 bytes; the last whole one is within so many from the end.
TAIL_BYTES = 65_536
LINE_BYTES_MAX = 4_096


class CheckpointMoved(Exception):
    """Somebody else signed since the last checkpoint was read; never leaves this package."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the file; `checkpoint` is None where it is none: a write that was cut off."""

    number: int
    checkpoint: Checkpoint | None


class CheckpointFile:
    """Appends to the file and reads its end; safe between processes of one machine."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def last(self) -> Checkpoint | None:
        """Give the checkpoint that was written last.

        Raises:
            CheckpointFailed: the file cannot be read.
        """
        if not self._path.exists():
            return None
        with self._opened(os.O_RDONLY, fcntl.LOCK_SH) as descriptor:
            return _last(descriptor)[0]

    def append(self, checkpoint: Checkpoint, *, after: Checkpoint | None) -> None:
        """Write one more and have it on the disk, if `after` still is the last.

        Raises:
            CheckpointMoved: it is not.
            CheckpointFailed: the file cannot be written.
        """
        with self._opened(os.O_RDWR | os.O_APPEND | os.O_CREAT, fcntl.LOCK_EX) as descriptor:
            last, is_whole = _last(descriptor)
            if last != after:
                raise CheckpointMoved
            line = ("" if is_whole else "\n") + line_of(checkpoint)
            content = line.encode("ascii")
            if os.write(descriptor, content) != len(content):
                raise CheckpointFailed(f"{self._path} is full: the checkpoint was cut off")
            os.fsync(descriptor)
        if after is None:
            self._sync_directory()

    @contextmanager
    def _opened(self, flags: int, lock: int) -> Iterator[int]:
        try:
            descriptor = os.open(self._path, flags | os.O_CLOEXEC, 0o644)
            try:
                fcntl.flock(descriptor, lock)
                yield descriptor
            finally:
                os.close(descriptor)
        except OSError as error:
            raise CheckpointFailed(
                f"audit.checkpoint_path {self._path} cannot be used: {error.strerror}"
            ) from error

    def _sync_directory(self) -> None:
        descriptor = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def read_lines(path: Path) -> Iterator[Line]:
    """Read the lines that are there now, one after the other; later ones are left out.

    Raises:
        CheckpointFailed: the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            left = os.fstat(file.fileno()).st_size
            number = 0
            while left > 0:
                content = file.readline(LINE_BYTES_MAX)
                if not content:
                    return
                left -= len(content)
                number += 1
                yield Line(number, _checkpoint(content))
    except OSError as error:
        raise CheckpointFailed(f"{path} cannot be read: {error.strerror}") from error


def line_of(checkpoint: Checkpoint) -> str:
    """Write a checkpoint as its line."""
    return (
        canonical(
            {
                "log_id": checkpoint.log_id,
                "size": checkpoint.size,
                "hash": checkpoint.hash,
                "signed_at": checkpoint.signed_at,
                "why": checkpoint.why,
                "signature": checkpoint.signature,
            }
        )
        + "\n"
    )


def _last(descriptor: int) -> tuple[Checkpoint | None, bool]:
    """Give the last checkpoint, and whether the file ends with a whole line."""
    size = os.fstat(descriptor).st_size
    tail = os.pread(descriptor, TAIL_BYTES, max(size - TAIL_BYTES, 0))
    for content in reversed(tail.splitlines()):
        checkpoint = _checkpoint(content)
        if checkpoint is not None:
            return checkpoint, tail.endswith(b"\n")
    if tail.strip():
        raise CheckpointFailed("the file of checkpoints ends in no checkpoint: it was changed")
    return None, tail.endswith(b"\n") or not tail


def _checkpoint(content: bytes) -> Checkpoint | None:
    try:
        fields = json.loads(content)
        moment = datetime.fromisoformat(fields["signed_at"].replace("Z", "+00:00"))
        checkpoint = Checkpoint(
            log_id=fields["log_id"],
            size=fields["size"],
            hash=fields["hash"],
            signed_at=moment.astimezone(UTC),
            why=fields["why"],
            signature=fields["signature"],
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    return checkpoint if type(checkpoint.size) is int else None
