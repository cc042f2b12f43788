"""Agents: who does the work of a specialist, as a team chose it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from mityflow.healing.case import CapReachedError, Case, Cost, NotAllowedError, Proposal
from mityflow.healing.hands import Hands
from mityflow.healing.specialists import Specialist

if TYPE_CHECKING:
    from mityflow.healing.cassettes import Cassettes

_KEY = re.compile(r"KEY|TOKEN|SECRET|PASSW|CREDENTIAL", re.IGNORECASE)
_KEY_LENGTH = 8


class AgentSettings(NamedTuple):
    """One entry of ``agents:`` in the guardrails. ``kind`` is ``playbook``, ``llm`` or ``command``."""

    kind: str = "playbook"
    model: str = ""
    command: tuple[str, ...] = ()
    max_tokens: int | None = None
    max_cost_usd: float | None = None
    max_requests: int = 30
    timeout_secs: float | None = None
    base_url: str = ""

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> AgentSettings:
        """Read an entry; keys that begin with ``x-`` mean nothing."""
        known = {key: value for key, value in data.items() if key in cls._fields and value is not None}
        return cls(**{**known, "command": tuple(known.get("command") or ())})


class Means(NamedTuple):
    """What a run lends its agents.

    ``mask`` takes secrets out of a text that is given to others; ``env`` is the environment of the run's
    commands, ``workspace`` its folder; ``cassettes`` keep what is said to and by an agent.
    """

    mask: Callable[[str], str]
    env: Mapping[str, str]
    workspace: Path
    cassettes: Cassettes | None = None

    @classmethod
    def of(
        cls, mask: Callable[[str], str], env: Mapping[str, str], workspace: Path, guardrails: Mapping[str, Any]
    ) -> Means:
        """With what the guardrails and the environment say. Values of variables that are named as keys are masked.

        Raises UsageError for a setting of cassettes that cannot be.
        """
        from mityflow.healing.cassettes import cassettes_of
        from mityflow.masking import Masker

        keys = Masker(value for name, value in env.items() if _KEY.search(name) and len(value) >= _KEY_LENGTH)

        def masked(text: str) -> str:
            return keys.text(mask(text)).encode("utf-8", "replace").decode()  # what is no text cannot be sent

        return cls(masked, env, workspace, cassettes_of(guardrails, env, workspace))


def within_budget(settings: AgentSettings, spent: Cost) -> None:
    """Raises CapReachedError once ``max_cost_usd`` is spent, or where nobody knows what was spent."""
    cap = settings.max_cost_usd
    if cap is None:
        return
    if spent.usd is None:
        raise CapReachedError("max_cost_usd", "what was spent so far is not known, so the limit of cost cannot hold")
    if spent.usd >= cap:
        raise CapReachedError("max_cost_usd", f"${spent.usd:.4f} of ${cap:g} are spent")


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


def make_agent(settings: AgentSettings, specialist: Specialist, means: Means) -> Agent:
    """The agent that the settings ask for.

    Raises UsageError where what it needs is not there - a library, a key, a program -, and says what.
    """
    if settings.kind == "llm":
        from mityflow.healing.llm import ModelAgent

        return ModelAgent(settings, specialist, means)
    if settings.kind == "command":
        from mityflow.healing.program import ProgramAgent

        return ProgramAgent(settings, specialist, means)
    return Playbook(specialist)
