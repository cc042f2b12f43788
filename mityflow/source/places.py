"""Places in a text, and the faults found there."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterable
from io import StringIO
from itertools import accumulate
from typing import NamedTuple

from mityflow.errors import Fault, nearest

MAX_BYTES = 5 * 1024 * 1024
MAX_NODES = 100_000  # values, with every alias expanded; keys are not counted
MAX_DEPTH = 100  # mappings and sequences inside one another, with every alias expanded
MAX_LISTED = 50  # faults of one rule
MAX_SHOWN = 10_000  # characters of a line for display
MAX_DIGITS = 500  # characters of a number; fewer than Python can be told to refuse


QUOTE_EXPRESSION = "a value that begins with '{{' must be in quotes, or YAML takes it for a mapping"


class Place(NamedTuple):
    """A line and a column, in characters; both count from 1."""

    line: int
    column: int


class Lines:
    """A text and its lines, which end with ``\\n``, ``\\r\\n`` or ``\\r``."""

    __slots__ = ("_known", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self._known: array[int] | None = None

    def place(self, index: int) -> Place:
        """Where the character of this index stands."""
        starts = self._starts()
        line = bisect_right(starts, index)
        return Place(line, index - starts[line - 1] + 1)

    def start(self, line: int) -> int:
        """The index at which a line begins; the end of the text for one that does not exist."""
        starts = self._starts()
        return starts[line - 1] if 1 <= line <= len(starts) else len(self.text)

    def line(self, line: int) -> str:
        """A line without its end, or nothing for one that does not exist."""
        return self.text[self.start(line) : self.start(line + 1)].rstrip("\r\n")

    def _starts(self) -> array[int]:
        if self._known is None:
            lengths = map(len, StringIO(self.text, newline=""))
            self._known = array("I", accumulate(lengths, initial=0))
            if self.text and self.text[-1] not in "\r\n":
                self._known.pop()
        return self._known


class Finding(NamedTuple):
    """A fault at the character of an index."""

    rule: str
    message: str
    start: int


class Faults:
    """Collects faults; of each rule ``MAX_LISTED`` are kept and the others counted."""

    def __init__(self, path: str, lines: Lines) -> None:
        self._path = path
        self._lines = lines
        self._kept: list[Fault] = []
        self._counts: dict[str, int] = {}
        self._first_left_out: dict[str, int] = {}
        self._seen: set[tuple[str, int]] = set()

    def __bool__(self) -> bool:
        return bool(self._kept)

    def add(self, rule: str, message: str, index: int, word: str = "", known: Iterable[str] = ()) -> None:
        """Keep or count a fault at the character of this index; the same one again is left out.

        ``word`` is what may be a typo of one of the ``known`` words.
        """
        count = self._counts.get(rule, 0)
        if count < MAX_LISTED:
            if (rule, index) in self._seen:
                return
            self._seen.add((rule, index))
            self._kept.append(self._fault(rule, message, index, nearest(word, known) if word else None))
        elif count == MAX_LISTED:
            self._first_left_out[rule] = index
        self._counts[rule] = count + 1

    def count_more(self, rule: str, number: int, index: int) -> None:
        """Count faults that are not listed, the first of them at this index."""
        self._first_left_out.setdefault(rule, index)
        self._counts[rule] = self._counts.get(rule, 0) + number

    def listed(self) -> list[Fault]:
        """All that was kept, with a last word on what was not, in the order of places."""
        left_out = [
            self._fault("too-many-faults", f"{self._counts[rule] - MAX_LISTED} more [{rule}] from here on", index)
            for rule, index in self._first_left_out.items()
        ]
        return sorted(self._kept + left_out, key=lambda fault: (fault.line, fault.column))

    def _fault(self, rule: str, message: str, index: int, suggestion: str | None = None) -> Fault:
        place = self._lines.place(index)
        shown = self._lines.line(place.line)[:MAX_SHOWN] if place.column <= MAX_SHOWN else None
        return Fault(rule, message, self._path, place.line, place.column, suggestion, shown)


def short(text: str, limit: int = 40) -> str:
    """A piece of the file for a message, cut and without characters that cannot be shown."""
    cut = text if len(text) <= limit else text[: limit - 1] + "…"
    return "".join(c if c.isprintable() else "\ufffd" for c in cut)
