"""What is known of a failure: its class, where it shows, and why it is believed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class Diagnosis(NamedTuple):
    """A failed command, classified.

    ``error_type`` is one of :data:`mityflow.healing.specialists.ERROR_TYPES`. ``signature`` is the same for
    the same failure: numbers, paths and times do not change it. ``evidence`` are lines as they were printed,
    the first of them shows the cause; ``file`` and ``line`` say where that is, where it is told. ``rule`` is
    the id of the rule that decided, ``details`` what it found, such as ``module``, ``package``, ``port`` or
    ``variable``, and ``reason`` why this is the class, as a sentence.
    """

    error_type: str
    signature: str
    evidence: tuple[str, ...] = ()
    file: str | None = None
    line: int | None = None
    rule: str = ""
    details: Mapping[str, str] = {}
    reason: str = ""

    def to_data(self) -> dict[str, Any]:
        """As JSON data."""
        return {**self._asdict(), "evidence": list(self.evidence), "details": dict(self.details)}

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Diagnosis:
        """Read what :meth:`to_data` wrote."""
        known = {key: data[key] for key in cls._fields if key in data}
        return cls(**{**known, "evidence": tuple(known.get("evidence", ()))})
