"""From the parser's events to the tree."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any

from mityflow.source.nodes import Kind, Node, Style
from mityflow.source.pairs import (
    HALF,
    HALF_MESSAGE,
    HALF_OR_STAND_IN,
    join_pairs,
    replace_pairs,
    restore_text,
)
from mityflow.source.places import MAX_DEPTH, MAX_LISTED, MAX_NODES, QUOTE_EXPRESSION, Faults, Lines, short
from mityflow.source.scalars import BOOLEANS_11, NumberError, resolve
from mityflow.source.text import end_of_match


class _Stop(Exception):  # noqa: N818 - no error, the end of the reading
    """What was found forbids to read on."""


class _Frame:
    """A mapping or sequence that is not closed yet."""

    __slots__ = (
        "anchor", "before", "height", "is_expression", "is_key", "key", "key_start", "merge_start", "merges",
        "merging", "node", "quiet", "wants_key",
    )  # fmt: skip

    def __init__(self, node: Node, before: int) -> None:
        self.node = node
        self.before = before  # nodes counted before this one
        self.height = 0  # levels below this one
        self.anchor: _Anchor | None = None
        self.wants_key = node.kind == "mapping"
        self.key: str | None = None  # None: what follows belongs to no key that can be kept
        self.key_start = 0
        self.merging = False
        self.merge_start: int | None = None
        self.merges: list[Node] = []
        self.is_key = False
        self.is_expression = False  # an unquoted {{ }}, which YAML takes for a mapping
        self.quiet = False  # inside a key that is at fault already


class _Anchor:
    """A node that aliases can refer to, with its size and height once it is closed."""

    __slots__ = ("height", "is_open", "node", "size")

    def __init__(self, node: Node, is_open: bool) -> None:
        self.node = node
        self.size = 1
        self.height = 0
        self.is_open = is_open


_PROPERTY = r"&[^\s,\[\]{}]*|!(?:<[^>\s]*>|[^\s,\[\]{}]*)"
_GAP = r"(?:[ \t\r\n]++|#[^\r\n]*+)*+"
_STYLES: dict[str | None, Style] = {"'": "single", '"': "double", "|": "literal", ">": "folded"}
_MERGE = "<<"


def compose(text: str, lines: Lines, faults: Faults) -> Node | None:
    """The tree of the first document; ``text`` is what to parse, as long as that of ``lines``."""
    import yaml

    clean, has_pairs = replace_pairs(text)
    composer = _Composer(clean, lines, faults, has_pairs)
    loader: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
    try:
        composer.read(yaml.parse(clean, Loader=loader))
    except _Stop:
        return composer.root
    except yaml.MarkedYAMLError as error:
        from mityflow.source.complaints import explain

        index, message = explain(error, lines, composer.last_quoted)
        faults.add("syntax", message, index)
        return None
    except (yaml.YAMLError, ValueError, OverflowError):  # such as an escape of what is no character
        faults.add("syntax", "this file is no valid YAML", 0)
        return None
    root = composer.root
    if not faults and (root is None or root.value is None):
        faults.add("empty", "the file is empty", 0)
        return None
    return root


class _Composer:
    """Makes nodes of parser events without recursion, so that no depth of nesting can hurt."""

    def __init__(self, text: str, lines: Lines, faults: Faults, has_pairs: bool) -> None:
        self.root: Node | None = None
        self.last_quoted: tuple[int, int] | None = None  # where the last scalar stood, if it was quoted
        self._text = text
        self._lines = lines
        self._faults = faults
        self._has_pairs = has_pairs
        self._stack: list[_Frame] = []
        self._anchors: dict[str, _Anchor] = {}
        self._count = 0
        self._documents = 0

    def read(self, events: Iterable[Any]) -> None:
        """Take all events. Raises _Stop, and what the parser raises."""
        actions: dict[str, Callable[[Any], None]] = {
            "ScalarEvent": self._scalar,
            "MappingStartEvent": self._open,
            "SequenceStartEvent": self._open,
            "MappingEndEvent": self._close,
            "SequenceEndEvent": self._close,
            "AliasEvent": self._alias,
            "DocumentStartEvent": self._document,
        }
        for event in events:
            action = actions.get(type(event).__name__)
            if action is not None:
                action(event)

    def _document(self, event: Any) -> None:
        self._documents += 1
        if self._documents > 1:
            message = "a second document begins here; a file holds one"
            self._faults.add("multiple-documents", message, event.start_mark.index)
            raise _Stop

    def _scalar(self, event: Any) -> None:
        start = self._past_properties(event)
        style = _STYLES.get(event.style, "plain")
        self.last_quoted = (start, event.end_mark.index) if style in ("single", "double") else None
        text = self._restored(event.value, style, start)
        if self._stack and self._stack[-1].wants_key:
            if event.anchor is not None:
                self._scalar_node(event, text, style, start)
            self._key(self._stack[-1], text, start, is_plain=style == "plain")
            return
        self._add_nodes(1, start)
        node = self._scalar_node(event, text, style, start)
        if style == "plain":
            self._read_plain(node)
        self._attach(node)

    def _scalar_node(self, event: Any, text: str, style: Style, start: int) -> Node:
        node = Node("scalar", text, self._lines, start)
        node.style = style
        node.raw = text
        node._end = event.end_mark.index
        if event.anchor is not None:
            self._anchors[event.anchor] = _Anchor(node, is_open=False)
        return node

    def _restored(self, text: str, style: Style, start: int) -> str:
        """The text with its escaped surrogate pairs as they were meant."""
        if style != "double":
            return restore_text(text) if self._has_pairs else text
        if text.isascii():
            return text
        joined = join_pairs(text) if self._has_pairs else text
        if re.search(HALF_OR_STAND_IN if self._has_pairs else HALF, joined):
            self._faults.add("syntax", HALF_MESSAGE, start)
        return joined

    def _read_plain(self, node: Node) -> None:
        try:
            node.value, node.ambiguous = resolve(node.raw)
        except NumberError as error:
            self._faults.add("number", str(error), node._start)

    def _key(self, frame: _Frame, text: str, start: int, *, is_plain: bool) -> None:
        frame.wants_key = False
        frame.key = None
        frame.key_start = start
        frame.merging = False
        is_merge = is_plain and text == _MERGE
        earlier = frame.merge_start if is_merge else frame.node._key_starts.get(text)
        if earlier is not None:
            self._duplicate(frame, text, start, earlier)
        elif is_merge:
            frame.merging = True
            frame.merge_start = start
        else:
            frame.key = text
            frame.node._key_starts[text] = start
            if is_plain and not frame.quiet:
                self._check_plain_key(text, start)

    def _duplicate(self, frame: _Frame, key: str, start: int, earlier: int) -> None:
        if not frame.quiet:
            first = self._lines.place(earlier)
            message = f"duplicate key '{short(key)}'; it stands first in line {first.line}, column {first.column}"
            self._faults.add("duplicate-key", message, start)

    def _check_plain_key(self, text: str, start: int) -> None:
        if text in BOOLEANS_11:
            message = f'YAML 1.1 reads the key {text} as {BOOLEANS_11[text]}; put it in quotes: "{text}"'
            self._faults.add("yaml-1.1-boolean", message, start)
            return
        try:
            value, ambiguous = resolve(text)
        except NumberError:
            value, ambiguous = None, None
        if not isinstance(value, str) or ambiguous:
            shown = short(text)
            message = f'keys must be text; put {shown} in quotes: "{shown}"' if text else "a key is missing here"
            self._faults.add("non-string-key", message, start)

    def _open(self, event: Any) -> None:
        start = self._past_properties(event)
        self._add_nodes(1, start)
        kind: Kind = "mapping" if type(event).__name__ == "MappingStartEvent" else "sequence"
        frame = _Frame(Node(kind, {} if kind == "mapping" else [], self._lines, start), self._count - 1)
        if event.anchor is not None:
            frame.anchor = self._anchors[event.anchor] = _Anchor(frame.node, is_open=True)
        if self._stack:
            self._join(self._stack[-1], frame)
        self._stack.append(frame)
        self._check_depth(0, start)

    def _join(self, parent: _Frame, frame: _Frame) -> None:
        frame.quiet = parent.quiet
        if parent.wants_key:
            parent.wants_key = False
            parent.key = None
            parent.merging = False
            frame.is_key = frame.quiet = True
            if not parent.quiet:
                self._refuse_key(parent, frame.node)

    def _refuse_key(self, parent: _Frame, key: Node) -> None:
        if self._text.startswith("{{", parent.node._start) and key._start == parent.node._start + 1:
            parent.is_expression = True
            self._faults.add("syntax", QUOTE_EXPRESSION, parent.node._start)
        elif self._text.startswith("{{", key._start):
            self._faults.add("syntax", QUOTE_EXPRESSION, key._start)
        else:
            self._faults.add("non-string-key", f"keys must be text; this one is a {key.kind}", key._start)

    def _close(self, event: Any) -> None:
        frame = self._stack.pop()
        node = frame.node
        if frame.merges:
            _merge(frame)
        if frame.is_expression:
            node.kind, node.style = "scalar", "plain"
            node._end = event.end_mark.index
            node.value = node.raw = self._lines.text[node._start : node._end]
        if frame.anchor is not None:
            frame.anchor.is_open = False
            frame.anchor.size = self._count - frame.before
            frame.anchor.height = frame.height + 1
        if self._stack:
            self._stack[-1].height = max(self._stack[-1].height, frame.height + 1)
        self.last_quoted = None
        if not frame.is_key:
            self._attach(node)

    def _alias(self, event: Any) -> None:
        start = event.start_mark.index
        self.last_quoted = None
        node = self._referred(event.anchor, start)
        frame = self._stack[-1] if self._stack else None
        if frame is None or not frame.wants_key:
            self._attach(node)
        elif isinstance(node.value, str):
            self._key(frame, node.raw, start, is_plain=node.style == "plain" and node.raw != _MERGE)
        else:
            frame.wants_key = False
            frame.key = None
            frame.merging = False
            if not frame.quiet and not _is_stand_in(node):
                self._faults.add("non-string-key", "keys must be text; this alias stands for something else", start)

    def _referred(self, name: str, start: int) -> Node:
        anchor = self._anchors.get(name)
        if anchor is not None and not anchor.is_open:
            self._add_nodes(anchor.size, start)
            self._check_depth(anchor.height, start)
            return anchor.node
        self._add_nodes(1, start)
        shown = short(name)
        if anchor is not None:
            self._faults.add("recursive-alias", f"'*{shown}' stands inside the very value it refers to", start)
        else:
            message = f"'*{shown}' refers to an anchor '&{shown}' that does not stand before it"
            known = islice(self._anchors, MAX_LISTED)
            self._faults.add("unknown-alias", message + "; put it in quotes if it is text", start, name, known)
        return Node("scalar", None, self._lines, start)

    def _attach(self, node: Node) -> None:
        if not self._stack:
            self.root = node
            return
        frame = self._stack[-1]
        if frame.node.kind == "sequence":
            frame.node.value.append(node)
            return
        frame.wants_key = True
        if frame.key is not None:
            frame.node.value[frame.key] = node
        elif frame.merging:
            frame.merges = self._mappings(node)

    def _mappings(self, node: Node) -> list[Node]:
        """What a ``<<`` key merges, the strongest first."""
        candidates: list[Node] = node.value if node.kind == "sequence" else [node]
        for candidate in candidates:
            if candidate.kind != "mapping" and not _is_stand_in(candidate):
                message = "'<<' takes a mapping or a list of mappings"
                self._faults.add("merge", f"{message}; this is a {candidate.kind}", candidate._start)
        return [candidate for candidate in candidates if candidate.kind == "mapping"]

    def _add_nodes(self, number: int, start: int) -> None:
        self._count += number
        if self._count > MAX_NODES:
            message = f"the file has more than {MAX_NODES:,} values, counting each use of an alias"
            self._faults.add("too-many-nodes", message, start)
            raise _Stop

    def _check_depth(self, below: int, start: int) -> None:
        height = len(self._stack) + below
        if self._stack:
            self._stack[-1].height = max(self._stack[-1].height, below)
        if height > MAX_DEPTH:
            message = f"mappings and lists are nested in more than {MAX_DEPTH} levels here"
            self._faults.add("too-deep", message, start)
            raise _Stop

    def _past_properties(self, event: Any) -> int:
        """Where the content begins, past an anchor and a tag; a tag is a fault."""
        start: int = event.start_mark.index
        if event.anchor is None and event.tag is None:
            return start
        at = start
        for _ in range(2):
            match = re.compile(_PROPERTY).match(self._text, at)
            if match is None:
                break
            if match[0][0] == "!":
                message = f"the tag '{short(match[0])}' is not allowed; put text that begins with '!' in quotes"
                self._faults.add("tag", message, at)
            at = end_of_match(_GAP, self._text, match.end())
        is_empty = getattr(event, "value", None) == "" and event.style not in _STYLES
        return start if is_empty else at


def _is_stand_in(node: Node) -> bool:
    """Whether the node stands for an alias that refers to nothing, which is a fault already."""
    return node.kind == "scalar" and node.style is None


def _merge(frame: _Frame) -> None:
    """Put the keys of the merged mappings before the mapping's own, which win."""
    node = frame.node
    values: dict[str, Node] = {}
    starts: dict[str, int] = {}
    for merged in reversed(frame.merges):
        values.update(merged.value)
        starts.update(merged._key_starts)
    node.value = {**values, **node.value}
    node._key_starts = {**starts, **node._key_starts}
