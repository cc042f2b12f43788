"""Fix memory: fixes that worked, by the signature of the failure, tried again before a model or a program is asked.

Each signature has a file in ``.mity/fixes``; a plugin ships such files in a folder that its entry point in the
group ``mityflow.fixes`` names. A fix is kept as edits, and applied where each of them fits.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from mityflow.errors import MityError
from mityflow.healing.briefing import one_line
from mityflow.healing.case import Adjustments, Case, NotAllowedError, Proposal
from mityflow.healing.edits import Edit, apply, edits_from_data, planned
from mityflow.healing.hands import Hands

GROUP = "mityflow.fixes"
_FORMAT = 1
_LARGEST = 1_000_000
_MOST = 20


class RememberedFix(NamedTuple):
    """A fix that worked. ``worked`` and ``failed`` count how often it did, and did not, in this workspace."""

    fix: str
    title: str
    agent: str
    stack: str | None
    edits: tuple[Edit, ...]
    adjustments: Adjustments = Adjustments()
    worked: int = 0
    failed: int = 0

    def to_data(self) -> dict[str, Any]:
        """As JSON data."""
        edits = [edit.to_data() for edit in self.edits]
        return {**self._asdict(), "edits": edits, "adjustments": self.adjustments.to_data()}

    @classmethod
    def from_data(cls, data: Any) -> RememberedFix:
        """Read what :meth:`to_data` wrote. Raises TypeError for anything else."""
        if not isinstance(data, dict):
            raise TypeError("a fix is a mapping")
        fix, title, agent, stack = (data.get(key) for key in ("fix", "title", "agent", "stack"))
        if not (isinstance(fix, str) and isinstance(title, str) and isinstance(agent, str)):
            raise TypeError("'fix', 'title' and 'agent' are texts")
        if not isinstance(stack, str | None):
            raise TypeError("'stack' is a text")
        worked, failed = (_count(data.get(key)) for key in ("worked", "failed"))
        edits = tuple(edits_from_data(data.get("edits")))
        return cls(
            one_line(fix),
            one_line(title),
            one_line(agent),
            stack,
            edits,
            _adjustments(data.get("adjustments")),
            worked,
            failed,
        )


class FixMemory:
    """The fixes that a workspace and what is installed remember. As an agent it makes the first one that fits.

    What cannot be read is passed over; ``say`` is told of it.
    """

    name = "memory"

    def __init__(self, workspace: Path, mask: Callable[[str], str], say: Callable[[str], None]) -> None:
        self._folder = workspace / ".mity" / "fixes"
        self._mask = mask
        self._say = say

    def find(self, signature: str, stack: str | None) -> list[RememberedFix]:
        """The fixes for a failure, best first; those that failed more often than they worked are left out."""
        fitting = [fix for fix in self._all(signature) if fix.stack in (None, stack) and fix.failed <= fix.worked]
        return sorted(fitting, key=lambda fix: fix.failed - fix.worked)

    def knows(self, case: Case, hands: Hands) -> RememberedFix | None:
        """The first fix that fits and was not tried for this failure."""
        for fix in self.find(case.diagnosis.signature, case.stack.id if case.stack else None):
            try:
                if not case.was_tried(fix.fix) and planned(fix.edits, hands) is not None:
                    return fix
            except NotAllowedError as error:
                self._say(f"the remembered fix {fix.fix} is passed over: {error.message}")
        return None

    def propose(self, case: Case, hands: Hands) -> Proposal | None:
        """Make the first fix that fits and was not tried for this failure."""
        fix = self.knows(case, hands)
        if fix is None:
            return None
        try:
            apply(fix.edits, hands)
        except NotAllowedError as error:
            error.fix = fix.fix
            raise
        if fix.adjustments:
            hands.adjust(env=fix.adjustments.env, port=fix.adjustments.port)
        return Proposal(fix.fix, fix.title)

    def remember(self, signature: str, fix: RememberedFix) -> bool:
        """Keep a fix that was verified; False where it has a secret, changes nothing, or cannot be written."""
        if not (fix.edits or fix.adjustments) or any(
            self._mask(text) != text for text in (signature, *_texts(fix.to_data()))
        ):
            return False
        return self._update(signature, fix, worked=1, failed=0)

    def settle(self, signature: str, name: str, *, worked: bool) -> None:
        """Count what became of a remembered fix."""
        for fix in self._all(signature):
            if fix.fix == name:
                self._update(signature, fix, worked=int(worked), failed=int(not worked))

    def _all(self, signature: str) -> list[RememberedFix]:
        """All fixes for a failure: those of the workspace, then those that plugins ship."""
        found: dict[str, RememberedFix] = {}
        for folder in [self._folder, *_shipped()]:
            for fix in self._read(folder / _file_name(signature), signature):
                found.setdefault(fix.fix, fix)
        return list(found.values())

    def _update(self, signature: str, fix: RememberedFix, *, worked: int, failed: int) -> bool:
        path = self._folder / _file_name(signature)
        fixes = {each.fix: each for each in self._read(path, signature)}
        known = fixes.get(fix.fix, fix)
        fixes[fix.fix] = known._replace(worked=known.worked + worked, failed=known.failed + failed)
        best = sorted(fixes.values(), key=lambda each: each.failed - each.worked)[:_MOST]
        data = {"format": _FORMAT, "signature": signature, "fixes": [each.to_data() for each in best]}
        from mityflow.store import write_atomically

        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            write_atomically(path, (json.dumps(data, indent=1, ensure_ascii=False) + "\n").encode())
        except OSError as error:
            self._say(f"the fix is not remembered: cannot write {path}: {error.strerror}")
            return False
        return True

    def _read(self, path: Path, signature: str) -> list[RememberedFix]:
        try:
            with open(path, "rb") as file:
                data = file.read(_LARGEST + 1)
            return _fixes(data, signature)
        except FileNotFoundError:
            return []
        except (OSError, ValueError, TypeError, RecursionError) as error:
            self._say(f"{path} is passed over: {error}")
            return []


def _fixes(data: bytes, signature: str) -> list[RememberedFix]:
    """The fixes of a file. Raises ValueError or TypeError for one that was not written by us."""
    if len(data) > _LARGEST:
        raise ValueError(f"it is larger than {_LARGEST} bytes")
    whole = json.loads(data)
    if not isinstance(whole, dict) or whole.get("format") != _FORMAT or not isinstance(whole.get("fixes"), list):
        raise ValueError(f"it is no file of fixes of format {_FORMAT}")
    if whole.get("signature") != signature:
        return []  # of another failure: a copy under a wrong name
    return [RememberedFix.from_data(each) for each in whole["fixes"][:_MOST]]


def _file_name(signature: str) -> str:
    return f"{hashlib.sha256(signature.encode('utf-8', 'replace')).hexdigest()[:16]}.json"


def _shipped() -> Iterable[Path]:
    """The folders that plugins name."""
    from mityflow.plugins import entry_points

    for entries in entry_points(GROUP).values():
        for entry in entries:
            try:
                folder = entry.folder()
            except (MityError, OSError, ImportError, ValueError):
                continue
            if folder is not None:
                yield folder


def _count(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise TypeError("'worked' and 'failed' are counts")
    return value


def _adjustments(data: Any) -> Adjustments:
    if data is None:
        return Adjustments()
    env, port = (data.get("env", {}), data.get("port")) if isinstance(data, dict) else (None, None)
    if not isinstance(env, dict) or not all(isinstance(value, str) for value in env.values()):
        raise TypeError("the 'env' of 'adjustments' has texts")
    if not (port is None or (type(port) is int and 0 < port < 65536)):
        raise TypeError("the 'port' of 'adjustments' is one")
    return Adjustments(env, port)


def _texts(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, part in value.items():
            yield from (key, *_texts(part))
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _texts(part)
