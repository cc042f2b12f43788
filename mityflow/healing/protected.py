"""Which paths no fix may touch, and which it cannot reach."""

from __future__ import annotations

import os
import re
import stat
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from mityflow.healing.case import NotAllowedError


def protected(path: str, patterns: Sequence[str]) -> str | None:
    """The first pattern that a path falls under; None where it is free.

    ``path`` is relative to the application's folder. ``*`` and ``?`` stay within a name, ``**`` spans folders. A
    pattern matches at any depth - ``tests/**`` also protects ``backend/tests/test_a.py`` -, one that begins with
    ``/`` only from the application's folder on; one that ends with ``/`` protects all below. Upper and
    lower case make no difference, as they make none on some systems.
    """
    plain = _plain(path)
    return next((pattern for pattern in patterns if _compiled(pattern).match(plain)), None)


def resolved(root: Path, path: str) -> Path:
    """The place of a path in a folder.

    Raises NotAllowedError where it leads out of the folder - by ``..``, as an absolute path, or through a link -,
    or is neither a file nor a place for one.
    """
    parts = re.split(r"[\\/]", path)
    wrong = not path or "\0" in path or path.startswith(("/", "\\", "~")) or ".." in parts or ":" in parts[0]
    if wrong or all(part in ("", ".") for part in parts):
        raise NotAllowedError(f"'{path}' is no path inside of the application")
    place = root
    for part in filter(lambda part: part not in ("", "."), parts):
        place = place / part
        try:
            mode = os.lstat(place).st_mode
        except FileNotFoundError:
            continue
        except OSError as error:
            raise NotAllowedError(f"'{path}' cannot be used: {error.strerror}") from error
        if stat.S_ISLNK(mode):
            raise NotAllowedError(f"'{path}' leads through a link")
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            raise NotAllowedError(f"'{path}' is no file")
    return place


def _plain(path: str) -> str:
    parts = [part for part in re.split(r"[\\/]", unicodedata.normalize("NFKC", path)) if part not in ("", ".")]
    return "/".join(part.rstrip(" .") or part for part in parts).casefold()


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    text = pattern.replace("\\", "/").casefold()
    begin = "" if text.startswith("/") else r"(?:.*/)?"
    text = text.strip("/") + ("/**" if pattern.endswith("/") else "")
    below = "(?:/.*)?" if "/" not in text else ""
    return re.compile(begin + _regex(text) + below + r"\Z", re.DOTALL)


def _regex(pattern: str) -> str:
    """A pattern as a regular expression."""
    text = ""
    i = 0
    while i < len(pattern):
        if pattern.startswith("**/", i):
            text, i = text + r"(?:.*/)?", i + 3
        elif pattern.startswith("**", i):
            text, i = text + ".*", i + 2
        elif pattern[i] == "*":
            text, i = text + "[^/]*", i + 1
        elif pattern[i] == "?":
            text, i = text + "[^/]", i + 1
        else:
            text, i = text + re.escape(pattern[i]), i + 1
    return text
