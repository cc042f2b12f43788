"""The text of a YAML file as a tree of nodes that know where they stand.

``parse`` reads UTF-8 YAML with the scalars of the YAML 1.2 core schema and returns every fault of this
layer at once. It never raises for what a file holds, and its time and memory are bounded by the limits
below. Of several documents only the first is read; tags, non-text keys and duplicate keys are faults.

Faults have these rules: ``size``, ``encoding``, ``character``, ``directive``, ``syntax``, ``empty``,
``multiple-documents``, ``too-deep``, ``too-many-nodes``, ``tag``, ``duplicate-key``,
``yaml-1.1-boolean``, ``non-string-key``, ``unknown-alias``, ``recursive-alias``, ``merge``, ``number``
and ``too-many-faults``.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from io import StringIO
from itertools import accumulate, islice
from typing import Any, Literal, NamedTuple

from mityflow.errors import Fault, nearest

MAX_BYTES = 5 * 1024 * 1024
MAX_NODES = 100_000  # values, with every alias expanded; keys are not counted
MAX_DEPTH = 100  # mappings and sequences inside one another, with every alias expanded
MAX_LISTED = 50  # faults of one rule
MAX_SHOWN = 10_000  # characters of a line for display
MAX_DIGITS = 500  # characters of a number; fewer than Python can be told to refuse

Kind = Literal["scalar", "mapping", "sequence"]
Style = Literal["plain", "single", "double", "literal", "folded"]


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


class Source(NamedTuple):
    """What was read of a file: its text without a byte order mark, its tree, its faults by place.

    ``root`` is None when the file has no tree that could be read to its end.
    """

    path: str
    text: str
    root: Node | None
    faults: list[Fault]
    lines: Lines


def parse(data: bytes, path: str) -> Source:
    """Read the bytes of a YAML file. ``path`` is its name in faults; nothing is opened."""
    text, refusal = _decode(data)
    lines = Lines(text)
    faults = _Faults(path, lines)
    root = None
    if refusal is not None:
        faults.add(*refusal)
    else:
        root = _compose(_replace_directives(_replace_forbidden(text, faults), faults), lines, faults)
    return Source(path, text, root, faults.listed(), lines)


def line_text(source: Source, line: int) -> str:
    """A line for display, without its end and cut after ``MAX_SHOWN`` characters."""
    return source.lines.line(line)[:MAX_SHOWN]


class _Finding(NamedTuple):
    rule: str
    message: str
    start: int


class _Faults:
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


def _short(text: str, limit: int = 40) -> str:
    cut = text if len(text) <= limit else text[: limit - 1] + "…"
    return "".join(c if c.isprintable() else "\ufffd" for c in cut)


# Bytes to text


def _decode(data: bytes) -> tuple[str, _Finding | None]:
    """The text without a byte order mark, and why it cannot be parsed."""
    if len(data) > MAX_BYTES:
        return "", _Finding("size", f"the file has {len(data):,} bytes; at most {MAX_BYTES:,} are read", 0)
    if data[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in data[:4]:
        return "", _Finding("encoding", "the file looks like UTF-16 or UTF-32; save it as UTF-8", 0)
    body = data.removeprefix(b"\xef\xbb\xbf")
    try:
        return body.decode(), None
    except UnicodeDecodeError as error:
        message = f"byte 0x{body[error.start]:02X} is not valid UTF-8; save the file as UTF-8"
        index = len(body[: error.start].decode())
        return body.decode(errors="replace"), _Finding("encoding", message, index)


# What YAML forbids, and the line ends that YAML 1.1 alone knows: a comment that goes on after U+2028 for
# one reader has ended for another.
_FORBIDDEN = "[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]"
_LINE_ENDS_OF_YAML_11 = "\x85\u2028\u2029"


def _replace_forbidden(text: str, faults: _Faults) -> str:
    """The text with a harmless character in place of each forbidden one, so that parsing can go on."""
    return _replace(_FORBIDDEN, "\ufffd", text, "character", _forbidden_message, faults)


def _replace(pattern: str, by: str, text: str, rule: str, message: Callable[[str], str], faults: _Faults) -> str:
    """The text with one character in place of each that the pattern finds, all of which are faults."""
    found = list(islice(re.finditer(pattern, text), MAX_LISTED + 1))
    if not found:
        return text
    for match in found[:MAX_LISTED]:
        faults.add(rule, message(match[0]), match.start())
    clean, count = re.subn(pattern, by, text)
    if count > MAX_LISTED:
        faults.count_more(rule, count - MAX_LISTED, found[-1].start())
    return clean


def _forbidden_message(character: str) -> str:
    name = f"U+{ord(character):04X}"
    if character == "\ufeff":
        return f"a byte order mark ({name}) may stand at the very start of a file only"
    if character in _LINE_ENDS_OF_YAML_11:
        return f'{name} ends a line in YAML 1.1 but not in YAML 1.2; write it as "\\u{ord(character):04x}"'
    return f"the character {name} is not allowed in YAML; in double quotes it can be written as an escape"


# Possessive, since what can be tried again is remembered for each of millions of lines.
_HEAD = r"(?:[ \t]*+(?:#[^\r\n]*+)?+(?:\r\n|\r|\n)|%[^\r\n]*+(?:\r\n|\r|\n|\Z))*+"
_UNKNOWN_DIRECTIVE = r"(?<![^\r\n])%(?!YAML[ \t]+1\.[12](?:[ \t]++#[^\r\n]*+)?[ \t]*+(?:[\r\n]|\Z))"
_DIRECTIVE_MESSAGE = "a line that begins with '%' is a directive; only '%YAML 1.1' and '%YAML 1.2' are known"


def _replace_directives(text: str, faults: _Faults) -> str:
    """The text with each unknown directive before the document made a comment."""
    end = _end_of_match(_HEAD, text, 0)
    head = _replace(_UNKNOWN_DIRECTIVE, "#", text[:end], "directive", lambda _: _DIRECTIVE_MESSAGE, faults)
    return head + text[end:]


def _end_of_match(pattern: str, text: str, at: int) -> int:
    match = re.compile(pattern).match(text, at)
    return match.end() if match else at


# Scalars


_CORE_WORDS: dict[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}
_BOOLEANS_11 = {
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "on", "On", "ON"), "true"),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "off", "Off", "OFF"), "false"),
}
_CORE_INTEGER = r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+"
_CORE_FLOAT = r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
_BINARY_11 = r"[-+]?0b_*[01][01_]*"
_OCTAL_11 = r"[-+]?0[0-7_]+"
_HEXADECIMAL_11 = r"[-+]?0x_*[0-9a-fA-F][0-9a-fA-F_]*"
_DECIMAL_11 = r"[-+]?(?:0|[1-9][0-9_]*)"
_FLOAT_11 = r"[-+]?(?:[0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*)(?:[eE][-+][0-9]+)?"
_SEXAGESIMAL_11 = r"[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?"
_DATE_11 = (
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt]|[ \t]+)[0-9]{1,2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]*)?"
    r"(?:[ \t]*(?:Z|[-+][0-9]{1,2}(?::[0-9]{2})?))?"
)


class _NumberError(ValueError):
    """A number that cannot be read as one: too long, or too large for a float."""


def _resolve(text: str) -> tuple[Any, str | None]:
    """The value of a plain scalar, and the sentence about its readings. Raises _NumberError."""
    if text in _CORE_WORDS:
        return _CORE_WORDS[text], None
    if text[0] in "0123456789+-.":
        return _resolve_number(text)
    if text in _BOOLEANS_11:
        return text, _two_readings(_BOOLEANS_11[text], "text")
    if text in ("=", "<<"):
        return text, _two_readings("a special word", "text")
    return text, None


def _resolve_number(text: str) -> tuple[Any, str | None]:
    value = _core_number(text)
    old = _number_11(text)
    if type(value) is type(old) and value == old:
        return value, None
    return value, _two_readings(_reading(old, text), _reading(value, text))


def _two_readings(old: str, new: str) -> str:
    return f"YAML 1.1 reads this as {old}, YAML 1.2 as {new}; put it in quotes"


def _reading(value: int | float | str, text: str) -> str:
    if isinstance(value, str):
        return "text" if value == text else value
    return _short(str(value))


def _core_number(text: str) -> int | float | str:
    """The number of the YAML 1.2 core schema, or the text itself. Raises _NumberError."""
    is_integer = re.fullmatch(_CORE_INTEGER, text)
    if not is_integer and not re.fullmatch(_CORE_FLOAT, text):
        return text
    if len(text) > MAX_DIGITS:
        raise _NumberError(f"a number of {len(text):,} characters is too long; put it in quotes if it is text")
    if is_integer:
        return int(text, {"0o": 8, "0x": 16}.get(text[:2], 10))
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise _NumberError(f"the number {_short(text)} is too large; put it in quotes if it is text")
    return value


def _number_11(text: str) -> int | float | str:
    """What YAML 1.1 makes of the text: a number, ``a date`` and the like, or the text itself."""
    if len(text) > MAX_DIGITS:
        return text
    readers = (
        (_DECIMAL_11, int),
        (_OCTAL_11, lambda digits: int(digits, 8)),
        (_HEXADECIMAL_11, lambda digits: int(digits, 16)),
        (_BINARY_11, lambda digits: int(digits, 2)),
        (_FLOAT_11, float),
        (_SEXAGESIMAL_11, _sexagesimal),
    )
    for pattern, read in readers:
        if re.fullmatch(pattern, text):
            return read(text.replace("_", ""))
    return "a date" if re.fullmatch(_DATE_11, text) else text


def _sexagesimal(digits: str) -> int | float | str:
    parts = digits.lstrip("+-").split(":")
    if len(parts) > 8 or "." in digits:
        return "a number in base 60"
    total = 0
    for part in parts:
        total = total * 60 + int(part)
    return -total if digits.startswith("-") else total


# Escaped surrogate pairs, which JSON has and YAML has not


_PAIR = r"(\\u)([dD])([89abAB][0-9a-fA-F]{2}\\u)([dD])([c-fC-F][0-9a-fA-F]{2})"
_STAND_IN = r"(\\u)([eE])([89abAB][0-9a-fA-F]{2}\\u)([eE])([c-fC-F][0-9a-fA-F]{2})"
_STAND_INS_TAKEN = "[\ue800-\uefff]|\\\\[uU](?:0000)?[eE][89a-fA-F]"
_STAND_IN_CHARACTERS = "([\ue800-\uebff])([\uec00-\uefff])"
_HALF = "[\ud800-\udfff]"
_HALF_OR_STAND_IN = "[\ud800-\udfff\ue800-\uefff]"
_HALF_MESSAGE = "a '\\u' escape here is half of a character; write the character, or '\\U' and 8 hexadecimal digits"


def _replace_pairs(text: str) -> tuple[str, bool]:
    """The text with each escaped pair such as ``\\ud83d\\ude00`` moved to private-use characters.

    The parser refuses surrogates, and the length of the text must not change. Done only where the
    text has none of these private-use characters itself, so that the way back is exact.
    """
    if "\\u" not in text or not re.search(_PAIR, text) or re.search(_STAND_INS_TAKEN, text):
        return text, False
    return re.sub(_PAIR, lambda m: m[1] + _SHIFTED[m[2]] + m[3] + _SHIFTED[m[4]] + m[5], text), True


_SHIFTED = {"d": "e", "D": "E", "e": "d", "E": "D"}


def _restore_text(text: str) -> str:
    """The text of a scalar in which a backslash is no escape."""
    return re.sub(_STAND_IN, lambda m: m[1] + _SHIFTED[m[2]] + m[3] + _SHIFTED[m[4]] + m[5], text)


def _join_pairs(text: str) -> str:
    """The text of a double-quoted scalar, with one character for each pair."""
    return re.sub(
        _STAND_IN_CHARACTERS, lambda m: chr(0x10000 + (ord(m[1]) - 0xE800) * 0x400 + ord(m[2]) - 0xEC00), text
    )


# Events to nodes


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
_QUOTE_EXPRESSION = "a value that begins with '{{' must be in quotes, or YAML takes it for a mapping"


def _compose(text: str, lines: Lines, faults: _Faults) -> Node | None:
    """The tree of the first document; ``text`` is what to parse, as long as that of ``lines``."""
    import yaml

    clean, has_pairs = _replace_pairs(text)
    composer = _Composer(clean, lines, faults, has_pairs)
    loader: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
    try:
        composer.read(yaml.parse(clean, Loader=loader))
    except _Stop:
        return composer.root
    except yaml.MarkedYAMLError as error:
        index, message = _explain(error, lines, composer.last_quoted)
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

    def __init__(self, text: str, lines: Lines, faults: _Faults, has_pairs: bool) -> None:
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
            return _restore_text(text) if self._has_pairs else text
        if text.isascii():
            return text
        joined = _join_pairs(text) if self._has_pairs else text
        if re.search(_HALF_OR_STAND_IN if self._has_pairs else _HALF, joined):
            self._faults.add("syntax", _HALF_MESSAGE, start)
        return joined

    def _read_plain(self, node: Node) -> None:
        try:
            node.value, node.ambiguous = _resolve(node.raw)
        except _NumberError as error:
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
            message = f"duplicate key '{_short(key)}'; it stands first in line {first.line}, column {first.column}"
            self._faults.add("duplicate-key", message, start)

    def _check_plain_key(self, text: str, start: int) -> None:
        if text in _BOOLEANS_11:
            message = f'YAML 1.1 reads the key {text} as {_BOOLEANS_11[text]}; put it in quotes: "{text}"'
            self._faults.add("yaml-1.1-boolean", message, start)
            return
        try:
            value, ambiguous = _resolve(text)
        except _NumberError:
            value, ambiguous = None, None
        if not isinstance(value, str) or ambiguous:
            shown = _short(text)
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
            self._faults.add("syntax", _QUOTE_EXPRESSION, parent.node._start)
        elif self._text.startswith("{{", key._start):
            self._faults.add("syntax", _QUOTE_EXPRESSION, key._start)
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
        shown = _short(name)
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
                message = f"the tag '{_short(match[0])}' is not allowed; put text that begins with '!' in quotes"
                self._faults.add("tag", message, at)
            at = _end_of_match(_GAP, self._text, match.end())
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


# What a parser's complaint means


class _Trouble:
    """A complaint of the parser: what it was reading since ``opened``, and what it met ``at``."""

    def __init__(self, error: Any, lines: Lines, last_quoted: tuple[int, int] | None) -> None:
        self.lines = lines
        self.text = lines.text
        self.at: int = min(error.problem_mark.index, len(self.text)) if error.problem_mark else 0
        self.opened: int = error.context_mark.index if error.context_mark else self.at
        self.problem: str = error.problem or ""
        self.context: str = error.context or ""
        self.in_flow = "flow" in self.context
        self.last_quoted = last_quoted
        self.line = lines.place(self.at).line
        self.before = self.text[lines.start(self.line) : self.at]  # the line, as far as the parser got
        self.found = self.text[self.at : self.at + 1]  # nothing at the end of the file


_Explanation = tuple[int, str]


def _explain(error: Any, lines: Lines, last_quoted: tuple[int, int] | None) -> _Explanation:
    """Where the cause of a parser's complaint stands, and a sentence about it."""
    trouble = _Trouble(error, lines, last_quoted)
    found = (explain(trouble) for explain in _EXPLANATIONS)
    return next((each for each in found if each), (trouble.at, f"this is no valid YAML: {_short(trouble.problem, 80)}"))


