"""Whether an answer is one to a question."""

from __future__ import annotations

from mityflow.errors import UsageError
from mityflow.station import Answer, Question


def check_answer(question: Question, answer: Answer) -> None:
    """Raises UsageError when this is no answer to the question."""
    option = question.option(answer.option)
    options = ", ".join(o.id for o in question.options)
    if option is None:
        raise UsageError(f"'{answer.option}' is no answer to '{question.id}'", hint=f"one of {options}")
    if answer.message and not option.takes_message:
        raise UsageError(f"the answer '{answer.option}' takes no message")
