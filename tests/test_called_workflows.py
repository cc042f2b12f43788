"""What a called workflow is given, and what it gives: inputs, secrets, environment, context, outputs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fakes import fake, stations

from mityflow import (
    Answer,
    FaultsError,
    StationContext,
    StationResult,
    UsageError,
    Workflow,
    WorkflowContext,
    WorkflowExecutor,
)


def looking(seen: dict[str, Any]) -> Any:
    def act(context: StationContext) -> StationResult:
        seen[context.step] = {
            "inputs": dict(context.inputs),
            "env": dict(context.env),
            "path": context.output_path,
            "metadata": dict(context.metadata),
            "shell": context.run(["sh", "-c", "echo $TOKEN-$LEVEL-$OUTER"]).stdout.strip(),
            "guardrails": dict(context.guardrails),
            "k": context.get_input("k"),
        }
        return StationResult.success("act", outputs={"k": f"from {context.step}"})

    return stations(fake("act", act, gives=("k",)))


def test_it_sees_what_it_is_given_and_nothing_of_its_caller(workspace: Path) -> None:
    seen: dict[str, Any] = {}
    sub = (
        Workflow("sub", "Sub")
        .with_input("app_name", {"type": "string"})
        .with_input("level", {"type": "integer", "default": 3})
        .with_secret("TOKEN")
        .with_env("LEVEL", "{{ inputs.level }}")
        .station("act")
        .with_output("result", "{{ outputs.k }} of {{ app_name }}")
    )
    workflow = (
        Workflow("w", "W")
        .with_env("OUTER", "outer")
        .with_input("mine", {"type": "string", "default": "secret plans"})
        .station("act")
        .sub_workflow(sub, with_={"app_name": "inner-app"})
        .with_output("result", "{{ stations.sub.outputs.result }}")
    )
    context = WorkflowContext(workspace).with_env("TOKEN", "very-secret").with_metadata("team", 7)
    log = WorkflowExecutor(looking(seen)).execute(workflow, context)
    assert str(log.state) == "completed"
    inner = seen["sub/act"]
    assert inner["inputs"] == {"app_name": "inner-app", "level": 3}
    assert inner["path"] == workspace / "inner-app"
    assert inner["metadata"] == {"team": 7}
    assert inner["env"] == {"TOKEN": "very-secret"}
    assert inner["shell"] == "***-3-outer"
    assert inner["k"] is None, "the caller's outputs are not its own"
    assert log.workflow_outputs == {"result": "from sub/act of inner-app"}
    assert "very-secret" not in "".join(p.read_text() for p in (workspace / ".mity").rglob("*") if p.is_file())


def test_a_secret_of_a_called_workflow_must_be_set_before_anything_runs(workspace: Path) -> None:
    sub = Workflow("sub", "Sub").with_secret("NOT_SET_ANYWHERE").station("act")
    with pytest.raises(UsageError, match="NOT_SET_ANYWHERE is not set"):
        WorkflowExecutor(looking({})).execute(Workflow("w", "W").sub_workflow(sub), WorkflowContext(workspace))
    assert not (workspace / ".mity").exists()


def test_a_secret_is_no_input(workspace: Path) -> None:
    sub = Workflow("sub", "Sub").with_input("token", {"type": "string"}).station("act")
    workflow = Workflow("w", "W").with_secret("TOKEN").sub_workflow(sub, with_={"token": "{{ env.TOKEN }}"})
    context = WorkflowContext(workspace).with_env("TOKEN", "very-secret")
    log = WorkflowExecutor(looking({})).execute(workflow, context)
    assert log.results["sub"].message.startswith("an input holds a secret")


def test_inputs_are_checked_before_the_run_and_when_they_are_known(workspace: Path) -> None:
    sub = Workflow("sub", "Sub").with_input("n", {"type": "integer", "minimum": 1}).station("act")
    executor = WorkflowExecutor(looking({}))
    for with_ in ({}, {"n": 0}, {"m": 1, "n": 1}):
        with pytest.raises(FaultsError):
            executor.execute(Workflow("w", "W").sub_workflow(sub, with_=with_), WorkflowContext(workspace))
    workflow = Workflow("w", "W").with_input("n", {"type": "integer"}).sub_workflow(sub, with_={"n": "{{ inputs.n }}"})
    log = executor.execute(workflow, WorkflowContext(workspace, inputs={"n": 0}))
    assert str(log.state) == "failed"
    assert "input 'n': 0" in log.results["sub"].message


def test_a_failure_inside_can_be_passed_over_or_asked_about(workspace: Path) -> None:
    tries: list[str] = []

    def act(context: StationContext) -> StationResult:
        tries.append(context.step)
        if context.step == "sub/second" and tries.count("sub/second") < 2:
            return StationResult.failure("not yet")
        return StationResult.success("act")

    sub = Workflow("sub", "Sub").station("act", id="first").station("act", id="second")
    executor = WorkflowExecutor(stations(fake("act", act)))
    log = executor.execute(Workflow("w", "W").sub_workflow(sub, on_failure="ask"), WorkflowContext(workspace))
    assert log.question
    assert log.question.text == "'sub' failed: second: not yet"
    log = executor.resume(log, answer=Answer("retry"))
    assert str(log.state) == "completed"
    assert tries == ["sub/first", "sub/second", "sub/second"], "what completed inside did not run again"
    tries.clear()
    passed = Workflow("w", "W").sub_workflow(sub, on_failure="continue").station("act", id="after")
    log = executor.execute(passed, WorkflowContext(workspace))
    assert str(log.state) == "completed"
    assert [r.status for r in log.results.values()] == ["succeeded", "failed", "failed", "succeeded"]
