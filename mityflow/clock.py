"""Time, as one thing that a test can replace."""

from __future__ import annotations

import time
from functools import lru_cache


class Clock:
    """The system's clocks."""

    def now(self) -> float:
        """Seconds since 1970, UTC."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds that never go back."""
        return time.monotonic()


def iso(seconds: float) -> str:
    """A moment as ISO 8601 in UTC with microseconds: ``2026-11-22T08:30:00.000001Z``."""
    whole, micros = divmod(round(seconds * 1_000_000), 1_000_000)
    return f"{_second(whole)}.{micros:06}Z"


@lru_cache(maxsize=8)
def _second(seconds: int) -> str:
    t = time.gmtime(seconds)
    return f"{t[0]:04}-{t[1]:02}-{t[2]:02}T{t[3]:02}:{t[4]:02}:{t[5]:02}"


def from_iso(text: str) -> float:
    """Read what :func:`iso` wrote."""
    from datetime import datetime

    return datetime.fromisoformat(text).timestamp()