def _tab(trouble: _Trouble) -> _Explanation | None:
    if trouble.found != "\t":
        return None
    return trouble.at, "a tab stands where YAML takes spaces only; indent with spaces"


def _open_quote(trouble: _Trouble) -> _Explanation | None:
    if "quoted scalar" not in trouble.context or "unexpected" not in trouble.problem:
        return None
    return trouble.opened, "the quote that opens here is never closed"


_QUOTED = r"\"[^\"]*\"|'[^']*'"
_BARE_EXPRESSION = r"(?:^|[-:,?\[])[ \t]*(\{\{)"


def _bare_expression(trouble: _Trouble) -> _Explanation | None:
    for index in (trouble.opened, trouble.opened - 1):
        if trouble.in_flow and index >= 0 and trouble.text.startswith("{{", index):
            return index, _QUOTE_EXPRESSION
    line = re.sub(_QUOTED, lambda match: " " * len(match[0]), trouble.before + trouble.found)
    starts = [match.start(1) for match in re.finditer(_BARE_EXPRESSION, line)]
    return (trouble.lines.start(trouble.line) + starts[-1], _QUOTE_EXPRESSION) if starts else None


def _after_quote(trouble: _Trouble) -> _Explanation | None:
    start, end = trouble.last_quoted or (0, 0)
    between = trouble.text[end : trouble.at]
    if not end or not trouble.found or between.strip(" \t"):
        return None
    closing_line = trouble.lines.place(end).line
    if trouble.lines.place(start).line != closing_line:
        return start, f"the quote that opens here is closed in line {closing_line} only; was it meant to end before?"
    if trouble.in_flow:
        return (trouble.at, "a ',' is missing here") if trouble.found != ":" else None
    inside = "''" if trouble.text[start] == "'" else '\\"'
    return trouble.at, f"text follows a closing quote; a quote inside this text is written {inside}"


