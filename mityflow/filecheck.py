"""Checking a YAML file against a JSON Schema: every fault, each where it stands, in plain words."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from mityflow.errors import Fault, Problem, nearest
from mityflow.resources import schema_text
from mityflow.source import Node, Source, line_text

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

Where = tuple[str | int, ...]

_KINDS = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
    "null": "null",
}
_MEANINGS = {
    "^[A-Za-z_][A-Za-z0-9_]*$": "name of an environment variable",
    r"^[0-9]+(\.[0-9]+)*$": "version: numbers with dots between them, such as 3.11",
    r"^https?://\S+$": "address that begins with http:// or https://",
    r"^[a-z][a-z0-9_/-]*:\S+$": "model with its provider, such as openai:gpt-5-mini",
    "^/": "path of a request: it begins with '/'",
}
_DURATION_END = "(ms|s|m|h|d)$"
_TOO_LITTLE = {"minItems", "minLength", "minProperties"}
_BOUNDS = {
    "minimum": "at least",
    "maximum": "at most",
    "exclusiveMinimum": "more than",
    "exclusiveMaximum": "less than",
}


def placed(problem: Problem, source: Source) -> Fault:
    """The fault that a problem is in this file."""
    root = source.root
    if root is None:
        return problem.fault(source.path)
    node = root.at(problem.where)
    if problem.key:
        line, column = root.key_place(problem.where)
    elif problem.offset is not None and node.kind == "scalar":
        line, column = node.position(problem.offset)
    else:
        line, column = node.line, node.column
    return Fault(problem.rule, problem.message, source.path, line, column, problem.suggestion, line_text(source, line))


def file_problems(root: Node, schema_name: str, *, numeric: Callable[[Where], bool] = lambda _: False) -> list[Problem]:
    """What the schema has against the file, and values that YAML readers do not agree on.

    ``numeric`` tells of a place whether a number is what is wanted there.
    """
    data = root.data()
    problems = without_doubles(schema_problems(root, data, schema_name))
    typed = {p.where for p in problems if p.rule == "type"}
    return problems + [p for p in ambiguous(root, numeric) if p.where not in typed]


def without_doubles(problems: Iterable[Problem]) -> list[Problem]:
    """One fault for one typo: a key is not missing as well where another was meant to be it."""
    found = list(problems)
    meant = {(p.where[:-1], p.suggestion) for p in found if p.rule == "unknown-key"}
    typed = {p.where for p in found if p.rule == "type"}
    found = [p for p in found if p.rule != "const" or p.where not in typed]
    return [p for p in found if p.rule != "missing-key" or (p.where, p.message.split("'")[1]) not in meant]


def ambiguous(root: Node, numeric: Callable[[Where], bool]) -> Iterator[Problem]:
    """Plain scalars that not every YAML reader reads alike, or that are no longer what was written."""
    pending: list[tuple[Node, Where]] = [(root, ())]
    while pending:
        node, where = pending.pop()
        if node.kind == "mapping":
            pending += [
                (child, (*where, key))
                for key, child in node.value.items()
                if not key.startswith("x-") and not (numeric((*where, key)) and _is_finite(child))
            ]
        elif node.kind == "sequence":
            pending += [(child, (*where, i)) for i, child in enumerate(node.value)]
        elif node.style == "plain" and (why := _why_ambiguous(node)):
            yield Problem("ambiguous", why, where)


def _is_finite(node: Node) -> bool:
    return not isinstance(node.value, float) or math.isfinite(node.value)


def _why_ambiguous(node: Node) -> str:
    if node.ambiguous:
        return str(node.ambiguous)
    value, raw = node.value, node.raw
    if isinstance(value, float) and not math.isfinite(value):
        return f"{raw} is no number that can be written down; put it in quotes if it is text"
    if isinstance(value, int | float) and not isinstance(value, bool) and str(raw) != _number_text(value):
        return f"{raw} is read as the number {_number_text(value)}; put it in quotes if it is text"
    return ""


def _number_text(value: float) -> str:
    return json.dumps(value)


def schema_problems(root: Node, data: Any, schema_name: str) -> Iterator[Problem]:
    """What the schema of this name has against the data."""
    for error in _validator(schema_name).iter_errors(data):
        yield from error_problems(root, error)


@cache
def _validator(schema_name: str) -> Any:
    from mityflow.json_schema import Draft202012Validator

    return Draft202012Validator(json.loads(schema_text(schema_name)))


def error_problems(root: Node, error: ValidationError, before: Where = ()) -> Iterator[Problem]:
    """A schema's complaint in words; ``before`` is the place of what was validated."""
    where: Where = (*before, *error.absolute_path)
    if error.validator == "additionalProperties":
        yield from _unknown_keys(error, where)
    elif error.validator == "required":
        key = error.message.removesuffix(" is a required property")
        yield Problem("missing-key", f"the key {key} is missing", where)
    elif "propertyNames" in error.absolute_schema_path:
        yield _wrong_name(error, where)
    else:
        yield _wrong_value(root, error, where)


