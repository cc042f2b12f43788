"""A workflow as data: what a file says, or what a program builds with the chained methods."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

from mityflow.errors import UsageError

ID_PATTERN = r"[a-z][a-z0-9_-]{0,62}"
ENV_NAME_PATTERN = r"[A-Za-z_][A-Za-z0-9_]*"
ON_FAILURE = ("fail", "continue", "ask")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
DURATION_PATTERN = r"\d+(\.\d+)?(ms|s|m|h|d)"
LONGEST = 366 * 86400.0


def parse_duration(text: str) -> float:
    """Seconds in ``90s``, ``1.5h`` and the like. Raises UsageError for anything else, zero included."""
    match = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?)(ms|s|m|h|d)", text)
    if not match:
        raise UsageError(f"'{text[:40]}' is no duration", hint="a number with ms, s, m, h or d, such as 90s or 1.5h")
    seconds = float(match[1]) * _UNITS[match[2]]
    if not 0 < seconds <= LONGEST:
        raise UsageError(f"a duration must be longer than zero and at most a year, not '{text}'")
    return seconds


def format_duration(seconds: float) -> str:
    """The shortest exact spelling that :func:`parse_duration` reads back."""
    for unit in ("d", "h", "m", "s"):
        if seconds >= _UNITS[unit] and seconds % _UNITS[unit] == 0:
            return f"{seconds / _UNITS[unit]:g}{unit}"
    return f"{seconds:g}s" if seconds >= 1 else f"{seconds * 1000:g}ms"


class Retry(NamedTuple):
    """How often a failing step is tried in all, and how long to wait: ``delay * backoff ** n`` seconds."""

    attempts: int
    delay: float = 0.0
    backoff: float = 1.0

    def wait_after(self, attempt: int) -> float:
        """Seconds to wait after this attempt, which counts from 1."""
        return float(min(self.delay * self.backoff ** (attempt - 1), LONGEST))


@dataclass(frozen=True, slots=True)
class StationCall:
    """One entry of ``stations:``, which becomes a step. ``timeout`` is in seconds.

    ``where`` is the entry's place in the file: ("stations", 3) or ("finally", 0).
    """

    station: str
    id: str
    with_: Mapping[str, Any] = field(default_factory=dict)
    when: str | None = None
    timeout: float | None = None
    retry: Retry | None = None
    on_failure: str = "fail"
    needs: tuple[str, ...] = ()
    where: tuple[str, int] = ("stations", 0)

    def to_data(self) -> dict[str, Any]:
        """The call as JSON data, defaults left out."""
        data: dict[str, Any] = {"station": self.station, "id": self.id}
        if self.with_:
            data["with"] = self.with_
        if self.when is not None:
            data["when"] = self.when
        if self.timeout is not None:
            data["timeout"] = self.timeout
        if self.retry:
            data["retry"] = list(self.retry)
        if self.on_failure != "fail":
            data["on_failure"] = self.on_failure
        if self.needs:
            data["needs"] = list(self.needs)
        return data

    @classmethod
    def from_data(cls, data: Mapping[str, Any], where: tuple[str, int]) -> StationCall:
        """Read what :meth:`to_data` wrote."""
        retry = data.get("retry")
        return cls(
            data["station"],
            data["id"],
            data.get("with", {}),
            data.get("when"),
            data.get("timeout"),
            Retry(*retry) if retry else None,
            data.get("on_failure", "fail"),
            tuple(data.get("needs", ())),
            where,
        )


@dataclass(frozen=True)
class Workflow:
    """A workflow: an id, a name, and the stations it calls.

    The chained methods return a changed copy::

        Workflow("create-app", "Create Application").with_description("...").station("scaffold")

    ``inputs`` maps a name to a JSON Schema; ``secrets`` are names of environment variables;
    ``path`` is the file it came from, None for one that was built by a program.
    """

    id: str
    name: str = ""
    description: str = ""
    inputs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    guardrails: Mapping[str, Any] | None = None
    stations: tuple[StationCall, ...] = ()
    finally_: tuple[StationCall, ...] = ()
    outputs: Mapping[str, Any] = field(default_factory=dict)
    path: Path | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        _check_id(self.id, "workflow")

    def with_description(self, description: str) -> Workflow:
        """A copy with this description."""
        return replace(self, description=description)

    def with_input(self, name: str, schema: Mapping[str, Any]) -> Workflow:
        """A copy that takes this input, described by a JSON Schema."""
        return replace(self, inputs={**self.inputs, name: schema})

    def with_secret(self, name: str) -> Workflow:
        """A copy that needs this environment variable, and masks its value everywhere."""
        return replace(self, secrets=(*self.secrets, name))

    def with_env(self, name: str, value: str) -> Workflow:
        """A copy that gives children this environment variable, in plain text."""
        return replace(self, env={**self.env, name: value})

    def with_output(self, name: str, value: Any) -> Workflow:
        """A copy with a result, usually an expression such as ``{{ outputs.commit_hash }}``."""
        return replace(self, outputs={**self.outputs, name: value})

    def station(self, station: str, **call: Any) -> Workflow:
        """A copy with one more station at the end.

        ``call`` takes the keys of a file's long form: ``id``, ``with_``, ``when``, ``timeout`` (a
        duration such as ``90s``), ``retry`` (a mapping), ``on_failure``, ``needs``.
        Raises UsageError for a wrong key or value.
        """
        where = ("stations", len(self.stations))
        return replace(self, stations=(*self.stations, make_call(station, where, **call)))

    def finally_station(self, station: str, **call: Any) -> Workflow:
        """A copy with one more station that runs at the end whatever happened."""
        where = ("finally", len(self.finally_))
        return replace(self, finally_=(*self.finally_, make_call(station, where, **call)))

    def calls(self) -> tuple[StationCall, ...]:
        """All calls, those of ``finally`` last."""
        return self.stations + self.finally_

    def to_data(self) -> dict[str, Any]:
        """The workflow's meaning as JSON data: what it would do, without layout, comments and place."""
        return {
            "id": self.id,
            "name": self.name,
            "description": self.description,
            "inputs": self.inputs,
            "secrets": list(self.secrets),
            "env": self.env,
            "guardrails": self.guardrails,
            "stations": [call.to_data() for call in self.stations],
            "finally": [call.to_data() for call in self.finally_],
            "outputs": self.outputs,
        }

    @classmethod
    def from_data(cls, data: Mapping[str, Any], path: Path | None = None) -> Workflow:
        """Read what :meth:`to_data` wrote."""
        return cls(
            data["id"],
            data["name"],
            data["description"],
            data["inputs"],
            tuple(data["secrets"]),
            data["env"],
            data["guardrails"],
            _calls(data["stations"], "stations"),
            _calls(data["finally"], "finally"),
            data["outputs"],
            path,
        )

    def digest(self) -> str:
        """A fingerprint of the meaning; a resumed run must still have it."""
        import hashlib

        meaning = {k: v for k, v in self.to_data().items() if k not in {"name", "description"}}
        return hashlib.sha256(json.dumps(meaning, sort_keys=True).encode()).hexdigest()


