"""Expressions in workflow files: ``{{ ... }}`` inside values, and conditions, which have no braces.

The grammar is Jinja2's for expressions; ``{%`` and ``{#`` are plain text. A value that is exactly one
``{{ }}`` keeps the type of its result; in longer text a result is written as it would be in YAML or
JSON. Undefined and null are alike "no value": an error wherever a value is needed, unless
``default(...)`` says what to use instead. A result is data and is never looked at for expressions.

Nothing here loads jinja2 until there is an expression to parse.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from mityflow.expression_compiler import Code

LONGEST_EXPRESSION = 10_000
"""How many characters one expression may have."""

WILDCARD = "*"
"""Stands in a reference's path for a key that is known only when the expression is rendered."""

_DEEPEST_VALUE = 100
_LITERAL_BRACES = "a literal '{{' is written {{ '{{' }}"


class ExpressionError(Exception):
    """An expression is wrong, or cannot be rendered with the values it was given.

    ``offset`` is the index of a character in the text that was parsed. ``suggestion`` is the nearest
    known name; ``hint`` says what to write instead.
    """

    def __init__(
        self, message: str, offset: int = 0, *, hint: str | None = None, suggestion: str | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset
        self.hint = hint
        self.suggestion = suggestion

    def __str__(self) -> str:
        meant = f"; did you mean '{self.suggestion}'?" if self.suggestion else ""
        hint = f" ({self.hint})" if self.hint else ""
        return f"{self.message}{meant}{hint}"

    def shifted(self, distance: int) -> ExpressionError:
        """The same error in a text that has ``distance`` more characters before it."""
        offset = self.offset + distance
        return ExpressionError(self.message, offset, hint=self.hint, suggestion=self.suggestion)


class Reference(NamedTuple):
    """A value that an expression reads.

    ``path`` begins with a root name, as in ``("stations", "lint", "outputs", "stdout")``. A subscript
    that is itself computed ends it with WILDCARD: ``outputs[inputs.key]`` is ``("outputs", "*")``, next
    to ``("inputs", "key")``. ``offset`` is where it begins in the text. ``defaulted`` is true when the
    expression says what happens without a value: with ``default``, with a test such as ``is defined``,
    or because such a test, or the value's own truth, decides whether it is read at all.
    """

    path: tuple[str | int, ...]
    offset: int
    defaulted: bool


class Span(NamedTuple):
    """The place of one ``{{ }}`` in a text, braces included."""

    start: int
    end: int


class Template:
    """Text with expressions, parsed and checked."""

    __slots__ = ("_codes", "_literals", "references")

    def __init__(self, literals: tuple[str, ...], codes: tuple[Code, ...]) -> None:
        self._literals = literals
        self._codes = codes
        self.references: tuple[Reference, ...] = tuple(r for code in codes for r in code.references)

    @property
    def lone(self) -> bool:
        """True for exactly one expression with nothing around it, whose value keeps its type."""
        return len(self._codes) == 1 and not any(self._literals)

    def render(self, scope: Mapping[str, Any]) -> Any:
        """The value: of its own type for a lone expression, else text. Raises ExpressionError."""
        if self.lone:
            return self._codes[0].value(scope)
        return self.text(scope)

    def text(self, scope: Mapping[str, Any]) -> str:
        """The value as text, also of a lone expression. Raises ExpressionError, for null too."""
        pieces = [self._literals[0]]
        for code, literal in zip(self._codes, self._literals[1:], strict=True):
            pieces += code.text(scope), literal
        _need_bounded(pieces, self._codes)
        return "".join(pieces)


class Condition:
    """The expression of a ``when:``, parsed and checked."""

    __slots__ = ("_code", "references")

    def __init__(self, code: Code) -> None:
        self._code = code
        self.references: tuple[Reference, ...] = code.references

    def render(self, scope: Mapping[str, Any]) -> bool:
        """Whether the condition holds; null, zero and empty values are false. Raises ExpressionError."""
        return bool(self._code.value(scope))


def has_expression(text: str) -> bool:
    """Whether the text has anything to parse."""
    return "{{" in text


@lru_cache(maxsize=1024)
def parse_template(text: str) -> Template:
    """Parse a value's text. Raises ExpressionError."""
    from mityflow.expression_compiler import compile_expression

    literals, codes, at = [], [], 0
    for start, end in find_expressions(text):
        literals.append(text[at:start])
        codes.append(compile_expression(text[start + 2 : end - 2], start + 2))
        at = end
    rest = text[at:]
    if rest == "\n" and len(codes) == 1:
        rest = ""  # a block scalar ends with a line break that its author did not mean
    return Template((*literals, rest), tuple(codes))


@lru_cache(maxsize=256)
def parse_condition(text: str) -> Condition:
    """Parse the expression of a ``when:``. Raises ExpressionError, also for braces around it."""
    from mityflow.expression_compiler import compile_expression

    if has_expression(text):
        raise ExpressionError("a condition is an expression already", text.index("{{"), hint="write it without braces")
    if len(text) > LONGEST_EXPRESSION:
        raise _too_long(0)
    return Condition(compile_expression(text, 0))


def find_expressions(text: str) -> list[Span]:
    """Where the expressions of a text are. Raises ExpressionError for one that is never closed."""
    spans = []
    start = text.find("{{")
    while start >= 0:
        spans.append(Span(start, _end_of_expression(text, start)))
        start = text.find("{{", spans[-1].end)
    return spans


def render_value(value: Any, scope: Mapping[str, Any]) -> Any:
    """The value with every string in it rendered, however deep; keys are left alone.

    Raises ExpressionError for the first that cannot be.
    """
    return _rendered(value, scope, 0)


def walk(value: Any) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """The strings with expressions in a value, each with the keys and indices that lead to it."""
    left: list[tuple[tuple[str | int, ...], Any]] = [((), value)]
    while left:
        path, item = left.pop()
        if isinstance(item, str):
            if has_expression(item):
                yield path, item
        elif len(path) > _DEEPEST_VALUE:
            raise ExpressionError("the value is nested too deeply")
        elif isinstance(item, Mapping):
            left += [((*path, key), item[key]) for key in reversed(list(item))]
        elif isinstance(item, list | tuple):
            left += [((*path, i), item[i]) for i in reversed(range(len(item)))]


def _rendered(value: Any, scope: Mapping[str, Any], depth: int) -> Any:
    if isinstance(value, str):
        return parse_template(value).render(scope) if has_expression(value) else value
    if depth > _DEEPEST_VALUE:
        raise ExpressionError("the value is nested too deeply")
    if isinstance(value, Mapping):
        return {key: _rendered(item, scope, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_rendered(item, scope, depth + 1) for item in value]
    return value


def _end_of_expression(text: str, start: int) -> int:
    """The index after the ``}}`` that belongs to the ``{{`` at ``start``."""
    braces, at = 0, start + 2
    stop = min(len(text), at + LONGEST_EXPRESSION + 2)
    while at < stop:
        char = text[at]
        if char in "'\"":
            at = _end_of_string(text, at, stop)
        elif char == "}" and braces == 0 and text.startswith("}}", at):
            return at + 2
        else:
            braces = max(0, braces + (char == "{") - (char == "}"))
            at += 1
    if stop < len(text):
        raise _too_long(start)
    raise ExpressionError("'{{' is never closed", start, hint=_LITERAL_BRACES)


def _end_of_string(text: str, start: int, stop: int) -> int:
    """The index after the string literal at ``start``, or after ``stop`` when it is longer."""
    at = start + 1
    while at < stop and text[at] != text[start]:
        at += 2 if text[at] == "\\" else 1
    if at >= stop == len(text):
        raise ExpressionError("the string is never closed", start)
    return at + 1


def _too_long(offset: int) -> ExpressionError:
    return ExpressionError(f"an expression may have at most {LONGEST_EXPRESSION} characters", offset)


def _need_bounded(pieces: list[str], codes: tuple[Code, ...]) -> None:
    from mityflow.expression_values import LARGEST

    written = sum(map(len, pieces[1::2]))
    if written > LARGEST:
        raise ExpressionError(f"the text would have {written} characters; {LARGEST} are allowed", codes[0].offset)
