"""Plain texts of which every match of a pattern holds one: looked for first, since most patterns match nowhere.

Looking for a plain text in a whole log costs next to nothing, trying hundreds of patterns on each line does not.
What this module does not understand makes a pattern one that is tried on every line, never one that is missed.
"""

from __future__ import annotations

import re

SHORTEST = 3
_SAME_LETTER = re.compile(r"^(?:([^\W\d_])([^\W\d_])|\\?(.))$")
_GROUP = re.compile(r"\((?:\?(?:P<\w+>|[:=!]|<[=!]))?")
_BOUNDS = re.compile(r"\{(\d*)(?:,\d*)?\}")


def needles(pattern: str) -> frozenset[str]:
    """Texts in lower case; each match, in lower case, holds one of them. Empty when nothing can be said."""
    found, end = _alternatives(pattern, 0)
    return found if end == len(pattern) else frozenset()


def _alternatives(pattern: str, at: int) -> tuple[frozenset[str], int]:
    """The needles of what stands before a closing bracket or the end, and where that is."""
    branches = []
    while True:
        branch, at = _branch(pattern, at)
        branches.append(branch)
        if at >= len(pattern) or pattern[at] == ")":
            break
        at += 1
    return (frozenset().union(*branches) if all(branches) else frozenset()), at


def _branch(pattern: str, at: int) -> tuple[frozenset[str], int]:
    """The best needles of one alternative: those of its longest plain text, or of a group that must match."""
    choices: list[frozenset[str]] = []
    run = ""
    while at < len(pattern) and pattern[at] not in "|)":
        plain, inner, at = _atom(pattern, at)
        optional, repeated, at = _quantifier(pattern, at)
        if optional or plain is None:
            choices.append(frozenset([run]))
            run = ""
            if inner and not optional:
                choices.append(inner)
            continue
        run += plain
        if repeated:
            choices.append(frozenset([run]))
            run = ""
    choices.append(frozenset([run]))
    best = max(choices, key=lambda choice: min(map(len, choice)))
    return (best if min(map(len, best)) >= SHORTEST else frozenset()), at


def _atom(pattern: str, at: int) -> tuple[str | None, frozenset[str], int]:
    """One atom: its plain text, None if it has none; the needles of a group; and where it ends."""
    sign = pattern[at]
    if sign in "^$":
        return "", frozenset(), at + 1
    if sign == "\\":
        following = pattern[at + 1]
        if following in "bBAZ":
            return "", frozenset(), at + 2
        return (None if following.isalnum() else following), frozenset(), at + 2
    if sign == "[":
        end = pattern.index("]", at + 2)
        while pattern[end - 1] == "\\" and pattern[end - 2] != "\\":
            end = pattern.index("]", end + 1)
        return _one_letter(pattern[at + 1 : end]), frozenset(), end + 1
    if sign == "(":
        return _group(pattern, at)
    return (None if sign == "." else sign.lower()), frozenset(), at + 1


def _one_letter(members: str) -> str | None:
    """The letter of a class such as ``[Ee]``."""
    found = _SAME_LETTER.match(members)
    if not found or members.startswith("^"):
        return None
    if found[3]:
        return None if members[0] == "\\" and found[3].isalnum() else found[3].lower()
    return found[1].lower() if found[1].lower() == found[2].lower() else None


def _group(pattern: str, at: int) -> tuple[str | None, frozenset[str], int]:
    head = _GROUP.match(pattern, at)
    if head is None:
        return None, frozenset(), len(pattern) + 1
    inner, end = _alternatives(pattern, head.end())
    if head[0] in ("(?=", "(?!", "(?<=", "(?<!"):
        return "", frozenset(), end + 1
    return None, inner, end + 1


def _quantifier(pattern: str, at: int) -> tuple[bool, bool, int]:
    """Whether what stands before may be absent, whether it may be repeated, and where that ends."""
    if at >= len(pattern):
        return False, False, at
    bounds = _BOUNDS.match(pattern, at)
    if pattern[at] not in "?*+" and not bounds:
        return False, False, at
    optional = pattern[at] in "?*" or (bounds is not None and bounds[1] in ("", "0"))
    at = bounds.end() if bounds else at + 1
    if at < len(pattern) and pattern[at] in "?+":
        at += 1
    return optional, True, at
