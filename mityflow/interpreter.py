"""What may happen next in a run: a pure function of the plan and the log.

No clock, no files, no randomness: the same answer for a run, a resume, and a test with fakes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from mityflow.expressions import ExpressionError, parse_condition, render_value
from mityflow.frames import Frame
from mityflow.log import ExecutionLog, ExecutionState
from mityflow.plan import Plan, Step, ids_of
from mityflow.station import FAILURE_QUESTION, Answer, Option, Question, StationResult
from mityflow.step_ids import call_of, index_of, item_id, joined, path_of
from mityflow.workflow import MOST_ITEMS


class Task(NamedTuple):
    """A step of a run: ``step`` as planned, by the ``id`` it has in the run, in the workflow at ``path``.

    ``item`` is its own where it is one of several for ``foreach``, and ``number`` its index; else that is None.
    """

    id: str
    step: Step
    path: str = ""
    item: Any = None
    number: int | None = None


class Run(NamedTuple):
    """This step may run now, beside what runs already."""

    task: Task


class Busy(NamedTuple):
    """Nothing may begin before something that runs is over."""


class Settle(NamedTuple):
    """This step has its result without being run; ``then`` is ``continue``, ``stop``, or what follows from it."""

    task: Task
    result: StationResult
    then: str | None = None


class Expand(NamedTuple):
    """The items of this call's ``foreach`` are known."""

    task: Task
    items: list[Any]
    steps: tuple[str, ...]


class Enter(NamedTuple):
    """This step calls a workflow, which begins."""

    task: Task


class Wait(NamedTuple):
    """Somebody must answer this step's question first."""

    task: Task
    question: Question


class Finish(NamedTuple):
    """Nothing is left to do: the run ends in ``state``."""

    state: ExecutionState


Action = Run | Busy | Settle | Expand | Enter | Wait | Finish


class Continue(NamedTuple):
    """The step is over, and ``then`` the run goes on or stops."""

    then: str


class Retry(NamedTuple):
    """Try the step again after ``delay`` seconds."""

    delay: float


class Ask(NamedTuple):
    """The step waits for an answer to its result's question."""

    result: StationResult


Envs = Callable[[str], Mapping[str, str]]
"""The environment values that expressions of the workflow at a path can see; the log has none of them."""


def next_action(plan: Plan, log: ExecutionLog, envs: Envs) -> Action:
    """What to do now."""
    asking = log.current if log.waiting else None
    if asking is not None:
        question = log.results[asking].question
        return Wait(task_of(plan, log, asking), question) if question and not log.running else Busy()
    return next(_Ready(plan, log, envs).actions(plan, ""), Busy())


def after(step: Step, result: StationResult, attempt: int, *, may_ask: bool = True) -> Continue | Retry | Ask:
    """What follows from a step's result at this attempt, which counts from 1; in ``finally`` nobody is asked."""
    if result.status == "waiting":
        return Ask(result)
    if result.status != "failed":
        return Continue("stop" if result.status == "cancelled" else "continue")
    retry = step.call.retry
    if retry and attempt < retry.attempts:
        return Retry(retry.wait_after(attempt))
    if step.call.on_failure == "ask" and may_ask:
        return Ask(_failure_asked(step, result))
    return Continue("continue" if step.call.on_failure == "continue" else "stop")


def scope(
    plan: Plan, log: ExecutionLog, envs: Envs, task: Task | None = None, *, path: str = "", state: str | None = None
) -> dict[str, Any]:
    """The values that an expression of a step can see, or one of the workflow at ``path`` as a whole."""
    path = task.path if task else path
    here = plan.plan_at(path)
    frame = log.frames[path]
    context = frame.context
    values = {
        "inputs": context["inputs"],
        "outputs": _Known(visible_outputs(here, log, path, task.step if task else None), here.output_keys),
        "stations": _Stations(here, log, path),
        "env": envs(path),
        "run": {
            "id": log.run_id,
            "workflow_id": here.workflow.id,
            "state": state or _state_so_far(frame),
        },
        "app_name": context["app_name"],
        "stack": context["stack"],
        "iac": context["iac"],
        "metadata": context["metadata"],
        "workspace": context["workspace"],
        "output_path": context["output_path"],
    }
    if task and task.number is not None:
        values |= {"item": task.item, "index": task.number}
    return values


def visible_outputs(plan: Plan, log: ExecutionLog, path: str, step: Step | None) -> Mapping[str, Any]:
    """The outputs by key that a step can see: where steps run side by side, of those it waits for alone.

    What it sees does not depend then on how quick the others are.
    """
    frame = log.frames[path]
    if step is None or plan.in_order or step.id not in plan.waits:
        return frame.outputs
    from mityflow.waits import all_waits

    before = all_waits(plan, step.id)
    outputs = dict(frame.given)
    for other in plan.main:
        if other.id in before:
            for result in _results(log, joined(path, other.id)):
                outputs.update(result.outputs)
    return outputs


