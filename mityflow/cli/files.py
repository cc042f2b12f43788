"""``check``."""

from __future__ import annotations

import json
import os
from pathlib import Path

import click

from mityflow.cli.screen import Screen
from mityflow.errors import Fault, FaultsError, MityError
from mityflow.registry import StationRegistry


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE...")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "sarif"]),
    default="text",
    show_default=True,
    help="How to print; json and sarif for programs.",
)
def check(files: tuple[Path, ...], form: str) -> int:
    """Find every fault in FILEs: workflows, guardrails files, stack files (stack.yaml) and rules files.

    Of a workflow its text, stations, data flow and expressions are checked. What a file is, its keys tell.
    Exit code 0 when there is no fault, 2 otherwise. Input values are not needed and nothing is run.

    \b
    mityflow check ci.yaml guardrails.yaml templates/site/stack.yaml
    mityflow check workflows/*.yaml --format sarif > mityflow.sarif
    """
    registry = StationRegistry.discover()
    found = [_faults(file, registry) for file in files]
    faults = list(dict.fromkeys(fault for each in found for fault in each))
    screen = Screen()
    if form == "json":
        keys = ("path", "line", "column", "rule", "message", "suggestion")
        screen.line(json.dumps({"faults": [{key: getattr(f, key) for key in keys} for f in faults]}, indent=2))
    elif form == "sarif":
        from mityflow import __version__
        from mityflow.sarif import sarif_log

        screen.line(json.dumps(sarif_log(faults, root=os.getcwd(), version=__version__), indent=2))
    else:
        for fault in faults:
            screen.line(str(fault))
        count = f"{len(faults)} fault{'s' if len(faults) != 1 else ''} in {sum(map(bool, found))} of {len(files)}"
        screen.line(f"{count if faults else f'no fault in {len(files)}'} file{'s' if len(files) != 1 else ''}")
    return 2 if faults else 0


def _faults(file: Path, registry: StationRegistry) -> list[Fault]:
    from mityflow.catalog import find_workflow
    from mityflow.filekind import check_any_file

    try:
        return check_any_file(find_workflow(str(file)), registry)
    except FaultsError as error:
        return list(error.faults)
    except MityError as error:
        return [Fault("unreadable", error.message, str(file))]
