"""The group of commands, each loaded when it is used, and the one place that catches errors."""

from __future__ import annotations

import errno
import importlib
import os
import sys

import click

from mityflow import __version__
from mityflow.errors import FaultsError, MityError

_COMMANDS = {
    "run": ("runs", "Run a workflow."),
    "resume": ("runs", "Go on with a run that failed, was stopped or waits for an answer."),
    "heal": ("heal", "Run a command in this folder, and mend what makes it fail."),
    "diagnose": ("diagnose", "Say why a command failed, from what it printed."),
    "rerun": ("runs", "Run again what a run ran, with other inputs."),
    "plan": ("plans", "Show what a workflow would do, without doing it."),
    "check": ("files", "Find every fault in workflow, guardrails and stack files."),
    "graph": ("graph", "Draw a workflow or a run: Mermaid, DOT or SVG."),
    "lock": ("plans", "Write down which plugins a workflow was checked against."),
    "runs": ("history", "List the runs of a workspace."),
    "show": ("history", "Show how a run went."),
    "logs": ("history", "Print what a run's stations printed."),
    "ps": ("apps", "List the applications that were left running."),
    "stop": ("apps", "Stop an application that was left running."),
    "new": ("new", "Make a workflow, a plugin, or a station of a plugin."),
    "stations": ("catalog", "List the stations, or describe one."),
    "workflows": ("catalog", "List the workflows with a name, or describe one."),
    "stacks": ("catalog", "List the stacks, or describe one."),
    "schema": ("catalog", "Print a JSON Schema for editors."),
    "plugin": ("plugin", "Check what plugins promise."),
    "doctor": ("doctor", "Check that the tools a stack needs are there."),
    "completion": ("completion", "Print the script that completes mityflow in a shell."),
}
BUG = 70
_CANNOT_PRINT = (errno.EPIPE, errno.ENOSPC, errno.EIO, errno.EBADF)


class Commands(click.Group):
    """Loads the module of a command when it is called for; listing them loads none."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """The names, in the order in which people need them."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """One command."""
        if cmd_name not in _COMMANDS:
            return None
        module = importlib.import_module(f"mityflow.cli.{_COMMANDS[cmd_name][0]}")
        command: click.Command = getattr(module, cmd_name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, with the nearest command for a typo."""
        if args and args[0] not in _COMMANDS and not args[0].startswith("-"):
            from mityflow.errors import nearest

            meant = nearest(args[0], _COMMANDS)
            ctx.fail(f"No such command '{args[0]}'." + (f" Did you mean '{meant}'?" if meant else ""))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """The list in the help, from the table above."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in _COMMANDS.items()])


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 completed, 1 a station failed, 2 the command line or a file is wrong,"
    " 3 waiting for an answer, 4 the workspace is locked, 70 a bug, 130 interrupted, 143 terminated.",
)
@click.version_option(__version__, message="mityflow %(version)s")
def mityflow() -> None:
    """Run workflows written in YAML: checked before they run, recorded while they do, resumed after.

    \b
    mityflow run create-app -i app_name=my-app     create a real application here
    mityflow check workflow.yaml                   find every fault in a file
    mityflow resume                                go on where the latest run stopped
    """


def run() -> int:
    """Run the command line and return the process's exit code."""
    try:
        os.getcwd()
    except FileNotFoundError:
        return _failed("this folder is gone; change to one that is there", 2)
    try:
        answer = mityflow.main(prog_name="mityflow", standalone_mode=False)
        return _closed(answer if isinstance(answer, int) else 0)
    except FaultsError as error:
        placed = any(fault.line for fault in error.faults)
        return _failed(str(error), error.exit_code, mark="" if placed else "error:")
    except MityError as error:
        return _failed(str(error), error.exit_code)
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return _failed("interrupted", 130)
    except OSError as error:
        if error.errno not in _CANNOT_PRINT:
            return _failed(f"{error.filename or 'the system'}: {error.strerror}", 1)
        return _closed(0)
    except Exception as error:  # noqa: BLE001 - whatever is left is a bug, and says so
        from mityflow.cli.report import write_report

        return _failed(write_report(error), BUG)


def _failed(message: str, exit_code: int, mark: str = "error:") -> int:
    """Say what is wrong; a fault with a place begins with it, for editors that look for one."""
    try:
        click.echo(f"{click.style(mark, fg='red', bold=True)} {message}" if mark else message, err=True)
    except OSError:
        return exit_code
    return exit_code


def _closed(exit_code: int) -> int:
    """Flush standard output; one that is closed or full changes no result."""
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return exit_code
