"""Reading ``stack.yaml``: every fault at once, each with its place."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from mityflow.errors import Fault, FaultsError, Problem, UsageError
from mityflow.source import Source, parse
from mityflow.stacks import STACK_FILE, Detect, Health, Port, RunnerReport, Smoke, Stack, Tool, fill, name_forms

Where = tuple[str | int, ...]
_PHASES = ("install", "build", "lint", "test", "format")
_TEMPLATE_NAMES = ("stack", "python", "host", "port", "health_path", "run_command", *(f"{p}_command" for p in _PHASES))


def read_stack(folder: Path, origin: str, *, known_good: bool = False) -> Stack:
    """The stack in ``folder``. ``known_good`` leaves out the check of a file that was checked before.

    Raises FaultsError with all that is wrong with the file, or because something is not there.
    """
    path = folder / STACK_FILE
    if folder.is_symlink():
        raise FaultsError([_fault(folder, "is a link; a stack is a folder of its own")])
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        missing = f"has no {STACK_FILE}, so nothing says how to build and test it"
        raise FaultsError([_fault(folder, missing)]) from None
    except OSError as error:
        raise FaultsError([_fault(path, f"cannot be read: {error.strerror}")]) from error
    source = parse(data, str(path))
    faults = source.faults if known_good else _file_faults(source, folder.name)
    faults = faults or _template_faults(folder)
    if faults or source.root is None:
        raise FaultsError(faults)
    return _build(source.root.data(), folder, origin)


def check_stack(data: bytes, path: Path) -> list[Fault]:
    """Every fault of a stack's file, which holds these bytes, and of the folder it lies in."""
    folder = Path(os.path.abspath(path)).parent
    faults = [*_file_faults(parse(data, str(path)), folder.name), *_template_faults(folder, path.parent)]
    if path.name != STACK_FILE:
        faults.append(_fault(path, f"is not found under this name; a stack's file is called {STACK_FILE}"))
    return list(FaultsError(faults).faults)


def _fault(path: Path, message: str) -> Fault:
    return Fault("stack-folder", message, str(path))


def _template_faults(folder: Path, shown: Path | None = None) -> list[Fault]:
    template = folder / "template"
    if template.is_symlink():
        message = "is a link; a stack's files are in a folder of its own"
    elif not template.is_dir():
        message = "is missing; a stack's files are in it"
    else:
        return []
    return [_fault((shown or folder) / "template", message)]


def _file_faults(source: Source, folder_name: str) -> list[Fault]:
    """What is wrong with the text: once for each place, what is checked last leaves out what was wrong before."""
    from mityflow.filecheck import file_problems, placed

    if source.root is None:
        return list(source.faults)
    problems = file_problems(source.root, "stack")
    data = source.root.data()
    if isinstance(data, dict):
        right = _without(data, {p.where for p in problems if p.rule != "missing-key"})
        problems += _meaning_problems(right, folder_name)
    places = {(f.line, f.column) for f in source.faults}
    found = [placed(problem, source) for problem in problems]
    return [*source.faults, *(f for f in found if (f.line, f.column) not in places)]


def _without(value: Any, wrong: Collection[Where], where: Where = ()) -> Any:
    """The data without what is wrong; in a list an empty place stays, so that indices keep."""
    if isinstance(value, dict):
        return {k: _without(v, wrong, (*where, k)) for k, v in value.items() if (*where, k) not in wrong}
    if isinstance(value, list):
        return [None if (*where, i) in wrong else _without(v, wrong, (*where, i)) for i, v in enumerate(value)]
    return value


def _meaning_problems(data: Mapping[str, Any], folder_name: str) -> Iterator[Problem]:
    """What no schema can say."""
    if data.get("id", folder_name) != folder_name:
        yield Problem("stack-id", f"the id must be the folder's name, '{folder_name}'", ("id",))
    yield from _limit_problems(data.get("time_limits", {}))
    yield from _report_problems(data.get("test_report") or {})
    if "health" in data and "smoke" in data:
        yield Problem("smoke", "an application is shown to work by 'health' or by 'smoke', not by both", ("smoke",))
    yield from _variable_problems(data.get("variables", {}))
    yield from _placeholder_problems(data)


def _limit_problems(limits: Mapping[str, Any]) -> Iterator[Problem]:
    from mityflow.workflow import parse_duration

    for phase, text in _own_items(limits):
        try:
            parse_duration(text)
        except UsageError as error:
            yield Problem("duration", error.message, ("time_limits", phase))


def _report_problems(report: Mapping[str, Any]) -> Iterator[Problem]:
    form = report.get("format", "junit")
    if form == "libtest" and "files" in report:
        message = "tests are counted from what 'cargo test' prints; leave 'files' out"
        yield Problem("test-report", message, ("test_report", "files"))
    if form != "libtest" and report and "files" not in report:
        yield Problem("test-report", f"a report in the format {form} is a file: add 'files'", ("test_report",))


