"""One run at work: what may happen next is done and recorded, until it ends or somebody must answer."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from copy import copy
from typing import Any, NamedTuple, Protocol

from mityflow.clock import Clock, iso
from mityflow.context import WorkflowContext
from mityflow.environment import environment, warnings, with_inputs
from mityflow.errors import FaultsError, MityError
from mityflow.expressions import ExpressionError, render_value
from mityflow.interpreter import (
    Ask,
    Busy,
    Continue,
    Enter,
    Expand,
    Finish,
    Run,
    Settle,
    Task,
    Wait,
    after,
    next_action,
    scope,
    visible_outputs,
    workflow_outputs,
)
from mityflow.interpreter import Retry as RetryAfter
from mityflow.interrupts import Interrupts
from mityflow.log import ExecutionLog, ExecutionState
from mityflow.masking import Masker
from mityflow.output import StepOutput
from mityflow.plan import Plan
from mityflow.prints import Capture
from mityflow.process import encoded
from mityflow.station import Answer, Question, StationResult
from mityflow.step_cache import CacheUse, run_cached
from mityflow.step_ids import file_name, path_of
from mityflow.steps import StepRun
from mityflow.store import Recorder, Store
from mityflow.workers import Channel, Guard, InTurn, SideBySide, Work

_NO_RETRY = sys.maxsize


class Observer(Protocol):
    """Who watches a run; nothing it does changes the run."""

    def on_event(self, event: Mapping[str, Any]) -> None:
        """An event was recorded."""

    def on_output(self, step: str, data: bytes) -> None:
        """A step printed something, masked."""


class Nobody:
    """An observer that does not look."""

    def on_event(self, event: Mapping[str, Any]) -> None:
        """Nothing."""

    def on_output(self, step: str, data: bytes) -> None:
        """Nothing."""


Answers = Callable[[str, Question], Answer | None]


class Setting(NamedTuple):
    """What a run works with: who is told and asked, the clock, where it is recorded, what is masked."""

    observer: Observer
    answers: Answers
    clock: Clock
    store: Store
    recorder: Recorder
    masker: Masker
    guardrails: Mapping[str, Any]
    secrets: Mapping[str, str]


class Place(NamedTuple):
    """A workflow at work: its plan, its context, its environment for expressions and for children."""

    plan: Plan
    context: WorkflowContext
    env: Mapping[str, str]
    children: Mapping[str, str]
    encoded: Mapping[bytes, bytes]
    guardrails: Mapping[str, Any]


class Again(NamedTuple):
    """A step that is tried again at ``due``, a moment of the clock's ``monotonic``."""

    due: float
    task: Task
    result: StationResult


