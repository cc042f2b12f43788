"""Running a plan: one step after another, each result recorded before the next step starts."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from mityflow.clock import Clock
from mityflow.context import WorkflowContext
from mityflow.errors import ResumeError, UsageError
from mityflow.expressions import ExpressionError, render_value
from mityflow.interpreter import (
    Ask,
    Continue,
    Finish,
    RunSteps,
    Settle,
    Wait,
    after,
    next_action,
    scope,
)
from mityflow.interpreter import Retry as RetryAfter
from mityflow.interrupts import Interrupts
from mityflow.log import ExecutionLog, ExecutionState
from mityflow.masking import SHORT, Masker
from mityflow.output import StepOutput
from mityflow.plan import Given, Plan, Step
from mityflow.process import CommandError, encoded
from mityflow.recipe import Source, masked, new_recipe, restore
from mityflow.registry import StationRegistry
from mityflow.station import Answer, Question, StationResult
from mityflow.steps import StepRun, run_step
from mityflow.store import Recorder, Store
from mityflow.workflow import Workflow


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


def no_answer(step: str, question: Question) -> Answer | None:  # noqa: ARG001 - an Answers
    """Leave every question open: the run then waits."""
    return None


class WorkflowExecutor:
    """Executes, resumes and cancels runs.

    ``observer`` is told of every event and all output; ``answers`` is asked every question first.
    """

    def __init__(
        self,
        registry: StationRegistry,
        *,
        observer: Observer | None = None,
        answers: Answers = no_answer,
        clock: Clock | None = None,
    ) -> None:
        self._registry = registry
        self._observer = observer or Nobody()
        self._answers = answers
        self._clock = clock or Clock()
        self._interrupts: Interrupts | None = None
        self.signal: int | None = None

    def execute(
        self,
        workflow: Workflow,
        context: WorkflowContext,
        *,
        plan: Plan | None = None,
        source: Source | None = None,
        guardrails: Mapping[str, Any] | None = None,
    ) -> ExecutionLog:
        """Run a workflow on the context's workspace; the log tells how it went, failures included.

        ``plan`` is what :meth:`plan` gave for the same workflow and context, to spare planning twice.
        ``guardrails`` are used in place of the workflow's own.
        Raises FaultsError or UsageError for a wrong workflow or input or a secret that is not set,
        LockedError when another run is at work there, StoreError when the run cannot be recorded.
        """
        from mityflow.inputs import resolve_inputs

        context = with_inputs(context, resolve_inputs(workflow.inputs, context.inputs))
        plan = plan or self.plan(workflow, context)
        limits = guardrails if guardrails is not None else workflow.guardrails or {}
        env = environment(workflow, context)
        masker = Masker(env.secrets.values())
        store = Store(context.workspace, self._clock)
        store.prepare()
        with store.lock() as lock:
            run_id = store.new_run_id()
            lock.tell(run_id)
            store.settle_dead_logs()
            recipe = new_recipe(run_id, plan, context, self._registry, source, limits)
            store.create_run(run_id, masked(recipe, masker.data))
            log = ExecutionLog()
            recorder = store.recorder(run_id, log, mask=masker.data)
            run = _Run(self, plan, context, env, masker, recorder, store, limits)
            return run.start(run_id)

    def plan(self, workflow: Workflow, context: WorkflowContext) -> Plan:
        """The plan of a workflow on this context. Raises FaultsError with every problem."""
        from mityflow.checks import build_plan

        return build_plan(workflow, self._registry, Given.of(workflow, context))

    def resume(
        self,
        log: ExecutionLog,
        *,
        answer: Answer | None = None,
        env: Mapping[str, str] | None = None,
        workflow: Workflow | None = None,
    ) -> ExecutionLog:
        """Go on with a run that failed, was cancelled or killed, or waits for an ``answer``.

        Nothing that completed runs again. ``workflow`` is the workflow as it is now, the stored one by
        default; a changed one is refused. ``env`` gives environment values again that the context
        had and that nothing stored. Raises ResumeError when the run cannot go on like this, and
        what :meth:`execute` raises.
        """
        if log.path is None:
            raise ResumeError("this log belongs to no run on disk")
        store = Store(log.path.parent.parent.parent, self._clock)
        recipe = restore(store.plan(log.run_id), log.run_id, workflow, env or {})
        plan = self.plan(recipe.workflow, recipe.context)
        values = environment(recipe.workflow, recipe.context)
        masker = Masker(values.secrets.values())
        store.prepare()
        with store.lock() as lock:
            journal = store.journal(log.run_id)
            if journal.damage:
                where = f"{store.run_folder(log.run_id) / 'events.jsonl'}:{journal.damage.line}"
                raise ResumeError(
                    f"{where}: {journal.damage.reason}; what came after it is not known",
                    hint="start a new run; nothing recorded before that line is lost",
                )
            now = store.fold(log.run_id, journal)
            if now.unfinished:
                now.mark_died()  # we hold the lock, so nobody else is at work on it
            answer = _resumable(now, answer, self._clock, masker)
            _same_steps(now, plan)
            lock.tell(log.run_id)
            _end_leftovers(now)
            recorder = store.recorder(log.run_id, now, mask=masker.data, journal=journal)
            run = _Run(self, plan, recipe.context, values, masker, recorder, store, recipe.guardrails)
            return run.go_on(answer)

    def cancel(self) -> None:
        """Ask the run in progress to stop; from any thread. A second call stops it at once."""
        if self._interrupts:
            self._interrupts.cancel()

    def load_log(self, path: str | os.PathLike[str]) -> ExecutionLog:
        """The log that a file in ``.mity/logs`` or a folder in ``.mity/runs`` is about.

        It is folded from the run's journal, so it is right even if the file is damaged. Raises
        StoreError when there is no such run.
        """
        return load_log(Path(path), self._clock)


def load_log(path: Path, clock: Clock | None = None) -> ExecutionLog:
    """See :meth:`WorkflowExecutor.load_log`."""
    import json

    path = Path(os.path.abspath(path))
    if path.parent.name == "logs":
        store = Store(path.parent.parent.parent, clock)
        try:
            run_id = json.loads(path.read_bytes())["run_id"]
        except (OSError, ValueError, KeyError, TypeError):
            run_id = store.find(path.stem)
        return store.load(run_id)
    folder = path if path.is_dir() else path.parent
    return Store(folder.parent.parent.parent, clock).load(folder.name)


def with_inputs(context: WorkflowContext, values: Mapping[str, Any]) -> WorkflowContext:
    """The context with all input values; those named after its fields fill them too."""
    from mityflow.context import IacConfig

    filled = WorkflowContext(
        context.workspace,
        values.get("app_name") or context.app_name,
        values.get("stack") or context.stack,
        inputs=values,
    )
    iac = values.get("iac")
    filled.iac = IacConfig.from_data(iac) if iac else context.iac
    filled.env, filled.metadata, filled.outputs = context.env, context.metadata, context.outputs
    return filled


class Environment(NamedTuple):
    """``visible`` is what expressions and children see as ``env``; ``secrets`` are values to mask."""

    visible: dict[str, str]
    secrets: dict[str, str]

    @property
    def warnings(self) -> list[str]:
        """What the user should know of the secrets."""
        weak = [n for n, value in self.secrets.items() if any(0 < len(p) < SHORT for p in value.split("\n"))]
        return [f"the secret {n} has fewer than {SHORT} characters: it is masked as a whole word only" for n in weak]


def environment(workflow: Workflow, context: WorkflowContext) -> Environment:
    """The values of ``env`` and ``secrets``. Raises UsageError for a secret that is not set."""
    given = {**os.environ, **context.env}
    absent = [name for name in workflow.secrets if name not in given]
    if absent:
        raise UsageError(
            f"the secret {' and '.join(absent)} is not set", hint="the workflow takes it from the environment"
        )
    secrets = {name: given[name] for name in workflow.secrets} | dict(context.env)
    early = {
        "inputs": context.inputs,
        "env": secrets,
        **{key: context.to_data()[key] for key in _CONTEXT_VALUES},
    }
    try:
        plain = {name: str(render_value(value, early)) for name, value in workflow.env.items()}
        encoded({**plain, **secrets})
    except (ExpressionError, CommandError) as error:
        raise UsageError(f"env: {error}") from error
    return Environment({**plain, **secrets}, secrets)


_CONTEXT_VALUES = ("app_name", "stack", "iac", "metadata", "workspace", "output_path")


def _resumable(log: ExecutionLog, answer: Answer | None, clock: Clock, masker: Masker) -> Answer | None:
    """The answer, complete. Raises ResumeError or UsageError when the run cannot go on, or not with it."""
    if log.state is ExecutionState.COMPLETED:
        raise ResumeError(f"run {log.run_id} is completed", hint="start a new run with 'mityflow run'")
    if not log.can_resume():
        raise ResumeError(f"run {log.run_id} is {log.state}")
    if answer is None:
        return None
    from mityflow.answers import accepted

    return accepted(log.run_id, log.results.get(log.current or ""), answer, clock.now(), masker.text)


def _same_steps(log: ExecutionLog, plan: Plan) -> None:
    if log.stations != list(plan.steps):
        raise ResumeError(
            f"the steps of run {log.run_id} come in another order now",
            hint="a station's dependencies have changed; start a new run",
        )


def _end_leftovers(log: ExecutionLog) -> None:
    """End children that outlived a killed runner."""
    if log.died:
        from mityflow.process import end_leftovers

        end_leftovers(log.run_id)


class _Run:
    """One run at work, from its first event or a resume to its end or a question."""

    def __init__(
        self,
        executor: WorkflowExecutor,
        plan: Plan,
        context: WorkflowContext,
        env: Environment,
        masker: Masker,
        recorder: Recorder,
        store: Store,
        guardrails: Mapping[str, Any],
    ) -> None:
        self._executor = executor
        self._plan = plan
        self._context = context
        self._env = env.visible
        self._warnings = env.warnings
        self._masker = masker
        self._recorder = recorder
        self._log = recorder.log
        self._store = store
        self._guardrails = guardrails
        self._numbers = {step_id: i for i, step_id in enumerate(plan.steps, 1)}
        self._child_env: dict[bytes, bytes] = {}
        self._given_outputs = dict(context.outputs)
        self._output_folder = ""

    def start(self, run_id: str) -> ExecutionLog:
        """Begin the run."""
        workflow = self._plan.workflow
        return self._work(
            lambda: self._record(
                "run.started",
                workflow_id=workflow.id,
                workflow_name=workflow.name,
                run_id=run_id,
                stations=list(self._plan.steps),
                main_count=len(self._plan.main),
                context=self._context.to_data(),
                outputs=dict(self._context.outputs),
                warnings=self._warnings,
                pid=os.getpid(),
            )
        )

    def go_on(self, answer: Answer | None) -> ExecutionLog:
        """Continue the run."""

        def begin() -> None:
            question, step = self._log.question, self._log.current
            self._record("run.resumed", warnings=self._warnings, pid=os.getpid())
            if answer and question and step:
                self._answered(step, question, answer)

        return self._work(begin)

    def _work(self, begin: Callable[[], Any]) -> ExecutionLog:
        with Interrupts() as interrupts:
            self._interrupts = self._executor._interrupts = interrupts
            try:
                begin()
                self._output_folder = str(self._store.run_folder(self._log.run_id) / "stations")
                self._child_env = encoded({**os.environ, **self._env, "MITY_RUN_ID": self._log.run_id})
                self._drive()
            finally:
                self._executor.signal = interrupts.signal
                self._executor._interrupts = None
                self._recorder.close()
        return self._log

    def _drive(self) -> None:
        while True:
            if self._interrupts.requested and self._log.stop != "cancelled":
                self._record("run.stopping", reason=self._interrupts.reason)
            action = next_action(self._plan, self._log, self._env)
            if isinstance(action, Finish) or (self._interrupts.hurry and not isinstance(action, Wait)):
                self._end(action.state if isinstance(action, Finish) else ExecutionState.CANCELLED)
                return
            if isinstance(action, RunSteps):
                for step in action.steps:
                    self._run(step)
            elif isinstance(action, Settle):
                self._settle(action.step, action.result, action.then)
            elif not self._ask(action):
                return

    def _run(self, step: Step) -> None:
        """Run a step, again where its retry says so, until it is settled or asks."""
        if self._log.stop is not None:
            self._interrupts.renew()
        attempt = self._log.attempts.get(step.id, 0) + 1
        while True:
            started = self._record("step.started", step=step.id, attempt=attempt)
            result = self._attempt(step, attempt)
            result.started_at = started["at"]
            result.attempts = attempt
            if self._interrupts.requested and result.status == "failed" and self._interrupts.token.cancelled:
                result.status = "cancelled"
            follows = after(step, result, attempt)
            if isinstance(follows, RetryAfter) and not self._interrupts.requested:
                data = self._finished(result).to_data()
                self._record("step.retrying", step=step.id, attempt=attempt, delay=follows.delay, result=data)
                if self._pause(follows.delay):
                    attempt += 1
                    continue
                follows = Continue("stop")
                result.status = "cancelled"
            if isinstance(follows, Ask):
                self._record("step.waiting", step=step.id, result=self._finished(follows.result).to_data())
            else:
                then = follows.then if isinstance(follows, Continue) else "stop"
                self._settle(step, result, then)
            return

    def _attempt(self, step: Step, attempt: int) -> StationResult:
        number, id_ = self._numbers[step.id], step.id
        output = StepOutput(f"{self._output_folder}/{number:02}-{id_}.log", lambda data: self._show(id_, data))
        self._context.outputs = self._log.outputs
        answer, asked = self._log.answers.get(id_), self._log.asked.get(id_)
        if answer and asked and asked.question:
            from mityflow.answers import given_to_station, timeout_result

            over = timeout_result(asked.question, answer)
            if over:
                return over
            answer = given_to_station(asked.question, answer)
        try:
            return run_step(
                StepRun(
                    step,
                    self._context,
                    lambda: scope(self._plan, self._log, self._env),
                    self._child_env,
                    self._interrupts,
                    self._masker,
                    output.write,
                    attempt,
                    answer,
                    self._guardrails,
                )
            )
        finally:
            output.close()

    def _settle(self, step: Step, result: StationResult, then: str) -> None:
        self._record("step.completed", step=step.id, result=self._finished(result).to_data(), then=then)

    def _finished(self, result: StationResult) -> StationResult:
        from mityflow.clock import iso

        result.completed_at = result.completed_at or iso(self._executor._clock.now())
        result.started_at = result.started_at or result.completed_at
        return result

    def _pause(self, seconds: float) -> bool:
        """Wait before another attempt; False when the run was asked to stop meanwhile."""
        return not self._interrupts.token.wait(seconds)

    def _ask(self, wait: Wait) -> bool:
        from mityflow.answers import awaited

        def ask(deadline: float | None) -> Answer | None:
            with self._interrupts.station(deadline):
                return self._executor._answers(wait.step.id, wait.question)

        asked = self._log.results[wait.step.id]
        answer = awaited(asked, self._executor._clock, ask, self._masker.text)
        if answer is None:
            return False
        self._answered(wait.step.id, wait.question, answer)
        return True

    def _answered(self, step: str, question: Question, answer: Answer) -> None:
        by = answer.by or _user()
        self._record("step.answered", step=step, question=question.id, answer=answer.to_data(), by=by)

    def _end(self, state: ExecutionState) -> None:
        outputs: Any = {}
        error = self._log.error
        if state is ExecutionState.COMPLETED:
            try:
                seen = scope(self._plan, self._log, self._env) | {"outputs": self._main_outputs()}
                outputs = render_value(self._plan.workflow.outputs, seen)
            except ExpressionError as fault:
                state, error = ExecutionState.FAILED, f"outputs: {fault}"
        self._record("run.ended", state=state.value, error=error, outputs=outputs)

    def _main_outputs(self) -> dict[str, Any]:
        """Outputs by key as they stood before ``finally``."""
        outputs: dict[str, Any] = {**dict.fromkeys(self._plan.output_keys), **self._given_outputs}
        for step in self._plan.main:
            outputs.update(self._log.results[step.id].outputs)
        return outputs

    def _record(self, event: str, **data: Any) -> dict[str, Any]:
        recorded = self._recorder.record(event, **data)
        with suppress(OSError):  # who watches may be gone; the run is not changed by it
            self._executor._observer.on_event(recorded)
        return recorded

    def _show(self, step: str, output: bytes) -> None:
        with suppress(OSError):
            self._executor._observer.on_output(step, output)


def _user() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "unknown"
