"""``stations``, ``workflows``, ``stacks`` and ``schema``."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from mityflow.cli.options import (
    complete_stack,
    complete_station,
    complete_workflow,
    json_option,
    workspace_option,
)
from mityflow.cli.screen import Screen, printable, table
from mityflow.errors import MityError
from mityflow.registry import StationRegistry


@click.command()
@click.argument("name", required=False, shell_complete=complete_station)
@json_option("Print as JSON.")
def stations(name: str | None, as_json: bool) -> int:
    """List the stations that are installed, or describe the station NAME."""
    registry = StationRegistry.discover()
    screen = Screen()
    if name is not None:
        data = _station_data(registry, name)
        _print(screen, data, as_json, _station_lines(data))
        return 0
    rows = [_station_row(registry, n) for n in registry.names()]
    if as_json:
        screen.line(json.dumps([dict(zip(("name", "from", "description"), r, strict=True)) for r in rows], indent=2))
        return 0
    for line in table(rows):
        screen.line(printable(line))
    return 0


def _station_row(registry: StationRegistry, name: str) -> list[str]:
    try:
        station = registry.get(name)
        return [name, " ".join(registry.origin(name)), station.description]
    except MityError as error:
        return [name, "-", f"broken: {error.message}"]


def _station_data(registry: StationRegistry, name: str) -> dict[str, Any]:
    from mityflow.contract import contract_of

    contract = contract_of(registry.get(name))
    return {"name": name, "from": " ".join(registry.origin(name)), **contract}


def _station_lines(data: dict[str, Any]) -> list[str]:
    lines = [f"{data['name']} ({data['from']})  {data['description']}"]
    if data["documentation"]:
        lines += ["", *(line.strip() for line in data["documentation"].splitlines()), ""]
    reads, gives = data["input"], data["output"]
    facts = [
        ("depends on", ", ".join(data["dependencies"])),
        ("needs", ", ".join([*reads["required"], *(" or ".join(g) for g in reads["one_of"])])),
        ("reads", ", ".join(reads["optional"])),
        ("needs artifacts", ", ".join(reads["artifacts"])),
        ("gives", ", ".join(gives["keys"])),
        ("may give", ", ".join(gives["optional"])),
        ("gives artifacts", ", ".join(gives["artifacts"])),
        ("may give artifacts", ", ".join(gives.get("optional_artifacts", ()))),
    ]
    lines += table([[f"{label}:", value] for label, value in facts if value])
    settings = (data["params"] or {}).get("properties", {})
    required = (data["params"] or {}).get("required", [])
    if settings:
        lines.append("settings (with:):")
        rows = []
        for key, schema in settings.items():
            default = "required" if key in required else f"default {json.dumps(schema.get('default'))}"
            rows.append([key, default, schema.get("description", "")])
        lines += table(rows, indent="  ")
    return lines


@click.command()
@click.argument("name", required=False, shell_complete=complete_workflow)
@json_option("Print as JSON.")
def workflows(name: str | None, as_json: bool) -> int:
    """List the workflows that can be run by name, or describe the workflow NAME."""
    from mityflow.catalog import Workflows, find_workflow, named_workflows
    from mityflow.workflow_files import load_workflow

    screen = Screen()
    if name is not None:
        path = find_workflow(name)
        workflow = load_workflow(path)
        data = {"path": str(path), **workflow.to_data()}
        _print(screen, data, as_json, _workflow_lines(data))
        return 0
    rows = []
    for found in named_workflows():
        try:
            description = Workflows.get(found.name).description
        except MityError as error:
            description = f"broken: {error.message.splitlines()[0]}"
        rows.append([found.name, found.origin, description])
    if as_json:
        screen.line(json.dumps([dict(zip(("name", "from", "description"), r, strict=True)) for r in rows], indent=2))
        return 0
    for line in table(rows):
        screen.line(printable(line))
    return 0


def _workflow_lines(data: dict[str, Any]) -> list[str]:
    lines = [f"{data['id']}: {data['name']}", data["description"], f"file: {data['path']}"]
    for name, schema in data["inputs"].items():
        facts = [str(schema.get("type", "any"))]
        if "enum" in schema:
            facts.append("one of " + ", ".join(map(str, schema["enum"])))
        facts.append(f"default {json.dumps(schema['default'])}" if "default" in schema else "required")
        lines.append(f"input {name} ({'; '.join(facts)})  {schema.get('description', '')}".rstrip())
    lines += [f"secret {name}" for name in data["secrets"]]
    lines.append("stations: " + ", ".join(call["id"] for call in data["stations"]))
    if data["finally"]:
        lines.append("finally: " + ", ".join(call["id"] for call in data["finally"]))
    return [line for line in lines if line]


@click.command()
@click.argument("name", required=False, shell_complete=complete_stack)
@workspace_option
@json_option("Print as JSON.")
def stacks(name: str | None, workspace: Path, as_json: bool) -> int:
    """List the stacks an application can be made of, or describe the stack NAME."""
    from mityflow.stacks import find_stack, stack_names

    workspace = workspace.absolute()
    screen = Screen()
    if name is not None:
        stack = find_stack(name, workspace)
        data = _plain(stack)
        _print(screen, data, as_json, _stack_lines(data))
        return 0
    rows = []
    for each in stack_names(workspace):
        try:
            stack = find_stack(each, workspace)
            rows.append([each, stack.origin, stack.description])
        except MityError as error:
            rows.append([each, "-", f"broken: {error.message.splitlines()[0]}"])
    if as_json:
        screen.line(json.dumps([dict(zip(("name", "from", "description"), r, strict=True)) for r in rows], indent=2))
        return 0
    for line in table(rows):
        screen.line(printable(line))
    return 0


def _plain(value: Any) -> Any:
    """Named tuples as mappings, all the way down, for JSON."""
    if hasattr(value, "_asdict"):
        return {k: _plain(v) for k, v in value._asdict().items()}
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple | frozenset):
        return [_plain(v) for v in (sorted(value) if isinstance(value, frozenset) else value)]
    return str(value) if isinstance(value, Path) else value


def _stack_lines(data: dict[str, Any]) -> list[str]:
    lines = [f"{data['id']} ({data['origin']})  {data['name']}", data["description"], f"folder: {data['folder']}"]
    for tool in data["tools"]:
        minimum = f" {tool['minimum']} or newer" if tool["minimum"] else ""
        below = f" older than {tool['below']}" if tool["below"] else ""
        lines.append(f"needs {tool['name']}{minimum}{below}  ({tool['get']})")
    commands = [(phase, command) for phase, each in data["commands"].items() for command in each]
    lines += [f"{phase}: {shlex.join(command)}" for phase, command in [*commands, ("run", data["run"])] if command]
    lines += [
        f"variable {name}{_default(schema)}  {schema.get('description', '')}".rstrip()
        for name, schema in data["variables"].items()
    ]
    lines += [f"env: {name}={value}" for name, value in data["env"].items()]
    if data["port"]:
        given = f", given as {data['port']['env']}" if data["port"]["env"] else ""
        lines.append(f"port: {data['port']['default']}{given}")
    if data["health"]:
        body = f" and has {data['health']['body']}" if data["health"]["body"] else ""
        lines.append(f"health: {data['health']['path']} answers {data['health']['status']}{body}")
    if data["smoke"]:
        lines.append(f"smoke: {shlex.join(data['smoke']['command'])} prints {data['smoke']['output']!r}")
    if data["test_report"]:
        lines.append(
            f"tests: counted from {data['test_report']['files'] or 'what they print'} ({data['test_report']['format']})"
        )
    if data["required_files"]:
        lines.append(f"files: {' '.join(data['required_files'])}")
    return lines


def _default(schema: Mapping[str, Any]) -> str:
    return f" (default {json.dumps(schema['default'])})" if "default" in schema else " (required)"


@click.command()
@click.argument("name", required=False)
def schema(name: str | None) -> int:
    """Print the JSON Schema NAME, or the names of all.

    \b
    mityflow schema workflow > workflow.schema.json
    # yaml-language-server: $schema=workflow.schema.json     (first line of a workflow)
    """
    from mityflow.resources import schema_text, schemas_folder

    screen = Screen()
    if name is None:
        for path in sorted(schemas_folder().glob("*.schema.json")):
            text = json.loads(path.read_text(encoding="utf-8"))
            screen.line(f"{path.name.removesuffix('.schema.json')}  {text.get('description', '')}")
        return 0
    screen.line(schema_text(name).rstrip("\n"))
    return 0


def _print(screen: Screen, data: dict[str, Any], as_json: bool, lines: list[str]) -> None:
    if as_json:
        screen.line(json.dumps(data, indent=2, default=str))
        return
    for line in lines:
        screen.line(printable(line))
