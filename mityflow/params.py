"""What a station's ``Params`` are made of: loaded only where settings are checked."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from mityflow.errors import Problem, UsageError
from mityflow.workflow import parse_duration


class Params(BaseModel):
    """Settings a step may give in ``with:``. Unknown keys are faults; values are not converted to text."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def wrong_settings(problems: Iterable[Problem]) -> ValidationError:
    """What a validator raises to say of several values what is wrong, each at its own place.

    ``where`` of each problem leads from the validated value, which is the whole for a validator of
    the model, to the value that is wrong.
    """
    errors = []
    for problem in problems:
        told = PydanticCustomError("problem", "{message}", problem._asdict())
        errors.append(InitErrorDetails(type=told, loc=problem.where, input=None))
    return ValidationError.from_exception_data("settings", errors)


def _duration(text: str) -> str:
    try:
        parse_duration(text)
    except UsageError as error:
        raise ValueError(f"{error.message} ({error.hint})" if error.hint else error.message) from error
    return text


def _form(schema: dict[str, Any]) -> dict[str, Any]:
    from mityflow.forms import form_problems

    problems = form_problems(schema)
    if problems:
        raise wrong_settings(problems)
    return schema


Duration = Annotated[str, AfterValidator(_duration), "The type of a setting such as ``90s`` or ``1.5h``."]
Form = Annotated[dict[str, Any], AfterValidator(_form), "The type of a setting that is the form of a question."]
