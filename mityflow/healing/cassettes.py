"""Cassettes: what was said to agents and what they answered, recorded once and played back without them.

A cassette is a JSON file for one request for a fix. Its exchanges are in the order in which they took place, and
each is known by a digest of what was asked, in which numbers, times and the folders of paths do not count. The
text that was asked is there for who reads it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from mityflow.errors import UsageError
from mityflow.healing.case import CapReachedError, Case
from mityflow.healing.signature import steady

VARIABLE = "MITY_CASSETTES"
_MODES = ("record", "replay")
_FORMAT = 1
_LARGEST = 10_000_000


class Cassettes(NamedTuple):
    """Where cassettes are, and whether they are recorded or replayed."""

    folder: Path
    mode: str

    def tape(self, kind: str, specialist: str, case: Case, asked: str, mask: Callable[[str], str]) -> Tape:
        """The cassette of a request for a fix. Raises CapReachedError where there is none to replay."""
        names = (specialist, case.diagnosis.error_type.lower(), key_of(f"{kind} {specialist} {asked}"))
        path = self.folder / f"{'-'.join(names)}.json"
        return Tape(path, kind, self.mode == "replay", mask)


class Tape:
    """One cassette, played or recorded from its beginning."""

    def __init__(self, path: Path, kind: str, replaying: bool, mask: Callable[[str], str]) -> None:
        self.replaying = replaying
        self._path = path
        self._kind = kind
        self._mask = mask
        self._exchanges = self._read() if replaying else []
        self._played = 0

    def next(self, asked: str) -> dict[str, Any]:
        """What was answered to this. Raises CapReachedError where something else was asked when it was recorded."""
        if self._played == len(self._exchanges):
            raise self._unlike(f"it ends after {self._played}, and more is asked: {_short(asked)}")
        exchange = self._exchanges[self._played]
        if exchange["key"] != key_of(asked):
            raise self._unlike(f"its exchange {self._played + 1} answers something else than: {_short(asked)}")
        self._played += 1
        answered: dict[str, Any] = exchange["answered"]
        return answered

    def add(self, asked: str, answered: Mapping[str, Any]) -> None:
        """Record an exchange; the file is written at once, so that it has also what led to a failure."""
        data = _masked(answered, self._mask)
        self._exchanges.append({"key": key_of(asked), "asked": self._mask(asked).splitlines(), "answered": data})
        whole = {"format": _FORMAT, "kind": self._kind, "exchanges": self._exchanges}
        from mityflow.store import write_atomically

        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            text = json.dumps(whole, indent=1, ensure_ascii=False) + "\n"
            write_atomically(self._path, text.encode("utf-8", "replace"))
        except OSError as error:
            raise CapReachedError("cassettes", f"cannot write {self._path}: {error.strerror}") from error

    def misfit(self) -> CapReachedError:
        """What is recorded cannot be done with the files as they are."""
        return self._unlike("what was answered does not fit the files as they are")

    def _unlike(self, why: str) -> CapReachedError:
        return CapReachedError("cassettes", f"cassette {self._path}: {why}; record it again ({VARIABLE}=record:FOLDER)")

    def _read(self) -> list[dict[str, Any]]:
        try:
            with open(self._path, "rb") as file:
                data = file.read(_LARGEST + 1)
            return _exchanges(data, self._kind)
        except FileNotFoundError:
            raise CapReachedError(
                "cassettes", f"there is no cassette {self._path}; record it first ({VARIABLE}=record:FOLDER)"
            ) from None
        except OSError as error:
            raise CapReachedError("cassettes", f"cannot read {self._path}: {error.strerror}") from error
        except (ValueError, TypeError, RecursionError) as error:
            raise self._unlike(f"it is damaged: {error}") from error


def cassettes_of(guardrails: Mapping[str, Any], env: Mapping[str, str], workspace: Path) -> Cassettes | None:
    """What the environment says of cassettes, else the guardrails; None where nobody wants any.

    Raises UsageError for a value that says nothing.
    """
    given = env.get(VARIABLE)
    if given:
        mode, _, folder = given.partition(":")
        if mode not in _MODES or not folder:
            raise UsageError(
                f"{VARIABLE} is '{given}'", hint="write record:FOLDER or replay:FOLDER, such as replay:tests/cassettes"
            )
        return Cassettes(workspace / folder, mode)
    settings = guardrails.get("cassettes")
    return Cassettes(workspace / settings["folder"], settings.get("mode", "replay")) if settings else None


def key_of(asked: str) -> str:
    """The digest of a request, without what changes by itself."""
    return hashlib.sha256(steady(asked).encode("utf-8", "replace")).hexdigest()[:16]


def _exchanges(data: bytes, kind: str) -> list[dict[str, Any]]:
    """The exchanges of a file. Raises ValueError or TypeError for one that is no cassette of this kind."""
    if len(data) > _LARGEST:
        raise ValueError(f"it is larger than {_LARGEST} bytes")
    whole = json.loads(data)
    if not isinstance(whole, dict) or whole.get("format") != _FORMAT:
        raise ValueError(f"it is no cassette of format {_FORMAT}")
    if whole.get("kind") != kind:
        raise ValueError(f"it is one of kind {_short(str(whole.get('kind')))}, not {kind}")
    exchanges: Any = whole.get("exchanges")
    right = isinstance(exchanges, list) and all(
        isinstance(each, dict) and isinstance(each.get("key"), str) and isinstance(each.get("answered"), dict)
        for each in exchanges
    )
    if not right:
        raise ValueError("its exchanges have no 'key' and 'answered'")
    return list(exchanges)


def _masked(value: Any, mask: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, Mapping):
        return {key: _masked(part, mask) for key, part in value.items()}
    return [_masked(part, mask) for part in value] if isinstance(value, list | tuple) else value


def _short(text: str) -> str:
    text = re.sub(r"\s+", " ", text).strip()
    return repr(text if len(text) <= 120 else f"{text[:120]}...")
