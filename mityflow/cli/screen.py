"""Writing to the terminal: colours where they are wanted, and no error when nobody reads."""

from __future__ import annotations

import os
import sys
from typing import TextIO

_COLOURS = {
    "succeeded": "32",
    "cached": "32",
    "completed": "32",
    "failed": "31",
    "skipped": "33",
    "waiting": "35",
    "cancelled": "33",
    "running": "36",
    "dim": "2",
    "bold": "1",
}


def colours(stream: TextIO) -> bool:
    """True when colours are wanted on this stream: a terminal, and NO_COLOR not set."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def paint(text: str, style: str, *, on: bool) -> str:
    """The text in the colour of a status, if ``on``."""
    return f"\x1b[{_COLOURS[style]}m{text}\x1b[0m" if on and style in _COLOURS else text


class Screen:
    """Writes lines to a stream; once it is closed or full, writes nothing more and says nothing."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self.stream = stream or sys.stdout
        self.colours = colours(self.stream)
        self._gone = False

    def line(self, text: str = "") -> None:
        """Write a line at once."""
        if self._gone:
            return
        try:
            self.stream.write(self._encodable(text) + "\n")
            self.stream.flush()
        except (OSError, ValueError):
            self._gone = True
            os.dup2(os.open(os.devnull, os.O_WRONLY), self.stream.fileno())

    def paint(self, text: str, style: str) -> str:
        """The text in the colour of a status, where this screen has colours."""
        return paint(text, style, on=self.colours)

    def _encodable(self, text: str) -> str:
        encoding = getattr(self.stream, "encoding", None) or "utf-8"
        return text.encode(encoding, "replace").decode(encoding)


def printable(text: str) -> str:
    """The text without characters that would steer a terminal."""
    return "".join(c if c.isprintable() else " " for c in text)


def first_line(text: str) -> str:
    """The first line of a message, for a place that has room for one; it tells that there are more."""
    first, *more = text.split("\n", 1)
    return printable(first) + (" ..." if more and more[0].strip() else "")


def more_lines(text: str) -> list[str]:
    """The lines of a message after its first."""
    return all_lines(text)[1:]


def all_lines(text: str) -> list[str]:
    """The lines of a text."""
    return [printable(line).rstrip() for line in text.split("\n")]


def seconds(duration: float) -> str:
    """A duration for people: ``0.4s``, ``12.3s``, ``3m05s``, ``1h02m``."""
    if duration < 60:
        return f"{duration:.1f}s"
    if duration < 3600:
        return f"{int(duration // 60)}m{int(duration % 60):02}s"
    return f"{int(duration // 3600)}h{int(duration % 3600 // 60):02}m"


def table(rows: list[list[str]], *, indent: str = "") -> list[str]:
    """Rows as lines with aligned columns; the last column is left as it is."""
    if not rows:
        return []
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]) - 1)]
    return [
        indent + "  ".join([*(c.ljust(w) for c, w in zip(row, widths, strict=False)), row[-1]]).rstrip() for row in rows
    ]
