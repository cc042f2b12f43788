"""The errors mityflow raises, and the faults it finds in files.

::

    MityError                  exit 2   anything a user can put right
    ├── UsageError             exit 2   a command line, a setting or an argument is wrong
    ├── FaultsError            exit 2   a file is wrong; carries every fault found in it
    ├── ResumeError            exit 2   this run cannot be resumed like this
    ├── LockedError            exit 4   another run is at work in the workspace
    └── StoreError             exit 1   the run cannot be recorded (disk full, not writable, damaged)

The library raises; only the command line prints or exits.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple


class MityError(Exception):
    """Something is wrong that a user can put right; ``exit_code`` is the process's answer."""

    exit_code = 2

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n  hint: {self.hint}" if self.hint else self.message


class UsageError(MityError):
    """A command line, a setting or an argument of a call is wrong."""


class ResumeError(MityError):
    """A run cannot be resumed, or not in the way that was asked for."""


class LockedError(MityError):
    """Another run is at work in this workspace."""

    exit_code = 4


class StoreError(MityError):
    """A run cannot be recorded or read: the disk is full, not writable, or a record is damaged."""

    exit_code = 1


class Fault(NamedTuple):
    """One thing wrong in a file.

    ``line`` and ``column`` count from 1; 0 means that the fault has no place in the text.
    ``rule`` is a stable id such as ``unknown-key``. ``suggestion`` is the nearest known word.
    ``source`` is the text of the line, for display.
    """

    rule: str
    message: str
    path: str = ""
    line: int = 0
    column: int = 0
    suggestion: str | None = None
    source: str | None = None

    @property
    def place(self) -> str:
        """``FILE:LINE:COL``, as far as it is known."""
        return f"{self.path}:{self.line}:{self.column}" if self.line else self.path

    def __str__(self) -> str:
        meant = f"; did you mean '{self.suggestion}'?" if self.suggestion else ""
        place = f"{self.place}: " if self.place else ""
        head = f"{place}{self.message}{meant} [{self.rule}]"
        if not self.source or not self.line:
            return head
        return "\n".join([head, *_marked(self.source, self.line, self.column)])


class Problem(NamedTuple):
    """A fault before its place in a text is known.

    ``where`` is the path of keys and indices that leads to it; ``key`` points at the last key
    instead of its value; ``offset`` is the index of a character in the value's text.
    """

    rule: str
    message: str
    where: tuple[str | int, ...] = ()
    suggestion: str | None = None
    offset: int | None = None
    key: bool = False

    def fault(self, path: str = "") -> Fault:
        """The fault of a value that never stood in a file; its place becomes part of the message."""
        place = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in self.where).lstrip(".")
        return Fault(self.rule, f"{place}: {self.message}" if place else self.message, path, suggestion=self.suggestion)


class FaultsError(MityError):
    """A file has faults; ``faults`` holds all of them, in the order of their places."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults: Sequence[Fault] = sorted(faults, key=lambda f: (f.path, f.line, f.column))
        super().__init__("\n".join(str(fault) for fault in self.faults))


_WINDOW = 100


def _marked(source: str, line: int, column: int) -> list[str]:
    """The source line with a mark below the column; a long line is cut around the column."""
    text = "".join(c if c.isprintable() else " " for c in source)
    at = max(column - 1, 0)
    start = max(0, at - _WINDOW // 2) if len(text) > _WINDOW else 0
    shown = text[start : start + _WINDOW].rstrip()
    gutter = f"{line:>5} | "
    return [gutter + shown, " " * (len(gutter) - 2) + "| " + " " * (at - start) + "^"]


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word a typo most likely meant, or None when nothing is near."""
    import difflib

    words = [w for w in known if abs(len(w) - len(word)) <= 8]
    if len(word) > 100:
        return None
    matches = difflib.get_close_matches(word, words, n=1, cutoff=0.6)
    if not matches:
        lowered = {w.lower(): w for w in words}
        matches = [lowered[m] for m in difflib.get_close_matches(word.lower(), lowered, n=1, cutoff=0.6)]
    return matches[0] if matches else None
