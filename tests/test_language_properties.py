"""Any nesting of foreach, called workflows and steps side by side: what ran, ran once, and the log is right."""

from __future__ import annotations

import hashlib
import tempfile
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fakes import fake, stations
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel
from test_run_properties import Crash, CrashingRecorder, journal_of

from mityflow import (
    Answer,
    ExecutionLog,
    FaultsError,
    Question,
    ResumeError,
    Station,
    StationContext,
    StationResult,
    Workflow,
    WorkflowContext,
    WorkflowExecutor,
)
from mityflow.log import fold
from mityflow.step_ids import joined
from mityflow.store import Store

SLOW = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])


class Params(BaseModel):
    v: Any = None


class Outcomes:
    """What each execution of each step does: drawn from a seed, and in the end it succeeds."""

    def __init__(self, seed: int, kinds: tuple[str, ...] = ("succeed", "fail", "skip", "ask", "succeed")) -> None:
        self.seed = seed
        self.kinds = kinds
        self.ran: list[str] = []
        self._lock = threading.Lock()

    def station(self) -> type[Station]:
        return fake("act", self._act, gives=("k",), Params=Params)

    def kind(self, step: str, times: int) -> str:
        if times >= 2:
            return "succeed"
        digest = hashlib.sha256(f"{self.seed} {step} {times}".encode()).digest()
        return self.kinds[digest[0] % len(self.kinds)]

    def _act(self, context: StationContext) -> StationResult:
        with self._lock:
            times = self.ran.count(context.step)
            self.ran.append(context.step)
        kind = self.kind(context.step, times)
        if kind == "ask" and context.answer is None:
            return StationResult.needs_input(Question("q", "which?", ["this", "that"]))
        if kind == "fail":
            return StationResult.failure("told to")
        if kind == "skip":
            return StationResult.skipped("told to")
        return StationResult.success("act", outputs={"k": [context.step, context.params.v]})


@st.composite
def workflows(draw: st.DrawFn, depth: int = 2) -> Workflow:
    workflow = Workflow(f"w{depth}", "Any").with_max_parallel(draw(st.sampled_from([1, 1, 2, 3])))
    ids: list[str] = []
    for i in range(draw(st.integers(1, 4))):
        call: dict[str, Any] = {"id": f"s{i}"}
        if draw(st.integers(0, 3)) == 0:
            call["foreach"] = [f"x{n}" for n in range(draw(st.integers(0, 3)))]
        call["on_failure"] = draw(st.sampled_from(["fail", "fail", "continue", "ask"]))
        if ids and draw(st.booleans()):
            call["needs"] = [draw(st.sampled_from(ids))]
        if depth and draw(st.integers(0, 3)) == 0:
            workflow = workflow.sub_workflow(draw(workflows(depth - 1)), **call)
        else:
            reads = draw(st.booleans()) and "foreach" not in call
            if reads:
                call["with_"] = {"v": "{{ outputs.k | default(none) }}" if ids else "{{ run.workflow_id }}"}
            if draw(st.integers(0, 4)) == 0:
                call["retry"] = {"attempts": 2}
            workflow = workflow.station("act", **call)
        ids.append(f"s{i}")
    if draw(st.booleans()):
        workflow = workflow.finally_station("act", id="f0")
    return workflow.with_output("k", "{{ outputs.k | default(none) }}")


def in_cleanup(step: str) -> bool:
    return any(part.startswith("f") for part in step.split("/"))


def check_log(log: ExecutionLog) -> None:
    assert list(log.results) == [s for s in log.stations if s in log.results] or not log.state.ended
    assert fold(journal_of(log)).to_data() == log.to_data()
    assert len(set(log.stations)) == len(log.stations)
    if str(log.state) == "completed":
        assert log.current_station_index == len(log.stations)
        assert log.error is None
    if str(log.state) == "failed":
        assert log.error
    if str(log.state) == "waiting":
        assert log.question


