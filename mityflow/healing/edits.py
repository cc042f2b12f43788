"""A change as edits: in each file the smallest texts that stand there once, and what takes their place.

Unlike whole files they can be read, and fit also where the rest of the file is another.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from mityflow.healing.hands import Change, Hands

_LONGEST = 200_000
_MOST = 500
_MOST_LINES = 5_000
_MOST_AROUND = 50


class Edit(NamedTuple):
    """One edit: ``old`` is replaced by ``new``; without ``old`` the file is made, without ``new`` it is deleted."""

    path: str
    old: str | None
    new: str | None

    def to_data(self) -> dict[str, Any]:
        """As JSON data."""
        return {key: value for key, value in self._asdict().items() if value is not None}

    @classmethod
    def from_data(cls, data: Any) -> Edit:
        """Read what :meth:`to_data` wrote. Raises TypeError for anything else."""
        texts = (
            isinstance(data, dict) and set(data) <= set(cls._fields) and all(isinstance(v, str) for v in data.values())
        )
        if not texts or not data.get("path") or data.get("old") == "":
            raise TypeError("an edit has a path, and texts 'old' and 'new'")
        return cls(data["path"], data.get("old"), data.get("new"))


def fix_id(agent: str, changes: Mapping[str, Change]) -> str:
    """The id of a fix: the same for an agent's same changes."""
    digest = hashlib.sha256()
    for path, change in sorted(changes.items()):
        for part in (path.encode("utf-8", "surrogateescape"), b"" if change.after is None else b"+" + change.after):
            digest.update(len(part).to_bytes(8) + part)
    return f"{agent}:{digest.hexdigest()[:12]}"


def edits_of(changes: Mapping[str, Change]) -> list[Edit] | None:
    """The edits that make these changes; None where a file is no text, or they are too large."""
    found: list[Edit] = []
    for path, change in sorted(changes.items()):
        try:
            before, after = (None if data is None else data.decode("utf-8") for data in change)
        except UnicodeDecodeError:
            return None
        if before is None or after is None:
            found += [] if before == after else [Edit(path, None, after)]
        else:
            found += _replacements(path, before, after)
    size = sum(len(edit.old or "") + len(edit.new or "") for edit in found)
    return None if size > _LONGEST or len(found) > _MOST else found


def edits_from_data(data: Any) -> list[Edit]:
    """Read a list of edits. Raises TypeError for anything else."""
    if not isinstance(data, list) or len(data) > _MOST:
        raise TypeError("edits are a list")
    return [Edit.from_data(each) for each in data]


def planned(edits: Iterable[Edit], hands: Hands) -> dict[str, str | None] | None:
    """What the edits make of the files; None where one does not fit. Raises NotAllowedError for a path that is none."""
    texts: dict[str, str | None] = {}
    for path, old, new in edits:
        text = texts[path] if path in texts else hands.read(path) if hands.exists(path) else None
        if old is None:
            if (text is None) == (new is None):
                return None
            texts[path] = new
        elif text is None or text.count(old) != 1:
            return None
        else:
            texts[path] = text.replace(old, new or "")
    return texts


def apply(edits: Iterable[Edit], hands: Hands) -> bool:
    """Make the edits. False where one does not fit, with nothing changed then.

    Raises NotAllowedError for what no fix may touch.
    """
    texts = planned(edits, hands)
    for path, text in (texts or {}).items():
        if text is None:
            hands.delete(path)
        else:
            hands.write(path, text)
    return texts is not None


def _replacements(path: str, before: str, after: str) -> list[Edit]:
    """Edits that turn one text into the other, one after another; the whole text where nothing less will do."""
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    edits, text = [], before
    hunks = _hunks(old, new, before) if len(old) + len(new) <= _MOST_LINES else []
    for first, last, begin, end in hunks:
        edit = Edit(path, "".join(old[first:last]), "".join(new[begin:end]))
        if edit.old and text.count(edit.old) == 1:
            text = text.replace(edit.old, edit.new or "")
            edits.append(edit)
    if text == after:
        return edits
    return [Edit(path, before, after)] if before else [Edit(path, None, None), Edit(path, None, after)]


def _hunks(old: list[str], new: list[str], before: str) -> list[tuple[int, int, int, int]]:
    """What differs, as lines of both, each with so many lines around it that it stands once in the text before."""
    from difflib import SequenceMatcher

    found: list[tuple[int, int, int, int]] = []
    for tag, first, last, begin, end in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        for more in range(_MOST_AROUND):
            top, bottom = min(more, first, begin), min(more, len(old) - last, len(new) - end)
            window = (first - top, last + bottom, begin - top, end + bottom)
            text = "".join(old[window[0] : window[1]])
            if text and before.count(text) == 1:
                break
        if found and window[0] < found[-1][1]:
            window = (found[-1][0], window[1], found[-1][2], window[3])
            found.pop()
        found.append(window)
    return found