_DIGITS_OF_ESCAPE = {"x": 2, "u": 4, "U": 8}
_HALF_ESCAPE = r"\\u[dD][89a-fA-F][0-9a-fA-F]{2}"


def _escape(trouble: _Trouble) -> _Explanation | None:
    if "quoted" not in trouble.context or not any(word in trouble.problem for word in ("escape", "hexdecimal")):
        return None
    start = trouble.text.rfind("\\", trouble.opened, trouble.at + 1)
    if re.compile(_HALF_ESCAPE).match(trouble.text, start):
        return start, _HALF_MESSAGE
    letter = trouble.text[start + 1 : start + 2]
    digits = _DIGITS_OF_ESCAPE.get(letter)
    what = f"must be followed by {digits} hexadecimal digits" if digits else "is no escape"
    return start, f"'\\{_short(letter)}' {what}; in double quotes a backslash is written '\\\\', in single quotes '\\'"


def _first_character(trouble: _Trouble) -> _Explanation | None:
    if any(word in trouble.context for word in ("scanning an alias", "scanning an anchor", "a tag")):
        return trouble.opened, _quote_first(trouble.text[trouble.opened : trouble.opened + 1])
    if "block scalar" in trouble.context:
        mark = trouble.text[trouble.opened : trouble.opened + 1]
        return trouble.opened, f"after '{mark}' a text begins on the next line; else put the value in quotes"
    if trouble.text[max(trouble.at - 1, 0) : trouble.at + 1] == "{%":
        return trouble.at - 1, _quote_first("{%")
    if any(word in trouble.problem for word in ("cannot start any token", "mapping keys", "tag handle")):
        return trouble.at, _quote_first(trouble.found)
    return None


