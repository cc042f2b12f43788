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
from mityflow.healing.case import Adjustments, Case, Proposal
from mityflow.healing.diagnosis import Diagnosis
from mityflow.healing.edits import Edit, apply, edits_from_data, edits_of
from mityflow.healing.hands import Change, Hands

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
    worked: int = 1
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
        texts = {key: data.get(key) for key in ("fix", "title", "agent")}
        counts = {key: data.get(key) for key in ("worked", "failed")}
        stack = data.get("stack")
        if not (all(isinstance(text, str) for text in texts.values()) and isinstance(stack, str | None)):
            raise TypeError("'fix', 'title', 'agent' and 'stack' are texts")
        if not all(type(count) is int and count >= 0 for count in counts.values()):
            raise TypeError("'worked' and 'failed' are counts")
        edits = tuple(edits_from_data(data.get("edits")))
        return cls(**texts, **counts, stack=stack, edits=edits, adjustments=_adjustments(data.get("adjustments")))


class FixMemory:
    """The fixes that a workspace and what is installed remember. As an agent it makes the first one that fits.

    What cannot be read is passed over; ``say`` is told of it.
    """

    name = "memory"

    def __init__(self, workspace: Path, mask: Callable[[str], str], say: Callable[[str], None]) -> None:
        self._folder = workspace / ".mity" / "fixes"
        self._mask = mask
        self._say = say

    def find(self, diagnosis: Diagnosis, stack: str | None) -> list[RememberedFix]:
        """The fixes for this failure, best first; those that failed more often than they worked are left out."""
        name = _file_name(diagnosis.signature)
        found: dict[str, RememberedFix] = {}
        for folder in [self._folder, *_shipped()]:
            for fix in self._read(folder / name, diagnosis.signature):
                found.setdefault(fix.fix, fix)
        fitting = [fix for fix in found.values() if fix.stack in (None, stack) and fix.failed <= fix.worked]
        return sorted(fitting, key=lambda fix: fix.failed - fix.worked)

    def propose(self, case: Case, hands: Hands) -> Proposal | None:
        """Make the first fix that fits and was not tried for this failure."""
        for fix in self.find(case.diagnosis, case.stack.id if case.stack else None):
            if not case.was_tried(fix.fix) and apply(fix.edits, hands):
                hands.adjust(env=fix.adjustments.env, port=fix.adjustments.port)
                return Proposal(fix.fix, fix.title)
        return None

    def remember(self, case: Case, fix: Proposal, agent: str, changes: Mapping[str, Change], more: Adjustments) -> bool:
        """Keep a fix that was verified; False where it cannot be kept: it is too large, no text, or has a secret."""
        edits = edits_of(changes)
        if edits is None or not (edits or more):
            return False
        stack = case.stack.id if case.stack else None
        new = RememberedFix(fix.fix, fix.title, agent, stack, tuple(edits), more)
        if any(self._mask(text) != text for text in (case.diagnosis.signature, *_texts(new.to_data()))):
            return False
        return self._update(case.diagnosis.signature, new, worked=True)

    def settle(self, case: Case, fix: str, *, worked: bool) -> bool:
        """Count what became of a fix that was remembered."""
        name = _file_name(case.diagnosis.signature)
        for folder in [self._folder, *_shipped()]:
            for known in self._read(folder / name, case.diagnosis.signature):
                if known.fix == fix:
                    return self._update(case.diagnosis.signature, known, worked=worked)
        return False

    def _update(self, signature: str, fix: RememberedFix, *, worked: bool) -> bool:
        path = self._folder / _file_name(signature)
        fixes = {each.fix: each for each in self._read(path, signature)}
        old = fixes.get(fix.fix)
        if old is None and fix.worked == 1 and worked:
            fixes[fix.fix] = fix
        else:
            known = old or fix
            fixes[fix.fix] = known._replace(worked=known.worked + worked, failed=known.failed + (not worked))
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
            whole = json.loads(data) if len(data) <= _LARGEST else None
            right = isinstance(whole, dict) and whole.get("format") == _FORMAT and isinstance(whole.get("fixes"), list)
            if not right:
                raise TypeError(f"it is no file of fixes of format {_FORMAT}")
            if whole.get("signature") != signature:
                return []  # of another failure that has the same digest, or a copy under a wrong name
            return [RememberedFix.from_data(each) for each in whole["fixes"][:_MOST]]
        except FileNotFoundError:
            return []
        except (OSError, ValueError, TypeError, RecursionError) as error:
            self._say(f"{path} is passed over: {error}")
            return []


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
