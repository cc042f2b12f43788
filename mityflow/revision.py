"""What of a run is done again when it goes on from an earlier step, or with a workflow that was edited.

Pure: from the plan and the log to a list of changes, and to what the journal records of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from mityflow.errors import ResumeError, UsageError, nearest
from mityflow.log import ExecutionLog
from mityflow.plan import Plan, Step, ids_of
from mityflow.step_ids import call_of, index_of, item_id, joined, local_of, path_of, within
from mityflow.waits import all_waits
from mityflow.workflow import Workflow

KEPT, AGAIN, NEW, GONE = "kept", "re-run", "new", "gone"


class Change(NamedTuple):
    """What happens to a step that began, or is new: ``kept``, ``re-run``, ``new`` or ``gone``, and ``why``."""

    step: str
    what: str
    why: str = ""


class Revision(NamedTuple):
    """``changes`` tells people; ``event`` is what ``run.resumed`` says besides."""

    changes: list[Change]
    event: Mapping[str, Any]


def again_from(plan: Plan, log: ExecutionLog, ref: str) -> Revision:
    """Run a step again, and all that comes after it.

    ``ref`` is the id of a step or the name of a station that is called once. Raises UsageError when
    there is none, ResumeError when a step before it has not completed.
    """
    target = _meant(plan, log, ref)
    forget, reopen = [], [target]
    step = target
    while step:
        path, call = path_of(step), call_of(step)
        here = plan.plan_at(path)
        order = [s.id for s in here.main]
        if local_of(step) not in order:
            raise ResumeError(f"'{ref}' is a step of 'finally', which runs again in any case")
        at = order.index(local_of(step))
        undone = next((i for i in order[:at] if joined(path, i) not in log.done), None)
        if undone is not None:
            raise ResumeError(
                f"'{joined(path, undone)}' comes before '{target}' and has not completed", hint="go on from there"
            )
        forget += [joined(path, later) for later in order[at + 1 :]]
        forget += _later_items(log, step, call)
        if path:
            reopen.append(path)
        step = path
    forget.append(target)
    named = frozenset(forget)
    changes = []
    for each in log.stations:
        if within(each, named):
            if each == target or each in log.results:
                changes.append(Change(each, AGAIN, "" if each == target else f"it comes after '{target}'"))
        elif each in reopen:
            changes.append(Change(each, AGAIN, f"'{target}' is a step of it"))
        elif each in log.results and not log.in_cleanup(each):
            changes.append(Change(each, KEPT))
    event = {"forget": forget, "reopen": reopen, "fresh": [target], "changes": [list(c) for c in changes]}
    return Revision(changes, event)


def _meant(plan: Plan, log: ExecutionLog, ref: str) -> str:
    known = set(log.stations) | {call_of(step) for step in log.stations} | set(log.groups)
    if ref in known:
        return ref
    called = [step.id for step in plan.main if step.call.called == ref]
    if len(called) == 1:
        return called[0]
    if called:
        raise UsageError(f"'{ref}' is called by several steps", hint=f"one of {', '.join(called)}")
    meant = nearest(ref, known)
    raise UsageError(
        f"run {log.run_id} has no step '{ref}'" + (f"; did you mean '{meant}'?" if meant else ""),
        hint=f"one of {', '.join(log.stations)}" if len(log.stations) < 30 else None,
    )


def _later_items(log: ExecutionLog, step: str, call: str) -> list[str]:
    index = index_of(step)
    if index is None:
        return []
    undone = next((i for i in range(index) if item_id(call, i) not in log.done), None)
    if undone is not None:
        raise ResumeError(f"'{item_id(call, undone)}' comes before '{step}' and has not completed")
    return [item_id(call, i) for i in range(index + 1, len(log.groups[call].items))]


def with_edits(before: Workflow, plan: Plan, log: ExecutionLog) -> Revision:
    """Keep what is done and unchanged; run again what was edited, and what comes after or depends on it.

    Where steps run in order, a step that runs again is followed by all after it, since each may rely
    on what those before it did to the workspace; where they run side by side, by those that wait for it.
    """
    if before.id != plan.workflow.id:
        raise ResumeError(f"the id of the workflow was '{before.id}', so this is another one")
    comparison = _Comparison(log)
    comparison.workflow("", before, plan)
    root = {"steps": list(plan.steps), "main_count": len(plan.main)}
    event = {
        "forget": comparison.forget,
        "reopen": comparison.reopen,
        "plan": {
            "digest": plan.workflow.digest(),
            "stations": plan.step_ids(),
            "workflows": {"": root, **comparison.workflows},
            "items": comparison.items,
        },
        "changes": [list(change) for change in comparison.changes],
    }
    return Revision(comparison.changes, event)


class _Comparison:
    """Goes through a workflow and those it calls, as they were and as they are."""

    def __init__(self, log: ExecutionLog) -> None:
        self._log = log
        self.changes: list[Change] = []
        self.forget: list[str] = []
        self.reopen: list[str] = []
        self.workflows: dict[str, Any] = {}
        self.items: dict[str, list[str]] = {}

    def workflow(self, path: str, before: Workflow, plan: Plan) -> bool:
        """True when a step of it that was done runs again."""
        calls = {call.id: call.to_data() for call in before.calls()}
        env = "" if before.env == plan.workflow.env else "'env' changed"
        running: dict[str, str] = {}
        for step in plan.main:
            waits = running if plan.in_order else {i: running[i] for i in all_waits(plan, step.id) if i in running}
            cause = next((f"it comes after '{i}', which {why}" for i, why in waits.items()), "")
            why = self._step(path, step, calls.get(step.id), env or cause, before)
            if why:
                running[step.id] = why
        for local in calls:
            if local not in plan.steps:
                self.changes.append(Change(joined(path, local), GONE))
                self.forget.append(joined(path, local))
        return bool(running)

    def _step(self, path: str, step: Step, was: Mapping[str, Any] | None, cause: str, before: Workflow) -> str:
        """Note what happens to a step; what it does, in a word, if those after it must follow."""
        step_id = joined(path, step.id)
        now = step.call.to_data()
        if was is None:
            self._note(step_id, NEW, "")
            return "is new"
        if _alone(was) != _alone(now):
            self._note(step_id, AGAIN, "it was edited")
            return "was edited"
        if cause and self._begun(step_id):
            self._note(step_id, AGAIN, cause)
            return "runs again"
        if was == now and step_id in self._log.done:
            ids = self._known_ids(step, step_id)
            self.changes += [Change(i, KEPT) for i in ids if i in self._log.results]
            return ""
        if step.sub is None or was == now:
            ids = self._known_ids(step, step_id)
            self.changes += self._of_begun(ids)
            return ""
        return self._inside(step, step_id, next(c.sub for c in before.calls() if c.id == step.id))

    def _inside(self, step: Step, step_id: str, before: Workflow | None) -> str:
        """A call of a workflow that was edited itself."""
        if step.sub is None or before is None:
            return ""
        entered = [path for path in self._log.frames if path and call_of(path) == step_id]
        if before.inputs != step.sub.workflow.inputs or not entered:
            self._note(step_id, AGAIN, f"the workflow '{step.call.called}' was edited")
            return "was edited"
        group = self._log.groups.get(step_id)
        given = _gives(before) != _gives(step.sub.workflow)
        changed = False
        paths = [item_id(step_id, i) for i in range(len(group.items))] if group else [step_id]
        if group:
            self.items[step_id] = [inner for path in paths for inner in ids_of(step, path)]
        for path in paths:
            if path not in self._log.frames:
                continue
            count = len(step.sub.main)
            self.workflows[path] = {"steps": list(step.sub.steps), "main_count": count}
            if self.workflow(path, before, step.sub):
                self.reopen.append(path)
                self.changes.append(Change(path, AGAIN, "a step of it runs"))
                changed = True
            elif given and path in self._log.done:
                self.reopen.append(path)
                self.changes.append(Change(path, AGAIN, "what it gives was edited"))
                changed = True
            else:
                self.changes += self._of_begun([path])
        return "runs again" if changed else ""

    def _note(self, step_id: str, what: str, why: str) -> None:
        self.changes.append(Change(step_id, what, why))
        self.forget.append(step_id)

    def _begun(self, step_id: str) -> bool:
        log = self._log
        return step_id in log.done or step_id in log.groups or step_id in log.frames or step_id in log.waiting

    def _of_begun(self, steps: Iterable[str]) -> Iterator[Change]:
        """What happens to steps that were not edited, of those that began."""
        for step in steps:
            result = self._log.results.get(step)
            if step in self._log.done and result:
                yield Change(step, KEPT)
            elif step in self._log.waiting:
                yield Change(step, KEPT, "it waits for an answer")
            elif result or step in self._log.attempts:
                yield Change(step, AGAIN, "it has not completed")

    def _known_ids(self, step: Step, step_id: str) -> list[str]:
        """The ids as the log has them, items included."""
        return [i for i in self._log.stations if within(i, {step_id})] or _ids(step, step_id)


def _ids(step: Step, step_id: str) -> list[str]:
    return ids_of(step, step_id) if step.call.foreach is None else [step_id]


def _gives(workflow: Workflow) -> tuple[Mapping[str, Any], list[str]]:
    """What decides on the outputs of a workflow whose steps gave the same."""
    return workflow.outputs, [call.id for call in workflow.stations]


def _alone(call: Mapping[str, Any]) -> dict[str, Any]:
    """A call without the workflow it calls."""
    return {key: value for key, value in call.items() if key != "sub"}
