"""The values of a workflow's inputs: read from text, filled from defaults, checked."""

from __future__ import annotations

import json
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Any, NamedTuple

from mityflow.errors import Fault, FaultsError, MityError, UsageError, nearest

Schema = Mapping[str, Any]
_REFUSED = object()
_PATIENCE = 2.0


def parse_input(name: str, text: str, schemas: Mapping[str, Schema]) -> Any:
    """The value that a text stands for: verbatim for a string, JSON for other types.

    Raises UsageError for a name that is no input, and for text that is no JSON where it must be.
    """
    schema = schemas.get(name)
    if schema is None:
        raise UsageError(_unknown(name, schemas))
    try:
        return read_text(text, schema)
    except UsageError as error:
        raise UsageError(f"input '{name}' {error.message}", hint=error.hint) from error


def read_text(text: str, schema: Schema) -> Any:
    """The value that a text stands for, where a value of this schema is wanted.

    Raises UsageError, whose message goes after the name of what is wanted.
    """
    kind = schema.get("type")
    if kind == "string" or (kind is None and _all_text(schema.get("enum"))):
        return text
    try:
        return read_json(text)
    except (ValueError, RecursionError) as error:
        if kind is None or (isinstance(kind, list) and "string" in kind):
            return text
        wanted = " or ".join(kind) if isinstance(kind, list) else kind
        way_out = "lists and mappings as JSON"
        raise UsageError(f"must be of type {wanted}; {text[:60]!r} is not", hint=way_out) from error


def read_json(text: str) -> Any:
    """The data that JSON text stands for. Raises ValueError or RecursionError for what is none."""
    return json.loads(text, parse_constant=_no_constant, parse_float=_finite)


def missing_inputs(schemas: Mapping[str, Schema], given: Mapping[str, Any]) -> list[str]:
    """The inputs that have neither a value nor a default."""
    return [name for name, schema in schemas.items() if name not in given and "default" not in schema]


def resolve_inputs(schemas: Mapping[str, Schema], given: Mapping[str, Any]) -> dict[str, Any]:
    """All values, defaults included. Raises FaultsError naming each unknown, missing or wrong one."""
    faults = [Fault("unknown-input", _unknown(name, schemas)) for name in given if name not in schemas]
    faults += [
        Fault("missing-input", f"input '{name}' has no value; give it with -i {name}=VALUE{described(schemas[name])}")
        for name in missing_inputs(schemas, given)
    ]
    for name, value in given.items():
        if name in schemas and value != schemas[name].get("default", _REFUSED):
            faults += [Fault("wrong-input", f"input '{name}': {why}") for why in why_refused(value, schemas[name])]
    if faults:
        raise FaultsError(faults)
    return {name: given.get(name, schema.get("default")) for name, schema in schemas.items()}


class Refusal(NamedTuple):
    """What a schema has against a value: where in the value, why, and where in the schema that stands."""

    where: tuple[str | int, ...]
    why: str
    rule: tuple[str | int, ...]


def why_refused(value: Any, schema: Schema) -> list[str]:
    """What a JSON Schema (2020-12) has against a value, in sentences; empty when it fits.

    Raises MityError when the schema cannot be applied, or not in bounded time.
    """
    return [placed_sentence(refusal.where, refusal.why) for refusal in refusals(value, schema)]


def refusals(value: Any, schema: Schema) -> list[Refusal]:
    """The same, each with its place. Raises MityError as :func:`why_refused` does."""
    from referencing import Registry
    from referencing.exceptions import Unresolvable

    from mityflow.json_schema import Draft202012Validator

    validator = Draft202012Validator(dict(schema), registry=Registry())
    try:
        with _limited():
            return [
                Refusal(tuple(error.absolute_path), _said(error), tuple(error.absolute_schema_path))
                for error in validator.iter_errors(value)
            ]
    except (Unresolvable, RecursionError) as error:
        raise MityError(f"the schema cannot be applied: {error}") from error


@contextmanager
def _limited() -> Iterator[None]:
    """Give up on a pattern that explodes; only the main thread can."""
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "SIGALRM"):
        yield
        return

    def give_up(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - a handler's signature
        raise MityError(f"applying the schema takes longer than {_PATIENCE:g}s; is there a pattern that explodes?")

    before = signal.signal(signal.SIGALRM, give_up)
    begun = time.monotonic()
    left, _ = signal.setitimer(signal.ITIMER_REAL, _PATIENCE)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        if left:  # a time limit was running, and goes on
            signal.setitimer(signal.ITIMER_REAL, max(0.001, left - (time.monotonic() - begun)))


def sentence(error: Any) -> str:
    """What a validator says of a value, in words, with the place in the value."""
    return placed_sentence(tuple(error.absolute_path), _said(error))


def placed_sentence(where: tuple[str | int, ...], why: str) -> str:
    """``['a'][0]: why``."""
    at = "".join(f"[{p!r}]" for p in where)
    return f"{at}: {why}" if at else why


def _said(error: Any) -> str:
    value = json.dumps(error.instance, ensure_ascii=False)
    shown = value if len(value) <= 60 else value[:57] + "..."
    if error.validator == "enum":
        options = ", ".join(str(option) for option in error.validator_value)
        meant = nearest(str(error.instance), [str(o) for o in error.validator_value])
        text = f"{shown} is not one of {options}" + (f"; did you mean '{meant}'?" if meant else "")
    elif error.validator == "pattern":
        text = f"{shown} does not match {error.validator_value}"
    elif error.validator == "type":
        kinds = error.validator_value
        text = f"{shown} is not of type {' or '.join(kinds) if isinstance(kinds, list) else kinds}"
    else:
        text = str(error.message)[:200]
    return text


def described(schema: Schema) -> str:
    """`` (what it is; one of its choices)``, for the end of a sentence; empty when nothing is known."""
    parts = []
    if schema.get("description"):
        parts.append(str(schema["description"]))
    if schema.get("enum"):
        parts.append("one of " + ", ".join(map(str, schema["enum"])))
    return f" ({'; '.join(parts)})" if parts else ""


def _unknown(name: str, schemas: Mapping[str, Schema]) -> str:
    meant = nearest(name, schemas)
    if meant:
        return f"the workflow has no input '{name}'; did you mean '{meant}'?"
    return f"the workflow has no input '{name}'; it has " + (", ".join(schemas) or "none")


def _all_text(options: Any) -> bool:
    return isinstance(options, list) and all(isinstance(o, str) for o in options)


def _finite(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ValueError(f"{text} is too large")
    return number


def _no_constant(text: str) -> Any:
    raise ValueError(f"{text} is no number of JSON")
