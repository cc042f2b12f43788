"""Rare courses of a run: what once went wrong there."""

from __future__ import annotations

import asyncio
import json
import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fakes import fake, stations
from test_language_properties import Params

from mityflow import (
    Answer,
    Question,
    StationContext,
    StationRegistry,
    StationResult,
    Workflow,
    WorkflowContext,
    WorkflowExecutor,
)
from mityflow.errors import FaultsError, ResumeError, StoreError, UsageError
from mityflow.workflow_files import load_workflow


@pytest.mark.parametrize(
    ("option", "state", "status"), [("skip", "completed", "skipped"), ("stop", "failed", "failed")]
)
def test_the_failure_of_a_foreach_itself_can_be_answered(workspace: Path, option: str, state: str, status: str) -> None:
    workflow = Workflow("w", "W").station("act", id="a", foreach="{{ workspace }}", on_failure="ask")
    executor = WorkflowExecutor(stations(fake("act")))
    log = executor.execute(workflow, WorkflowContext(workspace))
    assert log.question
    log = executor.resume(log, answer=Answer(option))
    assert (str(log.state), log.results["a"].status) == (state, status)


def test_the_log_of_a_run_that_waits_has_what_completed_while_the_question_was_open(workspace: Path) -> None:
    asked = threading.Event()

    def act(context: StationContext) -> StationResult:
        if context.step == "a":
            return StationResult.needs_input(Question("q", "which?", ["this", "that"]))
        asked.wait(20)
        return StationResult.success("act")

    class Watcher:
        def on_event(self, event: Mapping[str, Any]) -> None:
            if event["event"] == "step.waiting":
                asked.set()

        def on_output(self, step: str, data: bytes) -> None:
            pass

    workflow = Workflow("w", "W").with_max_parallel(2).station("act", id="a").station("act", id="b")
    executor = WorkflowExecutor(stations(fake("act", act)), observer=Watcher())
    log = executor.execute(workflow, WorkflowContext(workspace))
    assert str(log.state) == "waiting"
    assert log.path
    assert json.loads(log.path.read_text()) == json.loads(json.dumps(log.to_data()))
    assert log.results["b"].success


def test_what_began_goes_on_when_an_edit_puts_another_step_before_it(workspace: Path) -> None:
    def act(context: StationContext) -> StationResult:
        if context.step == "called/ask" and context.answer is None:
            return StationResult.needs_input(Question("q", "which?", ["this", "that"]))
        return StationResult.success("act")

    called = Workflow("called", "Called").station("act", id="ask").station("act", id="then")
    before = Workflow("w", "W").sub_workflow(called).station("act", id="last")
    after = Workflow("w", "W").station("act", id="last").sub_workflow(called)
    executor = WorkflowExecutor(stations(fake("act", act)))
    log = executor.execute(before, WorkflowContext(workspace))
    log = executor.resume(log, workflow=after, with_edits=True, answer=Answer("this"))
    assert str(log.state) == "completed"
    assert log.stations == ["last", "called/ask", "called/then", "called"]


def test_edited_outputs_of_a_called_workflow_are_given(workspace: Path) -> None:
    ran: list[str] = []

    def act(context: StationContext) -> StationResult:
        ran.append(context.step)
        return StationResult.success("act", outputs={"k": context.step})

    def workflow(value: str, *, more: bool) -> Workflow:
        called = Workflow("called", "Called").station("act", id="a")
        called = called.station("act", id="b") if more else called
        return (
            Workflow("w", "W")
            .sub_workflow(called.with_output("k", value), id="each", foreach=[1, 2])
            .station("act", id="last")
            .with_output("k", "{{ stations.each.outputs.k | join(' ') }}")
        )

    executor = WorkflowExecutor(stations(fake("act", act, gives=("k",))))
    log = executor.execute(workflow("{{ outputs.k }}", more=True), WorkflowContext(workspace))
    assert log.workflow_outputs == {"k": "each[0]/b each[1]/b"}
    ran.clear()
    log = executor.resume(log, workflow=workflow("now {{ outputs.k }}", more=True), with_edits=True)
    assert log.workflow_outputs == {"k": "now each[0]/b now each[1]/b"}
    assert ran == ["last"]
    ran.clear()
    log = executor.resume(log, workflow=workflow("now {{ outputs.k }}", more=False), with_edits=True)
    assert log.workflow_outputs == {"k": "now each[0]/a now each[1]/a"}
    assert set(log.results) == set(log.stations)
    assert ran == ["last"]


