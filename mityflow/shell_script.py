"""Values in bash scripts: never pasted into the text, handed over as environment variables.

Outside quotes ``{{ x }}`` becomes ``"${MITY_1}"``, inside double quotes and here-documents
``${MITY_1}``. Where bash would take that literally, or would evaluate the value, it is an error that
points to the step's ``env:``. In doubt it is an error too.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from mityflow.expressions import ExpressionError, Reference, Span, Template, find_expressions, parse_template

_PREFIX = "MITY_"
_LONGEST_VALUE = 128 * 1024 - len("MITY_00000=") - 1
"""Bytes; Linux starts no program with a longer variable."""


class Script(NamedTuple):
    """A script ready to run: the value of ``templates[i]`` belongs in the variable ``MITY_<i + 1>``."""

    text: str
    templates: tuple[Template, ...]
    references: tuple[Reference, ...]


@lru_cache(maxsize=256)
def parse_script(text: str) -> Script:
    """Parse a script and place its values. Raises ExpressionError."""
    if "\0" in text:
        raise ExpressionError("a script cannot hold a NUL character", text.index("\0"))
    spans = find_expressions(text)
    masked = _masked(text, spans)
    if _PREFIX in masked:
        raise ExpressionError(
            f"variables whose names begin with {_PREFIX} hold the values of expressions",
            masked.index(_PREFIX),
            hint="take another name",
        )
    if not spans:
        return Script(text, (), ())
    from mityflow.shell_reader import place_values

    quoted = place_values(masked, spans)
    templates = tuple(_template(text, span) for span in spans)
    references = [
        reference._replace(offset=reference.offset + span.start)
        for template, span in zip(templates, spans, strict=True)
        for reference in template.references
    ]
    return Script(_with_variables(text, spans, quoted), templates, tuple(references))


def render_script(text: str, scope: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
    """The script to run, and the environment variables it reads. Raises ExpressionError."""
    script = parse_script(text)
    return script.text, {f"{_PREFIX}{i}": _value(template, scope) for i, template in enumerate(script.templates, 1)}


def _masked(text: str, spans: list[Span]) -> str:
    """The text with NUL for each character of an expression, so that offsets stay."""
    pieces: list[str] = []
    at = 0
    for start, end in spans:
        pieces += text[at:start], "\0" * (end - start)
        at = end
    return "".join((*pieces, text[at:]))


def _template(text: str, span: Span) -> Template:
    try:
        return parse_template(text[span.start : span.end])
    except ExpressionError as error:
        raise error.shifted(span.start) from None


def _with_variables(text: str, spans: list[Span], quoted: list[bool]) -> str:
    pieces: list[str] = []
    at = 0
    for i, (start, end) in enumerate(spans):
        variable = f"${{{_PREFIX}{i + 1}}}"
        pieces += text[at:start], f'"{variable}"' if quoted[i] else variable
        at = end
    return "".join((*pieces, text[at:]))


def _value(template: Template, scope: Mapping[str, Any]) -> str:
    value = template.text(scope)
    if "\0" in value:
        raise ExpressionError("the value holds a NUL character, which no environment variable can")
    try:
        size = len(value.encode())
    except UnicodeEncodeError:
        raise ExpressionError("the value holds half a character") from None
    if size > _LONGEST_VALUE:
        raise ExpressionError(
            f"the value has {size} bytes; a script can be given {_LONGEST_VALUE}", hint="hand it over in a file"
        )
    return value
