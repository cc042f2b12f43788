"""The nodes of a tree that know where they stand."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Any, Literal

from mityflow.source.places import Lines, Place

Kind = Literal["scalar", "mapping", "sequence"]
Style = Literal["plain", "single", "double", "literal", "folded"]


_NO_KEYS: dict[str, int] = {}


class Node:
    """A value of the file.

    ``value`` is text, a number, a boolean or None for a scalar, a dict of nodes for a mapping and a
    list of nodes for a sequence. An alias is the very node it refers to, so a node can occur more
    than once in a tree.

    Of a scalar, ``raw`` is its text before it was read as a number, boolean or null, and
    ``ambiguous`` a sentence where YAML 1.1 and 1.2 read that text differently. ``style`` is how a
    scalar was written; None for one that stands in for an alias of nothing.
    """

    __slots__ = ("_end", "_key_starts", "_lines", "_start", "ambiguous", "kind", "raw", "style", "value")

    def __init__(self, kind: Kind, value: Any, lines: Lines, start: int) -> None:
        self.kind = kind
        self.value = value
        self.style: Style | None = None
        self.raw = ""
        self.ambiguous: str | None = None
        self._lines = lines
        self._start = self._end = start
        self._key_starts: dict[str, int] = {} if kind == "mapping" else _NO_KEYS

    @property
    def line(self) -> int:
        """The line at which the value begins, from 1."""
        return self.place.line

    @property
    def column(self) -> int:
        """The column at which the value begins, from 1."""
        return self.place.column

    @property
    def place(self) -> Place:
        """Where the value begins: past an anchor, and at the quote or ``|`` of a text."""
        return self._lines.place(self._start)

    @property
    def keys(self) -> dict[str, Place]:
        """Where each key of a mapping stands; a merged one, in the mapping it comes from."""
        return {key: self._lines.place(start) for key, start in self._key_starts.items()}

    def data(self) -> Any:
        """The value as plain dicts, lists and scalars, none of them shared."""
        if self.kind == "mapping":
            return {key: node.data() for key, node in self.value.items()}
        if self.kind == "sequence":
            return [node.data() for node in self.value]
        return self.value

    def at(self, path: Sequence[str | int]) -> Node:
        """The node that a path of keys and indices leads to, or the last one on it that exists."""
        node = self
        for step in path:
            child = node._child(step)
            if child is None:
                break
            node = child
        return node

    def place_of(self, path: Sequence[str | int]) -> Place:
        """Where the value stands that :meth:`at` finds."""
        return self.at(path).place

    def key_place(self, path: Sequence[str | int]) -> Place:
        """Where the last key of a path stands; without such a key, the place of what exists of the path."""
        if path and isinstance(path[-1], str):
            start = self.at(path[:-1])._key_starts.get(path[-1])
            if start is not None and self._exists(path[:-1]):
                return self._lines.place(start)
        return self.place_of(path)

    def position(self, offset: int) -> Place:
        """Where the character stands that has this index in the text of a scalar.

        Exact where no escape precedes it. White space in a text that YAML folds has the place of the
        next character that is none. Otherwise, and for what is no text, the place of the value.
        """
        if not isinstance(self.value, str) or not self.value:
            return self.place
        offset = min(max(offset, 0), len(self.value) - 1)
        if self.style == "literal":
            return self._literal_position(offset)
        if self.style != "folded" and self._lines.text.startswith(self.value, self._text_start):
            return self._lines.place(self._text_start + offset)
        return self._folded_position(offset)

    @property
    def _text_start(self) -> int:
        return self._start + (self.style in ("single", "double"))

    def _child(self, step: str | int) -> Node | None:
        if self.kind == "mapping" and isinstance(step, str):
            found: Node | None = self.value.get(step)
            return found
        if self.kind == "sequence" and isinstance(step, int) and 0 <= step < len(self.value):
            item: Node = self.value[step]
            return item
        return None

    def _exists(self, path: Sequence[str | int]) -> bool:
        node: Node | None = self
        for step in path:
            node = node._child(step) if node else None
        return node is not None

    def _literal_position(self, offset: int) -> Place:
        line = self.line + 1 + self.value.count("\n", 0, offset)
        start = self.value.rfind("\n", 0, offset) + 1
        end = self.value.find("\n", start)
        length = (len(self.value) if end < 0 else end) - start
        indentation = max(len(self._lines.line(line)) - length, 0)
        return Place(line, indentation + offset - start + 1)

    def _folded_position(self, offset: int) -> Place:
        """Folding changes white space only, so the characters that are none are counted."""
        wanted = _ink(self.value[:offset])
        line = self.line
        at = self._text_start
        if self.style == "folded":
            line += 1
            at = self._lines.start(line)
        while at < self._end:
            stop = min(self._lines.start(line + 1), self._end)
            piece = self._lines.text[at:stop]
            if self.style == "double" and "\\" in piece:
                piece = piece[: piece.index("\\")]
                stop = self._end
            elif self.style == "single":
                piece = piece.replace("''", " '")
            ink = _ink(piece)
            if wanted < ink:
                inked = (i for i, character in enumerate(piece) if not character.isspace())
                return self._lines.place(at + next(islice(inked, wanted, None)))
            wanted -= ink
            at, line = stop, line + 1
        return self.place


def _ink(text: str) -> int:
    """The number of characters that are no white space."""
    return sum(map(len, text.split()))
