"""``graph``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mityflow.cli.options import complete_workflow, workspace_option
from mityflow.errors import UsageError
from mityflow.plan import Plan
from mityflow.registry import StationRegistry

if TYPE_CHECKING:
    from mityflow.graph import Graph
    from mityflow.log import ExecutionLog

_SUFFIXES = {".mmd": "mermaid", ".mermaid": "mermaid", ".dot": "dot", ".gv": "dot", ".svg": "svg"}


@click.command()
@click.argument("ref", metavar="WORKFLOW|RUN", required=False, shell_complete=complete_workflow)
@click.option("--run", "of_run", is_flag=True, help="Draw a run: an id, a prefix, a workflow's id, or the latest.")
@click.option("--format", "form", type=click.Choice(["mermaid", "dot", "svg"]), help="mermaid by default.")
@click.option("-o", "output", type=click.Path(path_type=Path), metavar="FILE", help="Write to FILE; .svg says which.")
@workspace_option
def graph(ref: str | None, of_run: bool, form: str | None, output: Path | None, workspace: Path) -> int:
    """Draw WORKFLOW: its steps, what each comes after and why. Of a RUN also how each went, in colour.

    \b
    mityflow graph ci.yaml
    mityflow graph ci.yaml -o ci.svg
    mityflow graph --run -o run.svg              the latest run
    """
    from mityflow.graph import graph_of

    registry = StationRegistry.discover()
    workspace = Path(os.path.abspath(workspace))
    log: ExecutionLog | None = None
    if of_run or (ref is not None and _is_run(ref, workspace)):
        plan, log = _of_run(ref, registry, workspace)
    elif ref is None:
        raise click.UsageError("Give a WORKFLOW, or --run for the latest run.")
    else:
        plan = _of_workflow(ref, registry, workspace)
    _write(_drawing(graph_of(plan, log), form or _SUFFIXES.get(output.suffix if output else "", "mermaid")), output)
    return 0


def _is_run(ref: str, workspace: Path) -> bool:
    """True for the id of a run or a prefix of one that is no file."""
    from mityflow.store import Store

    return ref[:8].isdigit() and not Path(ref).exists() and any(i.startswith(ref) for i in Store(workspace).run_ids())


def _of_workflow(ref: str, registry: StationRegistry, workspace: Path) -> Plan:
    from mityflow.catalog import find_workflow
    from mityflow.prepare import prepare

    path = find_workflow(ref)
    return prepare(path, registry, shown=ref if path == Path(ref) else str(path), workspace=workspace).plan


def _of_run(ref: str | None, registry: StationRegistry, workspace: Path) -> tuple[Plan, ExecutionLog]:
    from mityflow.plan import Given, resolve
    from mityflow.recipe import stored_workflow
    from mityflow.store import Store

    store = Store(workspace)
    run_id = store.find(ref)
    workflow = stored_workflow(store.plan(run_id), run_id)
    planned = resolve(workflow, registry, Given.of(workflow))
    absent = [name for name in workflow.station_names() if name not in registry]
    if absent:
        raise UsageError(f"the station '{absent[0]}' of run {run_id} is not installed any more")
    return planned.plan, store.load(run_id)


def _drawing(drawn: Graph, form: str) -> str:
    if form == "svg":
        from mityflow.graph_svg import svg

        return svg(drawn)
    from mityflow import graph_text

    return graph_text.dot(drawn) if form == "dot" else graph_text.mermaid(drawn)


def _write(text: str, output: Path | None) -> None:
    if output is None:
        click.echo(text, nl=False)
        return
    from mityflow.store import write_atomically

    try:
        write_atomically(output, text.encode())
    except OSError as error:
        raise UsageError(f"cannot write {output}: {error.strerror}") from error
