"""``check``."""

from __future__ import annotations

import json
from pathlib import Path

import click

from mityflow.cli.screen import Screen
from mityflow.errors import Fault, FaultsError, MityError
from mityflow.registry import StationRegistry


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE...")
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True, help="How to print."
)
def check(files: tuple[Path, ...], form: str) -> int:
    """Find every fault in workflow FILEs: their text, their stations, their data flow and expressions.

    Exit code 0 when there is none, 2 otherwise. Input values are not needed and nothing is run.
    """
    registry = StationRegistry.discover()
    faults: list[Fault] = []
    for file in files:
        faults += _faults(file, registry)
    screen = Screen()
    if form == "json":
        keys = ("path", "line", "column", "rule", "message", "suggestion")
        screen.line(json.dumps({"faults": [{key: getattr(f, key) for key in keys} for f in faults]}, indent=2))
    else:
        for fault in faults:
            screen.line(str(fault))
        wrong = len({f.path for f in faults})
        count = f"{len(faults)} fault{'s' if len(faults) != 1 else ''} in {wrong} of {len(files)}"
        screen.line(f"{count if faults else f'no fault in {len(files)}'} file{'s' if len(files) != 1 else ''}")
    return 2 if faults else 0


def _faults(file: Path, registry: StationRegistry) -> list[Fault]:
    from mityflow.catalog import find_workflow
    from mityflow.prepare import check_file

    try:
        return check_file(find_workflow(str(file)), registry)
    except FaultsError as error:
        return list(error.faults)
    except MityError as error:
        return [Fault("unreadable", error.message, str(file))]