def cached(workspace: Path, paths: list[str]) -> StationResult:
    workflow = Workflow("w", "W").station("act", id="a", cache={"paths": paths})
    log = WorkflowExecutor(stations(fake("act", gives=("k",)))).execute(workflow, WorkflowContext(workspace))
    return log.results["a"]


def test_any_file_name_and_the_workspace_itself_can_be_watched(workspace: Path) -> None:
    os.close(os.open(os.fsencode(workspace) + b"/\xff\xfe", os.O_CREAT))
    assert [cached(workspace, ["."]).status for _ in range(2)] == ["succeeded", "cached"]
    (workspace / "file").touch()
    assert [cached(workspace, ["."]).status for _ in range(2)] == ["succeeded", "cached"]


@pytest.mark.parametrize(
    "damage",
    [
        {"artifacts": [{"name": "a", "path": [2]}]},
        {"artifacts": [{"name": "a", "path": "a\0b"}]},
        {"artifacts": [5]},
        {"outputs": {"k": float("nan")}},
        {"run": "../.."},
    ],
)
def test_a_damaged_record_of_unchanged_work_costs_doing_it_again(workspace: Path, damage: Any) -> None:
    (workspace / "file").touch()
    cached(workspace, ["file"])
    [record] = (workspace / ".mity" / "cache" / "steps").iterdir()
    record.write_text(json.dumps({**json.loads(record.read_text()), **damage}))
    assert cached(workspace, ["file"]).status == "succeeded"


def failed_run(workspace: Path) -> tuple[Workflow, WorkflowExecutor, Path]:
    workflow = Workflow("w", "W").station("act", id="a", foreach=[1, 2]).station("bad", id="b")
    bad = fake("bad", lambda context: StationResult.failure("told to"))
    executor = WorkflowExecutor(stations(fake("act"), bad))
    log = executor.execute(workflow, WorkflowContext(workspace))
    return workflow, executor, workspace / ".mity" / "runs" / log.run_id


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("run.started", {"stations": ["a", -1]}),
        ("run.started", {"context": {}}),
        ("step.expanded", {"items": []}),
        ("step.expanded", {"stations": "a"}),
        ("step.started", {"attempt": "x"}),
        ("step.completed", {"result": {"status": "succeeded", "completed_at": [1]}}),
        ("step.completed", {"event": "step.unknown"}),
        ("step.completed", {"step": "nobody[0]"}),
        ("run.ended", {"outputs": [1]}),
        ("run.ended", {"state": "nonsense"}),
    ],
)
def test_a_damaged_event_is_told_with_its_line_and_stops_no_other_run(
    workspace: Path, kind: str, change: Mapping[str, Any]
) -> None:
    workflow, executor, folder = failed_run(workspace)
    journal = folder / "events.jsonl"
    events = [json.loads(line) for line in journal.read_text().splitlines()]
    line = next(i for i, event in enumerate(events) if event["event"] == kind)
    events[line].update(change)
    journal.write_text("".join(json.dumps(event) + "\n" for event in events))
    log_file = workspace / ".mity" / "logs" / "w.json"
    log_file.write_text(log_file.read_text().replace('"state": "failed"', '"state": "running"'))
    log = executor.load_log(folder)
    assert log.damaged
    assert not log.can_resume()
    with pytest.raises(ResumeError, match=rf"events.jsonl:{line + 1}: this event is damaged"):
        executor.resume(log)
    assert str(executor.execute(Workflow("other", "O").station("act"), WorkflowContext(workspace)).state) == "completed"
    assert str(executor.execute(workflow, WorkflowContext(workspace)).state) == "failed"


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("context", "metadata"), 5),
        (("context", "inputs"), [1]),
        (("workflow", "env"), -1),
        (("workflow", "stations"), None),
        (("workflow", "inputs"), {"a": None}),
        (("workflow", "stations", 0, "id"), {}),
        (("workflow", "stations", 0, "station"), [1]),
        (("workflow", "stations", 0, "needs"), [[]]),
    ],
)
def test_a_damaged_recipe_is_told(workspace: Path, place: tuple[Any, ...], value: Any) -> None:
    _, executor, folder = failed_run(workspace)
    plan = json.loads((folder / "plan.json").read_text())
    inside = plan
    for key in place[:-1]:
        inside = inside[key]
    inside[place[-1]] = value
    (folder / "plan.json").write_text(json.dumps(plan))
    for act in (executor.resume, executor.rerun):
        with pytest.raises(StoreError, match=r"plan\.json .* is damaged"):
            act(executor.load_log(folder))