def answer_to(log: ExecutionLog) -> Answer | None:
    if not log.question:
        return None
    return Answer("retry" if log.question.id == "on_failure" else "this")


@SLOW
@given(workflows(), st.integers(0, 10**6))
def test_resumed_until_it_is_done_nothing_that_completed_runs_again(workflow: Workflow, seed: int) -> None:
    outcomes = Outcomes(seed)
    with tempfile.TemporaryDirectory() as folder:
        executor = WorkflowExecutor(stations(outcomes.station()))
        log = executor.execute(workflow, WorkflowContext(folder))
        check_log(log)
        for _ in range(80):
            if not log.can_resume():
                break
            done = {s for s, r in log.results.items() if r.status in ("succeeded", "skipped") and not in_cleanup(s)}
            before = len(outcomes.ran)
            log = executor.resume(log, answer=answer_to(log))
            check_log(log)
            assert not done & set(outcomes.ran[before:])
        assert str(log.state) == "completed" or any(in_cleanup(s) for s in outcomes.ran)


@SLOW
@given(workflows(), st.integers(0, 10**6), st.integers(1, 25))
def test_after_a_crash_at_any_event_no_recorded_success_runs_again(workflow: Workflow, seed: int, at: int) -> None:
    outcomes = Outcomes(seed)
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr("mityflow.store.Recorder", CrashingRecorder)
        CrashingRecorder.left = at
        executor = WorkflowExecutor(stations(outcomes.station()))
        try:
            executor.execute(workflow, WorkflowContext(folder))
        except Crash:
            pass
        finally:
            CrashingRecorder.left = 10**9
        store = Store(Path(folder))
        log = store.load(store.find(None))
        events = store.journal(log.run_id).events
        recorded = {e["step"] for e in events if e["event"] == "step.completed" and e["result"]["success"]}
        if not log.can_resume():
            return
        threads = [t for t in threading.enumerate() if t is not threading.main_thread()]
        for thread in threads:
            thread.join(5)
        before = len(outcomes.ran)
        log = executor.resume(log, answer=answer_to(log))
        check_log(log)
        assert not {s for s in recorded if not in_cleanup(s)} & set(outcomes.ran[before:])


def side_by_side(workflow: Workflow, steps: int) -> Workflow:
    calls = {
        key: tuple(replace(c, sub=side_by_side(c.sub, steps)) if c.sub else c for c in getattr(workflow, key))
        for key in ("stations", "finally_")
    }
    return replace(workflow.with_max_parallel(steps), **calls)


def meaning(log: ExecutionLog) -> Any:
    data = log.to_data()
    results = [(r["station"], r["result"]["status"], r["result"]["outputs"]) for r in data["results"]]
    return data["state"], data["stations"], results, data["outputs"], data["current_station_index"]


@SLOW
@given(workflows(), st.integers(0, 10**6))
def test_how_many_steps_run_side_by_side_changes_no_outcome(workflow: Workflow, seed: int) -> None:
    seen = []
    for steps in (1, 2, 5):
        outcomes = Outcomes(seed, ("succeed", "skip", "succeed"))
        with tempfile.TemporaryDirectory() as folder:
            executor = WorkflowExecutor(stations(outcomes.station()))
            log = executor.execute(side_by_side(workflow, steps), WorkflowContext(folder))
            check_log(log)
            seen.append(meaning(log))
            assert len(outcomes.ran) == len(set(outcomes.ran))
    assert seen[0] == seen[1] == seen[2]


def unfinished_before(log: ExecutionLog, step: str) -> bool:
    """True when a step of the same workflow before this one is not over."""
    frame = log.frames[step.rpartition("/")[0]]
    before = frame.main[: frame.main.index(step.rpartition("/")[2])]
    return any(joined(frame.path, s) not in log.done for s in before)


