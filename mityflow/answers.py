"""Answers to questions: read from text or data, checked, and what holds when nobody answers in time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mityflow.clock import Clock, from_iso
from mityflow.errors import Fault, FaultsError, MityError, ResumeError, UsageError, nearest
from mityflow.process import TimedOut
from mityflow.station import FAILURE_QUESTION, SUBMIT, Answer, Question, StationResult
from mityflow.workflow import format_duration

TIMEOUT = "timeout"
Mask = Callable[[str], str]


def check_answer(question: Question, answer: Answer, mask: Mask = str) -> Answer:
    """The answer, its form's defaults filled in. Raises UsageError or FaultsError if it is none to the question.

    ``mask`` takes secrets out of what is said of wrong values.
    """
    option = question.option(answer.option)
    if option is None:
        ids = [o.id for o in question.options]
        given = mask(answer.option)
        meant = nearest(given, ids)
        text = f"'{given[:60]}' is no answer to '{question.id}'" + (f"; did you mean '{meant}'?" if meant else "")
        raise UsageError(text, hint=_wanted(question))
    if answer.message and not option.takes_message:
        what = f"the answer '{answer.option}'" if question.form is None else "a form"
        raise UsageError(f"{what} takes no message")
    if question.form is None:
        if answer.values is not None:
            raise UsageError(f"question '{question.id}' has no form, so its answer takes no values")
        return answer
    return answer._replace(values=_form_values(question.form, answer.values, mask))


def _form_values(form: Mapping[str, Any], given: Any, mask: Mask) -> dict[str, Any]:
    from mityflow.forms import filled, wrong_fields
    from mityflow.steps import as_data

    try:
        values = as_data({} if given is None else given)
    except TypeError as error:
        raise UsageError(f"the values of a form are not data: {error}") from error
    if not isinstance(values, dict):
        raise UsageError("the values of a form are a mapping of fields to values")
    values = filled(form, values)
    try:
        wrong = wrong_fields(form, values)
    except MityError as error:
        raise UsageError(f"the form cannot be checked: {mask(error.message)}") from error
    if wrong:
        raise FaultsError([Fault("wrong-answer", mask(sentence)) for _, sentence in wrong])
    return values


def _wanted(question: Question) -> str:
    if question.form is not None:
        return "a form is answered with a JSON object of its fields"
    return f"one of {', '.join(o.id for o in question.options)}"


def read_answer(question: Question, given: Any, message: str = "") -> Answer:
    """The answer that a file or the command line gave: text, or a mapping.

    Text is an option's id, or the JSON object of a form's fields; a mapping is ``{option, message}``,
    or those fields. Raises UsageError when it is neither; :func:`check_answer` tells whether it fits.
    """
    if question.form is not None:
        return _read_form(given, message)
    if isinstance(given, str):
        return Answer(given, message)
    if not isinstance(given, Mapping) or not isinstance(given.get("option"), str):
        raise UsageError("the answer must be an option, or a mapping {option, message}", hint=_wanted(question))
    for key in given:
        if key not in ("option", "message"):
            meant = nearest(str(key), ("option", "message"))
            end = f"; did you mean '{meant}'?" if meant else ""
            raise UsageError(f"unknown key '{key}' in the answer{end}")
    text = given.get("message", "")
    if not isinstance(text, str):
        raise UsageError("the message of an answer is text; put it in quotes")
    return Answer(given["option"], text)


def _read_form(given: Any, message: str) -> Answer:
    if isinstance(given, Mapping):
        return Answer(SUBMIT, message, dict(given))
    if given == SUBMIT:
        return Answer(SUBMIT, message, {})
    if isinstance(given, str):
        from mityflow.inputs import read_json

        try:
            values = read_json(given)
        except (ValueError, RecursionError) as error:
            hint = 'such as \'{"field": "value"}\', in single quotes'
            raise UsageError(f"a form is answered with a JSON object, and this is none: {error}", hint=hint) from error
        if isinstance(values, dict):
            return Answer(SUBMIT, message, values)
    raise UsageError("a form is answered with a mapping of its fields to values")


def expires_at(asked: StationResult) -> float | None:
    """Until when the question of this result can be answered, in seconds since 1970; None for ever."""
    if asked.question is None or asked.question.expires_after is None or asked.completed_at is None:
        return None
    return from_iso(asked.completed_at) + asked.question.expires_after


def timed_out(asked: StationResult, now: float) -> Answer | None:
    """The answer by time-out to the question of this result, None while it can be answered."""
    end = expires_at(asked)
    if end is None or now < end or asked.question is None or asked.question.on_timeout is None:
        return None
    question, option = asked.question, asked.question.on_timeout or ""
    if question.form is not None and option == SUBMIT:
        from mityflow.forms import filled

        return Answer(option, values=filled(question.form, {}), by=TIMEOUT)
    return Answer(option, by=TIMEOUT)


def awaited(
    asked: StationResult, clock: Clock, ask: Callable[[float | None], Answer | None], mask: Mask = str
) -> Answer | None:
    """The answer to the question of this result: what ``ask`` gives in time, else that of the time-out.

    ``ask`` is given the moment (:func:`time.monotonic`) at which it must end, by raising TimedOut.
    None when nobody answers now, and there is still time. Raises UsageError or FaultsError for a
    wrong answer.
    """
    over = timed_out(asked, clock.now())
    if over:
        return over
    end = expires_at(asked)
    try:
        given = ask(None if end is None else clock.monotonic() + end - clock.now())
    except TimedOut:
        return timed_out(asked, end or 0.0)
    over = timed_out(asked, clock.now())
    if over or given is None or asked.question is None:
        return over
    return check_answer(asked.question, given, mask)


def accepted(run_id: str, asked: StationResult | None, answer: Answer, now: float, mask: Mask = str) -> Answer:
    """The answer to what a waiting run asks, complete.

    Raises ResumeError when it asks nothing, or no longer; UsageError or FaultsError for a wrong answer.
    """
    if asked is None or asked.question is None:
        raise ResumeError(f"run {run_id} asks nothing, so there is nothing to answer")
    over = timed_out(asked, now)
    if over:
        raise ResumeError(
            f"this answer comes too late: {nobody_answered(asked.question)}",
            hint=f"'mityflow resume {run_id}' goes on with on_timeout: {over.option}",
        )
    return check_answer(asked.question, answer, mask)


def nobody_answered(question: Question) -> str:
    """That the time is over, in words."""
    return f"nobody answered within {format_duration(question.expires_after or 0)}"


def timeout_result(question: Question, answer: Answer) -> StationResult | None:
    """The result of a step whose question timed out, None when an option was given and the station goes on."""
    if question.option(answer.option):
        return None
    if answer.option == "skip":
        return StationResult.skipped(nobody_answered(question))
    return StationResult.failure(nobody_answered(question))


def given_to_station(question: Question, answer: Answer) -> Answer | None:
    """The answer, if the station asked; what to do about a failure is no business of it."""
    return None if question.id == FAILURE_QUESTION else answer
