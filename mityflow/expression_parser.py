"""The text of one expression as Jinja2's tree; loaded with the first expression.

Jinja2 knows the line of a token and not its column, while expressions seldom have a second line. So
each token is given the offset of its first character for a line number, and the nodes of the tree
have it from there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from mityflow.expressions import ExpressionError

if TYPE_CHECKING:
    from jinja2 import nodes
    from jinja2.lexer import Token


class _Piece(NamedTuple):
    """A token as it is written: Jinja2's name for its kind, and its text. Blanks are tokens too."""

    offset: int
    kind: str
    text: str


def parse(source: str, offset: int) -> nodes.Expr:
    """The tree of an expression whose text begins at ``offset``, with offsets for line numbers.

    Raises ExpressionError, and RecursionError for one that is nested too deeply.
    """
    from jinja2 import TemplateSyntaxError
    from jinja2.lexer import TokenStream
    from jinja2.parser import Parser

    parser = Parser(_environment(), "", state="variable")
    parser.stream = TokenStream(_tokens(source, offset), None, None)
    try:
        tree = parser.parse_expression()
    except TemplateSyntaxError as error:
        if parser.stream.eos:
            raise _incomplete(source, offset) from None
        message = (error.message or "").rstrip(".")
        raise ExpressionError(message[:1].lower() + message[1:], error.lineno) from None
    if not parser.stream.eos:
        raise ExpressionError(f"unexpected '{parser.stream.current.value}'", parser.stream.current.lineno)
    return tree


@cache
def _environment() -> Any:
    from jinja2 import Environment

    return Environment(autoescape=False)  # noqa: S701 - results are data, never HTML


def _incomplete(source: str, offset: int) -> ExpressionError:
    if not source.strip():
        return ExpressionError("the expression is empty", offset)
    return ExpressionError("the expression is not complete", offset + len(source.rstrip()))


def _tokens(source: str, offset: int) -> Iterator[Token]:
    import warnings

    from jinja2 import TemplateSyntaxError

    pieces = list(_pieces(source, offset))
    _check(pieces)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # an unknown escape in a string stays as it is
        try:
            return iter(list(_environment().lexer.wrap(pieces)))
        except TemplateSyntaxError as error:
            raise ExpressionError(error.message or "", error.lineno) from None
        except ValueError:
            raise ExpressionError("a number is too large", offset) from None


def _pieces(source: str, offset: int) -> Iterator[_Piece]:
    from jinja2 import TemplateSyntaxError

    one_kind_of_line_break = source.replace("\r\n", " \n").replace("\r", "\n")
    at = 0
    try:
        for _, kind, text in _environment().lexer.tokeniter(one_kind_of_line_break, None, None, "variable"):
            if kind in ("variable_end", "data"):
                raise ExpressionError(f"unexpected '{text[:2]}'", offset + at)
            yield _Piece(offset + at, kind, text)
            at += len(text)
    except TemplateSyntaxError:
        found = source[at : at + 1]
        message = "the string is never closed" if found in ("'", '"') else f"unexpected '{found}'"
        raise ExpressionError(message, offset + at) from None


def _check(pieces: Sequence[_Piece]) -> None:
    """Refuse what Jinja2 would understand as something else than its author."""
    if pieces and pieces[0].text in ("-", "+") and pieces[1:2] and pieces[1].kind == "whitespace":
        raise ExpressionError("blanks around an expression are always kept", pieces[0].offset, hint="write '{{' alone")
    for i in range(1, len(pieces) - 2):
        named = pieces[i].kind == pieces[i + 2].kind == "name"
        if named and pieces[i - 1].text == "." and pieces[i + 1].text == "-":
            raise _hyphenated(pieces, i)


def _hyphenated(pieces: Sequence[_Piece], at: int) -> ExpressionError:
    """The error for ``stations.unit-tests``, where ``at`` is the index of ``unit``."""
    start, end = at - 1, at + 1
    while start > 0 and (pieces[start - 1].kind == "name" or pieces[start - 1].text == "."):
        start -= 1
    while end + 1 < len(pieces) and pieces[end].text == "-" and pieces[end + 1].kind == "name":
        end += 2
    owner = "".join(piece.text for piece in pieces[start : at - 1])
    name = "".join(piece.text for piece in pieces[at:end])
    hint = f"write {owner}['{name}'], or blanks around '-' to subtract"
    return ExpressionError(f"'{owner}.{name}' would be a subtraction", pieces[at].offset, hint=hint)
