"""Whether a fix helped: the failure before it beside what the command does now."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from mityflow.healing.session import Failure

# The order in which things must be right: what does not parse hides all that follows.
_ORDER = ("ConfigError", "DependencyError", "BuildError", "PortInUse", "RuntimeError", "TestFailure")


class Verdict(NamedTuple):
    """One of :data:`mityflow.healing.session.VERDICTS`, and why, as a sentence."""

    name: str
    reason: str


def judge(before: Failure, after: Failure | None, seen: Collection[str], changed: Collection[str]) -> Verdict:
    """What a fix came to. ``seen`` are the signatures of this session so far, ``changed`` the files of the fix."""
    if after is None:
        return Verdict("fixed", "the command passes")
    if after.stage > before.stage:
        return Verdict("better", f"{before.phase} passes, and {after.phase} fails")
    if after.stage < before.stage:
        return Verdict("worse", f"{after.phase} fails, which had passed")
    if before.tests_failed is not None and after.tests_failed is not None:
        return _by_tests(before.tests_failed, after.tests_failed)
    new, old = after.diagnosis, before.diagnosis
    if new.signature == old.signature:
        return Verdict("same", "it fails as before")
    if new.signature in seen:
        return Verdict("worse", "an earlier failure is back")
    broken = new.file in changed and _rank(new.error_type) < _rank(old.error_type)
    if broken:
        return Verdict("worse", f"the fix broke {new.file}")
    return Verdict("better", f"{old.error_type} is gone, and {new.error_type} follows")


def _by_tests(before: int, after: int) -> Verdict:
    if after < before:
        return Verdict("better", f"{after} tests fail, and {before} did")
    if after > before:
        return Verdict("worse", f"{after} tests fail, and {before} did")
    return Verdict("same", "as many tests fail as before")


def _rank(error_type: str) -> int:
    return _ORDER.index(error_type) if error_type in _ORDER else 0
