"""Looking for a text that must stand nowhere.

It is done by a process of its own: a regular expression can take for ever, and only a process can be stopped then.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from mityflow.sdk import StationContext
from mityflow_stations.scanners import BrokenError
from mityflow_stations.scanners._tools import run_tool

_PROGRAM = Path(__file__).with_name("_search.py")


def search(
    context: StationContext, root: Path, files: Sequence[str], pattern: str, limit: float
) -> list[tuple[str, int]]:
    """The places where the pattern stands: file and line. Raises NotCheckedError when it takes too long."""
    if not files:
        return []
    order = json.dumps({"pattern": pattern, "files": list(files)}).encode("utf-8", "surrogatepass")
    done = run_tool(context, [sys.executable, "-I", "-S", _PROGRAM], root, timeout=limit, stdin=order)
    if done.exit_code != 0:
        raise BrokenError(f"the search failed{done.last_line}")
    return [(path, line) for path, line in done.data("the search")]
