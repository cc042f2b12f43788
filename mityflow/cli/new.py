"""``new workflow``, ``new plugin`` and ``new station``."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from shlex import quote
from typing import Any, TypeVar

import click

from mityflow.cli.screen import Screen
from mityflow.errors import nearest

F = TypeVar("F", bound=Callable[..., Any])


class _Kinds(click.Group):
    """A group that names the nearest kind for a typo."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, with a suggestion."""
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            meant = nearest(args[0], self.commands)
            kinds = ", ".join(self.commands)
            ctx.fail(f"Nothing new is a '{args[0]}'." + (f" Did you mean '{meant}'?" if meant else f" One of {kinds}."))
        return super().resolve_command(ctx, args)


@click.group(cls=_Kinds)
def new() -> None:
    """Make what an author begins with. Nothing is ever overwritten.

    \b
    mityflow new workflow ci
    mityflow new plugin acme-tools
    mityflow new station notify            in the folder of a plugin
    """


def _into(what: str) -> Callable[[F], F]:
    return click.option(
        "--into", type=click.Path(path_type=Path), default=Path(), show_default="this folder", metavar="DIR", help=what
    )


@new.command()
@click.argument("name")
@_into("The folder to write the file into.")
def workflow(name: str, into: Path) -> int:
    """Write NAME.yaml: a small workflow that runs at once, with remarks."""
    from mityflow.new import new_workflow

    files = new_workflow(name, into)
    return _told(files, [f"mityflow {verb} {quote(str(files[0]))}" for verb in ("check", "plan", "run")])


@new.command()
@click.argument("name")
@_into("The folder to make the project's folder in.")
def plugin(name: str, into: Path) -> int:
    """Make the project of a plugin in the folder NAME: a station, its contract, a workflow, tests."""
    from mityflow.new import new_plugin

    files = new_plugin(name, into)
    return _told(
        files, [f"cd {quote(str(into / name))}", "pip install -e '.[dev]'", "pytest", f"mityflow run {name}-check"]
    )


@new.command()
@click.argument("name")
@_into("The folder of the plugin.")
def station(name: str, into: Path) -> int:
    """Add the station NAME to a plugin: the module, its contract, its test, and its entry points."""
    from mityflow.new import new_station

    files = new_station(name, into)
    return _told(files, ["pip install -e .     # the entry points are new", "pytest", f"mityflow stations {name}"])


def _told(files: Sequence[Path], commands: Sequence[str]) -> int:
    screen = Screen()
    for file in files:
        screen.line(f"wrote {os.path.normpath(file)}")
    screen.line("next:")
    for command in commands:
        screen.line(f"  {command}")
    return 0
