"""``ask``: a person decides, or fills in a form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from mityflow.sdk import (
    Option,
    Question,
    Station,
    StationContext,
    StationOutput,
    StationResult,
    parse_duration,
)

DEFAULT_OPTIONS = ("approve", "reject")


class Ask(Station):
    """Asks a person to choose one of ``options``, or to fill in a ``form``.

    The run waits until somebody answers: at the terminal, with ``mityflow resume --answer``, or in
    the file of ``--answers``. Whatever the answer, the step succeeds: a rejection is data, which the
    steps that depend on it read in their ``when:``, such as ``outputs.answer == 'approve'``.

    ``form`` is a JSON Schema of type object; its properties are the fields. With ``timeout``, the
    answer is awaited that long, and ``on_timeout`` says what holds then: ``fail`` (the step fails),
    ``skip`` (the step is skipped, its outputs are null), or the id of an option. A form whose
    defaults are enough can say ``submit``. The step's own ``timeout:`` is another thing.

    ``values`` are the fields of the form, ``answer`` is ``submit`` then. ``answered_by`` is the user
    who answered, or ``timeout``.
    """

    name: ClassVar[str] = "ask"
    description: ClassVar[str] = "Asks a person, and waits for the answer"
    Params = "mityflow_stations.ask_params:AskParams"
    asks = True

    def output(self) -> StationOutput:
        """The answer, and who gave it when."""
        return StationOutput(["answer", "message", "values", "answered_by", "answered_at"])

    def may_skip(self, values: Mapping[str, Any]) -> bool:
        """True when nobody need answer in time."""
        return values.get("on_timeout") not in (None, "fail", *option_ids(values))

    def execute(self, context: StationContext) -> StationResult:
        """Ask; once answered, give the answer."""
        answer = context.answer
        if answer is None:
            return StationResult.needs_input(question(context.values))
        outputs = {
            "answer": answer.option,
            "message": answer.message,
            "values": answer.values,
            "answered_by": answer.by,
            "answered_at": answer.at,
        }
        said = answer.option + (f": {answer.message}" if answer.message else "")
        late = " (nobody answered in time)" if answer.by == "timeout" else ""
        return StationResult.success("ask", outputs=outputs, message=said + late)


def question(values: Mapping[str, Any]) -> Question:
    """The question that the settings of a step describe."""
    timeout = values.get("timeout")
    return Question(
        "ask",
        values["text"],
        () if values.get("form") else [_option(o) for o in values.get("options", DEFAULT_OPTIONS)],
        form=values.get("form"),
        expires_after=parse_duration(timeout) if timeout else None,
        on_timeout=values.get("on_timeout"),
    )


def option_ids(values: Mapping[str, Any]) -> list[str]:
    """The ids of all options, as far as the settings are known."""
    if values.get("form"):
        return ["submit"]
    options = values.get("options", DEFAULT_OPTIONS)
    if not isinstance(options, list | tuple):
        return []
    return [str(o.get("id")) if isinstance(o, Mapping) else str(o) for o in options]


def _option(given: Any) -> Option:
    return Option(**given) if isinstance(given, Mapping) else Option(given)
