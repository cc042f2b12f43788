"""Any workflow, any outcome of each station, a crash after any event: the log stays right."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from fakes import fake, stations
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mityflow import (
    Answer,
    ExecutionLog,
    Question,
    Station,
    StationContext,
    StationResult,
    Workflow,
    WorkflowContext,
    WorkflowExecutor,
)
from mityflow.log import fold
from mityflow.store import Recorder, Store

OUTCOMES = ("succeed", "fail", "raise", "skip", "ask")


class Crash(BaseException):
    """The process is gone, as far as the run can tell."""


class Script:
    """What each execution of each step does, in turn; the last outcome of a step repeats."""

    def __init__(self, outcomes: Mapping[str, list[str]]) -> None:
        self.outcomes = outcomes
        self.ran: list[str] = []
        self.completed: list[str] = []

    def station(self) -> type[Station]:
        return fake("act", self._act)

    def _act(self, context: StationContext) -> StationResult:
        times = self.ran.count(context.step)
        self.ran.append(context.step)
        outcomes = self.outcomes[context.step]
        outcome = outcomes[min(times, len(outcomes) - 1)]
        if outcome == "ask" and context.answer is None:
            return StationResult.needs_input(Question("q", "which?", ["this", "that"]))
        if outcome == "fail":
            return StationResult.failure("told to")
        if outcome == "raise":
            raise ValueError("told to")
        if outcome == "skip":
            return StationResult.skipped("told to")
        return StationResult.success("act", outputs={})


class CrashingRecorder(Recorder):
    """Dies right after the journal has its n-th event."""

    left = 10**9

    def record(self, event: str, **data: Any) -> dict[str, Any]:
        recorded = super().record(event, **data)
        CrashingRecorder.left -= 1
        if CrashingRecorder.left == 0:
            raise Crash
        return recorded


@st.composite
def workflows(draw: st.DrawFn) -> tuple[Workflow, dict[str, list[str]]]:
    workflow = Workflow("any", "Any")
    outcomes = {}
    for i in range(draw(st.integers(1, 5))):
        call: dict[str, Any] = {"on_failure": draw(st.sampled_from(["fail", "continue", "ask"]))}
        if draw(st.booleans()):
            call["retry"] = {"attempts": draw(st.integers(1, 3))}
        workflow = workflow.station("act", id=f"s{i}", **call)
        outcomes[f"s{i}"] = draw(st.lists(st.sampled_from(OUTCOMES), min_size=1, max_size=4))
    for i in range(draw(st.integers(0, 2))):
        workflow = workflow.finally_station("act", id=f"f{i}")
        outcomes[f"f{i}"] = draw(st.lists(st.sampled_from(OUTCOMES[:4]), min_size=1, max_size=3))
    return workflow, outcomes


def finish(executor: WorkflowExecutor, log: ExecutionLog, completed: set[str]) -> ExecutionLog:
    """Resume until the run is completed or nothing changes any more; check each resume."""
    for _ in range(60):
        if not log.can_resume():
            return log
        answer = None
        if log.question:
            options = [option.id for option in log.question.options]
            answer = Answer("retry" if "retry" in options else options[0])
        log = executor.resume(log, answer=answer)
    return log


def journal_of(log: ExecutionLog) -> list[dict[str, Any]]:
    assert log.path is not None
    return Store(log.path.parent.parent.parent).journal(log.run_id).events


def check_log(log: ExecutionLog, workflow: Workflow) -> None:
    ids = [call.id for call in workflow.calls()]
    assert log.stations == ids
    assert list(log.results) == [i for i in ids if i in log.results], "results in order, each once"
    assert fold(journal_of(log)).to_data() == log.to_data(), "the fold of the journal is the log"
    if str(log.state) == "completed":
        assert log.current_station_index == len(ids)
        assert set(log.results) == set(ids)
        assert log.error is None
    if str(log.state) == "failed":
        assert log.error


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(workflows())
def test_any_outcome_of_any_workflow_ends_in_a_log_that_is_its_journal(
    drawn: tuple[Workflow, dict[str, list[str]]],
) -> None:
    workflow, outcomes = drawn
    script = Script(outcomes)
    with tempfile.TemporaryDirectory() as folder:
        executor = WorkflowExecutor(stations(script.station()))
        log = executor.execute(workflow, WorkflowContext(folder))
        check_log(log, workflow)
        while log.can_resume() and len(script.ran) < 40:
            done = [i for i, r in log.results.items() if r.status in ("succeeded", "skipped")]
            main = [call.id for call in workflow.stations]
            before = len(script.ran)
            answer = None
            if log.question:
                answer = Answer("retry" if log.question.id == "on_failure" else "this")
            resumed = executor.resume(log, answer=answer)
            ran = script.ran[before:]
            assert not [i for i in ran if i in done and i in main], "a completed station ran again"
            check_log(resumed, workflow)
            if not log.question and resumed.to_data()["results"] == log.to_data()["results"]:
                break
            log = resumed
            if str(log.state) == "failed" and all(
                outcomes[i][-1] in ("fail", "raise") for i, r in log.results.items() if r.status == "failed"
            ):
                break


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(workflows(), st.integers(1, 14))
def test_after_a_crash_at_any_event_no_completed_station_runs_again(
    drawn: tuple[Workflow, dict[str, list[str]]], crash_at: int
) -> None:
    workflow, outcomes = drawn
    script = Script(outcomes)
    patch = pytest.MonkeyPatch()
    patch.setattr("mityflow.store.Recorder", CrashingRecorder)
    CrashingRecorder.left = crash_at
    with tempfile.TemporaryDirectory() as folder:
        executor = WorkflowExecutor(stations(script.station()))
        try:
            executor.execute(workflow, WorkflowContext(folder))
        except Crash:
            pass
        finally:
            CrashingRecorder.left = 10**9
        store = Store(Path(folder))
        log = store.load(store.find(None))
        events = store.journal(log.run_id).events
        recorded = [e["step"] for e in events if e["event"] == "step.completed" and e["result"]["success"]]
        assert str(log.to_data()["state"]) != "running", "a dead run never shows as running"
        if not log.can_resume():
            patch.undo()
            return
        before = len(script.ran)
        main = {call.id for call in workflow.stations}
        ended = any(e["event"] == "run.ended" for e in events) or log.stop is not None
        protected = [s for s in recorded if s in main or not ended]
        answer = Answer("retry" if log.question.id == "on_failure" else "this") if log.question else None
        resumed = executor.resume(log, answer=answer)
        again = script.ran[before:]
        assert not set(again) & set(protected)
        check_log(resumed, workflow)
    patch.undo()
