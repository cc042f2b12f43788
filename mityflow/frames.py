"""How far a workflow at work is: its steps, the items of its ``foreach``, what it gave. Part of the log's fold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mityflow.step_ids import index_of, joined, local_of


class Group:
    """The items of a ``foreach``; ``next`` is the first whose step is not over.

    ``steps`` are the ids that take the place of the call's.
    """

    __slots__ = ("items", "next", "steps")

    def __init__(self, items: list[Any], steps: list[str]) -> None:
        self.items = items
        self.steps = steps
        self.next = 0


class Frame:
    """One workflow at work: the run's own, whose ``path`` is "", or one that a step called.

    ``main`` and ``finally_`` are ids of calls as the file has them; ``next`` and ``finally_next`` the
    first of each that is not over. ``active`` holds the steps that run, and the calls of workflows
    that are not over. ``outputs`` has the value of each key that the last step in order gave it.
    ``stop`` is why the main steps go no further: ``failed``, ``cancelled`` or None.
    """

    def __init__(self, path: str, steps: list[str], main_count: int, context: dict[str, Any]) -> None:
        self.path = path
        self.context = context
        self.given: dict[str, Any] = {}
        self.stop: str | None = None
        self.error: str | None = None
        self.cleanup_error: str | None = None
        self.active: set[str] = set()
        self.replan(steps, main_count)

    def replan(self, steps: list[str], main_count: int) -> None:
        """Take these steps, and forget how far they are."""
        self.main, self.finally_ = steps[:main_count], steps[main_count:]
        self.cleanup = frozenset(self.finally_)
        self._ranks = {step: i for i, step in enumerate(steps)}
        self._error_rank = (len(steps), 0)
        self.restart()

    def restart(self) -> None:
        """Forget how far the steps are."""
        self.next = self.finally_next = 0
        self.outputs = dict(self.given)
        self._writers: dict[str, tuple[int, int]] = {}

    @property
    def main_over(self) -> bool:
        """True when every main step is over."""
        return self.next == len(self.main)

    def advance(self, done: set[str]) -> None:
        """Pass the calls that are over."""
        while self.next < len(self.main) and joined(self.path, self.main[self.next]) in done:
            self.next += 1
        while self.finally_next < len(self.finally_) and joined(self.path, self.finally_[self.finally_next]) in done:
            self.finally_next += 1

    def give(self, step: str, outputs: Mapping[str, Any]) -> None:
        """Take a step's outputs, where no step after it in order gave the key already."""
        if outputs:
            rank = self._rank(step)
            for key, value in outputs.items():
                if key not in self._writers or self._writers[key] <= rank:
                    self._writers[key] = rank
                    self.outputs[key] = value

    def halt(self, why: str, step: str | None, error: str) -> None:
        """Start nothing new; of several failures that of the first step in order is the one that counts."""
        if self.stop is None or why == "cancelled":
            self.stop = why
        rank = self._rank(step) if step else self._error_rank
        if self.error is None or rank < self._error_rank:
            self.error, self._error_rank = error, rank

    def _rank(self, step: str) -> tuple[int, int]:
        return self._ranks[local_of(step)], index_of(step) or 0
