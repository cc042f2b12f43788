"""Questions, forms, answers and time-outs, up to what a run makes of them."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import BIN, StoppedClock
from fakes import fake, stations

from mityflow import (
    Answer,
    ExecutionLog,
    ExecutionState,
    FaultsError,
    MityError,
    Option,
    Question,
    ResumeError,
    StationContext,
    StationRegistry,
    StationResult,
    UsageError,
    Workflow,
    WorkflowContext,
    WorkflowExecutor,
)
from mityflow.answers import awaited, check_answer, expires_at, read_answer, timed_out
from mityflow.clock import iso
from mityflow.forms import fields, filled, form_problems, wrong_fields
from mityflow.inputs import why_refused
from mityflow.log import fold
from mityflow.store import Store

FORM = {
    "type": "object",
    "required": ["region"],
    "properties": {
        "region": {"enum": ["eu", "us"], "description": "Where it runs"},
        "replicas": {"type": "integer", "minimum": 1, "default": 2},
        "limits": {"type": "object", "properties": {"cpu": {"$ref": "#/$defs/size", "default": 1}}},
    },
    "$defs": {"size": {"type": "integer", "minimum": 1}},
}
CHOICE = Question("q", "which?", [Option("this"), Option("that", takes_message=True)])
FILLED_IN = Question("q", "where?", form=FORM)


def refused(question: Question, given: Any, message: str = "") -> str:
    """What is said of an answer that does not fit."""
    with pytest.raises((UsageError, FaultsError)) as caught:
        check_answer(question, read_answer(question, given, message))
    return str(caught.value)


# Questions


@pytest.mark.parametrize(
    "make",
    [
        lambda: Question("q", "?"),
        lambda: Question("q", "?", ["a", "a"]),
        lambda: Question("q", "?", ["a"], form=FORM),
        lambda: Question("q", "?", ["a"], expires_after=5),
        lambda: Question("q", "?", ["a"], on_timeout="fail"),
        lambda: Question("q", "?", ["a"], expires_after=5, on_timeout="b"),
        lambda: Question("q", "?", ["a"], expires_after=0, on_timeout="fail"),
        lambda: Question("q", "?", ["a"], expires_after=float("nan"), on_timeout="fail"),
        lambda: Question("q", "?", ["a"], expires_after=1e300, on_timeout="fail"),
    ],
)
def test_a_question_that_cannot_be_is_refused(make: Callable[[], Question]) -> None:
    with pytest.raises(UsageError, match="question 'q'"):
        make()


@pytest.mark.parametrize(
    "question", [CHOICE, FILLED_IN, Question("q", "?", ["a"], expires_after=90.0, on_timeout="a")], ids=repr
)
def test_a_question_survives_being_written(question: Question) -> None:
    assert Question.from_data(json.loads(json.dumps(question.to_data()))) == question


def test_a_question_as_older_journals_have_it_can_be_read() -> None:
    data = {"id": "q", "text": "?", "options": [{"id": "a", "label": "", "description": "", "takes_message": False}]}
    assert Question.from_data(data).to_data() == data


# Answers


@pytest.mark.parametrize(
    ("question", "given", "message", "answer"),
    [
        (CHOICE, "this", "", Answer("this")),
        (CHOICE, "that", "why", Answer("that", "why")),
        (CHOICE, {"option": "that", "message": "why"}, "", Answer("that", "why")),
        (CHOICE, {"option": "this"}, "", Answer("this")),
        (FILLED_IN, {"region": "eu"}, "", Answer("submit", values={"region": "eu", "replicas": 2})),
        (FILLED_IN, '{"region": "us", "replicas": 3}', "", Answer("submit", values={"region": "us", "replicas": 3})),
        (
            FILLED_IN,
            {"region": "eu", "limits": {}},
            "",
            Answer("submit", values={"region": "eu", "limits": {"cpu": 1}, "replicas": 2}),
        ),
    ],
)
def test_an_answer_is_read_and_completed(question: Question, given: Any, message: str, answer: Answer) -> None:
    assert check_answer(question, read_answer(question, given, message)) == answer


@pytest.mark.parametrize(
    ("question", "given", "message", "said"),
    [
        (CHOICE, "thiss", "", "'thiss' is no answer to 'q'; did you mean 'this'?"),
        (CHOICE, "this", "why", "the answer 'this' takes no message"),
        (CHOICE, 5, "", "must be an option, or a mapping {option, message}"),
        (CHOICE, {"message": "why"}, "", "must be an option, or a mapping {option, message}"),
        (CHOICE, {"option": "this", "mesage": "x"}, "", "unknown key 'mesage' in the answer; did you mean 'message'?"),
        (CHOICE, {"option": "that", "message": 5}, "", "message of an answer is text"),
        (FILLED_IN, "eu", "", "a form is answered with a JSON object, and this is none"),
        (FILLED_IN, "[1]", "", "a form is answered with a mapping"),
        (FILLED_IN, '{"region": NaN}', "", "NaN is no number of JSON"),
        (FILLED_IN, '{"region": 1e999}', "", "1e999 is too large"),
        (FILLED_IN, "[" * 100_000, "", "a form is answered with a JSON object"),
        (FILLED_IN, "submit", "", "field 'region' has no value (Where it runs; one of eu, us)"),
        (FILLED_IN, {}, "why", "a form takes no message"),
        (FILLED_IN, {"region": "eur"}, "", "field 'region': \"eur\" is not one of eu, us; did you mean 'eu'?"),
        (FILLED_IN, {"region": "eu", "replica": 3}, "", "the form has no field 'replica'; did you mean 'replicas'?"),
        (FILLED_IN, {"region": "eu", "replicas": "x"}, "", "field 'replicas': \"x\" is not of type integer"),
        (FILLED_IN, {"region": "eu", "limits": {"cpu": 0}}, "", "field 'limits': ['cpu']: 0 is less than the minimum"),
    ],
)
def test_a_wrong_answer_is_told_in_words(question: Question, given: Any, message: str, said: str) -> None:
    assert said in refused(question, given, message)


def test_all_that_is_wrong_with_a_form_is_told_at_once() -> None:
    with pytest.raises(FaultsError) as caught:
        check_answer(FILLED_IN, Answer("submit", values={"replicas": 0, "x": 1}))
    assert [fault.message for fault in caught.value.faults] == [
        "the form has no field 'x'; it has region, replicas, limits",
        "field 'region' has no value (Where it runs; one of eu, us)",
        "field 'replicas': 0 is less than the minimum of 1",
    ]


@pytest.mark.parametrize("values", ["eu", ["eu"], {"region": object()}, {1: 2}, {"region": float("inf")}])
def test_values_that_are_no_data_are_refused(values: Any) -> None:
    with pytest.raises(UsageError, match="values of a form"):
        check_answer(FILLED_IN, Answer("submit", values=values))


def test_values_for_a_question_without_a_form_are_refused() -> None:
    with pytest.raises(UsageError, match="has no form"):
        check_answer(CHOICE, Answer("this", values={}))


def test_what_is_said_of_a_wrong_answer_shows_no_secret() -> None:
    def mask(text: str) -> str:
        return text.replace("hush", "***")

    for question, answer in [(CHOICE, Answer("hush")), (FILLED_IN, Answer("submit", values={"region": "hush"}))]:
        with pytest.raises(MityError) as caught:
            check_answer(question, answer, mask)
        assert "hush" not in str(caught.value)
        assert "***" in str(caught.value)


# Forms


@pytest.mark.parametrize(
    ("form", "where", "said"),
    [
        (5, (), "5 is not of type object or boolean"),
        (True, (), "a form is a JSON Schema"),
        ({"type": "array"}, ("type",), "'type: object'"),
        ({"properties": {"a": {}}}, (), "'type: object'"),
        ({"type": "object"}, (), "needs 'properties'"),
        ({"type": "object", "properties": {"a": {"typ": "string"}}}, ("properties", "a", "typ"), "unknown schema key"),
        ({"type": "object", "properties": {"a": {}}, "required": ["b"]}, ("required", 0), "no field 'b'"),
        (
            {"type": "object", "properties": {"a": {"type": "integer", "default": "x"}}},
            ("properties", "a", "default"),
            "the default does not fit",
        ),
        (
            {"type": "object", "properties": {"a": {"items": {"writeOnly": True}}}},
            ("properties", "a", "items", "writeOnly"),
            "no place for a secret",
        ),
        (
            {"type": "object", "properties": {"a": {"format": "password"}}},
            ("properties", "a", "format"),
            "no place for a secret",
        ),
    ],
)
def test_a_wrong_form_is_told_with_its_place(form: Any, where: tuple[str | int, ...], said: str) -> None:
    (problem,) = form_problems(form)
    assert problem.where == where
    assert said in problem.message


def test_a_good_form_has_no_problem_also_where_a_field_is_named_like_a_keyword() -> None:
    assert form_problems(FORM) == []
    named = {"default": {"type": "string", "default": "x"}, "format": {"type": "string"}, "password": {}}
    assert form_problems({"type": "object", "properties": named}) == []


def test_references_are_followed_once_around() -> None:
    form = {
        "type": "object",
        "properties": {"a": {"$ref": "#/$defs/a"}, "b": {"$ref": "#/$defs/round"}, "c": True},
        "$defs": {"a": {"type": "integer"}, "round": {"$ref": "#/$defs/round"}},
    }
    assert [field.schema for field in fields(form)] == [{"type": "integer"}, {}, {}]
    assert filled(form, {}) == {}


def test_a_form_that_is_open_takes_more_than_its_fields() -> None:
    form = {"type": "object", "properties": {"a": {}}, "additionalProperties": {"type": "integer"}}
    assert wrong_fields(form, {"b": 1}) == []
    assert wrong_fields(form, {"b": "x"}) == [("b", "field 'b': \"x\" is not of type integer")]


def test_what_concerns_several_fields_belongs_to_none() -> None:
    form = {"type": "object", "properties": {"a": {}, "b": {}}, "minProperties": 2}
    ((field, sentence),) = wrong_fields(form, {"a": 1})
    assert field == ""
    assert "enough properties" in sentence


# Time-outs


def asked(question: Question, at: float) -> StationResult:
    return StationResult("ask", "waiting", question=question, completed_at=iso(at))


def limited(on_timeout: str, **more: Any) -> Question:
    options = () if "form" in more else ("yes", "no")
    return Question("q", "sure?", options, expires_after=60.0, on_timeout=on_timeout, **more)


def test_the_time_is_over_at_its_end_and_not_before() -> None:
    waiting = asked(limited("no"), 1000.0)
    assert expires_at(waiting) == 1060.0
    assert timed_out(waiting, 1059.9) is None
    assert timed_out(waiting, 1060.0) == Answer("no", by="timeout")
    assert timed_out(asked(CHOICE, 1000.0), 1e12) is None


def test_a_form_that_times_out_gives_its_defaults() -> None:
    form = {"type": "object", "properties": {"a": {"default": 1}, "b": {}}}
    over = timed_out(asked(limited("submit", form=form), 0.0), 61.0)
    assert over == Answer("submit", values={"a": 1}, by="timeout")


def test_an_answer_that_comes_after_the_time_is_not_taken(clock: StoppedClock) -> None:
    def late(_: float | None) -> Answer:
        clock.time += 61
        return Answer("yes")

    assert awaited(asked(limited("no"), clock.now()), clock, late) == Answer("no", by="timeout")


def test_who_is_asked_is_told_until_when(clock: StoppedClock) -> None:
    deadlines: list[float | None] = []

    def ask(deadline: float | None) -> None:
        deadlines.append(deadline)

    began = time.monotonic()
    assert awaited(asked(limited("no"), clock.now() - 20), clock, ask) is None
    assert awaited(asked(CHOICE, clock.now()), clock, ask) is None
    assert deadlines[0] is not None
    assert 39 <= deadlines[0] - began <= 41
    assert deadlines[1] is None


def test_checking_a_value_leaves_a_time_limit_running() -> None:
    rung: list[int] = []
    before = signal.signal(signal.SIGALRM, lambda number, _: rung.append(number))
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        assert why_refused(5, {"type": "integer"}) == []
        end = time.monotonic() + 10
        while not rung and time.monotonic() < end:
            signal.sigtimedwait([], 0.01)
        assert rung
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


# In a run


class Asking:
    """A station that asks, remembers what it was told, and then does as a test says."""

    def __init__(self, question: Question, *then: Callable[[Answer], StationResult]) -> None:
        self.question = question
        self.then = list(then)
        self.told: list[str | None] = []

    def __call__(self, context: StationContext) -> StationResult:
        self.told.append(context.answer.option if context.answer else None)
        if context.answer is None:
            return StationResult.needs_input(self.question)
        return (self.then.pop(0) if self.then else _well)(context.answer)


def _well(answer: Answer) -> StationResult:
    return StationResult.success("ask", message=f"{answer.option} by {answer.by} at {answer.at}")


def _fail(_: Answer) -> StationResult:
    return StationResult.failure("told to")


def events(workspace: Path, log: ExecutionLog) -> list[dict[str, Any]]:
    return Store(workspace).journal(log.run_id).events


def executor(station: Asking, clock: StoppedClock, **options: Any) -> WorkflowExecutor:
    return WorkflowExecutor(stations(fake("ask", station), fake("after")), clock=clock, **options)


def test_the_answer_is_recorded_with_who_and_when(workspace: Path, clock: StoppedClock) -> None:
    station = Asking(FILLED_IN)
    work = executor(station, clock)
    log = work.execute(Workflow("w").station("ask"), WorkflowContext(workspace))
    clock.time += 5
    log = work.resume(log, answer=Answer("submit", values={"region": "eu"}, by="anna"))
    (event,) = [e for e in events(workspace, log) if e["event"] == "step.answered"]
    assert event["answer"] == {"option": "submit", "message": "", "values": {"region": "eu", "replicas": 2}}
    assert (event["by"], event["at"]) == ("anna", iso(clock.now()))
    assert log.results["ask"].message == f"submit by anna at {iso(clock.now())}"


def test_what_is_asked_and_answered_holds_no_secret(workspace: Path, clock: StoppedClock) -> None:
    form = {"type": "object", "properties": {"a": {"type": "string", "description": "not hush-hush"}}}
    work = executor(Asking(Question("q", "hush-hush?", form=form)), clock)
    context = WorkflowContext(workspace).with_env("KEY", "hush-hush")
    log = work.execute(Workflow("w").station("ask"), context)
    with pytest.raises(FaultsError, match=r"no field '\*\*\*'"):
        work.resume(log, answer=Answer("submit", values={"hush-hush": 1}), env={"KEY": "hush-hush"})
    log = work.resume(log, answer=Answer("submit", values={"a": "hush-hush"}), env={"KEY": "hush-hush"})
    assert log.state is ExecutionState.COMPLETED
    for path in (workspace / ".mity").rglob("*.json*"):
        assert "hush-hush" not in path.read_text(), path


def test_another_attempt_asks_again_and_counts_on(workspace: Path, clock: StoppedClock) -> None:
    station = Asking(CHOICE, _fail, _fail, _fail)
    work = executor(station, clock, answers=lambda *_: Answer("this"))
    log = work.execute(Workflow("w").station("ask", retry={"attempts": 3}), WorkflowContext(workspace))
    assert log.state is ExecutionState.FAILED
    assert station.told == [None, "this"] * 3
    assert [e["attempt"] for e in events(workspace, log) if e["event"] == "step.started"] == [1, 1, 2, 2, 3, 3]


def test_to_retry_after_a_failure_asks_again(workspace: Path, clock: StoppedClock) -> None:
    station = Asking(CHOICE, _fail)
    given = iter([Answer("this"), Answer("retry"), Answer("that", "then")])
    work = executor(station, clock, answers=lambda *_: next(given))
    log = work.execute(Workflow("w").station("ask", on_failure="ask"), WorkflowContext(workspace))
    assert log.state is ExecutionState.COMPLETED
    assert station.told == [None, "this", None, "that"]


def test_a_failed_run_that_goes_on_asks_again(workspace: Path, clock: StoppedClock) -> None:
    station = Asking(CHOICE, _fail)
    work = executor(station, clock)
    workflow = Workflow("w").station("ask")
    log = work.resume(work.execute(workflow, WorkflowContext(workspace)), answer=Answer("this"))
    assert log.state is ExecutionState.FAILED
    log = work.resume(log)
    assert log.state is ExecutionState.WAITING
    assert work.resume(log, answer=Answer("this")).state is ExecutionState.COMPLETED
    assert station.told == [None, "this", None, "this"]


def test_a_crash_after_the_answer_does_not_ask_again(workspace: Path, clock: StoppedClock) -> None:
    station = Asking(CHOICE)
    work = executor(station, clock)
    log = work.execute(Workflow("w").station("ask"), WorkflowContext(workspace))
    log = work.resume(log, answer=Answer("this"))
    journal = Store(workspace).run_folder(log.run_id) / "events.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    kinds = [json.loads(line)["event"] for line in lines]
    for end in (kinds.index("step.answered") + 1, len(kinds) - 2):  # answered; answered and begun again
        journal.write_bytes(b"".join(lines[:end]))
        again = executor(Asking(CHOICE), clock)
        assert again.resume(again.load_log(journal)).state is ExecutionState.COMPLETED


def test_a_crash_before_another_attempt_asks_again(workspace: Path, clock: StoppedClock) -> None:
    work = executor(Asking(CHOICE, _fail), clock, answers=lambda *_: Answer("this"))
    log = work.execute(Workflow("w").station("ask", retry={"attempts": 2}), WorkflowContext(workspace))
    journal = Store(workspace).run_folder(log.run_id) / "events.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    kinds = [json.loads(line)["event"] for line in lines]
    journal.write_bytes(b"".join(lines[: kinds.index("step.retrying") + 1]))
    station = Asking(CHOICE)
    again = executor(station, clock)
    assert again.resume(again.load_log(journal)).state is ExecutionState.WAITING
    assert station.told == [None]


@pytest.mark.parametrize(
    ("on_timeout", "state", "status", "message"),
    [
        ("fail", ExecutionState.FAILED, "failed", "nobody answered within 1m"),
        ("skip", ExecutionState.COMPLETED, "skipped", "nobody answered within 1m"),
        ("no", ExecutionState.COMPLETED, "succeeded", "no by timeout at 2027-01-15T08:01:00.000000Z"),
    ],
)
def test_who_looks_at_a_run_whose_time_is_over_applies_the_time_out(
    workspace: Path, clock: StoppedClock, on_timeout: str, state: ExecutionState, status: str, message: str
) -> None:
    work = executor(Asking(limited(on_timeout)), clock)
    log = work.execute(Workflow("w").station("ask").station("after"), WorkflowContext(workspace))
    clock.time += 59.999
    log = work.resume(log)
    assert log.state is ExecutionState.WAITING
    clock.time += 0.001
    with pytest.raises(ResumeError, match="comes too late: nobody answered within 1m"):
        work.resume(log, answer=Answer("yes"))
    assert work.load_log(log.path).state is ExecutionState.WAITING
    log = work.resume(log)
    assert (log.state, log.results["ask"].status, log.results["ask"].message) == (state, status, message)
    (event,) = [e for e in events(workspace, log) if e["event"] == "step.answered"]
    assert (event["answer"]["option"], event["by"]) == (on_timeout, "timeout")
    assert fold(events(workspace, log)).to_data() == log.to_data()


def test_a_crash_after_the_time_out_was_recorded_changes_nothing(workspace: Path, clock: StoppedClock) -> None:
    work = executor(Asking(limited("skip")), clock)
    log = work.execute(Workflow("w").station("ask"), WorkflowContext(workspace))
    clock.time += 61
    log = work.resume(log)
    journal = Store(workspace).run_folder(log.run_id) / "events.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    kinds = [json.loads(line)["event"] for line in lines]
    journal.write_bytes(b"".join(lines[: kinds.index("step.answered") + 1]))
    log = work.resume(work.load_log(journal))
    assert log.results["ask"].status == "skipped"


def test_a_time_out_that_fails_is_retried_like_any_failure(workspace: Path, clock: StoppedClock) -> None:
    def nobody(*_: Any) -> None:
        clock.time += 61

    station = Asking(limited("fail"))
    work = executor(station, clock, answers=nobody)
    log = work.execute(Workflow("w").station("ask", retry={"attempts": 2}), WorkflowContext(workspace))
    assert log.state is ExecutionState.FAILED
    assert log.results["ask"].attempts == 2
    assert station.told == [None, None]


def test_whoever_is_asked_is_interrupted_when_the_time_is_over(workspace: Path) -> None:
    question = Question("q", "?", ["yes"], expires_after=0.2, on_timeout="skip")
    never = threading.Event()
    work = WorkflowExecutor(stations(fake("ask", Asking(question))), answers=lambda *_: never.wait(60) or None)
    log = work.execute(Workflow("w").station("ask"), WorkflowContext(workspace))
    assert log.results["ask"].status == "skipped"


def test_a_question_with_a_wrong_form_is_a_failure(workspace: Path, clock: StoppedClock) -> None:
    for form, said in [
        ({"type": "object", "properties": {"a": {"minimun": 1}}}, "unknown schema keyword 'minimun'"),
        ({"type": "object", "properties": {"a": {}}, "required": ["a"]}, "the defaults alone do not fit"),
    ]:
        station = Asking(Question("q", "?", form=form, expires_after=5, on_timeout="submit"))
        log = executor(station, clock).execute(Workflow("w").station("ask"), WorkflowContext(workspace))
        assert log.state is ExecutionState.FAILED
        assert said in log.results["ask"].message


def test_steps_side_by_side_ask_one_after_the_other(workspace: Path, clock: StoppedClock) -> None:
    asked_of: list[str] = []

    def answer(step: str, _: Question) -> Answer | None:
        asked_of.append(step)
        clock.time += 40  # the second question is open for longer than a minute then
        return Answer("yes")

    work = executor(Asking(limited("skip")), clock, answers=answer)
    workflow = Workflow("w").station("ask", id="a").station("ask", id="b").with_max_parallel(2)
    log = work.execute(workflow, WorkflowContext(workspace))
    assert log.state is ExecutionState.COMPLETED
    assert asked_of == ["a", "b"]
    assert [log.results[step].status for step in ("a", "b")] == ["succeeded", "skipped"]
    assert log.results["b"].message == "nobody answered within 1m"


def test_a_prompt_ends_also_where_steps_run_side_by_side(workspace: Path) -> None:
    question = Question("q", "?", ["yes"], expires_after=0.3, on_timeout="fail")
    never = threading.Event()
    work = WorkflowExecutor(stations(fake("ask", Asking(question))), answers=lambda *_: never.wait(60) or None)
    workflow = Workflow("w").station("ask", retry={"attempts": 2}).with_max_parallel(2)
    log = work.execute(workflow, WorkflowContext(workspace))
    assert log.state is ExecutionState.FAILED
    assert log.results["ask"].attempts == 2


# The station


def test_a_time_out_is_told_and_applied_on_the_command_line(
    workspace: Path, registry: StationRegistry, clock: StoppedClock
) -> None:
    clock.time = 1_700_000_000.0
    settings = {"text": "Deploy?", "timeout": "2d", "on_timeout": "reject"}
    workflow = Workflow("w").station("ask", with_=settings)
    log = WorkflowExecutor(registry, clock=clock).execute(workflow, WorkflowContext(workspace))
    assert log.state is ExecutionState.WAITING

    def mityflow(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([BIN / "mityflow", *words], cwd=workspace, capture_output=True, text=True, check=False)

    shown = mityflow("show").stdout
    assert "an answer was awaited until 2023-11-16 22:13:20 UTC; then: reject" in shown
    assert "--answer" not in shown
    late = mityflow("resume", "--answer", "approve")
    assert late.returncode == 2
    assert "this answer comes too late: nobody answered within 2d" in late.stderr
    over = mityflow("resume")
    assert over.returncode == 0
    assert "reject (nobody answered in time)" in over.stdout
    outputs = ExecutionLog.to_data(WorkflowExecutor(registry).load_log(log.path))["results"][0]["result"]["outputs"]
    assert (outputs["answer"], outputs["answered_by"], outputs["values"]) == ("reject", "timeout", None)


def test_settings_that_came_from_expressions_are_checked_when_they_are_known(
    workspace: Path, registry: StationRegistry
) -> None:
    settings = {"text": "?", "options": "{{ inputs.choices }}", "timeout": "1d", "on_timeout": "{{ inputs.then }}"}
    workflow = Workflow("w").with_input("choices", {}).with_input("then", {}).station("ask", with_=settings)

    def run(choices: Any, then: str) -> ExecutionLog:
        context = WorkflowContext(workspace, inputs={"choices": choices, "then": then})
        return WorkflowExecutor(registry).execute(workflow, context)

    assert run(["a", "b"], "b").state is ExecutionState.WAITING
    assert "on_timeout is one of fail, skip, a, b, not 'c'" in (run(["a", "b"], "c").error or "")
    assert "there are two options 'a'" in (run(["a", "a"], "a").error or "")


def test_who_answered_is_the_user_of_the_system(
    workspace: Path, registry: StationRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGNAME", "anna")
    work = WorkflowExecutor(registry)
    log = work.execute(Workflow("w").station("ask", with_={"text": "?"}), WorkflowContext(workspace))
    log = work.resume(log, answer=Answer("approve"))
    assert log.outputs["answered_by"] == "anna"
    assert log.outputs["answered_at"] <= (log.completed_at or "")
