"""Running the programs of scanners.

What they print goes to files that are removed, and never to the step's log: it quotes source, and so secrets.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from shutil import which
from typing import Any, NamedTuple

from mityflow.sdk import StationContext
from mityflow_stations.scanners import MISSING, BrokenError, NotCheckedError

TIME_LIMIT = 300.0
_LARGEST = 256 * 1024 * 1024
_TO_FILES = 'out="$1"; err="$2"; shift 2; exec "$@" > "$out" 2> "$err"'


class Ran(NamedTuple):
    """How a program ended, and what it wrote to its standard output and its standard error."""

    exit_code: int
    output: str
    errors: str

    def data(self, tool: str) -> Any:
        """The output as JSON. Raises BrokenError."""
        try:
            return json.loads(self.output)
        except (ValueError, RecursionError) as error:
            raise BrokenError(f"{tool} ended with exit code {self.exit_code} and no answer{self.last_line}") from error

    @property
    def last_line(self) -> str:
        """What it said last, as the end of a sentence."""
        lines = [line.strip() for line in self.errors.splitlines() if line.strip()]
        return f": {lines[-1][:300]}" if lines else ""


def run_tool(
    context: StationContext,
    argv: Sequence[str | os.PathLike[str]],
    root: Path,
    *,
    env: Mapping[str, str] | None = None,
    timeout: float | None = None,
    stdin: bytes | None = None,
) -> Ran:
    """Run a program in ``root``. Raises NotCheckedError when it takes too long, CommandError when it is not there."""
    limit = timeout or time_limit(context)
    name = os.path.basename(argv[0])
    if not which(argv[0]):
        raise NotCheckedError(f"{name} is not installed")
    with tempfile.TemporaryDirectory(prefix="mity-scan-") as folder:
        places = Path(folder, "output"), Path(folder, "errors")
        done = context.run(["sh", "-c", _TO_FILES, "sh", *places, *argv], cwd=root, env=env, timeout=limit, stdin=stdin)
        if done.timed_out:
            raise NotCheckedError(f"{name} took longer than {limit:g} s")
        if any(place.stat().st_size > _LARGEST for place in places):
            raise BrokenError(f"{name} printed more than {_LARGEST} bytes")
        return Ran(done.exit_code, *(place.read_text(encoding="utf-8", errors="replace") for place in places))


def time_limit(context: StationContext) -> float:
    """Seconds that one program may take."""
    from mityflow.sdk import parse_duration

    timeout = context.values.get("timeout")
    return parse_duration(timeout) if isinstance(timeout, str) else TIME_LIMIT


def installed(distribution: str) -> str:
    """The version of a Python package of the extra ``secure``. Raises NotCheckedError."""
    try:
        return version(distribution)
    except PackageNotFoundError as error:
        raise NotCheckedError(MISSING.format(distribution)) from error


def module(name: str) -> list[str]:
    """The command that runs a module of ours; modules of the application's folder are no match for it."""
    return [sys.executable, "-P", "-m", name]
