"""Forms: JSON Schemas of type object, whose properties are the fields that a person fills in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any, NamedTuple

from mityflow.errors import MityError, Problem, nearest
from mityflow.input_schemas import parts, schema_problems
from mityflow.station import SUBMIT, Question

Form = Mapping[str, Any]
Where = tuple[str | int, ...]

_OPENING = {"patternProperties", "unevaluatedProperties", "allOf", "anyOf", "oneOf", "if", "dependentSchemas", "$ref"}
_WRITTEN = {"title", "description", "default", "enum", "const", "examples", "pattern", "$comment"}
_LONGEST_WAY = 20


class Field(NamedTuple):
    """A field of a form; ``schema`` is what its value must fit, with what it refers to filled in."""

    name: str
    schema: Mapping[str, Any]
    required: bool


def form_problems(form: Any, where: Where = ()) -> list[Problem]:
    """What is wrong with a form itself, its fields' defaults included."""
    problems = schema_problems(form, where)
    if problems or not isinstance(form, Mapping):
        return problems or [Problem("form", "a form is a JSON Schema", where)]
    if form.get("type") != "object":
        at = (*where, "type") if "type" in form else where
        return [Problem("form", "a form is a JSON Schema with 'type: object'", at)]
    names = form.get("properties")
    if not names:
        return [Problem("form", "a form needs 'properties': its fields", where)]
    for i, name in enumerate(form.get("required", ())):
        if name not in names:
            at = (*where, "required", i)
            problems.append(Problem("form", f"the form has no field '{name}'", at, nearest(name, names)))
    for at, part in parts(form, where):
        for key in ("writeOnly", "format"):
            if part.get(key) in (True, "password"):
                text = "a form is no place for a secret: what is answered is recorded; declare it under 'secrets'"
                problems.append(Problem("form", text, (*at, key)))
    return problems or _default_problems(form, where)


def question_problems(question: Question) -> list[str]:
    """What is wrong with the form of a question, in sentences."""
    if question.form is None:
        return []
    problems = [problem.fault().message for problem in form_problems(question.form)]
    if problems or question.on_timeout != SUBMIT:
        return problems
    wrong = wrong_fields(question.form, filled(question.form, {}))
    return [f"on_timeout is '{SUBMIT}', but the defaults alone do not fit: {sentence}" for _, sentence in wrong]


def _default_problems(form: Form, where: Where) -> list[Problem]:
    problems = []
    for name, part in form["properties"].items():
        if not isinstance(part, Mapping) or "default" not in part:
            continue
        at = (*where, "properties", name, "default")
        try:
            wrong = [text for field, text in _refused(form, {name: part["default"]}) if field == name]
        except MityError as error:
            return [Problem("form", error.message, where)]
        problems += [Problem("form", f"the default does not fit: {text}", at) for text in wrong]
    return problems


def fields(form: Form) -> list[Field]:
    """The fields in the order of the form."""
    required = form.get("required", ())
    return [Field(name, _resolved(part, form), name in required) for name, part in form["properties"].items()]


def filled(form: Form, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values, with the default of each field that has none; also inside fields that are mappings."""
    return _filled(form, values, form, _LONGEST_WAY)


def _filled(schema: Any, values: Mapping[str, Any], form: Form, depth: int) -> dict[str, Any]:
    whole = dict(values)
    properties = schema.get("properties")
    for name, part in properties.items() if isinstance(properties, Mapping) else ():
        resolved = _resolved(part, form)
        if name not in whole and "default" in resolved:
            whole[name] = deepcopy(resolved["default"])
        if isinstance(whole.get(name), Mapping) and depth:
            whole[name] = _filled(resolved, whole[name], form, depth - 1)
    return whole


def wrong_fields(form: Form, values: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What is wrong with the values of a form: the field, "" for what concerns several, and a sentence.

    Raises MityError when the form's schema cannot be applied.
    """
    from mityflow.inputs import described

    known = {field.name: field for field in fields(form)}
    wrong = []
    if not _is_open(form):
        for name in values:
            if name not in known:
                meant = nearest(name, known)
                end = f"did you mean '{meant}'?" if meant else f"it has {', '.join(known)}"
                wrong.append((name, f"the form has no field '{name}'; {end}"))
    for name, field in known.items():
        if field.required and name not in values:
            wrong.append((name, f"field '{name}' has no value{described(field.schema)}"))
    return wrong + _refused(form, values)


def _refused(form: Form, values: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What the schema says of values, but for what :func:`wrong_fields` says better."""
    from mityflow.inputs import placed_sentence, refusals

    found = []
    for where, why, rule in refusals(values, form):
        if where:
            found.append((str(where[0]), f"field '{where[0]}': {placed_sentence(where[1:], why)}"))
        elif rule != ("required",) and (rule != ("additionalProperties",) or _is_open(form)):
            found.append(("", why))
    return found


def _is_open(form: Form) -> bool:
    """True when a form may take more than its fields."""
    return bool(_OPENING & form.keys()) or form.get("additionalProperties", False) is not False


def _resolved(part: Any, form: Form) -> Mapping[str, Any]:
    """A schema without its references into the form, as far as they can be followed."""
    whole = dict(part) if isinstance(part, Mapping) else {}
    for _ in range(_LONGEST_WAY):
        reference = whole.pop("$ref", None)
        if not isinstance(reference, str):
            break
        whole = {**_pointed_at(form, reference), **whole}
    whole.pop("$ref", None)  # it leads round in a circle
    return whole


def _pointed_at(form: Form, reference: str) -> Mapping[str, Any]:
    at: Any = form
    for word in reference.removeprefix("#").split("/")[1:]:
        at = at.get(word.replace("~1", "/").replace("~0", "~")) if isinstance(at, Mapping) else None
    return at if isinstance(at, Mapping) else {}


def masked_form(form: Form, mask: Callable[[Any], Any]) -> dict[str, Any]:
    """A form without secrets in what was written into it; its keywords and the names of its fields stay."""
    masked = deepcopy(dict(form))
    for _, found in parts(masked):
        part: Any = found  # a mapping of our own copy
        for key in [k for k in part if k in _WRITTEN or k.startswith("x-")]:
            part[key] = mask(part[key])
    return masked
