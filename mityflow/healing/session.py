"""A session of healing: what was tried, and what became of it. The fold of a step's notes in the journal.

==========  =========================================================================
kind        meaning
==========  =========================================================================
session     a session begins; ``instructions`` are what a person said
failed      the command was run and failed; ``failure`` says how
passed      the command was run and succeeded
fixing      somebody is asked for a fix; ``checkpoint`` is the tree as it was
fixed       the fix is made: ``fix``, ``title``, ``files``, ``diff``; not verified
verdict     what became of the attempt; ``restore`` when the tree is to be as it was
restored    the tree is as it was
asked       a person is asked; ``guardrail`` and ``reason`` say why
ended       the session is over
==========  =========================================================================

Each note has ``elapsed``, the seconds of the session so far.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from mityflow.healing.case import Adjustments, Cost, Task, Tried
from mityflow.healing.diagnosis import Diagnosis

VERDICTS = ("fixed", "better", "same", "worse", "weaker", "refused", "none", "failed", "interrupted")
"""What an attempt can come to: the command passes; it fails later or for another reason; nothing changed; more is
broken; tests got weaker; a protected path was touched; there was no fix; the agent failed; it was cut short."""
PROGRESS = ("fixed", "better")


class Failure(NamedTuple):
    """How a run of the command failed.

    ``stage`` is how far it came, a number that grows with the phases. ``tests_failed`` is None where no test
    ran. ``tail`` is the end of what was printed. ``task`` is what is to be made, where nothing failed.
    """

    diagnosis: Diagnosis
    phase: str
    stage: int
    command: tuple[str, ...]
    exit_code: int | None
    tests_failed: int | None
    tail: str
    task: Task | None = None

    def to_data(self) -> dict[str, Any]:
        """As JSON data."""
        data = {**self._asdict(), "diagnosis": self.diagnosis.to_data(), "command": list(self.command)}
        return {**data, "task": self.task._asdict() if self.task else None}

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Failure:
        """Read what :meth:`to_data` wrote."""
        known = {key: data[key] for key in cls._fields if key != "task"}
        task = Task(**data["task"]) if data.get("task") else None
        diagnosis = Diagnosis.from_data(data["diagnosis"])
        return cls(**{**known, "diagnosis": diagnosis, "command": tuple(data["command"]), "task": task})


class Attempt(NamedTuple):
    """One attempt at a fix, as it is told."""

    number: int
    error_type: str
    signature: str
    evidence: str
    specialist: str
    agent: str
    checkpoint: str
    fix: str = ""
    title: str = ""
    files: tuple[str, ...] = ()
    diff: str = ""
    adjustments: Adjustments = Adjustments()
    verdict: str = ""
    reason: str = ""
    seconds: float = 0.0
    cost: Cost = Cost()

    def to_data(self) -> dict[str, Any]:
        """As JSON data."""
        data = {**self._asdict(), "files": list(self.files), "cost": self.cost._asdict()}
        return {**data, "adjustments": self.adjustments.to_data()}


class HealingSession:
    """How healing stands.

    ``iterations`` counts runs of the command, ``attempts_by_type`` attempts at each class of error,
    ``consecutive_failures`` those in a row that made nothing better. ``resolved_errors`` are the
    signatures that are gone. ``pending`` is the attempt whose verdict is not known, ``restoring`` the
    tree that must be put back, ``failure`` what is to be mended.
    """

    def __init__(self) -> None:
        self.start_time = ""
        self.instructions = ""
        self.iterations = 0
        self.attempts_by_type: dict[str, int] = {}
        self.consecutive_failures = 0
        self.resolved_errors: list[str] = []
        self.actions_taken: list[Attempt] = []
        self.elapsed = 0.0
        self.adjustments = Adjustments()
        self.failure: Failure | None = None
        self.failures_seen: set[str] = set()
        self.pending: Attempt | None = None
        self.restoring: str | None = None
        self.asked: Mapping[str, Any] | None = None
        self.most_tests: int | None = None
        self.fewest_skipped: int | None = None
        self.open = False

    @property
    def cost(self) -> Cost:
        """What all attempts have used up."""
        total = Cost()
        for attempt in self.actions_taken:
            total += attempt.cost
        return total

    @property
    def tried(self) -> tuple[Tried, ...]:
        """The fixes of this session."""
        return tuple(
            Tried(a.signature, a.agent, a.fix, a.title, a.verdict, a.reason) for a in self.actions_taken if a.verdict
        )

    def apply(self, note: Mapping[str, Any]) -> None:
        """Change as a note says; one of another kind changes nothing."""
        change = _CHANGES.get(note["kind"])
        if change is not None:
            change(self, note)
            self.elapsed = max(self.elapsed, float(note.get("elapsed", 0.0)))

    def to_data(self) -> dict[str, Any]:
        """The session as a step's result and ``mityflow show`` tell it."""
        return {
            "start_time": self.start_time,
            "seconds": round(self.elapsed, 3),
            "iterations": self.iterations,
            "attempts_by_type": self.attempts_by_type,
            "consecutive_failures": self.consecutive_failures,
            "resolved_errors": self.resolved_errors,
            "actions_taken": [attempt.to_data() for attempt in self.actions_taken],
            "cost": self.cost._asdict(),
        }

    # One method for each kind of note.

    def _session(self, note: Mapping[str, Any]) -> None:
        self.__init__()  # type: ignore[misc]
        self.start_time = str(note.get("at", ""))
        self.instructions = str(note.get("instructions", ""))
        self.open = True

    def _failed(self, note: Mapping[str, Any]) -> None:
        self.iterations += 1
        self._count_tests(note)
        self.failures_seen.add(Failure.from_data(note["failure"]).diagnosis.signature)
        if self.pending is None:
            self.failure = Failure.from_data(note["failure"])

    def _passed(self, note: Mapping[str, Any]) -> None:
        self.iterations += 1
        self._count_tests(note)

    def _count_tests(self, note: Mapping[str, Any]) -> None:
        """Of the tree as it is without an attempt that is not verified."""
        if self.pending is None:
            self._tests_are(note.get("tests_total"), note.get("tests_skipped"))

    def _tests_are(self, total: int | None, skipped: int | None) -> None:
        if total is not None:
            self.most_tests = max(total, self.most_tests or 0)
        if skipped is not None:
            self.fewest_skipped = skipped if self.fewest_skipped is None else min(skipped, self.fewest_skipped)

    def _fixing(self, note: Mapping[str, Any]) -> None:
        self.pending = Attempt(
            note["number"],
            note["error_type"],
            note["signature"],
            note["evidence"],
            note["specialist"],
            note["agent"],
            note["checkpoint"],
        )
        self.attempts_by_type[note["error_type"]] = self.attempts_by_type.get(note["error_type"], 0) + 1

    def _fixed(self, note: Mapping[str, Any]) -> None:
        if self.pending:
            self.pending = self.pending._replace(
                fix=note["fix"],
                title=note["title"],
                files=tuple(note["files"]),
                diff=note["diff"],
                adjustments=Adjustments(**note["adjustments"]),
                cost=Cost(**note["cost"]),
            )

    def _verdict(self, note: Mapping[str, Any]) -> None:
        attempt = self.pending
        if attempt is None:
            return
        verdict = note["verdict"]
        cost = Cost(**note["cost"]) if "cost" in note else attempt.cost
        seconds = note.get("seconds", 0.0)
        done = attempt._replace(verdict=verdict, reason=note["reason"], seconds=seconds, cost=cost)
        done = done._replace(**{key: note[key] for key in ("fix", "title") if note.get(key)})
        if "files" in note:
            done = done._replace(files=tuple(note["files"]))
        self.actions_taken.append(done)
        self.pending = None
        self.restoring = attempt.checkpoint if note["restore"] else None
        if verdict in PROGRESS:
            self.consecutive_failures = 0
            self.resolved_errors.append(attempt.signature)
            self.adjustments = self.adjustments.merged(attempt.adjustments)
            self._tests_are(note.get("tests_total"), note.get("tests_skipped"))
            self.failure = Failure.from_data(note["failure"]) if "failure" in note else None
        else:
            self.consecutive_failures += 1

    def _restored(self, note: Mapping[str, Any]) -> None:  # noqa: ARG002 - the methods have one signature
        self.restoring = None

    def _asked(self, note: Mapping[str, Any]) -> None:
        self.asked = note

    def _ended(self, note: Mapping[str, Any]) -> None:  # noqa: ARG002 - the methods have one signature
        self.open = False


_CHANGES = {
    "session": HealingSession._session,
    "failed": HealingSession._failed,
    "passed": HealingSession._passed,
    "fixing": HealingSession._fixing,
    "fixed": HealingSession._fixed,
    "verdict": HealingSession._verdict,
    "restored": HealingSession._restored,
    "asked": HealingSession._asked,
    "ended": HealingSession._ended,
}


def fold(notes: Iterable[Mapping[str, Any]]) -> HealingSession:
    """The session that the notes of a step make: the last one, where there were several."""
    session = HealingSession()
    for note in notes:
        session.apply(note)
    return session
