"""What happened in a run: events, and the log they fold into.

The journal of a run is a list of events; :class:`ExecutionLog` is their fold and changes through
:meth:`ExecutionLog.apply` alone, so that a log rebuilt from a journal is the log that was.

==================  =====================================================================
event               meaning
==================  =====================================================================
run.started         the run exists; names its workflow, its steps and its context
step.started        an attempt at a step begins; counts from 1
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
from mityflow.station import FAILURE_QUESTION, Answer, Question, StationResult

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

    ``results`` maps the id of a step to its result, in the order in which they came; ``outputs``
    holds the latest value of every output key; ``stop`` is why the main stations go no further
    (``failed``, ``cancelled`` or None); ``answers`` and ``asked`` hold, by step, what was answered
    to a result that asked, until the step has another result; ``died`` tells that the process at
    work is gone.
    """

    def __init__(self) -> None:
        self.workflow_id = ""
        self.workflow_name = ""
        self.run_id = ""
        self.state = ExecutionState.PENDING
        self.stations: list[str] = []
        self.main_count = 0
        self.results: dict[str, StationResult] = {}
        self.outputs: dict[str, Any] = {}
        self.workflow_outputs: dict[str, Any] = {}
        self.started_at: str | None = None
        self.completed_at: str | None = None
        self.error: str | None = None
        self.context: dict[str, Any] = {}
        self.stop: str | None = None
        self.current: str | None = None
        self.attempts: dict[str, int] = {}
        self.answers: dict[str, Answer] = {}
        self.asked: dict[str, StationResult] = {}
        self.pid: int | None = None
        self.died = False
        self.damaged = False
        self.path: Path | None = None
        self.main_done = 0
        self.finally_done = 0
        self._cleaning = False
        self._cleanup_error: str | None = None
        self._finally_ids: frozenset[str] = frozenset()
        self._given_outputs: dict[str, Any] = {}

    @property
    def current_station_index(self) -> int:
        """How many stations are done; the number of stations once the run is completed."""
        if self._cleaning and self.stop is None:
            return self.main_count + self.finally_done
        return self.main_done

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

    def apply(self, event: Mapping[str, Any]) -> None:
        """Change as the event says. Raises StoreError for an event of an unknown kind."""
        change = _CHANGES.get(event["event"])
        if change is None:
            raise StoreError(f"unknown event '{event['event']}' in the journal", hint="written by a newer mityflow?")
        change(self, event)

    def to_data(self) -> dict[str, Any]:
        """The log as JSON data, in the shape of ``schemas/execution-log.schema.json``."""
        results = [{"station": id_, "result": r.to_data()} for id_, r in self.results.items()]
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
        self.stations = list(event["stations"])
        self.main_count = event["main_count"]
        self.context = event["context"]
        self._finally_ids = frozenset(self.stations[self.main_count :])
        self._given_outputs = event.get("outputs", {})
        self.outputs = dict(self._given_outputs)
        self.started_at = event["at"]
        self.pid = event.get("pid")
        self.state = ExecutionState.RUNNING
        self._cleaning = self.main_count == 0

    def _step_started(self, event: Mapping[str, Any]) -> None:
        self.state = ExecutionState.RUNNING
        self.current = event["step"]
        self.attempts[event["step"]] = event["attempt"]

    def _step_retrying(self, event: Mapping[str, Any]) -> None:
        self.current = event["step"]
        self.answers.pop(event["step"], None)  # another attempt asks again
        self.asked.pop(event["step"], None)

    def _step_completed(self, event: Mapping[str, Any]) -> None:
        step = event["step"]
        result = self.results[step] = StationResult.from_data(step, event["result"])
        self.outputs.update(result.outputs)
        self.answers.pop(step, None)
        self.asked.pop(step, None)
        self.current = None
        stopping = event["then"] == "stop"
        if step in self._finally_ids:
            self.finally_done += 1
            if stopping and self.error is None:
                self.error = self._cleanup_error = f"{step}: {result.message}"
        elif stopping:
            self._stop("cancelled" if result.status == "cancelled" else "failed", f"{step}: {result.message}")
        else:
            self.main_done += 1
            self._cleaning = self._cleaning or self.main_done == self.main_count

    def _step_waiting(self, event: Mapping[str, Any]) -> None:
        self.results[event["step"]] = StationResult.from_data(event["step"], event["result"])
        self.current = event["step"]
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
        self.state = ExecutionState.RUNNING

    def _run_stopping(self, event: Mapping[str, Any]) -> None:
        self._stop("cancelled", event["reason"])

    def _run_ended(self, event: Mapping[str, Any]) -> None:
        self.state = ExecutionState(event["state"])
        self.error = event.get("error")
        self.completed_at = event["at"]
        self.workflow_outputs = event.get("outputs", {})
        self.current = None

    def _run_resumed(self, event: Mapping[str, Any]) -> None:
        """Forget what will be done again: whatever did not end well, and ``finally`` of an ended attempt."""
        fresh_attempt = (self.state.ended and not self.died) or self.stop is not None
        done = set(self.stations[: self.main_done])
        if not fresh_attempt:
            done |= set(self.stations[self.main_count : self.main_count + self.finally_done])
        else:
            self.finally_done = 0
            self._cleanup_error = None
        waiting = self.current if self.state is ExecutionState.WAITING else None
        self.results = {id_: r for id_, r in self.results.items() if id_ in done or id_ == waiting}
        self.outputs = dict(self._given_outputs)
        for id_, result in self.results.items():
            if id_ in done:
                self.outputs.update(result.outputs)
        self.attempts = {}
        self.stop = self.completed_at = None
        self.error = None if fresh_attempt else self._cleanup_error
        self.died = False
        self.pid = event.get("pid")
        self._cleaning = self.main_done == self.main_count
        if waiting is None:
            self.current = None
            self.state = ExecutionState.RUNNING

    def _stop(self, why: str, error: str) -> None:
        if self.stop is None or why == "cancelled":
            self.stop = why
        self.error = self.error or error
        self._cleaning = True


_CHANGES = {
    "run.started": ExecutionLog._run_started,
    "step.started": ExecutionLog._step_started,
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