class ActiveRun:
    """A run at work, from its first event or a resume to its end or a question."""

    def __init__(self, plan: Plan, context: WorkflowContext, setting: Setting) -> None:
        self._plan = plan
        self._context = context
        self._setting = setting
        self._log = setting.recorder.log
        self._places: dict[str, Place] = {}
        self._again: dict[str, Again] = {}
        self._started: dict[str, str] = {}
        self._numbers: dict[str, int] = {}
        self._folder = ""
        self.interrupts = Interrupts()

    def start(self, run_id: str) -> ExecutionLog:
        """Begin the run."""
        workflow, ids = self._plan.workflow, self._plan.step_ids()
        steps = {} if ids == list(self._plan.steps) else {"steps": list(self._plan.steps)}
        return self._work(
            lambda: self._record(
                "run.started",
                workflow_id=workflow.id,
                workflow_name=workflow.name,
                run_id=run_id,
                stations=ids,
                **steps,
                main_count=len(self._plan.main),
                context=self._context.to_data(),
                outputs=dict(self._context.outputs),
                warnings=warnings(self._setting.secrets),
                pid=os.getpid(),
            )
        )

    def go_on(
        self, answer: Answer | None, changes: Mapping[str, Any], recorded: Callable[[], None] = lambda: None
    ) -> ExecutionLog:
        """Continue the run; ``changes`` are the ``event`` of a revision, ``recorded`` is called once they are."""

        def begin() -> None:
            self._record("run.resumed", warnings=warnings(self._setting.secrets), pid=os.getpid(), **changes)
            recorded()
            question, step = self._log.question, self._log.current
            if answer and question and step:
                self._answered(step, question, answer)

        return self._work(begin)

    def _work(self, begin: Callable[[], Any]) -> ExecutionLog:
        workflow = self._plan.workflow
        side_by_side = any(each.max_parallel > 1 for each in (workflow, *workflow.called()))
        with self.interrupts:
            kind = SideBySide if side_by_side else InTurn
            self._workers: InTurn | SideBySide = kind(self.interrupts, self._ended, self._show, self._noted)
            try:
                begin()
                self._folder = str(self._setting.store.run_folder(self._log.run_id) / "stations")
                with self._workers.at_work():
                    self._drive()
            finally:
                self._setting.recorder.close()
        return self._log

    def _drive(self) -> None:
        while True:
            asks = bool(self._log.waiting) and not self._log.running
            if self.interrupts.requested and self._log.stop != "cancelled" and not asks:
                self._record("run.stopping", reason=self.interrupts.reason)
            action = next_action(self._plan, self._log, self._env)
            if isinstance(action, Finish) or (self.interrupts.hurry and not isinstance(action, Wait)):
                self._finish(action.state if isinstance(action, Finish) else ExecutionState.CANCELLED)
                return
            if isinstance(action, Run):
                self._begin(action.task)
            elif isinstance(action, Busy):
                self._wait()
            elif isinstance(action, Settle):
                self._settle(action)
            elif isinstance(action, Enter):
                self._enter(action.task)
            elif isinstance(action, Expand):
                self._expand(action)
            elif not self._ask(action):
                return

    def _begin(self, task: Task) -> None:
        """Begin an attempt at a step."""
        if self.interrupts.token.cancelled and self._log.in_cleanup(task.id):
            self.interrupts.renew()
        attempt = self._log.attempts.get(task.id, 0) + 1
        self._started[task.id] = self._record("step.started", step=task.id, attempt=attempt)["at"]
        self._workers.begin(task, attempt, self._work_of(task, attempt))

    def _work_of(self, task: Task, attempt: int) -> Work:
        """What is to be executed; all it needs of the log is taken now."""
        place = self._place(task.path)
        base = place.context if place.plan.in_order else copy(place.context)
        base.outputs = visible_outputs(place.plan, self._log, task.path, task.step)  # type: ignore[assignment]
        answer, asked = self._log.answers.get(task.id), self._log.asked.get(task.id)
        if answer and asked and asked.question:
            from mityflow.answers import given_to_station, timeout_result

            over = timeout_result(asked.question, answer)
            if over:
                return lambda *_: over
            answer = given_to_station(asked.question, answer)
        use = CacheUse(self._setting.store, self._log.run_id, self._log.is_fresh(task.id))
        path = f"{self._folder}/{self._number(task.id):02}-{file_name(task.id)}.log"
        workflow, masker = place.plan.workflow, self._setting.masker

        notes = tuple(self._log.notes.get(task.id, ()))

        def work(guard: Guard, capture: Capture, channel: Channel) -> StationResult:
            show = channel.show
            output = StepOutput(path, show)
            try:
                return run_cached(
                    StepRun(
                        task,
                        base,
                        lambda: scope(self._plan, self._log, self._env, task),
                        place.encoded,
                        guard,
                        capture,
                        masker,
                        output.write,
                        attempt,
                        answer,
                        place.guardrails,
                        workflow.id,
                        workflow.env,
                        channel.note,
                        notes,
                        path,
                    ),
                    use,
                )
            finally:
                output.close()

        return work

    def _ended(self, task: Task, attempt: int, result: StationResult) -> None:
        """An attempt at a step is over."""
        result.started_at = self._started.pop(task.id)
        result.attempts = attempt
        if self.interrupts.requested and result.status == "failed" and self.interrupts.token.cancelled:
            result.status = "cancelled"
        self._follow(task, attempt, result)

    def _follow(self, task: Task, attempt: int, result: StationResult, then: str | None = None) -> None:
        """Record a result and what follows from it."""
        may_ask = not self._log.in_cleanup(task.id)
        if result.status == "waiting" and not may_ask:
            result = StationResult.failure(f"a step of 'finally' cannot ask: {result.message}")
        result.completed_at = result.completed_at or iso(self._setting.clock.now())
        result.started_at = result.started_at or result.completed_at
        follows = Continue(then) if then else after(task.step, result, attempt, may_ask=may_ask)
        if isinstance(follows, RetryAfter) and not self.interrupts.requested:
            self._again[task.id] = Again(self._setting.clock.monotonic() + follows.delay, task, result)
            data = result.to_data()
            self._record("step.retrying", step=task.id, attempt=attempt, delay=follows.delay, result=data)
        elif isinstance(follows, Ask):
            self._record("step.waiting", step=task.id, result=follows.result.to_data())
        else:
            then = follows.then if isinstance(follows, Continue) else "stop"
            self._record("step.completed", step=task.id, result=result.to_data(), then=then)

    def _wait(self) -> None:
        """Until something that runs is over, or a step is to be tried again."""
        if not self._again or not self.interrupts.requested:
            due = min((again.due for again in self._again.values()), default=None)
            self._workers.wait(None if due is None else max(0.0, due - self._setting.clock.monotonic()))
        for step, again in list(self._again.items()):
            if self.interrupts.requested:
                del self._again[step]
                again.result.status = "cancelled"
                self._follow(again.task, _NO_RETRY, again.result)
            elif again.due <= self._setting.clock.monotonic():
                del self._again[step]
                self._begin(again.task)

    def _settle(self, action: Settle) -> None:
        self._follow(action.task, _NO_RETRY, action.result, action.then)

    def _expand(self, action: Expand) -> None:
        if self._setting.masker.data(action.items) != action.items:
            self._refuse(action.task, "foreach: an item holds a secret, which cannot be recorded")
            return
        self._record("step.expanded", step=action.task.id, items=action.items, stations=list(action.steps))
        self._numbers = {}

    def _enter(self, task: Task) -> None:
        """Begin the workflow that a step calls."""
        from mityflow.inputs import resolve_inputs

        plan = task.step.sub
        if plan is None:
            return
        try:
            given = render_value(task.step.call.with_, scope(self._plan, self._log, self._env, task))
            if self._setting.masker.data(given) != given:
                self._refuse(task, "an input holds a secret, which cannot be recorded; name it under 'secrets' there")
                return
            context = with_inputs(WorkflowContext(self._context.workspace), resolve_inputs(plan.workflow.inputs, given))
            context.metadata, context.env = self._context.metadata, self._context.env
            environment(plan.workflow, context)
        except FaultsError as error:
            self._refuse(task, "; ".join(fault.message for fault in error.faults))
        except (ExpressionError, MityError) as error:
            self._refuse(task, str(error))
        else:
            steps, count = list(plan.steps), len(plan.main)
            self._record("workflow.entered", step=task.id, steps=steps, main_count=count, context=context.to_data())

    def _refuse(self, task: Task, reason: str) -> None:
        self._follow(task, _NO_RETRY, StationResult.failure(reason))

    def _place(self, path: str) -> Place:
        """The workflow at work at a path."""
        if path not in self._places:
            plan = self._plan.plan_at(path)
            if not path:
                env = environment(plan.workflow, self._context)
                children = {**os.environ, **env, "MITY_RUN_ID": self._log.run_id}
                place = Place(plan, self._context, env, children, encoded(children), self._setting.guardrails)
            else:
                above = self._place(path_of(path))
                context = WorkflowContext.from_data(self._log.frames[path].context, self._context.env)
                env = environment(plan.workflow, context)
                children = {**above.children, **env}
                limits = plan.workflow.guardrails or above.guardrails
                place = Place(plan, context, env, children, encoded(children), limits)
            self._places[path] = place
        return self._places[path]

    def _env(self, path: str) -> Mapping[str, str]:
        return self._place(path).env

    def _number(self, step: str) -> int:
        if not self._numbers:
            self._numbers = {step_id: i for i, step_id in enumerate(self._log.stations, 1)}
        return self._numbers[step]

    def _ask(self, wait: Wait) -> bool:
        from mityflow.answers import awaited

        self._setting.recorder.catch_up()

        def ask(deadline: float | None) -> Answer | None:
            with self.interrupts.station(deadline):
                return self._setting.answers(wait.task.id, wait.question)

        answer = awaited(self._log.results[wait.task.id], self._setting.clock, ask, self._setting.masker.text)
        if answer is None:
            return False
        self._answered(wait.task.id, wait.question, answer)
        return True

    def _answered(self, step: str, question: Question, answer: Answer) -> None:
        by = answer.by or _user()
        self._record("step.answered", step=step, question=question.id, answer=answer.to_data(), by=by)

    def _finish(self, state: ExecutionState) -> None:
        outputs: Any = {}
        error = self._log.error
        if state is ExecutionState.COMPLETED:
            try:
                outputs = workflow_outputs(self._plan, self._log, self._env)
            except ExpressionError as fault:
                state, error = ExecutionState.FAILED, f"outputs: {fault}"
        self._record("run.ended", state=state.value, error=error, outputs=outputs)

    def _record(self, event: str, **data: Any) -> dict[str, Any]:
        recorded = self._setting.recorder.record(event, **data)
        with suppress(OSError):  # who watches may be gone; the run is not changed by it
            self._setting.observer.on_event(recorded)
        return recorded

    def _noted(self, step: str, note: Mapping[str, Any]) -> None:
        self._record("step.noted", step=step, note=note)

    def _show(self, step: str, output: bytes) -> None:
        with suppress(OSError):
            self._setting.observer.on_output(step, output)


def _user() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "unknown"
