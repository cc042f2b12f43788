"""The ``smoke-report`` station: how each stack fared, as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from mityflow.sdk import Artifact, Station, StationContext, StationInput, StationOutput, StationResult

_HEADS = ("stack", "result", "install", "build", "tests passed", "ready after", "size", "why")
_RIGHT = frozenset(_HEADS[2:7])
_REPORT = "smoke-report.md"


class SmokeReport(Station):
    """Prints a table of the stacks that ``smoke-stack`` took all the way, and fails when one did not get there.

    A stack whose tools are absent, or whose application cannot be started here, is ``skipped``.
    """

    name: ClassVar[str] = "smoke-report"
    description: ClassVar[str] = "Print how each stack fared as a table"
    Params = "mityflow_stations.params:SmokeReportParams"

    def input(self) -> StationInput:
        """Nothing but its settings."""
        return StationInput()

    def output(self) -> StationOutput:
        """How many stacks went all the way, and the names of those that failed and of those that were skipped."""
        return StationOutput(["stacks_passed", "stacks_failed", "stacks_skipped"], artifacts=["smoke-report"])

    def execute(self, context: StationContext) -> StationResult:
        """Print the table, write it down, and judge."""
        names: Sequence[str] = context.values["stacks"]
        results: Sequence[Mapping[str, Any] | None] = context.values["results"]
        rows = [_row(name, result or {}) for name, result in zip(names, results, strict=True)]
        (context.workspace / _REPORT).write_text(_markdown(rows), encoding="utf-8")
        by_result = {word: [row[0] for row in rows if row[1] == word] for word in ("passed", "failed", "skipped")}
        outputs = {f"stacks_{word}": found for word, found in by_result.items()}
        artifacts = [Artifact("smoke-report", _REPORT, "the table in Markdown")]
        counts = ", ".join(f"{len(found)} {word}" for word, found in by_result.items())
        message = "\n".join([counts, *_aligned([_HEADS, *rows])])
        if by_result["failed"]:
            return StationResult.failure(message, outputs=outputs, artifacts=artifacts)
        return StationResult.success(outputs=outputs, artifacts=artifacts, message=message)


def _row(stack: str, result: Mapping[str, Any]) -> tuple[str, ...]:
    """One stack's line. A step that did not run has no status."""
    report = result.get("build_report") or []
    seconds = {check["name"]: check["seconds"] for check in report if check["status"] == "passed"}
    tests = result.get("tests_total")
    passed = "" if tests is None else str(tests - result["tests_failed"])
    ready, size = result.get("ready_after"), result.get("size_mb")
    word, why = _judged(result)
    return (
        stack,
        word,
        f"{seconds['install']:.1f} s" if "install" in seconds else "",
        f"{seconds['build']:.1f} s" if "build" in seconds else "",
        passed,
        "" if ready is None else f"{ready:.1f} s",
        "" if size is None else f"{size:.0f} MB",
        why,
    )


def _judged(result: Mapping[str, Any]) -> tuple[str, str]:
    """The worst of the steps, and what it said."""
    steps = [result[step] for step in ("scaffold", "build-test", "launch") if step in result]
    for status in ("failed", "skipped"):
        for step in steps:
            if step["status"] == status:
                return status, step["message"].partition("\n")[0]
    if len(steps) == 3 and all(step["status"] == "succeeded" for step in steps):
        return "passed", ""
    return "failed", "it did not get that far"


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADS) - 1)]
    lines = []
    for row in rows:
        cells = [
            cell.rjust(width) if head in _RIGHT else cell.ljust(width)
            for head, cell, width in zip(_HEADS, row, widths, strict=False)
        ]
        lines.append("  ".join([*cells, row[-1]]).rstrip())
    return lines


def _markdown(rows: Sequence[Sequence[str]]) -> str:
    rule = ["---:" if head in _RIGHT else "---" for head in _HEADS]
    escaped = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    return "".join(f"| {' | '.join(row)} |\n" for row in [_HEADS, rule, *escaped])
