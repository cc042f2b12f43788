"""Options that several commands share, and what completes them in a shell."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


def workspace_option(command: F) -> F:
    """``--workspace DIR``."""
    return click.option(
        "--workspace",
        "-w",
        type=click.Path(path_type=Path),
        default=Path(),
        show_default="this folder",
        metavar="DIR",
        help="The folder the workflow works on.",
    )(command)


def input_options(command: F) -> F:
    """``-i KEY=VALUE`` and ``--inputs FILE``."""
    command = click.option(
        "--inputs",
        "inputs_file",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Input values as a YAML or JSON mapping.",
    )(command)
    return click.option(
        "-i",
        "--input",
        "inputs",
        multiple=True,
        metavar="KEY=VALUE",
        help="The value of an input; may be given again. Lists and mappings as JSON.",
    )(command)


def json_option(what: str) -> Callable[[F], F]:
    """``--json``."""

    def add(command: F) -> F:
        return click.option("--json", "as_json", is_flag=True, help=what)(command)

    return add


def at_work_options(command: F) -> F:
    """``--answers FILE``, ``--non-interactive``, ``-v`` and ``--json``, for commands that let a run work."""
    for option in (
        json_option("Print every event as a line of JSON."),
        click.option("-v", "--verbose", is_flag=True, help="Show all that the stations print."),
        click.option("--non-interactive", is_flag=True, help="Ask nothing, even on a terminal."),
        click.option(
            "--answers", type=click.Path(path_type=Path), metavar="FILE", help="Answers to questions, by step."
        ),
    ):
        command = option(command)
    return command


def complete_workflow(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[Any]:  # noqa: ARG001
    """Names of workflows, and files."""
    from click.shell_completion import CompletionItem

    from mityflow.catalog import Workflows

    names = [CompletionItem(name) for name in Workflows.names() if name.startswith(incomplete)]
    return [*names, CompletionItem(incomplete, type="file")]


def complete_run(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:  # noqa: ARG001
    """Ids of the runs in the workspace."""
    from mityflow.store import Store

    return [i for i in Store(_workspace(ctx)).run_ids() if i.startswith(incomplete)]


def complete_station(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:  # noqa: ARG001
    """Names of stations."""
    from mityflow.registry import StationRegistry

    return [n for n in StationRegistry.discover().names() if n.startswith(incomplete)]


def complete_plugin(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:  # noqa: ARG001
    """Names of stations, and of the distributions they come from."""
    from mityflow.plugins import entry_points
    from mityflow.registry import GROUP

    entries = entry_points(GROUP)
    owners = {entry.distribution for found in entries.values() for entry in found}
    return sorted(n for n in owners.union(entries) if n.startswith(incomplete))


def complete_app(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:  # noqa: ARG001
    """Names of the applications that run."""
    from mityflow.apps import running_apps

    return [app.name for app in running_apps(_workspace(ctx)) if app.name.startswith(incomplete)]


def complete_stack(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:  # noqa: ARG001
    """Names of stacks."""
    from mityflow.stacks import stack_names

    return [n for n in stack_names(_workspace(ctx)) if n.startswith(incomplete)]


def _workspace(ctx: click.Context) -> Path:
    return Path(ctx.params.get("workspace") or ".").absolute()
