"""The settings of ``ask``."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, field_validator, model_validator

from mityflow.sdk import Duration, Form, Params, Problem, Question, nearest, question_problems, wrong_settings
from mityflow_stations.ask import DEFAULT_OPTIONS

_EXPRESSION = "{{"


def _option_id(text: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_-]{0,62}", text):
        raise ValueError(f"'{text[:60]}' is no id: a lower-case letter, then up to 62 of a-z, 0-9, _ and -")
    return text


OptionId = Annotated[str, AfterValidator(_option_id)]


class OptionParams(Params):
    """One option; its id alone is enough."""

    id: OptionId
    label: str = ""
    description: str = ""
    takes_message: bool = False


class AskParams(Params):
    """``options`` or ``form`` is given, or none of them; ``timeout`` and ``on_timeout`` together."""

    text: str = Field(min_length=1, description="What is asked.")
    options: list[OptionParams] | None = Field(
        None,
        min_length=1,
        description="What can be answered: ids, or mappings {id, label, description, takes_message};"
        " [approve, reject] when left out.",
    )
    form: Form | None = Field(None, description="A JSON Schema of type object: the fields to fill in.")
    timeout: Duration | None = Field(
        None, description="How long an answer is awaited, such as 2d; for ever if left out."
    )
    on_timeout: str | None = Field(
        None, description="What holds when nobody answered in time: fail, skip, or the id of an option."
    )

    @field_validator("options", mode="before")
    @classmethod
    def _ids_as_options(cls, options: Any) -> Any:
        """Each option as a mapping."""
        if not isinstance(options, list):
            return options
        problems = []
        for i, option in enumerate(options):
            if not isinstance(option, str | dict):
                text = "an option is an id (put it in quotes), or a mapping {id, label, description, takes_message}"
                problems.append(Problem("type", text, (i,)))
            for key in option if isinstance(option, dict) else ():
                if key not in OptionParams.model_fields:
                    meant = nearest(str(key), OptionParams.model_fields)
                    problems.append(Problem("unknown-key", f"an option has no '{key}'", (i, key), meant, key=True))
        if problems:
            raise wrong_settings(problems)
        return [{"id": option} if isinstance(option, str) else option for option in options]

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        problems = [*self._of_options(), *self._of_time()]
        if problems:
            raise wrong_settings(problems)
        return self

    def _ids(self) -> list[str]:
        if self.form is not None:
            return ["submit"]
        return list(DEFAULT_OPTIONS) if self.options is None else [option.id for option in self.options]

    def _of_options(self) -> Iterator[Problem]:
        if self.options is not None and self.form is not None:
            yield Problem("with", "give 'options' or 'form', not both", ("options",), key=True)
        ids = self._ids()
        for i, option_id in enumerate(ids):
            if option_id in ids[:i]:
                yield Problem("repeated-id", f"there are two options '{option_id}'", ("options", i))

    def _of_time(self) -> Iterator[Problem]:
        ids, then = self._ids(), self.on_timeout
        if then is None:
            if self.timeout is not None:
                text = f"say what holds when nobody answered in time: 'on_timeout' is fail, skip, {', '.join(ids)}"
                yield Problem("with", text, ("timeout",), key=True)
            return
        if self.timeout is None:
            yield Problem("with", "'on_timeout' needs a 'timeout', such as 2d", ("on_timeout",), key=True)
        if any(_EXPRESSION in text for text in (then, *ids)):
            return
        if then in ("fail", "skip") and then in ids:
            text = f"'{then}' is an option here too; give the option another id"
            yield Problem("with", text, ("on_timeout",))
        elif then not in ("fail", "skip", *ids):
            text = f"on_timeout is one of fail, skip, {', '.join(ids)}, not '{then}'"
            yield Problem("enum", text, ("on_timeout",), nearest(then, ["fail", "skip", *ids]))
        elif self.form is not None and then == "submit" and _EXPRESSION not in json.dumps(self.form):
            asked = Question("ask", self.text, form=self.form, expires_after=1, on_timeout=then)
            for text in question_problems(asked):
                yield Problem("with", text, ("on_timeout",))