def _results(log: ExecutionLog, call: str) -> Iterator[StationResult]:
    """The results of a call: one, or one for each item."""
    group = log.groups.get(call)
    ids = [item_id(call, i) for i in range(len(group.items))] if group else [call]
    return (log.results[step] for step in ids if step in log.results)


def task_of(plan: Plan, log: ExecutionLog, step_id: str) -> Task:
    """The step of this id, with its item."""
    index = index_of(step_id)
    item = None if index is None else log.groups[call_of(step_id)].items[index]
    return Task(step_id, plan.step(step_id), path_of(step_id), item, index)


def workflow_outputs(plan: Plan, log: ExecutionLog, envs: Envs, path: str = "") -> Any:
    """What the workflow at ``path`` gives, from the outputs as they stood before its ``finally``.

    Raises ExpressionError.
    """
    here = plan.plan_at(path)
    if not here.workflow.outputs:
        return {}
    outputs: dict[str, Any] = {**dict.fromkeys(here.output_keys), **log.frames[path].given}
    for step in here.main:
        for result in _results(log, joined(path, step.id)):
            outputs.update(result.outputs)
    seen = scope(plan, log, envs, path=path, state=ExecutionState.COMPLETED.value) | {"outputs": outputs}
    return render_value(here.workflow.outputs, seen)


class _Ready:
    """What may happen now, the first in order first."""

    def __init__(self, plan: Plan, log: ExecutionLog, envs: Envs) -> None:
        self._plan = plan
        self._log = log
        self._envs = envs
        self._entered: set[str] = set()

    def actions(self, plan: Plan, path: str) -> Iterator[Action]:
        """In a workflow, and in those it has called."""
        log, frame = self._log, self._log.frames[path]
        in_main = frame.stop is None and not frame.main_over
        if in_main:
            yield from self._main(plan, path)
        if in_main or frame.active:  # also what began before an edit put other steps in front of it
            for called in sorted(frame.active & log.frames.keys()):
                yield from self._called(task_of(self._plan, log, called))
        elif frame.finally_next < len(frame.finally_):
            yield from self._call(plan.steps[frame.finally_[frame.finally_next]], path, 1)
        else:
            yield Finish(_outcome(frame))

    def _main(self, plan: Plan, path: str) -> Iterator[Action]:
        log, frame = self._log, self._log.frames[path]
        for i in range(frame.next, len(frame.main)):
            local = frame.main[i]
            if plan.in_order:
                yield from self._call(plan.steps[local], path, 1)
                return
            waited_for = all(joined(path, earlier) in log.done for earlier in plan.waits[local])
            if waited_for and joined(path, local) not in log.done:
                yield from self._call(plan.steps[local], path, plan.workflow.max_parallel)

    def _call(self, step: Step, path: str, side_by_side: int) -> Iterator[Action]:
        """A call, or each of its items; at most so many steps of its workflow may be active."""
        call = joined(path, step.id)
        if step.call.foreach is None:
            yield from self._step(Task(call, step, path), side_by_side)
            return
        group = self._log.groups.get(call)
        if group is None:
            yield self._expanded(Task(call, step, path))
            return
        for i in range(group.next, len(group.items)):
            task = Task(item_id(call, i), step, path, group.items[i], i)
            if task.id not in self._log.done:
                yield from self._step(task, side_by_side)
                if side_by_side == 1:
                    return

    def _step(self, task: Task, side_by_side: int) -> Iterator[Action]:
        active = self._log.frames[task.path].active
        if task.id in active:
            yield from self._called(task)
        elif len(active) < side_by_side:
            yield self._begun(task)

    def _called(self, task: Task) -> Iterator[Action]:
        """What may happen in the workflow that a step has called; its end is the step's result."""
        if task.step.sub is not None and task.id in self._log.frames and task.id not in self._entered:
            self._entered.add(task.id)
            for action in self.actions(task.step.sub, task.id):
                yield self._left(task, action.state) if isinstance(action, Finish) else action

    def _left(self, task: Task, state: ExecutionState) -> Settle:
        if state is ExecutionState.CANCELLED:
            return Settle(task, StationResult(task.id, "cancelled", self._log.frames[task.id].error or "cancelled"))
        if state is ExecutionState.FAILED:
            return Settle(task, StationResult.failure(self._log.frames[task.id].error or "failed"))
        try:
            outputs = workflow_outputs(self._plan, self._log, self._envs, task.id)
        except ExpressionError as error:
            return Settle(task, StationResult.failure(f"outputs: {error}"))
        return Settle(task, StationResult.success(task.id, outputs=outputs))

    def _begun(self, task: Task) -> Action:
        step = task.step
        answer, asked = self._failure(task)
        if answer and asked:
            if answer.option != "retry":
                return _failure_answered(task, asked, answer)
        elif step.call.when is not None:
            try:
                wanted = parse_condition(step.call.when).render(self._scope(task))
            except ExpressionError as error:
                return Settle(task, StationResult.failure(f"when: {error}"))
            if not wanted:
                return Settle(task, StationResult.skipped(f"when: {step.call.when} is false"))
        return Enter(task) if step.sub else Run(task)

    def _failure(self, task: Task) -> tuple[Answer, StationResult] | tuple[None, None]:
        """What was answered to a failure of the step, and that failure."""
        answer, asked = self._log.answers.get(task.id), self._log.asked.get(task.id)
        if answer and asked and asked.question and asked.question.id == FAILURE_QUESTION:
            return answer, asked
        return None, None

    def _expanded(self, task: Task) -> Action:
        answer, asked = self._failure(task)
        if answer and asked and answer.option != "retry":
            return _failure_answered(task, asked, answer)
        try:
            items = render_value(task.step.call.foreach, self._scope(task))
        except ExpressionError as error:
            return Settle(task, StationResult.failure(f"foreach: {error}"))
        if isinstance(items, Mapping):
            items = [{"key": key, "value": value} for key, value in items.items()]
        if not isinstance(items, list | tuple) or len(items) > MOST_ITEMS:
            kind = f"{len(items)} items" if isinstance(items, list | tuple) else type(items).__name__
            reason = f"foreach: a list or a mapping of at most {MOST_ITEMS} items is needed, not {kind}"
            return Settle(task, StationResult.failure(reason))
        ids = [step for i in range(len(items)) for step in ids_of(task.step, item_id(task.id, i))]
        return Expand(task, list(items), tuple(ids))

    def _scope(self, task: Task) -> dict[str, Any]:
        return scope(self._plan, self._log, self._envs, task)


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


