"""Where a station puts what it writes for people: beside the log of its step, never among an application's files."""

from __future__ import annotations

from pathlib import Path

from mityflow.sdk import StationContext


def report_place(context: StationContext, name: str) -> Path:
    """A file of this step, in a folder that is there: ``.mity/runs/<run>/reports/<step>/<name>``."""
    log = context.workspace / context.log if context.log else None
    run = log.parent.parent if log else context.workspace / ".mity"
    folder = run / "reports" / context.step.replace("/", "_")
    folder.mkdir(parents=True, exist_ok=True)
    return folder / name
