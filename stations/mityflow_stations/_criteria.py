"""Which test shows that an acceptance criterion holds: by the plan, by its number, or by its words."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_NUMBERED = r"(?:^|_)(?:ac|criterion|criteria)_?{}(?:_|$)"
_FEW = frozenset(("a", "an", "and", "are", "as", "at", "be", "by", "can", "for", "from", "has", "have", "in", "is",
                  "it", "its", "no", "not", "of", "on", "or", "that", "the", "then", "this", "to", "was", "when",
                  "where", "which", "will", "with"))  # fmt: skip
_SHARE = 0.6
_LEAST = 2


def criteria_with_tests(
    criteria: Sequence[str], passing: Sequence[str], planned: Sequence[Mapping[str, Any]] = ()
) -> list[dict[str, Any]]:
    """For each criterion the test that passed and shows it, and how it was found; None where there is none.

    A test shows a criterion when the work plan names it, when its name holds the criterion's number (``ac_2``), or
    most of the criterion's words: that is told as ``words``, since it is no more than likely.
    """
    names = {name: _plain(name) for name in passing}
    return [_shown(number, criterion, names, planned) for number, criterion in enumerate(criteria, 1)]


def untested(found: Sequence[Mapping[str, Any]]) -> list[str]:
    """The criteria that no test shows."""
    return [entry["criterion"] for entry in found if entry["test"] is None]


def _shown(
    number: int, criterion: str, names: Mapping[str, str], planned: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    for plan in planned:
        wanted = _plain(str(plan.get("test") or ""))
        if plan.get("criterion") == criterion and wanted:
            found = next((name for name, plain in names.items() if f"_{plain}".endswith(f"_{wanted}")), None)
            if found:
                return _entry(criterion, found, "plan")
    by_number = re.compile(_NUMBERED.format(number))
    found = next((name for name, plain in names.items() if by_number.search(plain)), None)
    if found:
        return _entry(criterion, found, "number")
    return _entry(criterion, *_by_words(criterion, names))


def _by_words(criterion: str, names: Mapping[str, str]) -> tuple[str | None, str | None]:
    wanted = _words(_plain(criterion))
    if len(wanted) < _LEAST:
        return None, None
    shares = {name: len(wanted & _words(plain)) / len(wanted) for name, plain in names.items()}
    best = max(shares, key=lambda name: shares[name], default=None)
    return (best, "words") if best is not None and shares[best] >= _SHARE else (None, None)


def _entry(criterion: str, test: str | None, how: str | None) -> dict[str, Any]:
    return {"criterion": criterion, "test": test, "by": how}


def _plain(name: str) -> str:
    """A name's or a sentence's words in lower case, joined by ``_``."""
    return "_".join(re.findall(r"[a-z0-9]+", _CAMEL.sub("_", name).lower()))


def _words(plain: str) -> set[str]:
    """The words that count, without their endings."""
    words = (word for word in plain.split("_") if word not in _FEW and word != "test")
    return {re.sub(r"(?:ies|es|s|ed|ing|y)$", "", word) if len(word) > 3 else word for word in words}
