"""Caches of tools that hold what is stale or broken; they are made again."""

from __future__ import annotations

import re

from mityflow.sdk import Case, Hands

_CACHES = (
    "node_modules/.vite",
    "node_modules/.vitest",
    "node_modules/.cache",
    ".angular",
    ".mypy_cache",
    ".pytest_cache",
    ".ruff_cache",
    "target/incremental",
)
_SIGNS = re.compile(
    r"\.vite[\\/]|\.angular[\\/]cache|_cache[\\/]|__pycache__|bad magic number|tsbuildinfo|\.cache[\\/]"
    r"|incremental compilation|found invalid metadata|possibly newer version of crate|corrupt(?:ed)? (?:cache|file)"
    r"|cache.{0,40}(?:corrupt|invalid|stale)|EOF marker|fingerprint",
    re.IGNORECASE,
)


def clear_caches(case: Case, hands: Hands) -> tuple[str, str] | None:
    """The caches, where the failure speaks of one."""
    if case.was_tried("clear-caches") or not _SIGNS.search("\n".join(case.diagnosis.evidence)):
        return None
    cleared = [path for path in _CACHES if hands.discard(path)]
    if not cleared:
        return None
    return "clear-caches", f"stale caches were cleared: {', '.join(cleared)}"
