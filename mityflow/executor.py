"""Executing and resuming runs: what a run needs is put together, and it is let work."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mityflow import revision
from mityflow.clock import Clock
from mityflow.context import WorkflowContext
from mityflow.environment import environment, secrets_of, with_inputs
from mityflow.errors import ResumeError, UsageError
from mityflow.interrupts import Interrupts
from mityflow.log import ExecutionLog, ExecutionState
from mityflow.masking import Masker
from mityflow.plan import Given, Plan
from mityflow.recipe import Source, masked, new_recipe, restore, source_of
from mityflow.registry import StationRegistry
from mityflow.run import ActiveRun, Answers, Nobody, Observer, Setting
from mityflow.station import Answer, Question
from mityflow.store import Recorder, Store
from mityflow.workflow import Workflow


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
        environment(workflow, context)
        secrets = secrets_of(workflow, context)
        masker = Masker(secrets.values())
        store = Store(context.workspace, self._clock)
        store.prepare()
        with store.lock() as lock:
            run_id = store.new_run_id()
            lock.tell(run_id)
            store.settle_dead_logs()
            recipe = new_recipe(run_id, plan, context, self._registry, source, limits)
            store.create_run(run_id, masked(recipe, masker.data))
            recorder = store.recorder(run_id, ExecutionLog(), mask=masker.data)
            setting = self._setting(store, recorder, masker, limits, secrets)
            return self._work(ActiveRun(plan, context, setting), lambda run: run.start(run_id))

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
        from_step: str | None = None,
        with_edits: bool = False,
        source: Source | None = None,
    ) -> ExecutionLog:
        """Go on with a run that failed, was cancelled or killed, or waits for an ``answer``.

        Nothing that completed runs again, but ``from_step`` and what comes after it, also of a completed
        run. ``workflow`` is the workflow as it is now, the stored one by default; a changed one is
        refused but ``with_edits``: then what was edited runs again, and what comes after it, and
        ``source`` is its file from now on. ``env`` gives environment values again that the context
        had and that nothing stored. Raises ResumeError when the run cannot go on like this, and
        what :meth:`execute` raises.
        """
        if log.path is None:
            raise ResumeError((log.damaged and log.error) or "this log belongs to no run on disk")
        store = Store(log.path.parent.parent.parent, self._clock)
        stored = store.plan(log.run_id)
        recipe = restore(stored, log.run_id, workflow, env or {}, edited=with_edits)
        plan = self.plan(recipe.workflow, recipe.context)
        environment(recipe.workflow, recipe.context)
        secrets = secrets_of(recipe.workflow, recipe.context)
        masker = Masker(secrets.values())
        store.prepare()
        with store.lock() as lock:
            journal = store.journal(log.run_id)
            now = store.fold(log.run_id, journal)
            if now.damaged:
                raise ResumeError(now.error or "", hint="start a new run; nothing recorded before that line is lost")
            if now.unfinished:
                now.mark_died()  # we hold the lock, so nobody else is at work on it
            changes: dict[str, Any] = {}
            if with_edits:
                changes |= revision.with_edits(recipe.stored, plan, now).event
                changes["context"] = recipe.context.to_data()
            else:
                _same_steps(now, plan, stored["digest"])
            if from_step is not None:
                if with_edits:
                    raise UsageError("a run goes on from a step, or with edits, not both")
                changes |= revision.again_from(plan, now, from_step).event
            _resumable(now, changes)
            if answer is not None:
                from mityflow.answers import accepted

                asked = now.results.get(now.current or "")
                answer = accepted(now.run_id, asked, answer, self._clock.now(), masker.text)
            lock.tell(log.run_id)
            _end_leftovers(now)
            recorder = store.recorder(log.run_id, now, mask=masker.data, journal=journal)
            setting = self._setting(store, recorder, masker, recipe.guardrails, secrets)

            def replace_plan() -> None:
                if with_edits:
                    kept = source or source_of(stored)
                    new = new_recipe(log.run_id, plan, recipe.context, self._registry, kept, recipe.guardrails)
                    store.replace_plan(log.run_id, masked(new, masker.data))

            run = ActiveRun(plan, recipe.context, setting)
            return self._work(run, lambda run: run.go_on(answer, changes, replace_plan))

    def rerun(
        self, log: ExecutionLog, *, inputs: Mapping[str, Any] | None = None, env: Mapping[str, str] | None = None
    ) -> ExecutionLog:
        """Run again what a run ran, as a new run; ``inputs`` are those that have another value now.

        ``env`` gives environment values again that the context had and that nothing stored. Raises
        ResumeError when a value was not stored and is not given, and what :meth:`execute` raises.
        """
        if log.path is None:
            raise ResumeError((log.damaged and log.error) or "this log belongs to no run on disk")
        stored = Store(log.path.parent.parent.parent, self._clock).plan(log.run_id)
        recipe = restore(stored, log.run_id, None, env or {}, replaced=inputs or {})
        context = recipe.context
        for name, value in (inputs or {}).items():
            context = context.with_input(name, value)
        return self.execute(recipe.workflow, context, source=source_of(stored), guardrails=recipe.guardrails)

    def _setting(
        self,
        store: Store,
        recorder: Recorder,
        masker: Masker,
        guardrails: Mapping[str, Any],
        secrets: Mapping[str, str],
    ) -> Setting:
        return Setting(self._observer, self._answers, self._clock, store, recorder, masker, guardrails, secrets)

    def _work(self, run: ActiveRun, work: Callable[[ActiveRun], ExecutionLog]) -> ExecutionLog:
        self._interrupts = run.interrupts
        try:
            return work(run)
        finally:
            self.signal = run.interrupts.signal
            self._interrupts = None

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


def _resumable(log: ExecutionLog, changes: Mapping[str, Any]) -> None:
    again = any(what != revision.KEPT for _, what, _ in changes.get("changes", ()))
    if log.state is ExecutionState.COMPLETED and not again:
        raise ResumeError(f"run {log.run_id} is completed", hint="start a new run with 'mityflow run'")
    if log.unfinished:
        raise ResumeError(f"run {log.run_id} is {log.state}")


def _same_steps(log: ExecutionLog, plan: Plan, digest: str) -> None:
    if log.edited_digest not in (None, digest):
        raise ResumeError(
            f"run {log.run_id} was edited, and ended before its plan was written",
            hint="give the edits again: mityflow resume --with-edits",
        )
    if log.planned_steps != plan.step_ids():
        raise ResumeError(
            f"the steps of run {log.run_id} come in another order now",
            hint="go on with 'mityflow resume --with-edits', or start a new run",
        )


def _end_leftovers(log: ExecutionLog) -> None:
    """End children that outlived a killed runner."""
    if log.died:
        from mityflow.process import end_leftovers

        end_leftovers(log.run_id)
