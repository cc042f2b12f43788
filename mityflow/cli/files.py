"""``plan`` and ``check``."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import click

from mityflow.cli.options import complete_workflow, input_options, json_option, workspace_option
from mityflow.cli.screen import Screen, printable
from mityflow.errors import Fault, FaultsError, MityError
from mityflow.plan import Plan, Step
from mityflow.registry import StationRegistry
from mityflow.workflow import format_duration


@click.command()
@click.argument("workflow", shell_complete=complete_workflow)
@input_options
@workspace_option
@json_option("Print the plan as JSON.")
def plan(workflow: str, inputs: tuple[str, ...], inputs_file: Path | None, workspace: Path, as_json: bool) -> int:
    """Show what WORKFLOW would do: the order, what was moved and why, where each input comes from.

    Nothing is run and nothing is written. Input values may be given; they are checked.
    """
    from mityflow.catalog import find_workflow
    from mityflow.cli.values import input_values
    from mityflow.prepare import prepare

    path = find_workflow(workflow)
    registry = StationRegistry.discover()
    prepared = prepare(path, registry, shown=workflow if path == Path(workflow) else str(path))
    values = input_values(prepared.workflow, inputs, inputs_file, ask=False)
    _check_given(prepared.workflow.inputs, values)
    data = _plan_data(prepared.plan, registry, values)
    screen = Screen()
    if as_json:
        screen.line(json.dumps(data, indent=2))
        return 0
    for line in _plan_lines(data, workspace):
        screen.line(line)
    return 0


def _check_given(schemas: Any, values: dict[str, Any]) -> None:
    """Check what was given; what is missing is no fault of a plan."""
    from mityflow.inputs import missing_inputs, resolve_inputs

    missing = missing_inputs(schemas, values)
    resolve_inputs({k: v for k, v in schemas.items() if k not in missing}, values)


def _plan_data(plan: Plan, registry: StationRegistry, values: dict[str, Any]) -> dict[str, Any]:
    workflow = plan.workflow
    return {
        "workflow": workflow.id,
        "name": workflow.name,
        "inputs": {name: _input_data(name, schema, values) for name, schema in workflow.inputs.items()},
        "secrets": list(workflow.secrets),
        "stations": [_step_data(step, registry) for step in plan.main],
        "finally": [_step_data(step, registry) for step in plan.finally_],
        "moved": [move._asdict() for move in plan.moves],
        "outputs": dict(workflow.outputs),
    }


def _input_data(name: str, schema: Any, values: dict[str, Any]) -> dict[str, Any]:
    if name in values:
        return {"value": values[name], "from": "given"}
    if "default" in schema:
        return {"value": schema["default"], "from": "default"}
    return {"value": None, "from": "must be given"}


def _step_data(step: Step, registry: StationRegistry) -> dict[str, Any]:
    call = step.call
    origin = registry.origin(call.station)
    return {
        **call.to_data(),
        "description": step.station.description,
        "from": " ".join(origin),
        "reads": dict(step.sources),
        "produces": [*step.output.all_keys, *(f"artifact {a}" for a in step.output.artifacts)],
    }


def _plan_lines(data: dict[str, Any], workspace: Path) -> list[str]:
    lines = [f"{data['name']} ({data['workflow']}) on {workspace.absolute()}", ""]
    for name, given in data["inputs"].items():
        value = "" if given["from"] == "must be given" else f" = {json.dumps(given['value'])}"
        lines.append(f"input {name}{value}  ({given['from']})")
    lines += [f"secret {name}  (from the environment)" for name in data["secrets"]]
    if data["inputs"] or data["secrets"]:
        lines.append("")
    for number, step in enumerate(data["stations"], 1):
        lines += _step_lines(f"{number}.", step)
    for step in data["finally"]:
        lines += _step_lines("finally:", step)
    lines += [f"moved: '{m['step']}' before '{m['before']}', since {m['why']}" for m in data["moved"]]
    lines += [f"output {key} = {_short(value)}" for key, value in data["outputs"].items()]
    return [printable(line) for line in lines]


def _step_lines(mark: str, step: dict[str, Any]) -> list[str]:
    named = f" (station {step['station']})" if step["id"] != step["station"] else ""
    lines = [f"{mark} {step['id']}{named}  {step['description']}".rstrip()]
    lines += [f"     with {key}: {_short(value)}" for key, value in step.get("with", {}).items()]
    if "when" in step:
        lines.append(f"     when {step['when']}")
    if "timeout" in step:
        lines.append(f"     at most {format_duration(step['timeout'])}")
    if "retry" in step:
        attempts, delay, backoff = step["retry"]
        wait = f", {format_duration(delay)} apart" if delay else ""
        lines.append(f"     up to {attempts} attempts{wait}" + (f", times {backoff:g}" if backoff != 1 else ""))
    if "on_failure" in step:
        lines.append(f"     on failure: {step['on_failure']}")
    lines += [f"     reads {key} from {source}" for key, source in step["reads"].items()]
    if step["produces"]:
        lines.append(f"     gives {', '.join(step['produces'])}")
    return lines


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = " ".join(text.split())
    return text if len(text) <= 90 else text[:87] + "..."


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
    """Find every fault in FILEs: workflows, guardrails files and stack files (stack.yaml).

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
