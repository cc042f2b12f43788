"""Writes the reference pages that follow from the code: ``python docs/generate.py [--check]``.

The parts of each page above its mark are written by hand and kept.
"""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click

import mityflow
import mityflow.sdk
import mityflow.testing
from mityflow.cli.app import mityflow as command_line
from mityflow.registry import StationRegistry
from mityflow.resources import schema_text
from mityflow.rules import rule, rule_ids
from mityflow.station import load_params

FOLDER = Path(__file__).parent / "reference"
MARK = "<!-- generated from here on: python docs/generate.py -->\n"


def schema_page(name: str) -> Iterator[str]:
    """The keys of a file, from its JSON Schema."""
    schema = json.loads(schema_text(name))
    yield from _keys(schema, schema, "## Keys of the file")
    for part, body in schema.get("$defs", {}).items():
        if "properties" in body:
            yield from _keys(schema, body, f"## {part.removesuffix('Model').removesuffix('File')}")


def _keys(schema: dict[str, Any], body: dict[str, Any], title: str) -> Iterator[str]:
    yield title
    yield ""
    if body.get("description") and body is not schema:
        yield body["description"]
        yield ""
    yield "| key | what it takes | default | meaning |"
    yield "|---|---|---|---|"
    for key, value in body["properties"].items():
        default = "required" if key in body.get("required", ()) else _default(value)
        yield f"| `{key}` | {_kind(value)} | {default} | {_cell(value.get('description', ''))} |"
    yield ""


def _default(value: dict[str, Any]) -> str:
    return f"`{_cell(json.dumps(value['default']))}`" if "default" in value else ""


def _kind(value: dict[str, Any]) -> str:
    if "enum" in value:
        return ", ".join(f"`{option}`" for option in value["enum"])
    if "const" in value:
        return f"`{value['const']}`"
    if "if" in value:
        return f"{_kind(value['then'])}, or {_kind(value['else'])}"
    if "$ref" in value:
        part = value["$ref"].rpartition("/")[2].removesuffix("Model").removesuffix("File")
        return f"[{part}](#{part.lower()})"
    kind = value.get("type", "anything")
    if isinstance(kind, list):
        return ", ".join(_kind({"type": each}) for each in kind[:-1]) + f" or {_kind({'type': kind[-1]})}"
    if kind == "array":
        return f"list of {_kind(value['items'])}" if "items" in value else "list"
    if kind == "object":
        inner = value.get("additionalProperties") or next(iter(value.get("patternProperties", {}).values()), None)
        return f"mapping of names to {_kind(inner)}" if isinstance(inner, dict) and inner else "mapping"
    pattern = str(value.get("pattern", ""))
    if pattern.endswith("(ms|s|m|h|d)$"):
        return "duration"
    return {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false"}.get(kind, kind)


def cli_page() -> Iterator[str]:
    """The help of every command."""
    context = click.Context(command_line, info_name="mityflow", terminal_width=90, max_content_width=90)
    for name in command_line.list_commands(context):
        command = command_line.get_command(context, name)
        assert command is not None
        yield from _command(command, name, context)


def _command(command: click.Command, name: str, parent: click.Context) -> Iterator[str]:
    """The help of a command and of those in it."""
    context = click.Context(command, info_name=name, parent=parent, terminal_width=90, max_content_width=90)
    yield f"## {context.command_path}"
    yield ""
    yield "```text"
    yield command.get_help(context)
    yield "```"
    yield ""
    for inner in command.commands.values() if isinstance(command, click.Group) else ():
        yield from _command(inner, str(inner.name), context)


def stations_page() -> Iterator[str]:
    """The built-in stations, from what they declare."""
    registry = StationRegistry.discover()
    for name in registry.names():
        if registry.origin(name).distribution != "mityflow":
            continue
        station = registry.get(name)
        wanted, given = station.input(), station.output()
        yield f"## {name}"
        yield ""
        yield inspect.getdoc(type(station)) or station.description
        yield ""
        facts = {
            "Needs": [*wanted.required, *(" or ".join(group) for group in wanted.one_of)],
            "Reads if there": list(wanted.optional),
            "Gives": list(given.keys),
            "May give": list(given.optional),
            "Artifacts": list(given.artifacts),
        }
        for label, keys in facts.items():
            if keys:
                yield f"- {label}: " + ", ".join(f"`{key}`" for key in keys)
        yield ""
        if station.Params is not None:
            yield from _settings(load_params(station.Params).model_json_schema())


def _settings(schema: dict[str, Any]) -> Iterator[str]:
    yield "| setting | default | meaning |"
    yield "|---|---|---|"
    for key, value in schema.get("properties", {}).items():
        default = "required" if key in schema.get("required", ()) else f"`{_cell(json.dumps(value.get('default')))}`"
        yield f"| `{key}` | {default} | {_cell(value.get('description', ''))} |"
    yield ""


def api_page() -> Iterator[str]:
    """The public names, from their docstrings."""
    for module in (mityflow, mityflow.sdk, mityflow.testing):
        yield f"## {module.__name__}"
        yield ""
        for name in sorted(module.__all__):
            thing = getattr(module, name)
            if module is mityflow.sdk and hasattr(mityflow, name):
                continue
            yield f"### {name}"
            yield ""
            remarks = [part for part in getattr(thing, "__metadata__", ()) if isinstance(part, str)]
            yield (remarks or [inspect.getdoc(thing) or ""])[0]
            yield ""
            if inspect.isclass(thing):
                yield from _members(thing)


def _members(thing: type) -> Iterator[str]:
    found = [
        (name, member)
        for name, member in vars(thing).items()
        if not name.startswith("_") and (callable(member) or isinstance(member, property | classmethod | staticmethod))
    ]
    for name, member in found:
        body = member.fget if isinstance(member, property) else getattr(member, "__func__", member)
        text = inspect.getdoc(body)
        if text and inspect.isfunction(body):
            call = "" if isinstance(member, property) else "()"
            yield f"- `{name}{call}`: " + " ".join(text.split("\n\n")[0].split())
    if found:
        yield ""


def faults_page() -> Iterator[str]:
    """The rules of faults."""
    yield "| rule | what is wrong | what to do |"
    yield "|---|---|---|"
    for rule_id in rule_ids():
        meaning = rule(rule_id)
        yield f"| `{rule_id}` | {_cell(meaning.summary)} | {_cell(meaning.help)} |"


PAGES: dict[str, Callable[[], Iterator[str]]] = {
    "workflow-file.md": lambda: schema_page("workflow"),
    "stack-file.md": lambda: schema_page("stack"),
    "rules-file.md": lambda: schema_page("rules"),
    "policy-file.md": lambda: schema_page("policy"),
    "cli.md": cli_page,
    "faults.md": faults_page,
    "stations.md": stations_page,
    "python-api.md": api_page,
}


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def main(arguments: list[str]) -> int:
    """Write the pages; with ``--check`` only say which are stale, as exit code 1."""
    stale = []
    for name, make in PAGES.items():
        path = FOLDER / name
        by_hand = path.read_text().partition(MARK)[0]
        text = by_hand + MARK + "\n" + "\n".join(make()).rstrip() + "\n"
        if path.read_text() != text:
            stale.append(name)
            if "--check" not in arguments:
                path.write_text(text)
    for name in stale:
        sys.stdout.write(f"{name} {'is stale' if '--check' in arguments else 'written'}\n")
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
