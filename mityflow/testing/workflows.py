"""Running a workflow in a test: everything is real but the work of its stations."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mityflow.answers import check_answer, read_answer
from mityflow.clock import Clock
from mityflow.context import WorkflowContext
from mityflow.environment import with_inputs
from mityflow.errors import MityError, UsageError, nearest
from mityflow.executor import WorkflowExecutor
from mityflow.inputs import resolve_inputs
from mityflow.log import ExecutionLog
from mityflow.plan import Plan, Step
from mityflow.registry import StationRegistry
from mityflow.station import Answer, Question, Station, StationResult
from mityflow.step_ids import call_of, joined
from mityflow.testing.fakes import Fakes, Results, without_indices
from mityflow.workflow import LONGEST, Workflow

Reply = str | Answer | Mapping[str, Any]
"""An option's id, an :class:`Answer`, or what a file of answers has: ``{option, message}``, or a form's fields."""
Answers = Mapping[str, Reply | Sequence[Reply]]
"""Answers by step; a list is for questions that come one after another."""


@dataclass(frozen=True)
class WorkflowRun:
    """How a workflow went: its ``log``, and the steps that ``ran``, in the order of their first execution.

    ``questions`` are the last question each step asked, by step, in the order they were asked.
    """

    log: ExecutionLog
    ran: list[str]
    questions: Mapping[str, Question]

    @property
    def state(self) -> str:
        """``completed``, ``failed``, ``waiting`` or ``cancelled``."""
        return self.log.state.value

    @property
    def results(self) -> Mapping[str, StationResult]:
        """The last result of each step, by id."""
        return self.log.results

    @property
    def asked(self) -> list[str]:
        """The steps that asked a question, those that asked what to do after a failure included."""
        return list(self.questions)

    @property
    def skipped(self) -> list[str]:
        """The steps that were skipped."""
        return [step for step, result in self.results.items() if result.status == "skipped"]

    @property
    def outputs(self) -> Mapping[str, Any]:
        """What the workflow gave under ``outputs``."""
        return self.log.workflow_outputs

    @property
    def error(self) -> str | None:
        """Why it failed."""
        return self.log.error

    def __repr__(self) -> str:
        results = ", ".join(f"{step}: {r.status} {r.message!r}" for step, r in self.results.items())
        return f"<WorkflowRun {self.state}, ran {self.ran}, asked {self.asked}, results {{{results}}}>"


def run_workflow(
    workflow: Workflow | str | os.PathLike[str],
    *,
    inputs: Mapping[str, Any] | None = None,
    results: Results | None = None,
    answers: Answers | None = None,
    stations: StationRegistry | Iterable[type[Station]] = (),
    workspace: str | os.PathLike[str] | None = None,
    env: Mapping[str, str] | None = None,
) -> WorkflowRun:
    """Run a workflow with fake stations.

    ``workflow`` is a file, the name of one, or a Workflow. Each station is looked up as in a run, its
    contract and settings are checked, and then it gives what ``results`` says for its step. A step that is
    not named succeeds; a station that always asks, as ``ask`` does, asks its own question. ``stations`` are
    classes that are not installed, or a registry in place of what is. Steps that ask are answered from
    ``answers``; without an answer the run ends as ``waiting``. Delays between attempts are not waited for.
    ``workspace`` is a temporary folder by default. A secret that ``env`` does not give has a placeholder
    for its value; real ones are never read.

    Raises FaultsError or UsageError for a wrong workflow, input, result or answer, and an AssertionError of
    a function among the results.
    """
    fakes = Fakes(_registry(stations), results or {})
    with _folder(workspace) as folder:
        workflow, plan = _planned(workflow, fakes, folder)
        context = WorkflowContext(folder, inputs=inputs)
        for name in dict.fromkeys(n for each in (workflow, *workflow.called()) for n in each.secrets):
            context = context.with_env(name, f"value-of-{name}")
        for name, value in (env or {}).items():
            context = context.with_env(name, value)
        executor = WorkflowExecutor(fakes, clock=_NoWaiting())
        if plan is None:
            given = resolve_inputs(workflow.inputs, context.inputs)
            plan = executor.plan(workflow, with_inputs(context, given))
        _check_steps(plan, results or {}, "a result")
        _check_steps(plan, answers or {}, "an answer")
        replies = _Replies(answers or {})
        executor = WorkflowExecutor(fakes, clock=_NoWaiting(), answers=replies)
        log = executor.execute(workflow, context, plan=plan)
    if fakes.fault:
        raise fakes.fault
    return WorkflowRun(log, fakes.ran, replies.questions)


def _registry(stations: StationRegistry | Iterable[type[Station]]) -> StationRegistry:
    if isinstance(stations, StationRegistry):
        return stations
    registry = StationRegistry.discover()
    for station in stations:
        registry.register(station)
    return registry


@contextmanager
def _folder(workspace: str | os.PathLike[str] | None) -> Iterator[Path]:
    if workspace is not None:
        yield Path(workspace)
        return
    with tempfile.TemporaryDirectory(prefix="mityflow-") as folder:
        yield Path(folder)


def _planned(
    workflow: Workflow | str | os.PathLike[str], fakes: Fakes, workspace: Path
) -> tuple[Workflow, Plan | None]:
    """The workflow; its plan too if it is a file's, whose faults then have places."""
    if isinstance(workflow, Workflow):
        return workflow, None
    from mityflow.catalog import find_workflow
    from mityflow.prepare import prepare

    prepared = prepare(find_workflow(os.fspath(workflow)), fakes, workspace=workspace)
    return prepared.workflow, prepared.plan


