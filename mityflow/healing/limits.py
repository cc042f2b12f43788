"""The guardrails of healing: how far it may go, and who acts on what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from mityflow.errors import UsageError
from mityflow.healing.agents import AgentSettings
from mityflow.healing.rulebook import Rule, rules_from_data
from mityflow.healing.session import HealingSession
from mityflow.healing.specialists import ROUTES

PROTECTED_PATHS = (".git/**", ".mity/**", ".env", "tests/**")


class Exceeded(NamedTuple):
    """A guardrail that forbids to go on: its key, and what happened, as a sentence."""

    guardrail: str
    reason: str


class Guardrails(NamedTuple):
    """The limits as they hold for one step; see ``schemas/guardrails.schema.json``."""

    max_attempts_per_error: int = 5
    max_total_iterations: int = 15
    max_healing_time_secs: float = 300.0
    max_consecutive_failures: int = 3
    protected_paths: tuple[str, ...] = PROTECTED_PATHS
    specialists: Mapping[str, str] = ROUTES
    agents: Mapping[str, AgentSettings] = {}
    data: Mapping[str, Any] = {}

    @classmethod
    def from_data(cls, *layers: Mapping[str, Any]) -> Guardrails:
        """The settings of a workflow, and over them those of a step; routes and agents are joined."""
        merged: dict[str, Any] = {}
        for layer in layers:
            for key, value in layer.items():
                joined = key in ("specialists", "agents") and isinstance(value, Mapping)
                merged[key] = {**merged.get(key, {}), **value} if joined else value
        known = {key: merged[key] for key in cls._fields[:4] if merged.get(key) is not None}
        paths = merged.get("protected_paths")
        agents = {name: AgentSettings.from_data(data) for name, data in (merged.get("agents") or {}).items()}
        return cls(
            **known,
            protected_paths=PROTECTED_PATHS if paths is None else tuple(paths),
            specialists={**ROUTES, **(merged.get("specialists") or {})},
            agents=agents,
            data=merged,
        )

    def rules(self) -> tuple[Rule, ...]:
        """The team's own rules of the classifier. Raises UsageError for what is none."""
        entries = self.data.get("rules") or ()
        named = next((entry for entry in entries if isinstance(entry, str)), None)
        if named is not None:
            raise UsageError(
                f"the guardrails of a step name the rules file '{named}'",
                hint="name it under 'rules' of the workflow's guardrails; a step's own rules are written inline",
            )
        return tuple(rules_from_data(list(entries), "guardrails"))

    def agent_of(self, error_type: str) -> tuple[str, AgentSettings]:
        """The specialist for a class of error, and who does its work."""
        name = self.specialists[error_type]
        return name, self.settings_of(name)

    def settings_of(self, specialist: str) -> AgentSettings:
        """Who does the work of a specialist."""
        return self.agents.get(specialist, AgentSettings())

    def exceeded(self, session: HealingSession, error_type: str, elapsed: float) -> Exceeded | None:
        """The first guardrail that forbids another attempt; ``elapsed`` is the session's time in seconds."""
        tried = session.attempts_by_type.get(error_type, 0)
        in_a_row = session.consecutive_failures
        if elapsed >= self.max_healing_time_secs:
            return self.time_is_up()
        if session.iterations >= self.max_total_iterations:
            reason = (
                f"the command has been run {_times(session.iterations)}, and {self.max_total_iterations} are allowed"
            )
            return Exceeded("max_total_iterations", reason)
        if tried >= self.max_attempts_per_error:
            reason = f"{error_type} has been attempted {_times(tried)}, and {self.max_attempts_per_error} are allowed"
            return Exceeded("max_attempts_per_error", reason)
        if in_a_row >= self.max_consecutive_failures:
            what = "attempt has" if in_a_row == 1 else "attempts in a row have"
            return Exceeded("max_consecutive_failures", f"{in_a_row} {what} made nothing better")
        return None

    def time_is_up(self) -> Exceeded:
        """The limit of time."""
        return Exceeded("max_healing_time_secs", f"healing has taken its {self.max_healing_time_secs:g} s")


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"