_CALL_KINDS: dict[str, Any] = {
    "with_": Mapping,
    "when": str,
    "timeout": str,
    "retry": Mapping,
    "needs": (list, tuple),
}


def make_call(station: str, where: tuple[str, int], **call: Any) -> StationCall:
    """A call from the keys of a file's long form. Raises UsageError for a wrong key or value."""
    known = {"id", "with_", "when", "timeout", "retry", "on_failure", "needs"}
    if unknown := sorted(set(call) - known):
        raise UsageError(f"'{unknown[0]}' is no setting of a station call", hint=f"one of {', '.join(sorted(known))}")
    timeout = call.get("timeout")
    for key, kinds in _CALL_KINDS.items():
        if call.get(key) is not None and not isinstance(call[key], kinds):
            raise UsageError(f"'{key}' of a station call cannot be {call[key]!r}")
    on_failure = call.get("on_failure", "fail")
    if on_failure not in ON_FAILURE:
        raise UsageError(f"on_failure is one of {', '.join(ON_FAILURE)}, not '{on_failure}'")
    return StationCall(
        station=_check_id(station, "station"),
        id=_check_id(call.get("id", station), "step"),
        with_=call.get("with_") or {},
        when=call.get("when"),
        timeout=None if timeout is None else parse_duration(timeout),
        retry=make_retry(call["retry"]) if call.get("retry") else None,
        on_failure=on_failure,
        needs=tuple(call.get("needs", ())),
        where=where,
    )


def make_retry(data: Mapping[str, Any]) -> Retry:
    """A retry from ``{attempts, delay, backoff}`` as a file has it."""
    attempts, backoff = data.get("attempts"), data.get("backoff", 1)
    if not isinstance(attempts, int) or attempts < 1 or not isinstance(backoff, int | float) or backoff < 1:
        raise UsageError("retry needs 'attempts', a whole number of at least 1; 'backoff' is at least 1")
    if unknown := sorted(set(data) - {"attempts", "delay", "backoff"}):
        raise UsageError(f"'{unknown[0]}' is no setting of retry")
    delay = data.get("delay")
    return Retry(attempts, parse_duration(delay) if delay else 0.0, float(backoff))


def _calls(data: Sequence[Mapping[str, Any]], key: str) -> tuple[StationCall, ...]:
    return tuple(StationCall.from_data(call, (key, i)) for i, call in enumerate(data))


_ID = re.compile(ID_PATTERN)


def _check_id(value: str, what: str) -> str:
    if not isinstance(value, str) or not _ID.fullmatch(value):
        raise UsageError(
            f"{value!r} is no id of a {what}", hint="a lower-case letter, then up to 62 of a-z, 0-9, _ and -"
        )
    return value