def _failure_answered(task: Task, asked: StationResult, answer: Answer) -> Settle:
    if answer.option == "skip":
        return Settle(task, StationResult.skipped(f"skipped by answer after: {asked.message}"))
    failed = StationResult(
        task.id,
        "failed",
        asked.message,
        artifacts=asked.artifacts,
        error=asked.error,
        started_at=asked.started_at,
        completed_at=asked.completed_at,
        attempts=asked.attempts,
    )
    return Settle(task, failed, "stop")


def _state_so_far(frame: Frame) -> str:
    """What ``run.state`` reads: ``running`` among the main stations, the outcome in ``finally``."""
    if frame.stop is None and not frame.main_over:
        return ExecutionState.RUNNING.value
    return _outcome(frame).value


def _outcome(frame: Frame) -> ExecutionState:
    if frame.stop == "cancelled":
        return ExecutionState.CANCELLED
    if frame.stop == "failed" or frame.error is not None:
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
    """``stations.<id>``: the outputs, status and message of a step, null before it has run.

    Of a step with ``foreach`` each output is the list of what its items gave, and the message that of the
    first item with the status of them all; one of them is ``stations['<id>[0]']``.
    """

    __slots__ = ("_log", "_path", "_plan")

    def __init__(self, plan: Plan, log: ExecutionLog, path: str) -> None:
        self._plan = plan
        self._log = log
        self._path = path

    def __getitem__(self, step_id: str) -> Any:
        step = self._plan.steps[call_of(step_id)]
        call = joined(self._path, step_id)
        group = self._log.groups.get(call)
        if group is not None:
            results = [self._log.results.get(item_id(call, i)) for i in range(len(group.items))]
            outputs = {key: [r.outputs.get(key) if r else None for r in results] for key in step.output_keys}
            status = status_of(results)
            message = next((r.message for r in results if r and r.status == status), None)
            return {"outputs": outputs, "status": status, "message": message}
        result = self._log.results.get(call)
        return {
            "outputs": _Known(result.outputs if result else {}, frozenset(step.output_keys)),
            "status": result.status if result else None,
            "message": result.message if result else None,
        }

    def __iter__(self) -> Iterator[str]:
        return iter(self._plan.steps)

    def __len__(self) -> int:
        return len(self._plan.steps)


def status_of(results: Sequence[StationResult | None]) -> str | None:
    """The status of all items: the worst there is, ``skipped`` if every one was, null while one is missing."""
    statuses = [result.status if result else None for result in results]
    for status in (None, "cancelled", "failed", "waiting"):
        if status in statuses:
            return status
    return "skipped" if statuses and set(statuses) == {"skipped"} else "succeeded"