def test_a_ring_of_links_is_a_fault(write: Callable[[str, str], Path], tmp_path: Path) -> None:
    (tmp_path / "ring.yaml").symlink_to("ring.yaml")
    caller = write("w.yaml", "version: 1\nid: w\nstations:\n  - workflow: ./ring.yaml\n")
    with pytest.raises(FaultsError, match=r"no file './ring\.yaml'"):
        load_workflow(caller, workspace=tmp_path)
    with pytest.raises(UsageError, match="symbolic links"):
        load_workflow(tmp_path / "ring.yaml")


def chain(write: Callable[[str, str], Path], deep: int, step: str) -> Path:
    last = f"  - {{station: shell, id: {step}, with: {{script: echo done}}}}\n"
    for i in range(deep):
        call = f"  - {{workflow: ./w{i + 1}.yaml, id: {step}}}\n" if i < deep - 1 else last
        write(f"w{i}.yaml", f"version: 1\nid: w{i}\nstations:\n{call}")
    return write("x", "").with_name("w0.yaml")


def test_workflows_call_each_other_to_a_bound(write: Callable[[str, str], Path], tmp_path: Path) -> None:
    with pytest.raises(FaultsError, match="more than 32 deep"):
        load_workflow(chain(write, 33, "s"), workspace=tmp_path)


def test_the_output_of_a_step_with_a_very_long_id_is_kept(
    write: Callable[[str, str], Path], registry: StationRegistry, tmp_path: Path, workspace: Path
) -> None:
    workflow = load_workflow(chain(write, 32, "a" * 60), workspace=tmp_path)
    log = WorkflowExecutor(registry).execute(workflow, WorkflowContext(workspace))
    assert str(log.state) == "completed"
    [kept] = (workspace / ".mity" / "runs" / log.run_id / "stations").iterdir()
    assert kept.read_text() == "done\n"


def test_a_time_limit_reaches_asynchronous_code_in_a_thread(workspace: Path) -> None:
    cleaned: list[str] = []

    async def act(context: StationContext) -> StationResult:
        try:
            await asyncio.sleep(60)
        finally:
            cleaned.append(context.step)
        return StationResult.success("act")

    workflow = Workflow("w", "W").with_max_parallel(2)
    for step in ("a", "b"):
        workflow = workflow.station("act", id=step, timeout="300ms")
    begun = time.monotonic()
    log = WorkflowExecutor(stations(fake("act", act))).execute(workflow, WorkflowContext(workspace))
    assert [result.message for result in log.results.values()] == ["timed out after 300ms"] * 2
    assert sorted(cleaned) == ["a", "b"]
    assert time.monotonic() - begun < 10


def test_what_to_do_about_a_value_that_is_missing_can_be_done(workspace: Path) -> None:
    workflow = Workflow("w", "W", inputs={"v": {"type": "string"}}, secrets=("TOKEN",)).station("bad")
    executor = WorkflowExecutor(stations(fake("bad", lambda context: StationResult.failure("told to"))))
    context = WorkflowContext(workspace, inputs={"v": "it is hidden-word"}).with_env("TOKEN", "hidden-word")
    log = executor.execute(workflow, context)
    given = {"TOKEN": "hidden-word"}
    with pytest.raises(ResumeError, match="held a secret") as caught:
        executor.resume(log, env=given)
    assert caught.value.hint == "start a new run"
    with pytest.raises(ResumeError, match="held a secret") as caught:
        executor.rerun(log, env=given)
    assert caught.value.hint == "give it again, with -i v=VALUE"
    log = executor.rerun(log, env=given, inputs={"v": "other"})
    assert log.error == "bad: told to"
    more = replace(workflow, inputs={**workflow.inputs, "n": {"type": "string"}})
    with pytest.raises(ResumeError, match="the new input 'n' has no default"):
        executor.resume(log, env=given, workflow=more, with_edits=True)


def test_edits_whose_plan_was_never_written_must_be_given_again(workspace: Path) -> None:
    act = fake("act", lambda context: StationResult.failure("told to"), Params=Params)
    executor = WorkflowExecutor(stations(act))
    log = executor.execute(Workflow("w", "W").station("act"), WorkflowContext(workspace))
    assert log.path
    plan = workspace / ".mity" / "runs" / log.run_id / "plan.json"
    before = plan.read_bytes()
    edited = Workflow("w", "W").station("act", with_={"v": 1})
    log = executor.resume(log, workflow=edited, with_edits=True)
    plan.write_bytes(before)
    with pytest.raises(ResumeError, match="was edited, and ended before its plan was written"):
        executor.resume(log)
    log = executor.resume(log, workflow=edited, with_edits=True)
    assert str(log.state) == "failed"
