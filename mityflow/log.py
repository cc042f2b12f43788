"""What happened in a run: events, and the log they fold into.

The journal of a run is a list of events; :class:`ExecutionLog` is their fold and changes through
:meth:`ExecutionLog.apply` alone, so that a log rebuilt from a journal is the log that was.

==================  =====================================================================
event               meaning
==================  =====================================================================
run.started         the run exists; names its workflow, its steps and its context
workflow.entered    a step calls a workflow, which now has these steps and this context
step.expanded       the items of a ``foreach`` are known; ``stations`` takes the place of the call's id
step.started        an attempt at a step begins; counts from 1
step.noted          a step wants something known of its work, in ``note``
step.retrying       an attempt failed and another follows after ``delay`` seconds
step.completed      the step has a ``result``; ``then`` is ``continue`` or ``stop``
step.waiting        the step asked a question (in ``result``); somebody must answer it
step.answered       the answer to a question
run.stopping        the run was told to stop; what is in ``finally`` still runs
run.ended           the run is over, in ``state``
run.resumed         an attempt to continue begins
==================  =====================================================================
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

from mityflow.errors import StoreError
from mityflow.frames import Frame, Group
from mityflow.station import FAILURE_QUESTION, Answer, Question, StationResult
from mityflow.step_ids import below, call_of, item_id, joined, local_of, path_of, within

FORMAT = 1


class ExecutionState(StrEnum):
    """Where a run stands."""

    PENDING = "pending"
    RUNNING = "running"
    WAITING = "waiting"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        """True when nothing more will happen without a resume."""
        return self in _ENDED


_ENDED = (ExecutionState.COMPLETED, ExecutionState.FAILED, ExecutionState.CANCELLED)


class ExecutionLog:
    """The fold of a run's events.

    ``stations`` are the ids of all steps as far as they are known, ``planned_steps`` those before any items
    were. ``results`` maps the id of a step to its result; ``frames`` the path of each workflow at work to how
    far it is; ``groups`` a call with ``foreach`` to its items. ``done`` holds the steps, and the calls with
    ``foreach``, that are over and not to be run again; ``waiting`` those whose question is open; ``answers``
    and ``asked``, by step, what was answered to a result that asked, until the step has another result.
    ``fresh`` are steps that were asked to run again: what is known of unchanged work does not count for them.
    ``notes`` are what steps have noted of their work. ``edited_digest`` is that of the workflow as it was
    last edited. ``died`` tells that the process at work is gone.
    """

    def __init__(self) -> None:
        self.workflow_id = ""
        self.workflow_name = ""
        self.run_id = ""
        self.state = ExecutionState.PENDING
        self.stations: list[str] = []
        self.planned_steps: list[str] = []
        self.results: dict[str, StationResult] = {}
        self.workflow_outputs: dict[str, Any] = {}
        self.started_at: str | None = None
        self.completed_at: str | None = None
        self.error: str | None = None
        self.frames: dict[str, Frame] = {"": Frame("", [], 0, {})}
        self.groups: dict[str, Group] = {}
        self.done: set[str] = set()
        self.waiting: dict[str, str] = {}
        self.attempts: dict[str, int] = {}
        self.answers: dict[str, Answer] = {}
        self.asked: dict[str, StationResult] = {}
        self.notes: dict[str, list[dict[str, Any]]] = {}
        self.fresh: frozenset[str] = frozenset()
        self.edited_digest: str | None = None
        self.pid: int | None = None
        self.died = False
        self.damaged = False
        self.path: Path | None = None
        self._done_main = 0
        self._done_finally = 0

    @property
    def root(self) -> Frame:
        """The run's own workflow."""
        return self.frames[""]

    @property
    def context(self) -> dict[str, Any]:
        """The workspace, inputs and what else the run was given."""
        return self.root.context

    @property
    def outputs(self) -> dict[str, Any]:
        """The latest value of every output key."""
        return self.root.outputs

    @property
    def stop(self) -> str | None:
        """Why the main stations go no further: ``failed``, ``cancelled`` or None."""
        return self.root.stop

    @property
    def current_station_index(self) -> int:
        """How many stations are done; the number of stations once the run is completed."""
        if self.state is ExecutionState.COMPLETED:
            return len(self.stations)
        return self._done_main + (self._done_finally if self.stop is None else 0)

    @property
    def running(self) -> list[str]:
        """The steps that run, in no particular order."""
        return [step for frame in self.frames.values() for step in frame.active if step not in self.frames]

    @property
    def current(self) -> str | None:
        """The first step in order that waits for an answer, or else that runs."""
        steps = self.waiting or self.running
        return min(steps, key=self.stations.index) if len(steps) > 1 else next(iter(steps), None)

    @property
    def unfinished(self) -> bool:
        """True when a process is at work on the run, or died at it."""
        return self.state in (ExecutionState.PENDING, ExecutionState.RUNNING)

    @property
    def question(self) -> Question | None:
        """What somebody must answer before the run goes on."""
        if self.state is not ExecutionState.WAITING:
            return None
        result = self.results.get(self.current or "")
        return result.question if result else None

    def can_resume(self) -> bool:
        """True when :meth:`WorkflowExecutor.resume` would find something to do."""
        return not self.damaged and not self.unfinished and self.state is not ExecutionState.COMPLETED

    def is_fresh(self, step: str) -> bool:
        """True for a step that is to run again whatever is known of unchanged work."""
        return bool(self.fresh) and within(step, self.fresh)

    def in_cleanup(self, step: str) -> bool:
        """True for a step of ``finally``, and for what such a step has called."""
        while step:
            if local_of(step) in self._frame(step).cleanup:
                return True
            step = path_of(step)
        return False

    def ordered_results(self) -> list[str]:
        """The ids of the steps with a result, in the order of the steps."""
        return [step for step in self.stations if step in self.results]

    def apply(self, event: Mapping[str, Any]) -> None:
        """Change as the event says. Raises StoreError for an event of an unknown kind."""
        change = _CHANGES.get(event["event"])
        if change is None:
            raise StoreError(f"unknown event '{event['event']}' in the journal", hint="written by a newer mityflow?")
        change(self, event)

    def to_data(self) -> dict[str, Any]:
        """The log as JSON data, in the shape of ``schemas/execution-log.schema.json``."""
        results = [{"station": id_, "result": self.results[id_].to_data()} for id_ in self.ordered_results()]
        return {**self.head(), "results": results}

    def head(self) -> dict[str, Any]:
        """The log as JSON data, without its results."""
        return {
            "format": FORMAT,
            "workflow_id": self.workflow_id,
            "workflow_name": self.workflow_name,
            "run_id": self.run_id,
            "state": self.state.value,
            "current_station_index": self.current_station_index,
            "stations": self.stations,
            "outputs": self.workflow_outputs,
            "started_at": self.started_at,
            "completed_at": self.completed_at,
            "error": self.error,
            "context": self.context,
        }

    def mark_died(self) -> None:
        """The process that wrote this log is gone without having ended the run."""
        self.died = True
        self.state = ExecutionState.FAILED
        where = f" during '{self.current}'" if self.current else ""
        self.error = self.error or f"mityflow (process {self.pid}) ended{where} without recording how; was it killed?"

    def mark_damaged(self, error: str) -> None:
        """The journal cannot be read to its end, so nobody knows how the run stands."""
        self.damaged = True
        self.state = ExecutionState.FAILED
        self.error = error

    # One method for each kind of event.

    def _run_started(self, event: Mapping[str, Any]) -> None:
        self.workflow_id = event["workflow_id"]
        self.workflow_name = event["workflow_name"]
        self.run_id = event["run_id"]
        self.planned_steps = list(event["stations"])
        self.stations = list(self.planned_steps)
        steps = list(event.get("steps", self.stations))
        root = self.frames[""] = Frame("", steps, event["main_count"], event["context"])
        root.given = event.get("outputs", {})
        root.restart()
        self.started_at = event["at"]
        self.pid = event.get("pid")
        self.state = ExecutionState.RUNNING

    def _workflow_entered(self, event: Mapping[str, Any]) -> None:
        step = event["step"]
        self.frames[step] = Frame(step, list(event["steps"]), event["main_count"], event["context"])
        self._frame(step).active.add(step)

    def _step_expanded(self, event: Mapping[str, Any]) -> None:
        step = event["step"]
        self.groups[step] = Group(event["items"], event["stations"])
        at = self.stations.index(step)
        self.stations[at : at + 1] = event["stations"]
        if not event["items"]:
            self.done.add(step)
            self._frame(step).advance(self.done)

    def _step_started(self, event: Mapping[str, Any]) -> None:
        self.state = ExecutionState.RUNNING
        self._frame(event["step"]).active.add(event["step"])
        self.attempts[event["step"]] = event["attempt"]

    def _step_noted(self, event: Mapping[str, Any]) -> None:
        self.notes.setdefault(event["step"], []).append(event["note"])

    def _step_retrying(self, event: Mapping[str, Any]) -> None:
        self.answers.pop(event["step"], None)
        self.asked.pop(event["step"], None)

    def _step_completed(self, event: Mapping[str, Any]) -> None:
        step = event["step"]
        result = self.results[step] = StationResult.from_data(step, event["result"])
        self.answers.pop(step, None)
        self.asked.pop(step, None)
        frame = self._frame(step)
        frame.active.discard(step)
        frame.give(step, result.outputs)
        stopping = event["then"] == "stop"
        error = f"{step.rpartition('/')[2]}: {result.message}"
        if local_of(step) in frame.cleanup:
            if stopping and frame.error is None:
                frame.error = frame.cleanup_error = error
            self._over(step, frame)
        elif stopping and not (result.status == "cancelled" and frame.stop):
            self._halt(frame, "cancelled" if result.status == "cancelled" else "failed", step, error)
        elif not stopping:
            self._over(step, frame)
        self.error = self.root.error
        self._ask_or_run()

    def _step_waiting(self, event: Mapping[str, Any]) -> None:
        step = event["step"]
        self.results[step] = StationResult.from_data(step, event["result"])
        self._frame(step).active.discard(step)
        self.waiting[step] = event["at"]
        self.state = ExecutionState.WAITING

    def _step_answered(self, event: Mapping[str, Any]) -> None:
        step, answer = event["step"], event["answer"]
        self.answers[step] = Answer(
            answer["option"], answer.get("message", ""), answer.get("values"), event.get("by", ""), event["at"]
        )
        asked = self.asked[step] = self.results.pop(step)
        if asked.question and asked.question.id == FAILURE_QUESTION:
            self.attempts.pop(step, None)
        elif step in self.attempts:
            self.attempts[step] -= 1  # the station goes on with the attempt in which it asked
        self.waiting.pop(step, None)
        self._ask_or_run()
        if step in self.frames and answer["option"] == "retry":
            del self.answers[step]
            self._frame(step).active.add(step)
            self._reopen_below(step, fresh=True)
            self._forget_undone(step)

    def _run_stopping(self, event: Mapping[str, Any]) -> None:
        self._halt(self.root, "cancelled", None, event["reason"])
        self.error = self.root.error
        self._ask_or_run()

    def _run_ended(self, event: Mapping[str, Any]) -> None:
        self.state = ExecutionState(event["state"])
        self.error = event.get("error")
        self.completed_at = event["at"]
        self.workflow_outputs = event.get("outputs", {})
        self.results = {step: self.results[step] for step in self.ordered_results()}
        for frame in self.frames.values():
            frame.active.clear()

    def _run_resumed(self, event: Mapping[str, Any]) -> None:
        """Forget what will be done again: whatever did not end well, and ``finally`` of an ended attempt."""
        fresh = (self.state.ended and not self.died) or self.stop is not None or "changes" in event
        self._forget(frozenset(event.get("forget", ())))
        for step in event.get("reopen", ()):
            self.done -= {step, call_of(step)}
        if "context" in event:
            self.root.context = event["context"]
        if "plan" in event:
            self.edited_digest = event["plan"].get("digest")
            self.planned_steps = list(event["plan"]["stations"])
            for path, steps in event["plan"]["workflows"].items():
                self.frames[path].replan(list(steps["steps"]), steps["main_count"])
            for call, items in event["plan"]["items"].items():
                self.groups[call].steps = list(items)
        self._reopen_below("", fresh=fresh)
        self._forget_undone()
        self.fresh = frozenset(event.get("fresh", ()))
        self.attempts = {}
        self.completed_at = None
        self.error = self.root.error
        self.died = False
        self.pid = event.get("pid")
        self._ask_or_run()

    # What the events have in common.

    def _ask_or_run(self) -> None:
        self.state = ExecutionState.WAITING if self.waiting else ExecutionState.RUNNING

    def _frame(self, step: str) -> Frame:
        return self.frames[path_of(step)]

    def _over(self, step: str, frame: Frame) -> None:
        """A step is over and not to be run again."""
        self.done.add(step)
        self._count(step)
        call = call_of(step)
        if call != step:
            group = self.groups[call]
            while group.next < len(group.items) and item_id(call, group.next) in self.done:
                group.next += 1
            if group.next == len(group.items):
                self.done.add(call)
        frame.advance(self.done)

    def _count(self, step: str) -> None:
        if local_of(step.partition("/")[0]) in self.root.cleanup:
            self._done_finally += 1
        else:
            self._done_main += 1

    def _halt(self, frame: Frame, why: str, step: str | None, error: str) -> None:
        """Stop a workflow, and those it has called; their open questions need no answer any more."""
        frame.halt(why, step, error)
        self.waiting = {asking: at for asking, at in self.waiting.items() if path_of(asking) != frame.path}
        for called in frame.active & self.frames.keys():
            self._halt(self.frames[called], "cancelled", None, f"stopped, since {error}")

    def _reopen_below(self, path: str, *, fresh: bool) -> None:
        """Let a workflow go on, and those it has called that are not over and ask nothing."""
        for frame in sorted(self.frames.values(), key=lambda frame: frame.path):
            inside = not path or below(frame.path, path)
            still_there = self.frames.get(frame.path) is frame and not within(frame.path, self.done)
            if inside and still_there and frame.path not in self.waiting and frame.path not in self.answers:
                self._reopen(frame, fresh=fresh or frame.stop is not None)

    def _reopen(self, frame: Frame, *, fresh: bool) -> None:
        """Let a workflow go on; ``finally`` runs again in a ``fresh`` attempt."""
        frame.stop = None
        if fresh:
            frame.cleanup_error = None
            self._forget(frozenset(joined(frame.path, step) for step in frame.finally_))
        frame.error = frame.cleanup_error
        closed = self.done | self.waiting.keys() | self.answers.keys()
        frame.active = {path for path in self.frames if path and path_of(path) == frame.path and path not in closed}

    def _forget(self, steps: frozenset[str]) -> None:
        """Forget all of these steps, their items, and what they called."""
        if not steps:
            return
        self.done = {step for step in self.done if not within(step, steps)}
        self.groups = {call: group for call, group in self.groups.items() if not within(call, steps)}
        self.frames = {path: frame for path, frame in self.frames.items() if not path or not within(path, steps)}
        self.waiting = {step: at for step, at in self.waiting.items() if not within(step, steps)}
        self.answers = {step: answer for step, answer in self.answers.items() if not within(step, steps)}
        self.notes = {step: notes for step, notes in self.notes.items() if not within(step, steps)}

    def _forget_undone(self, call: str = "") -> None:
        """Forget the results of what is not over (in ``call``), and find anew how far everything is."""
        self.stations = [step for planned in self.planned_steps for step in self._with_items(planned)]
        known = set(self.stations)
        self.results = {
            step: result
            for step, result in self.results.items()
            if step in known and (step in self.waiting or within(step, self.done) or (call and not below(step, call)))
        }
        self._done_main = self._done_finally = 0
        for frame in self.frames.values():
            frame.restart()
            frame.advance(self.done)
        for call, group in self.groups.items():
            group.next = 0
            while group.next < len(group.items) and item_id(call, group.next) in self.done:
                group.next += 1
        for step, result in self.results.items():
            if step in self.done:
                self._count(step)
                self._frame(step).give(step, result.outputs)

    def _with_items(self, step: str) -> list[str]:
        """The step, or those of its items and of what they call, where they are known."""
        group = self.groups.get(step)
        return [step] if group is None else [inner for each in group.steps for inner in self._with_items(each)]


_CHANGES = {
    "run.started": ExecutionLog._run_started,
    "workflow.entered": ExecutionLog._workflow_entered,
    "step.expanded": ExecutionLog._step_expanded,
    "step.started": ExecutionLog._step_started,
    "step.noted": ExecutionLog._step_noted,
    "step.retrying": ExecutionLog._step_retrying,
    "step.completed": ExecutionLog._step_completed,
    "step.waiting": ExecutionLog._step_waiting,
    "step.answered": ExecutionLog._step_answered,
    "run.stopping": ExecutionLog._run_stopping,
    "run.ended": ExecutionLog._run_ended,
    "run.resumed": ExecutionLog._run_resumed,
}


def fold(events: list[dict[str, Any]]) -> ExecutionLog:
    """The log that these events make."""
    log = ExecutionLog()
    for event in events:
        log.apply(event)
    return log
