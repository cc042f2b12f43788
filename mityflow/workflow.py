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
STATION_ONLY = ("timeout", "retry", "cache")
"""The keys of a call that a call of a workflow does not have."""
MOST_PARALLEL = 64
MOST_ITEMS = 10_000
"""How many items a ``foreach`` may have."""
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


class Cache(NamedTuple):
    """When a step's work counts as done: as long as these files and this key are what they were."""

    paths: tuple[str, ...] = ()
    key: str | None = None


@dataclass(frozen=True, slots=True)
class StationCall:
    """One entry of ``stations:``, which becomes a step. ``timeout`` is in seconds.

    ``where`` is the entry's place in the file: ("stations", 3) or ("finally", 0). A call of a
    workflow has no ``station`` but says in ``workflow`` which one is meant; ``sub`` is that workflow,
    once it has been found.
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
    foreach: Any = None
    cache: Cache | None = None
    workflow: str | None = None
    sub: Workflow | None = None

    @property
    def called(self) -> str:
        """What is called: a station's name, or which workflow."""
        return self.workflow or self.station

    def to_data(self) -> dict[str, Any]:
        """The call as JSON data, defaults left out."""
        whole = {
            "workflow": self.workflow,
            "station": None if self.workflow else self.station,
            "id": self.id,
            "sub": self.sub.to_data() if self.sub else None,
            "with": self.with_ or None,
            "when": self.when,
            "timeout": self.timeout,
            "retry": list(self.retry) if self.retry else None,
            "on_failure": None if self.on_failure == "fail" else self.on_failure,
            "needs": list(self.needs) or None,
            "foreach": self.foreach,
            "cache": self.cache._asdict() if self.cache else None,
        }
        return {key: value for key, value in whole.items() if value is not None}

    @classmethod
    def from_data(cls, data: Mapping[str, Any], where: tuple[str, int]) -> StationCall:
        """Read what :meth:`to_data` wrote."""
        retry, cache, sub = data.get("retry"), data.get("cache"), data.get("sub")
        return cls(
            data.get("station", ""),
            data["id"],
            data.get("with", {}),
            data.get("when"),
            data.get("timeout"),
            Retry(*retry) if retry else None,
            data.get("on_failure", "fail"),
            tuple(data.get("needs", ())),
            where,
            data.get("foreach"),
            Cache(tuple(cache["paths"]), cache.get("key")) if cache else None,
            data.get("workflow"),
            Workflow.from_data(sub) if sub else None,
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
    max_parallel: int = 1

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
        duration such as ``90s``), ``retry`` and ``cache`` (mappings), ``on_failure``, ``needs``,
        ``foreach``. Raises UsageError for a wrong key or value.
        """
        where = ("stations", len(self.stations))
        return replace(self, stations=(*self.stations, make_call(station, where, **call)))

    def finally_station(self, station: str, **call: Any) -> Workflow:
        """A copy with one more station that runs at the end whatever happened."""
        where = ("finally", len(self.finally_))
        return replace(self, finally_=(*self.finally_, make_call(station, where, **call)))

    def sub_workflow(self, workflow: Workflow, **call: Any) -> Workflow:
        """A copy that calls another workflow at the end; its inputs are given with ``with_``.

        ``call`` takes ``id`` (the workflow's own by default), ``with_``, ``when``, ``on_failure``,
        ``needs`` and ``foreach``. Raises UsageError for a wrong key or value.
        """
        if unknown := sorted(set(call) & set(STATION_ONLY)):
            raise UsageError(f"'{unknown[0]}' is for stations; a workflow's own steps have theirs")
        made = make_call(workflow.id, ("stations", len(self.stations)), **call)
        made = replace(made, station="", workflow=workflow.id, sub=workflow)
        return replace(self, stations=(*self.stations, made))

    def with_max_parallel(self, steps: int) -> Workflow:
        """A copy in which up to so many steps run side by side."""
        if not 1 <= steps <= MOST_PARALLEL:
            raise UsageError(f"max_parallel is a whole number from 1 to {MOST_PARALLEL}, not {steps}")
        return replace(self, max_parallel=steps)

    def calls(self) -> tuple[StationCall, ...]:
        """All calls, those of ``finally`` last."""
        return self.stations + self.finally_

    def station_names(self) -> list[str]:
        """The stations that it calls, and that the workflows it calls do, each once."""
        calls = [call for each in (self, *self.called()) for call in each.calls()]
        return list(dict.fromkeys(call.station for call in calls if call.station))

    def called(self) -> tuple[Workflow, ...]:
        """The workflows it calls, directly or not, each once."""
        found: dict[int, Workflow] = {}
        pending = [self]
        while pending:
            for call in pending.pop().calls():
                if call.sub is not None and id(call.sub) not in found:
                    found[id(call.sub)] = call.sub
                    pending.append(call.sub)
        return tuple(found.values())

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
            **({"max_parallel": self.max_parallel} if self.max_parallel > 1 else {}),
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
            data.get("max_parallel", 1),
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
    "foreach": (list, tuple, Mapping, str),
    "cache": Mapping,
}


def make_call(station: str, where: tuple[str, int], **call: Any) -> StationCall:
    """A call from the keys of a file's long form. Raises UsageError for a wrong key or value."""
    known = {"id", "with_", "when", "timeout", "retry", "on_failure", "needs", "foreach", "cache"}
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
        foreach=list(call["foreach"]) if isinstance(call.get("foreach"), tuple) else call.get("foreach"),
        cache=make_cache(call["cache"]) if call.get("cache") else None,
    )


def make_cache(data: Mapping[str, Any]) -> Cache:
    """A cache from ``{paths, key}`` as a file has it."""
    if unknown := sorted(set(data) - {"paths", "key"}):
        raise UsageError(f"'{unknown[0]}' is no setting of cache")
    return Cache(tuple(data.get("paths") or ()), data.get("key"))


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
