"""What may happen next in a run: a pure function of the plan and the log.

No clock, no files, no randomness: the same answer for a run, a resume, and a test with fakes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from mityflow.expressions import ExpressionError, parse_condition
from mityflow.log import ExecutionLog, ExecutionState
from mityflow.plan import Plan, Step
from mityflow.station import FAILURE_QUESTION, Answer, Option, Question, StationResult


class RunSteps(NamedTuple):
    """These steps may run now."""

    steps: tuple[Step, ...]


class Settle(NamedTuple):
    """This step has its result without being run; ``then`` is ``continue`` or ``stop``."""

    step: Step
    result: StationResult
    then: str


class Wait(NamedTuple):
    """Somebody must answer this step's question first."""

    step: Step
    question: Question


class Finish(NamedTuple):
    """Nothing is left to do: the run ends in ``state``."""

    state: ExecutionState


Action = RunSteps | Settle | Wait | Finish


class Continue(NamedTuple):
    """The step is over, and ``then`` the run goes on or stops."""

    then: str


class Retry(NamedTuple):
    """Try the step again after ``delay`` seconds."""

    delay: float


class Ask(NamedTuple):
    """The step waits for an answer to its result's question."""

    result: StationResult


def next_action(plan: Plan, log: ExecutionLog, env: Mapping[str, str]) -> Action:
    """What to do now. ``env`` holds the values that the log does not, for conditions that read them."""
    if log.question and log.current:
        return Wait(plan.step(log.current), log.question)
    if log.stop is None and log.main_done < len(plan.main):
        return _step_action(plan, plan.main[log.main_done], log, env)
    if log.finally_done < len(plan.finally_):
        return _step_action(plan, plan.finally_[log.finally_done], log, env)
    return Finish(_outcome(log))


def after(step: Step, result: StationResult, attempt: int) -> Continue | Retry | Ask:
    """What follows from a step's result at this attempt, which counts from 1."""
    if result.status == "waiting":
        return Ask(result)
    if result.status != "failed":
        return Continue("stop" if result.status == "cancelled" else "continue")
    retry = step.call.retry
    if retry and attempt < retry.attempts:
        return Retry(retry.wait_after(attempt))
    if step.call.on_failure == "ask":
        return Ask(_failure_asked(step, result))
    return Continue("continue" if step.call.on_failure == "continue" else "stop")


def scope(plan: Plan, log: ExecutionLog, env: Mapping[str, str], *, state: str | None = None) -> dict[str, Any]:
    """The values an expression can see."""
    context = log.context
    return {
        "inputs": context["inputs"],
        "outputs": _Known(log.outputs, plan.output_keys),
        "stations": _Stations(plan, log),
        "env": env,
        "run": {
            "id": log.run_id,
            "workflow_id": log.workflow_id,
            "state": state or _state_so_far(log),
        },
        "app_name": context["app_name"],
        "stack": context["stack"],
        "iac": context["iac"],
        "metadata": context["metadata"],
        "workspace": context["workspace"],
        "output_path": context["output_path"],
    }


def _step_action(plan: Plan, step: Step, log: ExecutionLog, env: Mapping[str, str]) -> Action:
    answer, asked = log.answers.get(step.id), log.asked.get(step.id)
    if answer and asked and asked.question and asked.question.id == FAILURE_QUESTION:
        return _failure_answered(step, asked, answer)
    if step.call.when is not None:
        try:
            wanted = parse_condition(step.call.when).render(scope(plan, log, env))
        except ExpressionError as error:
            failed = StationResult.failure(f"when: {error}")
            return Settle(step, failed, "continue" if step.call.on_failure == "continue" else "stop")
        if not wanted:
            return Settle(step, StationResult.skipped(f"when: {step.call.when} is false"), "continue")
    return RunSteps((step,))


def _failure_asked(step: Step, result: StationResult) -> StationResult:
    """The failed result, now asking what to do about it."""
    question = Question(
        FAILURE_QUESTION,
        f"'{step.id}' failed: {result.message}",
        [
            Option("retry", "Run it again"),
            Option("skip", "Go on without it"),
            Option("stop", "End the run as failed"),
        ],
    )
    return StationResult(
        result.station,
        "waiting",
        result.message,
        outputs=result.outputs,
        artifacts=result.artifacts,
        question=question,
        error=result.error,
        started_at=result.started_at,
        completed_at=result.completed_at,
        attempts=result.attempts,
    )


def _failure_answered(step: Step, asked: StationResult, answer: Answer) -> Action:
    if answer.option == "retry":
        return RunSteps((step,))
    if answer.option == "skip":
        return Settle(step, StationResult.skipped(f"skipped by answer after: {asked.message}"), "continue")
    failed = StationResult(
        step.id,
        "failed",
        asked.message,
        artifacts=asked.artifacts,
        error=asked.error,
        started_at=asked.started_at,
        completed_at=asked.completed_at,
        attempts=asked.attempts,
    )
    return Settle(step, failed, "stop")


def _state_so_far(log: ExecutionLog) -> str:
    """What ``run.state`` reads: ``running`` among the main stations, the outcome in ``finally``."""
    if log.stop is None and log.main_done < log.main_count:
        return ExecutionState.RUNNING.value
    return _outcome(log).value


def _outcome(log: ExecutionLog) -> ExecutionState:
    if log.stop == "cancelled":
        return ExecutionState.CANCELLED
    if log.stop == "failed" or log.error is not None:
        return ExecutionState.FAILED
    return ExecutionState.COMPLETED


class _Known(Mapping[str, Any]):
    """Values by key, where a key that is known but has no value yet is null."""

    __slots__ = ("_keys", "_values")

    def __init__(self, values: Mapping[str, Any], keys: frozenset[str]) -> None:
        self._values = values
        self._keys = keys

    def __getitem__(self, key: str) -> Any:
        if key in self._values:
            return self._values[key]
        if key in self._keys:
            return None
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        return iter({**dict.fromkeys(self._keys), **self._values})

    def __len__(self) -> int:
        return len(self._keys | self._values.keys())


class _Stations(Mapping[str, Any]):
    """``stations.<id>``: the outputs and status of a step, null before it has run."""

    __slots__ = ("_log", "_plan")

    def __init__(self, plan: Plan, log: ExecutionLog) -> None:
        self._plan = plan
        self._log = log

    def __getitem__(self, step_id: str) -> Any:
        step = self._plan.steps[step_id]
        result = self._log.results.get(step_id)
        outputs = result.outputs if result else {}
        return {
            "outputs": _Known(outputs, frozenset(step.output_keys)),
            "status": result.status if result else None,
        }

    def __iter__(self) -> Iterator[str]:
        return iter(self._plan.steps)

    def __len__(self) -> int:
        return len(self._plan.steps)
