"""Agents: who does the work of a specialist, as a team chose it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

from mityflow.healing.case import Case, NotAllowedError, Proposal
from mityflow.healing.hands import Hands
from mityflow.healing.specialists import Specialist


class AgentSettings(NamedTuple):
    """One entry of ``agents:`` in the guardrails. ``kind`` is ``playbook``, ``llm`` or ``command``."""

    kind: str = "playbook"
    model: str = ""
    command: tuple[str, ...] = ()
    max_tokens: int | None = None
    max_cost_usd: float | None = None

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> AgentSettings:
        """Read an entry; keys that begin with ``x-`` mean nothing."""
        known = {key: value for key, value in data.items() if key in cls._fields}
        return cls(**{**known, "command": tuple(known.get("command") or ())})


class Agent(Protocol):
    """Mends a failure, or says that it cannot."""

    name: str
    """For people: ``playbook``, a model, or a program."""

    def propose(self, case: Case, hands: Hands) -> Proposal | None:
        """Make a fix with ``hands``; None where there is none.

        Raises AgentError when the attempt failed, CapReachedError when a limit forbids to go on.
        """


class Playbook:
    """The deterministic agent: a specialist's own recipes, without a network or a model."""

    name = "playbook"

    def __init__(self, specialist: Specialist) -> None:
        self._recipes = specialist.playbook()

    def propose(self, case: Case, hands: Hands) -> Proposal | None:
        """The first recipe that fits and was not tried for this failure."""
        for recipe in self._recipes:
            if case.was_tried(recipe.name):
                continue
            try:
                done = recipe.apply(case, hands)
            except NotAllowedError as error:
                error.fix = recipe.name
                raise
            if done:
                return Proposal(*done)
        return None


def make_agent(settings: AgentSettings, specialist: Specialist, mask: Callable[[str], str]) -> Agent:
    """The agent that the settings ask for. Raises UsageError where a library is missing, and says which."""
    if settings.kind == "llm":
        from mityflow.healing.llm import ModelAgent

        return ModelAgent(settings, specialist, mask)
    if settings.kind == "command":
        from mityflow.healing.program import ProgramAgent

        return ProgramAgent(settings, specialist, mask)
    return Playbook(specialist)
