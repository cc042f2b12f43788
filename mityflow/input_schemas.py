"""Checking JSON Schemas: of a workflow's inputs, and wherever else a file has one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from mityflow.errors import MityError, Problem, nearest

Where = tuple[str | int, ...]

_SCHEMAS_BY_NAME = {"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"}
_SCHEMA_LISTS = {"allOf", "anyOf", "oneOf", "prefixItems"}
_SCHEMAS = {
    "additionalProperties",
    "contains",
    "else",
    "if",
    "items",
    "not",
    "propertyNames",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
}


def input_problems(name: str, schema: Any, where: Where) -> list[Problem]:
    """What is wrong with the schema of one input (JSON Schema 2020-12), its default included."""
    problems = schema_problems(schema, where)
    if problems or "default" not in schema:
        return problems
    from mityflow.inputs import why_refused

    try:
        wrong = why_refused(schema["default"], schema)
    except MityError as error:
        return [Problem("input", f"input '{name}': {error.message}", where)]
    return [
        Problem("input-default", f"the default of '{name}' does not fit: {why}", (*where, "default")) for why in wrong
    ]


def schema_problems(schema: Any, where: Where) -> list[Problem]:
    """What is wrong with a JSON Schema (2020-12) itself."""
    return [*_keyword_problems(schema, where), *_meta_problems(schema, where)]


def parts(schema: Any, where: Where = ()) -> Iterator[tuple[Where, Mapping[str, Any]]]:
    """A schema and every schema inside it, each with its place."""
    if not isinstance(schema, Mapping):
        return
    yield where, schema
    for key, value in schema.items():
        if key in _SCHEMAS_BY_NAME and isinstance(value, Mapping):
            for name, part in value.items():
                yield from parts(part, (*where, key, name))
        elif key in _SCHEMA_LISTS and isinstance(value, list):
            for i, part in enumerate(value):
                yield from parts(part, (*where, key, i))
        elif key in _SCHEMAS:
            yield from parts(value, (*where, key))


def _keyword_problems(schema: Any, where: Where) -> Iterator[Problem]:
    """Unknown keywords, which a JSON Schema validator would pass over in silence."""
    for at, part in parts(schema, where):
        for key, value in part.items():
            if key not in _keywords() and not key.startswith("x-"):
                meant = nearest(key, _keywords())
                yield Problem("unknown-key", f"unknown schema keyword '{key}'", (*at, key), meant, key=True)
            elif key in ("$ref", "$dynamicRef") and not str(value).startswith("#"):
                text = f"'{key}' can only refer to the same schema, as in #/$defs/name"
                yield Problem("input", text, (*at, key))


def _meta_problems(schema: Any, where: Where) -> Iterator[Problem]:
    """What the JSON Schema specification's own schema has against this one."""
    import re

    from mityflow.inputs import sentence
    from mityflow.json_schema import Draft202012Validator

    seen: set[Where] = set()
    for error in Draft202012Validator(Draft202012Validator.META_SCHEMA).iter_errors(schema):
        at = (*where, *error.absolute_path)
        if at in seen:
            continue
        seen.add(at)
        last = error.absolute_path[-1] if error.absolute_path else None
        if last == "type" and error.validator == "anyOf":
            kinds = ["array", "boolean", "integer", "null", "number", "object", "string"]
            text = f"'type' is one of {', '.join(kinds)}, not {error.instance!r}"
            yield Problem("input", text, at, nearest(str(error.instance), kinds))
        else:
            yield Problem("input", sentence(error), at)
    for at, pattern in _patterns(schema, where):
        try:
            re.compile(pattern)
        except (re.error, RecursionError, OverflowError) as fault:
            yield Problem("input", f"the pattern does not compile: {fault}", at)


def _patterns(schema: Any, where: Where) -> Iterator[tuple[Where, str]]:
    if isinstance(schema, Mapping):
        for key, value in schema.items():
            if key == "pattern" and isinstance(value, str):
                yield (*where, key), value
            elif key == "patternProperties" and isinstance(value, Mapping):
                yield from (((*where, key, name), name) for name in value)
            if key not in ("default", "enum", "const", "examples"):
                yield from _patterns(value, (*where, key))
    elif isinstance(schema, list):
        for i, part in enumerate(schema):
            yield from _patterns(part, (*where, i))


@cache
def _keywords() -> frozenset[str]:
    """The keywords of JSON Schema 2020-12, from its own vocabularies."""
    from jsonschema_specifications import REGISTRY

    known: set[str] = set()
    for uri in REGISTRY:
        if uri.startswith("https://json-schema.org/draft/2020-12/"):
            contents = REGISTRY.contents(uri)
            if isinstance(contents, Mapping):
                known |= set(contents.get("properties", {}))
    return frozenset(known)
