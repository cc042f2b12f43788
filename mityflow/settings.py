"""Checking a step's ``with:`` against the ``Params`` of its station."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mityflow.errors import Problem, nearest
from mityflow.expressions import has_expression
from mityflow.filecheck import without_doubles
from mityflow.station import Station, load_params

if TYPE_CHECKING:
    from pydantic import BaseModel
    from pydantic_core import ErrorDetails

Where = tuple[str | int, ...]


def check_settings(
    station: Station,
    values: Mapping[str, Any],
    where: Where = (),
    *,
    rendered: bool = False,
    partial: bool = False,
) -> list[Problem]:
    """What is wrong with ``values``.

    What depends on an expression is let pass, unless the values are ``rendered``; and what may only
    be missing because a wrong piece of the step was left out, if it is ``partial``.
    """
    if station.Params is None:
        if not values:
            return []
        key = next(iter(values))
        return [Problem("with", f"station '{station.name}' takes no settings", (*where, key), key=True)]
    model = load_params(station.Params)
    problems = _unknown_keys(model, station.name, values, where)
    from pydantic import ValidationError

    try:
        model.model_validate(dict(values))
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            told = detail["type"] == "extra_forbidden" and len(detail["loc"]) == 1
            lacking = partial and (not detail["loc"] or detail["type"] == "missing")
            if not told and not lacking and (_sure(detail) or rendered or not _open(values, detail["loc"])):
                problems.append(_problem(detail, station.name, where, rendered=rendered))
    return without_doubles(problems)


def _unknown_keys(model: type[BaseModel], name: str, values: Mapping[str, Any], where: Where) -> list[Problem]:
    if model.model_config.get("extra") == "allow":
        return []
    known = _keys(model)
    return [
        Problem(
            "unknown-key",
            f"station '{name}' has no setting '{key}'",
            (*where, key),
            nearest(key, known),
            key=True,
        )
        for key in values
        if key not in known
    ]


def _keys(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


def _problem(detail: ErrorDetails, name: str, where: Where, *, rendered: bool) -> Problem:
    kind, loc = detail["type"], detail["loc"]
    place = (*where, *loc)
    if kind == "missing":
        message = f"'{loc[-1]}' is missing: station '{name}' needs it"
        return Problem("missing-key", message, place[: len(where) + len(loc) - 1])
    if kind == "extra_forbidden":
        return Problem("unknown-key", f"unknown key '{loc[-1]}'", place, key=True)
    if kind == "string_type":
        way_out = "; write {{ ... | string }}" if rendered else "; put it in quotes"
        quotes = "" if isinstance(detail["input"], list | dict) else way_out
        return Problem("type", f"{_named(loc)} must be text{quotes}", place)
    if kind == "problem":
        told = detail["ctx"]
        return Problem(told["rule"], told["message"], place, told["suggestion"], key=told["key"])
    message = detail["msg"].removeprefix("Value error, ")
    message = message[:1].lower() + message[1:]
    if kind == "literal_error":
        wanted = str(detail.get("ctx", {}).get("expected", ""))
        options = [w.strip("' ") for w in wanted.replace(" or ", ",").split(",")]
        given = str(detail["input"])[:60]
        return Problem(
            "enum", f"{_named(loc)} is one of {', '.join(options)}, not '{given}'", place, nearest(given, options)
        )
    if not loc:
        return Problem("with", f"station '{name}': {message}", where)
    return Problem("with", f"{_named(loc)}: {message}", place)


def _named(loc: Sequence[str | int]) -> str:
    text = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in loc).lstrip(".")
    return f"'{text}'"


def _sure(detail: ErrorDetails) -> bool:
    """True for an error that no value of an expression can make good."""
    return detail["type"] in ("missing", "extra_forbidden")


def _open(values: Mapping[str, Any], loc: Sequence[str | int]) -> bool:
    """True when the place of an error depends on an expression, whose value is not known yet."""
    at: Any = values
    for part in loc:
        if isinstance(at, str):
            break
        try:
            at = at[part]
        except (KeyError, IndexError, TypeError):
            break
    return _holds_expression(at)


def _holds_expression(value: Any) -> bool:
    if isinstance(value, str):
        return has_expression(value)
    if isinstance(value, Mapping):
        return any(_holds_expression(v) for v in value.values())
    if isinstance(value, Sequence):
        return any(_holds_expression(v) for v in value)
    return False
