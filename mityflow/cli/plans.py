"""``plan`` and ``lock``."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from mityflow.cli.options import complete_workflow, input_options, json_option, workspace_option
from mityflow.cli.screen import Screen, printable
from mityflow.errors import UsageError
from mityflow.plan import Plan, Step
from mityflow.registry import StationRegistry
from mityflow.workflow import Workflow, format_duration


@click.command()
@click.argument("workflow", shell_complete=complete_workflow)
@input_options
@workspace_option
@click.option("-o", "output", type=click.Path(path_type=Path), metavar="FILE", help="Save the plan for 'run --plan'.")
@json_option("Print the plan as JSON.")
def plan(
    workflow: str,
    inputs: tuple[str, ...],
    inputs_file: Path | None,
    workspace: Path,
    output: Path | None,
    as_json: bool,
) -> int:
    """Show what WORKFLOW would do: the order, what was moved and why, where each input comes from.

    Nothing is run, and nothing but -o FILE is written. Input values may be given; they are checked. A saved plan
    holds the workflow, these values, and what it was checked against: 'mityflow run --plan FILE' runs exactly that.
    """
    from mityflow.catalog import find_workflow
    from mityflow.cli.values import input_values
    from mityflow.prepare import prepare

    path = find_workflow(workflow)
    registry = StationRegistry.discover()
    prepared = prepare(path, registry, shown=workflow if path == Path(workflow) else str(path), workspace=workspace)
    values = input_values(prepared.workflow, inputs, inputs_file, ask=False)
    _check_given(prepared.workflow.inputs, values)
    data = plan_data(prepared.plan, registry, values)
    screen = Screen()
    if output is not None:
        from mityflow.recipe import Source
        from mityflow.saved_plan import save_plan

        defaults = {k: schema["default"] for k, schema in prepared.workflow.inputs.items() if "default" in schema}
        settled = defaults | values
        _refuse_secrets(prepared.workflow, settled)
        save_plan(prepared.plan, Source(path.absolute(), prepared.text), settled, registry, output)
    if as_json:
        screen.line(json.dumps(data, indent=2))
        return 0
    for line in _plan_lines(data, workspace):
        screen.line(line)
    return 0


def _refuse_secrets(workflow: Workflow, values: Mapping[str, Any]) -> None:
    """Secrets are not for files: raises UsageError for an input that holds one."""
    import os

    from mityflow.masking import Masker

    names = [name for each in (workflow, *workflow.called()) for name in each.secrets]
    masker = Masker(os.environ.get(name, "") for name in names)
    held = [name for name, value in values.items() if masker and masker.data(value) != value]
    if held:
        raise UsageError(f"the input '{held[0]}' holds a secret, which cannot be saved", hint="give it to the run")


@click.command()
@click.argument("workflow", shell_complete=complete_workflow)
@workspace_option
@click.option(
    "--check", "only_check", is_flag=True, help="Write nothing; exit with 2 when the lock file does not hold."
)
def lock(workflow: str, workspace: Path, only_check: bool) -> int:
    """Write down the versions and contracts of the plugins that WORKFLOW uses, in WORKFLOW.lock beside it.

    From then on 'run' and 'resume' say what differs, and refuse where a contract is no longer the same.
    """
    from mityflow.catalog import find_workflow
    from mityflow.pins import check_lock, lock_path, write_lock
    from mityflow.prepare import prepare

    path = find_workflow(workflow)
    registry = StationRegistry.discover()
    prepared = prepare(path, registry, shown=workflow if path == Path(workflow) else str(path), workspace=workspace)
    if path != Path(workflow):
        hint = "call it from a workflow of your own, and lock that"
        raise UsageError(f"'{workflow}' is no file of yours to put a lock file beside", hint=hint)
    screen = Screen()
    if not only_check:
        screen.line(f"wrote {write_lock(prepared.workflow, path, registry)}")
        return 0
    if not lock_path(path).exists():
        raise UsageError(f"there is no {lock_path(path)}", hint="'mityflow lock' writes it")
    for warning in check_lock(prepared.workflow, path, registry):
        screen.line(printable(warning))
    screen.line(f"{lock_path(path)} holds")
    return 0


def _check_given(schemas: Any, values: dict[str, Any]) -> None:
    """Check what was given; what is missing is no fault of a plan."""
    from mityflow.inputs import missing_inputs, resolve_inputs

    missing = missing_inputs(schemas, values)
    resolve_inputs({k: v for k, v in schemas.items() if k not in missing}, values)


def plan_data(plan: Plan, registry: StationRegistry, values: dict[str, Any]) -> dict[str, Any]:
    """A plan as data, for people and for programs."""
    workflow = plan.workflow
    return {
        "workflow": workflow.id,
        "name": workflow.name,
        "inputs": {name: _input_data(name, schema, values) for name, schema in workflow.inputs.items()},
        "secrets": list(workflow.secrets),
        "max_parallel": workflow.max_parallel,
        "stations": [_step_data(step, registry, plan) for step in plan.main],
        "finally": [_step_data(step, registry, plan) for step in plan.finally_],
        "moved": [move._asdict() for move in plan.moves],
        "outputs": dict(workflow.outputs),
    }


def _input_data(name: str, schema: Any, values: dict[str, Any]) -> dict[str, Any]:
    if name in values:
        return {"value": values[name], "from": "given"}
    if "default" in schema:
        return {"value": schema["default"], "from": "default"}
    return {"value": None, "from": "must be given"}


def _step_data(step: Step, registry: StationRegistry, plan: Plan) -> dict[str, Any]:
    call = step.call
    data = call.to_data()
    data.pop("sub", None)
    if step.sub is not None:
        data["steps"] = [_step_data(inner, registry, step.sub) for inner in step.sub.main]
        data["finally"] = [_step_data(inner, registry, step.sub) for inner in step.sub.finally_]
    if not plan.in_order and step.id in plan.waits:
        data["waits"] = [earlier.id for earlier in plan.main if earlier.id in plan.waits[step.id]]
    return {
        **data,
        "description": step.sub.workflow.description if step.sub else step.station.description,
        "from": "workflow" if step.sub else " ".join(registry.origin(call.station)),
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
    if data["max_parallel"] > 1:
        lines += [f"up to {data['max_parallel']} steps side by side", ""]
    for number, step in enumerate(data["stations"], 1):
        lines += _step_lines(f"{number}.", step)
    for step in data["finally"]:
        lines += _step_lines("finally:", step)
    lines += [f"moved: '{m['step']}' before '{m['before']}', since {m['why']}" for m in data["moved"]]
    lines += [f"output {key} = {_short(value)}" for key, value in data["outputs"].items()]
    return [printable(line) for line in lines]


def _step_lines(mark: str, step: dict[str, Any]) -> list[str]:
    kind = "workflow" if "workflow" in step else "station"
    named = f" ({kind} {step[kind]})" if step["id"] != step[kind] or kind == "workflow" else ""
    lines = [f"{mark} {step['id']}{named}  {step['description']}".rstrip()]
    lines += [f"     {line}" for line in _call_lines(step)]
    lines += [f"     reads {key} from {source}" for key, source in step["reads"].items()]
    if step["produces"]:
        lines.append(f"     gives {', '.join(step['produces'])}")
    for number, inner in enumerate(step.get("steps", ()), 1):
        lines += ["     " + line for line in _step_lines(f"{number}.", inner)]
    for inner in step.get("finally", ()):
        lines += ["     " + line for line in _step_lines("finally:", inner)]
    return lines


def _call_lines(step: dict[str, Any]) -> Iterator[str]:
    if "foreach" in step:
        yield f"for each of {_short(step['foreach'])}"
    for key, value in step.get("with", {}).items():
        yield f"with {key}: {_short(value)}"
    if "when" in step:
        yield f"when {step['when']}"
    if "timeout" in step:
        yield f"at most {format_duration(step['timeout'])}"
    if "retry" in step:
        attempts, delay, backoff = step["retry"]
        wait = f", {format_duration(delay)} apart" if delay else ""
        yield f"up to {attempts} attempts{wait}" + (f", times {backoff:g}" if backoff != 1 else "")
    if "on_failure" in step:
        yield f"on failure: {step['on_failure']}"
    if "cache" in step:
        depends = [*step["cache"]["paths"], *([step["cache"]["key"]] if step["cache"]["key"] else [])]
        yield f"skipped while unchanged: {_short(', '.join(depends))}"
    if step.get("waits"):
        yield f"after {', '.join(step['waits'])}"


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = " ".join(text.split())
    return text if len(text) <= 90 else text[:87] + "..."