def _unknown_keys(error: ValidationError, where: Where) -> Iterator[Problem]:
    schema: Mapping[str, Any] = error.schema  # type: ignore[assignment]
    known = schema.get("properties", {})
    patterns = list(schema.get("patternProperties", {}))
    instance: Any = error.instance
    for key in instance:
        if key in known or any(re.search(pattern, key) for pattern in patterns):
            continue
        if known:
            yield Problem("unknown-key", f"unknown key '{key}'", (*where, key), nearest(key, known), key=True)
        else:
            yield Problem("name", f"'{key}' is no name here: it must match {patterns[0]}", (*where, key), key=True)


def _wrong_name(error: ValidationError, where: Where) -> Problem:
    key = str(error.instance)
    wanted: Any = error.validator_value
    options = [str(option) for option in wanted] if error.validator == "enum" else []
    return Problem(
        "unknown-key",
        f"unknown key '{key}'; one of {', '.join(options)}",
        (*where, key),
        nearest(key, options),
        key=True,
    )


def _wrong_value(root: Node, error: ValidationError, where: Where) -> Problem:
    wanted: Any = error.validator_value
    what = _named(where)
    shown = json.dumps(error.instance, ensure_ascii=False)
    shown = shown if len(shown) <= 60 else shown[:57] + "..."
    suggestion = None
    rule = str(error.validator)
    if rule == "type" and _is_duration(error.schema):
        message = f"{what} must be a duration, such as 90s or 1.5h"
    elif rule == "type":
        message = f"{what} must be {_kinds(wanted)}{_quoting(root.at(where), wanted)}"
    elif rule == "enum":
        options = [str(option) for option in wanted]
        suggestion = nearest(str(error.instance), options)
        message = f"{what} is one of {', '.join(options)}, not {shown}"
    elif rule == "const":
        message = f"{what} must be {json.dumps(wanted)}, not {shown}"
    elif rule == "pattern":
        message = f"{shown} is no {_meaning(wanted)}"
    elif rule in _TOO_LITTLE:
        message = f"{what} must not be empty"
    elif rule in _BOUNDS:
        message = f"{what} must be {_BOUNDS[rule]} {wanted}, not {shown}"
    else:
        message = f"{what}: {error.message[:200]}"
    return Problem(rule, message, where, suggestion)


def _kinds(wanted: str | Iterable[str]) -> str:
    return " or ".join(_KINDS.get(k, k) for k in ([wanted] if isinstance(wanted, str) else wanted))


def _quoting(node: Node, wanted: Any) -> str:
    """How to make text of a scalar that is none."""
    if wanted != "string" or node.kind != "scalar":
        return f", not {_KINDS['array' if node.kind == 'sequence' else 'object']}" if node.kind != "scalar" else ""
    if node.value is None:
        return ", and it is empty"
    return f'; put it in quotes: "{node.raw}"'


def _is_duration(schema: Any) -> bool:
    return isinstance(schema, Mapping) and str(schema.get("pattern", "")).endswith(_DURATION_END)


def _meaning(pattern: str) -> str:
    """What a pattern of the schemas is for; the pattern itself where that is not known."""
    if pattern.endswith(_DURATION_END):
        return "duration: a number with ms, s, m, h or d, such as 90s or 1.5h"
    if pattern.startswith("^[a-z][a-z0-9_-]"):
        return "id: a lower-case letter, then up to 62 of a-z, 0-9, _ and -"
    if pattern.startswith("^(?!/)"):
        return "path inside the application: no '/' at its start, no '..' and no '\\' in it"
    return _MEANINGS.get(pattern, f"match of {pattern}")


def _named(where: Where) -> str:
    """The value's name in a message: its key, with an index where it is in a list."""
    if not where:
        return "the file"
    last = where[-1]
    if isinstance(last, str):
        return f"'{last}'"
    keys = [p for p in where if isinstance(p, str)]
    return f"entry {last + 1} of '{keys[-1]}'" if keys else f"entry {last + 1}"
