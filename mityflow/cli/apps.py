"""``ps`` and ``stop``: the applications that were left running."""

from __future__ import annotations

import json
import time
from pathlib import Path

import click

from mityflow.apps import App, find_app, running_apps, stop_app
from mityflow.cli.options import complete_app, json_option, workspace_option
from mityflow.cli.screen import Screen, printable, seconds, table
from mityflow.clock import from_iso
from mityflow.errors import UsageError


@click.command()
@workspace_option
@json_option("Print the list as JSON.")
def ps(workspace: Path, as_json: bool) -> int:
    """List the applications that 'launch' left running in a workspace (keep_running: true).

    One that has ended by itself is listed with its exit code until 'mityflow stop' clears it away.
    """
    found = running_apps(workspace.absolute())
    screen = Screen()
    if as_json:
        screen.line(json.dumps([app._asdict() for app in found], indent=2))
        return 0
    if not found:
        screen.line("no applications run here; 'launch' with keep_running: true leaves one running")
    for line in table([_row(app) for app in found]):
        screen.line(line)
    return 0


def _row(app: App) -> list[str]:
    if app.state != "ended":
        since = f"for {seconds(max(0.0, time.time() - from_iso(app.started_at)))}"
        process = f"process {app.pid}" if app.pid else ""
        return [app.name, app.state, printable(app.url), process, since, printable(app.log)]
    how = "it was killed" if app.exit_code is None else f"exit code {app.exit_code}"
    return [app.name, app.state, printable(app.url), how, "", printable(app.log)]


@click.command()
@click.argument("names", metavar="[APP]...", nargs=-1, shell_complete=complete_app)
@click.option("--all", "everything", is_flag=True, help="Stop all of the workspace.")
@workspace_option
def stop(names: tuple[str, ...], everything: bool, workspace: Path) -> int:
    """Stop APP, an application that 'launch' left running, with all its processes.

    APP may be left out where only one runs.
    """
    workspace = workspace.absolute()
    screen = Screen()
    chosen = _chosen(names, everything, workspace)
    for app in chosen:
        stop_app(workspace, app)
        screen.line(f"{app.name} had ended" if app.state == "ended" else f"stopped {app.name}")
    if not chosen:
        screen.line("no applications run here")
    return 0


def _chosen(names: tuple[str, ...], everything: bool, workspace: Path) -> list[App]:
    if names and everything:
        raise UsageError("--all goes with no name")
    if names:
        return [find_app(workspace, name) for name in dict.fromkeys(names)]
    found = running_apps(workspace)
    if not everything and len(found) != 1:
        names_there = ", ".join(app.name for app in found)
        raise UsageError(
            "which application?" if found else "no applications run here",
            hint=f"name one or more of {names_there}, or give --all" if found else None,
        )
    return found