def _quote_first(start: str) -> str:
    return f"a value that begins with '{start}' must be in quotes"


def _list_on_line_of_key(trouble: _Trouble) -> _Explanation | None:
    if "sequence entries" not in trouble.problem:
        return None
    return trouble.at, "a list cannot begin here; begin it on a line of its own, or put the value in quotes"


_MISSING_SPACE = r"[ \t]*(?:-[ \t]+)*[^\s:#'\"\[{]+(:)[^\s:/]"
_NO_KEY = "this line is no 'key: value'; is a ':' missing?"
_LONG_KEY = "a key has at most 1,024 characters, in one line"


def _unexpected_colon(trouble: _Trouble) -> _Explanation | None:
    if "unexpected ':'" in trouble.problem:
        return trouble.at, "a space is missing after ':'; else put the value in quotes"
    if "mapping values" not in trouble.problem:
        return None
    before = trouble.before
    if re.search(r":[ \t]", before):
        return trouble.at, "': ' stands inside a value; put the value in quotes"
    indentation = _indentation(before)
    start = trouble.at - len(before) + indentation
    if trouble.at - start > 1024:
        return start, _LONG_KEY
    earlier = _line_before(trouble.lines, trouble.line)
    missing_space = _missing_space(trouble.lines, earlier)
    if missing_space:
        return missing_space
    line = trouble.lines.line(earlier)
    if line and ":" not in line and indentation == _indentation(line) and line[indentation] not in "-'\"":
        return trouble.lines.start(earlier) + indentation, _NO_KEY
    return start, "this line goes on with the value above it and can be no 'key: value'; check its indentation"