@SLOW
@given(workflows(), st.integers(0, 10**6), st.data())
def test_from_a_step_on_everything_after_it_runs_again(workflow: Workflow, seed: int, data: st.DataObject) -> None:
    outcomes = Outcomes(seed, ("succeed", "skip"))
    with tempfile.TemporaryDirectory() as folder:
        executor = WorkflowExecutor(stations(outcomes.station()))
        log = executor.execute(workflow, WorkflowContext(folder))
        assert str(log.state) == "completed"
        steps = [s for s in log.stations if not in_cleanup(s)]
        if not steps:
            return
        target = data.draw(st.sampled_from(steps))
        before = meaning(log)
        ran = list(outcomes.ran)
        outcomes.ran.clear()
        log = executor.resume(log, from_step=target)
        check_log(log)
        assert str(log.state) == "completed"
        assert meaning(log)[1] == before[1]
        at = log.stations.index(target)
        kept = {s for s in log.stations[:at] if not in_cleanup(s)} - {
            s for s in log.stations[:at] if s.startswith(f"{target}/")
        }
        assert not kept & set(outcomes.ran), "what came before the step is kept"
        later = {s for s in log.stations[at:] if not in_cleanup(s)} & set(ran)
        assert later <= set(outcomes.ran), "what comes after it runs again"


def edited(workflow: Workflow, data: st.DataObject) -> Workflow:
    """The workflow after an edit: a setting changed, a step new, a step gone, somewhere."""
    inner = [i for i, call in enumerate(workflow.stations) if call.sub]
    calls = list(workflow.stations)
    if inner and data.draw(st.booleans()):
        i = data.draw(st.sampled_from(inner))
        assert calls[i].sub
        calls[i] = replace(calls[i], sub=edited(calls[i].sub, data))
        return replace(workflow, stations=tuple(calls))
    kind = data.draw(st.sampled_from(["setting", "new", "gone", "order"]))
    plain = [i for i, call in enumerate(calls) if not call.sub]
    needed = {need for call in calls for need in call.needs}
    free = [i for i in plain if calls[i].id not in needed and i > 0]
    if kind == "setting" and plain:
        i = data.draw(st.sampled_from(plain))
        calls[i] = replace(calls[i], with_={"v": "edited"})
    elif kind == "gone" and free:
        del calls[data.draw(st.sampled_from(free))]
    elif kind == "order" and len(calls) > 1:
        calls[0], calls[1] = calls[1], calls[0]
        if calls[0].needs:
            calls[0] = replace(calls[0], needs=())
    else:
        new = replace(Workflow("x", "X").station("act", id="n0").stations[0])
        calls.insert(data.draw(st.integers(0, len(calls))), new)
    for i, call in enumerate(calls):
        read = call.with_.get("v")
        if isinstance(read, str) and "{{" in read:
            calls[i] = replace(call, with_={"v": "{{ run.workflow_id }}"})
    return replace(workflow, stations=tuple(replace(c, where=("stations", i)) for i, c in enumerate(calls)))


@SLOW
@given(workflows(), st.integers(0, 10**6), st.data())
def test_after_an_edit_what_is_kept_does_not_run_again(workflow: Workflow, seed: int, data: st.DataObject) -> None:
    outcomes = Outcomes(seed)
    with tempfile.TemporaryDirectory() as folder:
        executor = WorkflowExecutor(stations(outcomes.station()))
        log = executor.execute(workflow, WorkflowContext(folder))
        changed = edited(workflow, data)
        before = len(outcomes.ran)
        try:
            log = executor.resume(log, workflow=changed, with_edits=True)
        except (FaultsError, ResumeError):
            return
        resumed = next(e for e in reversed(journal_of(log)) if e["event"] == "run.resumed")
        kept = {step for step, what, _ in resumed["changes"] if what == "kept"}
        waited = {step for step in kept if step in log.waiting or step in log.attempts}
        assert not (kept - waited) & {s for s in outcomes.ran[before:] if not in_cleanup(s)}
        check_log(log)
        for _ in range(60):
            if not log.can_resume():
                break
            log = executor.resume(log, answer=answer_to(log), workflow=changed)
            check_log(log)
        assert str(log.state) == "completed" or any(in_cleanup(s) for s in outcomes.ran)