class _NoWaiting(Clock):
    """A clock that, between two looks at it, moves on by more than any delay."""

    def __init__(self) -> None:
        self._moment = 0.0

    def monotonic(self) -> float:
        """Later than any moment somebody waits for."""
        self._moment += 2 * LONGEST
        return self._moment


class _Replies:
    """Gives each answer once, and remembers what was asked."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self._given: dict[str, int] = {}
        self.questions: dict[str, Question] = {}

    def __call__(self, step: str, question: Question) -> Answer | None:
        """The next answer for this step, None when there is none left."""
        self.questions[step] = question
        key = next((k for k in (step, call_of(step), without_indices(step)) if k in self._answers), None)
        if key is None:
            return None
        given = self._answers[key]
        every: list[Any] = [given] if isinstance(given, str | Answer | Mapping) else list(given)
        count = self._given[step] = self._given.get(step, 0) + 1
        if count > len(every):
            return None
        reply = every[count - 1]
        try:
            return check_answer(question, reply if isinstance(reply, Answer) else read_answer(question, reply))
        except MityError as error:
            raise UsageError(f"the answer for step '{step}': {error.message}", hint=error.hint) from error


def _check_steps(plan: Plan, by_step: Mapping[str, Any], what: str) -> None:
    """Raises UsageError for a name that no step can have."""
    steps = dict(_steps(plan))
    for name in by_step:
        step = steps.get(without_indices(name))
        if step is None:
            meant = nearest(name, steps)
            raise UsageError(
                f"there is no step '{name}' to give {what} to" + (f"; did you mean '{meant}'?" if meant else ""),
                hint=f"the steps are {', '.join(steps)}",
            )
        if what == "a result" and step.sub is not None:
            inner = ", ".join(joined(name, each) for each in step.sub.steps)
            raise UsageError(f"step '{name}' calls a workflow, whose steps have the results", hint=f"they are {inner}")


def _steps(plan: Plan, path: str = "") -> Iterator[tuple[str, Step]]:
    for step in plan.steps.values():
        step_id = joined(path, step.id)
        yield step_id, step
        if step.sub is not None:
            yield from _steps(step.sub, step_id)