def _missing_colon(trouble: _Trouble) -> _Explanation | None:
    if "could not find expected ':'" not in trouble.problem:
        return None
    line = trouble.lines.place(trouble.opened).line
    missing_space = _missing_space(trouble.lines, line)
    if missing_space:
        return missing_space
    if re.match(r"-[^\s-]", trouble.text[trouble.opened : trouble.opened + 2]):
        return trouble.opened, "a space is missing after '-'"
    if len(trouble.lines.line(line)) > 1024:
        return trouble.opened, _LONG_KEY
    if re.search(r"[|>][-+0-9]*[ \t]*$", trouble.lines.line(_line_before(trouble.lines, line))[-100:]):
        return trouble.opened, "the text of a block must be indented more than the key it belongs to"
    return trouble.opened, _NO_KEY


def _missing_space(lines: Lines, line: int) -> _Explanation | None:
    match = re.compile(_MISSING_SPACE).match(lines.line(line))
    return (lines.start(line) + match.start(1), "a space is missing after ':'") if match else None


def _line_before(lines: Lines, line: int) -> int:
    """The nearest line above that is neither blank nor a comment, or 0."""
    earlier = line - 1
    while earlier > 0 and lines.line(earlier).lstrip(" \t")[:1] in ("", "#"):
        earlier -= 1
    return earlier


