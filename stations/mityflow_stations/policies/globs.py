"""Which paths fit patterns: ``*`` and ``?`` within a name, ``**`` over any folders."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

_PARTS = re.compile(r"(?:^|(?<=/))\*\*/|\*\*|\*|\?|\[[^]/]+\]|[^*?\[]+|\[")


def matching(paths: Iterable[str], patterns: Sequence[str], exclude: Sequence[str] = ()) -> list[str]:
    """The paths that fit one of the patterns, and none of those to be excluded."""
    return [path for path in paths if fits(path, patterns) and not fits(path, exclude)]


def fits(path: str, patterns: Sequence[str]) -> bool:
    """Whether a path fits one of the patterns as a whole."""
    return any(_expression(pattern).fullmatch(path) for pattern in patterns)


@lru_cache(maxsize=256)
def _expression(pattern: str) -> re.Pattern[str]:
    return re.compile("".join(map(_part, _PARTS.findall(pattern))), re.DOTALL)


def _part(part: str) -> str:
    if part == "**/":
        return "(?:.*/)?"
    if part == "**":
        return ".*"
    if part in ("*", "?"):
        return "[^/]*" if part == "*" else "[^/]"
    if len(part) > 2 and part.startswith("["):
        negated = part[1] in "!^"
        return f"[{'^/' if negated else ''}{re.escape(part[1 + negated : -1]).replace(chr(92) + '-', '-')}]"
    return re.escape(part)
