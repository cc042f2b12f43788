"""The stations of installed plugins, and their contracts checked."""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from mityflow.catalog import GROUP as WORKFLOWS
from mityflow.errors import UsageError, nearest
from mityflow.masking import Masker
from mityflow.plugins import EntryPoint, entry_points
from mityflow.process import CommandResult, encoded, run
from mityflow.registry import GROUP as STATIONS
from mityflow.stacks import GROUP as STACKS
from mityflow.testing.suite import GROUP as CONTRACTS
from mityflow.testing.suite import LOADING, Outcome
from mityflow.workflow import format_duration

OWN = "mityflow"
_PROGRAM = """\
import json, sys
with open(sys.argv[1], encoding="utf-8") as file:
    request = json.load(file)
sys.path[:] = request["path"]
from mityflow.testing.child import main
main(request)
"""


class Subject(NamedTuple):
    """A station of a distribution; ``fault`` is what its entry points alone show to be wrong."""

    station: str
    distribution: str
    version: str
    contract: EntryPoint | None
    fault: str = ""


def subjects(name: str | None) -> list[Subject]:
    """The stations of the distribution ``name``, or the station of that name; of every plugin by default.

    Raises UsageError for a name that is neither.
    """
    found = list(_subjects())
    if name is None:
        return [subject for subject in found if not _same(subject.distribution, OWN)]
    chosen = [s for s in found if s.station == name or _same(s.distribution, name)]
    others = {e.distribution for group in (WORKFLOWS, STACKS) for es in entry_points(group).values() for e in es}
    if not chosen and not any(_same(other, name) for other in others):
        known = sorted({s.station for s in found} | {s.distribution for s in found} | others)
        meant = nearest(name, known)
        raise UsageError(
            f"there is no plugin and no station '{name}'" + (f"; did you mean '{meant}'?" if meant else ""),
            hint="'mityflow stations' lists what is installed",
        )
    return chosen


def _subjects() -> Iterator[Subject]:
    stations, contracts = entry_points(STATIONS), entry_points(CONTRACTS)
    for name in sorted({*stations, *contracts}):
        owners = stations.get(name, [])
        several = " and ".join(sorted(e.distribution for e in owners)) if len(owners) > 1 else ""
        declared = {entry.distribution: entry for entry in contracts.get(name, [])}
        for entry in owners:
            fault = f"station '{name}' is provided by {several}; uninstall one of them" if several else ""
            yield Subject(name, entry.distribution, entry.version, declared.pop(entry.distribution, None), fault)
        for entry in declared.values():
            fault = f"there is a contract for station '{name}' ({CONTRACTS}), but no such station ({STATIONS})"
            yield Subject(name, entry.distribution, entry.version, entry, fault)


def examine(subject: Subject, seconds: float) -> Iterator[Outcome]:
    """Make every check of a station's contract, each of which may take so many seconds.

    A check that ends its process, or takes too long, has failed; the others are made in a new one.
    """
    if subject.fault:
        yield Outcome(LOADING, "failed", subject.fault)
        return
    done: list[str] = []
    while True:
        with tempfile.TemporaryDirectory(prefix="mityflow-", ignore_cleanup_errors=True) as folder:
            ended, lines = _in_child(subject, seconds, done, Path(folder))
        begun: str | None = LOADING
        before = len(done)
        for line in lines:
            if "ended" in line:
                return
            begun = line.get("begun")
            if begun is None and line["check"] not in done:
                done.append(line["check"])
                yield Outcome(**line)
        if begun is None and len(done) > before:
            continue
        yield Outcome(begun or LOADING, "failed", ended)
        if begun is None or begun in (LOADING, *done):
            return
        done.append(begun)


def _in_child(subject: Subject, seconds: float, done: list[str], folder: Path) -> tuple[str, list[dict[str, Any]]]:
    """How the process of the checks ended, in case it did so too early, and what it wrote."""
    report, late, temporary = folder / "report", folder / "late", folder / "tmp"
    temporary.mkdir()
    request = folder / "request"
    told = {
        "path": sys.path,
        "station": subject.station,
        "contract": subject.contract,
        "done": done,
        "report": str(report),
        "late": str(late),
        "seconds": seconds,
    }
    request.write_text(json.dumps(told), encoding="utf-8")
    result = run(
        [sys.executable, "-c", _PROGRAM, str(request)],
        cwd=folder,
        env=encoded({**os.environ, "TMPDIR": str(temporary)}),
        masker=Masker([]),
    )
    text = report.read_text("utf-8") if report.exists() else ""
    lines = [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]
    if late.exists() and late.stat().st_size:
        return f"it took longer than {format_duration(seconds)}", lines
    return _end(result), lines


def _end(result: CommandResult) -> str:
    words = result.stderr.strip().rpartition("\n")[2]
    how = f"exit code {result.exit_code}" if result.exit_code >= 0 else f"signal {-result.exit_code}"
    return f"its process ended with {how}" + (f": {words}" if words else "")


def _same(one: str, other: str) -> bool:
    """True for two spellings of a distribution's name."""
    return re.sub(r"[-_.]+", "-", one).lower() == re.sub(r"[-_.]+", "-", other).lower()


def summary(found: Mapping[Subject, list[Outcome]]) -> dict[str, int]:
    """How many checks had which status."""
    statuses = [outcome.status for outcomes in found.values() for outcome in outcomes]
    return {status: statuses.count(status) for status in ("ok", "failed", "skipped", "not checked")}
