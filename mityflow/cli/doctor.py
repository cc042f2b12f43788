"""``doctor``."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from pathlib import Path

import click

from mityflow import __version__
from mityflow.cli.options import complete_stack, json_option, workspace_option
from mityflow.cli.screen import Screen, table
from mityflow.errors import MityError
from mityflow.masking import Masker
from mityflow.process import CommandResult, run
from mityflow.registry import StationRegistry
from mityflow.stacks import Tool, find_stack, stack_names

_GIT = Tool("git", ("git", "--version"), "2.20", None, "install it with the system's package manager")


@click.command()
@click.option("--stack", metavar="NAME", shell_complete=complete_stack, help="Only what this stack needs.")
@workspace_option
@json_option("Print as JSON.")
def doctor(stack: str | None, workspace: Path, as_json: bool) -> int:
    """Check that what is needed is there, in which version, and how to get what is not.

    Exit code 0 when all is there, 1 otherwise.
    """
    import json

    workspace = workspace.absolute()
    rows = [["ok", "mityflow", f"{__version__} on Python {platform.python_version()}"]]
    rows.append(_tool_row("commit", _GIT))
    for name in [stack] if stack else stack_names(workspace):
        rows += _stack_rows(name, workspace)
    if not stack:
        rows += [["broken", f"station {n}", e.message] for n, e in StationRegistry.discover().broken().items()]
    screen = Screen()
    if as_json:
        screen.line(json.dumps([dict(zip(("status", "what", "detail"), r, strict=True)) for r in rows], indent=2))
    else:
        for line in table(rows):
            screen.line(line)
    return 0 if all(row[0] == "ok" for row in rows) else 1


def _stack_rows(name: str, workspace: Path) -> list[list[str]]:
    try:
        tools = find_stack(name, workspace).tools
    except MityError as error:
        return [["broken", f"stack {name}", error.message]]
    return [_tool_row(name, tool) for tool in tools]


def _tool_row(user: str, tool: Tool) -> list[str]:
    status = tool.probe(_run)
    word = "ok" if status.ok else "missing" if not status.found else "wrong"
    return [word, f"{user}: {tool.name}", status.message]


def _run(argv: Sequence[str], *, timeout: float | None) -> CommandResult:
    return run(argv, cwd=Path.cwd(), timeout=timeout, masker=Masker([]))
