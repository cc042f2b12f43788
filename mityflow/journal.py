"""The journal of a run: a file of events, one JSON object a line, that survives a kill at any byte."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from mityflow.errors import StoreError

_encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


class Damage(NamedTuple):
    """A record in the middle that cannot be read; ``line`` counts from 1."""

    line: int
    reason: str


class Journal(NamedTuple):
    """What a journal file holds: its events up to a damage, and the size of its sound part in bytes."""

    events: list[dict[str, Any]]
    size: int
    damage: Damage | None


def read_journal(path: Path) -> Journal:
    """Read a journal. A last line that was cut off is left out; it never was an event.

    A record in the middle that cannot be read is reported, with the events before it.
    Raises StoreError when there is no such file, or it cannot be read.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise StoreError(f"cannot read {path}: {error.strerror}") from error
    events: list[dict[str, Any]] = []
    size = 0
    lines = data.split(b"\n")
    last = max((i for i, line in enumerate(lines) if line.strip(b"\0 \r")), default=-1)
    for i, line in enumerate(lines[: last + 1]):
        event = _event(line)
        if event is None:
            damage = None if i == last else Damage(i + 1, "this line is no event")
            return Journal(events, size, damage)
        events.append(event)
        size = min(size + len(line) + 1, len(data))
    return Journal(events, size, None)


def _event(line: bytes) -> dict[str, Any] | None:
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return event if isinstance(event, dict) and isinstance(event.get("event"), str) else None


class JournalWriter:
    """Appends events; each call is one write, and with ``sync`` it is on the disk before it returns.

    Raises StoreError when an event cannot be recorded; the file then ends where it did before.
    """

    def __init__(self, path: Path, *, size: int | None = None) -> None:
        """Open a journal, cut to its sound ``size`` in bytes if given."""
        self._path = path
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
        try:
            self._fd = os.open(path, flags, 0o644)
            if size is not None:
                os.ftruncate(self._fd, size)
                self._end_line(size)
            self._size = os.fstat(self._fd).st_size
        except OSError as error:
            raise StoreError(f"cannot write {path}: {error.strerror}") from error

    def append(self, event: Mapping[str, Any], *, sync: bool) -> None:
        """Add an event."""
        line = _encode(event).encode() + b"\n"
        try:
            write_all(self._fd, line)
            if sync:
                os.fdatasync(self._fd)
        except OSError as error:
            self._undo()
            raise StoreError(f"cannot write {self._path}: {error.strerror}") from error
        self._size += len(line)

    def close(self) -> None:
        """Close the file."""
        os.close(self._fd)

    def _end_line(self, size: int) -> None:
        """A last event whose line end was cut off gets it back."""
        if not size:
            return
        with open(self._path, "rb") as file:
            file.seek(size - 1)
            if file.read(1) != b"\n":
                write_all(self._fd, b"\n")

    def _undo(self) -> None:
        try:
            os.ftruncate(self._fd, self._size)
        except OSError:
            return  # a torn last line is left out when the journal is read


def write_all(fd: int, data: bytes) -> None:
    """Write all of ``data``; raises OSError like :func:`os.write`."""
    written = os.write(fd, data)
    while written < len(data):
        written += os.write(fd, data[written:])
