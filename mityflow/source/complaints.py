"""What a parser's complaint means, in words a person understands."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from mityflow.source.pairs import HALF_MESSAGE
from mityflow.source.places import QUOTE_EXPRESSION, Lines, short


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


def explain(error: Any, lines: Lines, last_quoted: tuple[int, int] | None) -> _Explanation:
    """Where the cause of a parser's complaint stands, and a sentence about it."""
    trouble = _Trouble(error, lines, last_quoted)
    found = (explain(trouble) for explain in _EXPLANATIONS)
    return next((each for each in found if each), (trouble.at, f"this is no valid YAML: {short(trouble.problem, 80)}"))


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
            return index, QUOTE_EXPRESSION
    line = re.sub(_QUOTED, lambda match: " " * len(match[0]), trouble.before + trouble.found)
    starts = [match.start(1) for match in re.finditer(_BARE_EXPRESSION, line)]
    return (trouble.lines.start(trouble.line) + starts[-1], QUOTE_EXPRESSION) if starts else None


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
        return start, HALF_MESSAGE
    letter = trouble.text[start + 1 : start + 2]
    digits = _DIGITS_OF_ESCAPE.get(letter)
    what = f"must be followed by {digits} hexadecimal digits" if digits else "is no escape"
    return start, f"'\\{short(letter)}' {what}; in double quotes a backslash is written '\\\\', in single quotes '\\'"


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