def _indentation(line: str) -> int:
    return len(line) - len(line.lstrip(" \t"))


_CLOSING = {"[": "]", "{": "}"}


def _stray_bracket(trouble: _Trouble) -> _Explanation | None:
    if trouble.found not in ("]", "}") or "expected ',' or" in trouble.problem:
        return None
    return trouble.at, f"this '{trouble.found}' closes nothing that is open"


def _bracket(trouble: _Trouble) -> _Explanation | None:
    opening = trouble.text[trouble.opened : trouble.opened + 1]
    if "expected ',' or" not in trouble.problem or opening not in _CLOSING:
        return None
    place = trouble.lines.place(trouble.opened)
    if trouble.found in _CLOSING.values():
        return trouble.at, f"'{trouble.found}' cannot close the '{opening}' of line {place.line}, column {place.column}"
    never_closed = f"the '{opening}' that opens here is never closed"
    if not trouble.found:
        return trouble.opened, never_closed
    if place.line != trouble.line:
        return trouble.opened, f"{never_closed}, or a ',' is missing before line {trouble.line}"
    if trouble.found == ":":
        length = min(trouble.at - trouble.text.rfind(c, 0, trouble.at) for c in ",{[")
        is_long = length > 1024
        return trouble.at, _LONG_KEY if is_long else "a ',' is missing before this ':'"
    return trouble.at, f"a ',' or '{_CLOSING[opening]}' is missing here"


def _missing_value(trouble: _Trouble) -> _Explanation | None:
    if "node content" not in trouble.problem:
        return None
    if trouble.found == ",":
        return trouble.at, "a value is missing before ','; a value that begins with ',' must be in quotes"
    if trouble.found == ":":
        return trouble.at, "a key or a value is missing before ':'"
    return trouble.at, "a value is missing here"


def _late_directive(trouble: _Trouble) -> _Explanation | None:
    if "scanning a directive" not in trouble.context and "%YAML" not in trouble.context:
        return None
    return trouble.opened, "a line that begins with '%' is a directive, and these stand at the top of a file only"


def _after_document(trouble: _Trouble) -> _Explanation | None:
    if "<document start>" not in trouble.problem:
        return None
    earlier = _line_before(trouble.lines, trouble.line)
    if trouble.lines.line(earlier).startswith("%"):
        return trouble.lines.start(earlier), "a directive stands before a line '---' only"
    missing_space = _missing_space(trouble.lines, earlier)
    if missing_space:
        return missing_space
    return trouble.at, "this text stands after the end of the document"


def _structure(trouble: _Trouble) -> _Explanation | None:
    if "block mapping" not in trouble.context and "block collection" not in trouble.context:
        return None
    if trouble.found == ":":
        return trouble.at, "a key is missing before ':'"
    if trouble.before.strip():
        return trouble.at, "text follows where the value has ended; put the whole value in quotes"
    if "collection" in trouble.context:
        return trouble.at, "a list item ('- ') is expected here; check the indentation"
    is_below_keys = trouble.lines.place(trouble.opened).column == trouble.lines.place(trouble.at).column
    if trouble.found == "-" and is_below_keys:
        return trouble.at, "a list item stands where a key is expected; check the indentation"
    return trouble.at, "the indentation of this line fits no line above it"


_EXPLANATIONS: tuple[Callable[[_Trouble], _Explanation | None], ...] = (
    _tab,
    _open_quote,
    _bare_expression,
    _after_quote,
    _escape,
    _first_character,
    _list_on_line_of_key,
    _unexpected_colon,
    _missing_colon,
    _stray_bracket,
    _bracket,
    _missing_value,
    _late_directive,
    _after_document,
    _structure,
)
