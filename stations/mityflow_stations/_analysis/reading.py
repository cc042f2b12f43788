"""Source files, read by another process: see :mod:`.reader`."""

from __future__ import annotations

import os
import pickle
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from mityflow.sdk import StationContext, UsageError
from mityflow_stations._analysis.model import Missing, Module
from mityflow_stations._analysis.reader import SECONDS

MOST_SECONDS = 120.0
_MOST_CRASHES = 10
_ALARM = 14


def read_all(context: StationContext, root: Path, paths: Sequence[str]) -> Iterator[Module]:
    """Each file, in their order. One that cannot be read has a ``fault``, and stops no other.

    Raises UsageError where a library is missing.
    """
    end = time.monotonic() + MOST_SECONDS
    left, crashes = list(paths), 0
    while left and crashes < _MOST_CRASHES and time.monotonic() < end:
        code, found = _run(context, root, left, end - time.monotonic())
        yield from found
        left = left[len(found) :]
        if left:
            crashes += 1
            yield Module(left.pop(0), "", fault=_why(code))
    yield from (Module(path, "", fault="not read: too many files before it took too long") for path in left)


def _run(context: StationContext, root: Path, paths: Sequence[str], seconds: float) -> tuple[int | None, list[Module]]:
    """How the process ended, and what it had read by then."""
    given = b"".join(os.fsencode(path) + b"\0" for path in paths)
    with tempfile.TemporaryDirectory() as folder:
        results = Path(folder) / "results"
        results.touch()
        # With -P nothing is imported from the folder that it is started in.
        argv = [sys.executable, "-P", "-m", "mityflow_stations._analysis.reader", str(root), str(results)]
        done = context.run(argv, stdin=given, timeout=seconds)
        return (None if done.timed_out else done.exit_code), list(_results(results))


def _results(place: Path) -> Iterator[Module]:
    with open(place, "rb") as file:
        while True:
            try:
                found = pickle.load(file)  # noqa: S301 - our own process wrote it, into a folder of ours
            except (EOFError, pickle.UnpicklingError):
                return
            if isinstance(found, Missing):
                raise UsageError(found.message, hint=found.hint)
            yield found


def _why(code: int | None) -> str:
    if code is None or code in (-_ALARM, 128 + _ALARM):
        return f"it took longer than {SECONDS:g} s to read"
    return f"its parser ended with exit code {code}"