def _variable_problems(variables: Mapping[str, Mapping[str, Any]]) -> Iterator[Problem]:
    from mityflow.input_schemas import input_problems

    rules = {"input": "variable-schema", "input-default": "variable-default"}
    for name, schema in variables.items():
        where = ("variables", name)
        if name in _TEMPLATE_NAMES or name.startswith("app_name"):
            yield Problem("variable-name", f"'{name}' is a name that every template has", where, key=True)
        for problem in input_problems(name, schema, where):
            yield problem._replace(rule=rules.get(problem.rule, problem.rule))


def _placeholder_problems(data: Mapping[str, Any]) -> Iterator[Problem]:
    """Every ``{{ }}`` outside the template must be a name that is known there."""
    names = set(name_forms("app"))
    command = names | {"python"}
    commands = data.get("commands", {})
    for phase in _PHASES:
        yield from _unknown_names(commands.get(phase), ("commands", phase), command)
    yield from _unknown_names(commands.get("run"), ("commands", "run"), command | {"host", "port"})
    smoke = data.get("smoke") or {}
    yield from _unknown_names(smoke.get("command"), ("smoke", "command"), command)
    yield from _unknown_names(smoke.get("output"), ("smoke", "output"), set())
    for at, tool in enumerate(data.get("tools", [])):
        yield from _unknown_names((tool or {}).get("version_command"), ("tools", at, "version_command"), {"python"})
    for key in ("required_files", "config_files", "env", "health", "test_report"):
        allowed = names if key.endswith("_files") else set()
        yield from _unknown_names(data.get(key), (key,), allowed)
    earlier = set(names)
    for name, schema in data.get("variables", {}).items():
        yield from _unknown_names(schema.get("default"), ("variables", name, "default"), earlier)
        if schema.get("type") == "string":
            earlier.add(name)


def _unknown_names(value: Any, where: Where, names: set[str]) -> Iterator[Problem]:
    if isinstance(value, Mapping):
        for key, part in value.items():
            yield from _unknown_names(part, (*where, key), names)
    elif isinstance(value, list):
        for at, part in enumerate(value):
            yield from _unknown_names(part, (*where, at), names)
    elif isinstance(value, str) and fill(value, dict.fromkeys(names, "")) is None:
        known = ", ".join(sorted(names)) or "none"
        yield Problem("placeholder", f"{value!r} holds more than known names in braces (known here: {known})", where)


def _own_items(mapping: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    return ((key, value) for key, value in mapping.items() if not key.startswith("x-"))


def _build(data: Mapping[str, Any], folder: Path, origin: str) -> Stack:
    commands = data["commands"]
    return Stack(
        id=data["id"],
        name=data["name"],
        description=data["description"],
        tools=tuple(_tool(tool) for tool in data.get("tools", ())),
        commands={phase: tuple(map(tuple, commands[phase])) for phase in _PHASES if phase in commands},
        run=tuple(commands.get("run", ())),
        time_limits=data.get("time_limits", {}),
        env=data.get("env", {}),
        port=_port(data.get("port")),
        health=_health(data.get("health")),
        smoke=_smoke(data.get("smoke")),
        test_report=_test_report(data.get("test_report")),
        required_files=tuple(data.get("required_files", ())),
        config_files=tuple(data.get("config_files", ())),
        variables=data.get("variables", {}),
        reserved_names=frozenset(data.get("reserved_names", "").split()),
        copy_without_rendering=tuple(data.get("copy_without_rendering", ())),
        literal_braces=tuple(data.get("literal_braces", ())),
        folder=folder,
        origin=origin,
        detect=_detect(data.get("detect")),
    )


def _detect(data: Mapping[str, Any] | None) -> Detect | None:
    return Detect(data["ecosystem"], tuple(data["packages"]), tuple(data.get("without", ()))) if data else None


def _tool(data: Mapping[str, Any]) -> Tool:
    command = tuple(data["version_command"])
    return Tool(data["name"], command, data.get("minimum"), data.get("below"), data["get"])


def _port(data: Mapping[str, Any] | None) -> Port | None:
    return Port(data["default"], data.get("env"), data.get("host_env")) if data else None


def _health(data: Mapping[str, Any] | None) -> Health | None:
    return Health(data["path"], data.get("status", 200), data.get("body")) if data else None


def _smoke(data: Mapping[str, Any] | None) -> Smoke | None:
    return Smoke(tuple(data["command"]), data["output"]) if data else None


def _test_report(data: Mapping[str, Any] | None) -> RunnerReport | None:
    if not data:
        return None
    return RunnerReport(data.get("format", "junit"), tuple(data.get("arguments", ())), data.get("files", ""))
