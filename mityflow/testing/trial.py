"""Executing one station by itself, as a step would, with everything it says left as it said it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, NamedTuple

from mityflow.checks import check_plan
from mityflow.context import WorkflowContext
from mityflow.environment import with_inputs
from mityflow.errors import Problem, UsageError
from mityflow.interpreter import Task
from mityflow.interrupts import Interrupts
from mityflow.masking import Masker
from mityflow.plan import Given, Plan
from mityflow.prints import captured
from mityflow.process import encoded
from mityflow.registry import StationRegistry
from mityflow.station import Answer, Station, StationInput, StationOutput, StationResult
from mityflow.steps import StepRun, run_step
from mityflow.testing.sandbox import Sandbox
from mityflow.workflow import Workflow


class Case(NamedTuple):
    """A station with everything a step gives it."""

    station: type[Station]
    settings: Mapping[str, Any]
    inputs: Mapping[str, Any]
    outputs: Mapping[str, Any]
    secrets: Mapping[str, str]
    env: Mapping[str, str]
    time_limit: str

    @property
    def whole_env(self) -> dict[str, str]:
        """Environment variables, secrets included."""
        return {**self.env, **self.secrets}


class Trial(NamedTuple):
    """How an execution went: ``output`` is the step's log, nothing in it masked."""

    result: StationResult
    output: bytes


def plan_of(case: Case, sandbox: Sandbox) -> tuple[Plan, WorkflowContext]:
    """The plan of a workflow that calls the station after those it depends on. Raises UsageError."""
    registry = StationRegistry([case.station])
    station = registry.get(case.station.name)
    workflow = Workflow("contract")
    for name in case.inputs:
        workflow = workflow.with_input(name, {})
    earlier = [*station.dependencies(), *([f"before-{station.name}"] if station.input().artifacts else ())]
    for name in dict.fromkeys(earlier):
        if name != station.name:
            registry.register(_provider(name, station.input()))
            workflow = workflow.station(name)
    workflow = workflow.station(station.name, id="tried", with_=case.settings, timeout=case.time_limit)
    context = with_inputs(WorkflowContext(sandbox.workspace), case.inputs)
    for name, value in case.whole_env.items():
        context = context.with_env(name, value)
    context.outputs.update(case.outputs)
    planned = check_plan(workflow, registry, Given.of(workflow, context))
    if planned.problems:
        raise UsageError("; ".join(worded(problem) for problem in planned.problems))
    return planned.plan, context


def worded(problem: Problem) -> str:
    """A fault of a contract's example, which has no place in a file."""
    return problem.message + (f"; did you mean '{problem.suggestion}'?" if problem.suggestion else "")


def execute(case: Case, sandbox: Sandbox, answer: Answer | None = None) -> Trial:
    """Execute the station once; to be called within the sandbox. Raises UsageError for a case with gaps."""
    plan, context = plan_of(case, sandbox)
    output = bytearray()
    guard = Interrupts()
    with guard:
        result = run_step(
            StepRun(
                task=Task("tried", plan.steps["tried"]),
                base=context,
                scope=lambda: _scope(context),
                child_env=encoded({**os.environ, **case.whole_env}),
                guard=guard,
                capture=captured,
                masker=Masker([]),
                write=output.extend,
                attempt=1,
                answer=answer,
                guardrails={},
                workflow_id=plan.workflow.id,
                workflow_env={},
            )
        )
    if guard.requested:
        raise KeyboardInterrupt
    return Trial(result, bytes(output))


def _provider(name: str, wanted: StationInput) -> type[Station]:
    """A station that earlier in the workflow would have provided the artifacts."""
    body = {"name": name, "output": lambda self: StationOutput(artifacts=wanted.artifacts)}  # noqa: ARG005
    return type("Provider", (Station,), body)


def _scope(context: WorkflowContext) -> dict[str, Any]:
    """What the expressions of settings can see."""
    return {
        **{key: context.to_data()[key] for key in ("app_name", "stack", "iac", "metadata", "workspace", "output_path")},
        "inputs": context.inputs,
        "outputs": context.outputs,
        "env": context.env,
        "stations": {},
        "run": {"id": "contract", "workflow_id": "contract", "state": "running"},
    }
