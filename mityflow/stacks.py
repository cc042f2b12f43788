"""Stacks: what kinds of application there are, and how each is made, built, tested and run.

A stack is a folder with ``stack.yaml`` and ``template/``. It is looked for in the workspace's
``templates/`` first, then among what plugins bring, then among what comes with mityflow.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from mityflow.errors import MityError, UsageError, nearest
from mityflow.plugins import EntryPoint, PluginError, entry_points

if TYPE_CHECKING:
    from jsonschema import ValidationError

    from mityflow.process import CommandResult

GROUP = "mityflow.stacks"
OWN_DISTRIBUTION = "mityflow"
STACK_FILE = "stack.yaml"
DEFAULT_TIME_LIMIT = "10m"
LAUNCH_TIME_LIMIT = "1m"
PROBE_TIME_LIMIT = 10.0

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,62}")
_PLACEHOLDER = re.compile(r"\{\{ *([A-Za-z_]\w*) *\}\}")
_OPENING = re.compile(r"\{[{%#]")

Command = tuple[str, ...]


class ToolStatus(NamedTuple):
    """What was found of a tool. ``ok``: there, in a version that works; ``message`` says it for people."""

    found: bool
    version: str
    ok: bool
    message: str


class RunsCommands(Protocol):
    """Something that runs a command, such as a station context's ``run``."""

    def __call__(self, argv: Sequence[str], *, timeout: float | None) -> CommandResult:
        """Run it; raises MityError when it cannot be started."""


class Tool(NamedTuple):
    """A program a stack needs: ``minimum`` is the lowest version that works, ``below`` the first that does not."""

    name: str
    version_command: Command
    minimum: str | None
    below: str | None
    get: str

    @property
    def needs(self) -> str:
        """Which versions work and how to get one, in words."""
        parts = [f"{self.minimum} or newer"] if self.minimum else []
        parts += [f"older than {self.below}"] if self.below else []
        wanted = f"needs {' and '.join(parts)}; " if parts else ""
        return f"{wanted}{self.get}"

    def probe(self, run: RunsCommands) -> ToolStatus:
        """Ask the tool for its version; at most 10 seconds."""
        argv = [fill(part, {"python": python()}) or part for part in self.version_command]
        try:
            result = run(argv, timeout=PROBE_TIME_LIMIT)
        except MityError:
            return ToolStatus(False, "", False, f"{self.name} not found ({self.needs})")
        if not result.ok:
            why = "did not answer in time" if result.timed_out else f"ended with exit code {result.exit_code}"
            return ToolStatus(True, "", False, f"'{' '.join(argv)}' {why} ({self.needs})")
        return self._judge(_version_in(result.stdout) or _version_in(result.stderr))

    def _judge(self, version: str) -> ToolStatus:
        if not version:
            return ToolStatus(True, "", False, f"{self.name} did not tell its version ({self.needs})")
        if self.minimum and _numbers(version) < _numbers(self.minimum):
            return ToolStatus(True, version, False, f"{self.name} {version} is too old ({self.needs})")
        if self.below and _numbers(version) >= _numbers(self.below):
            return ToolStatus(True, version, False, f"{self.name} {version} is too new ({self.needs})")
        return ToolStatus(True, version, True, f"{self.name} {version}")


class Port(NamedTuple):
    """Where the application listens: through these environment variables, else through its arguments."""

    default: int
    env: str | None
    host_env: str | None


class Health(NamedTuple):
    """The request that shows that the application works; ``body`` is a text in the answer."""

    path: str
    status: int
    body: str | None


class Smoke(NamedTuple):
    """A command that shows that an application works which does not listen; ``output`` is what it prints then."""

    command: Command
    output: str


class RunnerReport(NamedTuple):
    """The test runner's own report: what makes it, and where it is then (a glob in the application).

    ``files`` is empty where tests are counted from what the command prints.
    """

    format: str
    arguments: Command
    files: str


class Detect(NamedTuple):
    """What an application is known by: packages that its manifest names, and some that it does not name.

    ``ecosystem`` is ``python``, ``npm``, ``cargo``, ``maven`` or ``nuget``.
    """

    ecosystem: str
    packages: tuple[str, ...]
    without: tuple[str, ...] = ()


class Stack(NamedTuple):
    """One stack, as its ``stack.yaml`` describes it.

    ``time_limits`` are durations such as ``10m``. ``folder`` holds the file and ``template/``; ``origin`` is
    ``workspace``, or a distribution and its version.
    """

    id: str
    name: str
    description: str
    tools: tuple[Tool, ...]
    commands: Mapping[str, tuple[Command, ...]]
    run: Command
    time_limits: Mapping[str, str]
    env: Mapping[str, str]
    port: Port | None
    health: Health | None
    smoke: Smoke | None
    test_report: RunnerReport | None
    required_files: tuple[str, ...]
    config_files: tuple[str, ...]
    variables: Mapping[str, Mapping[str, Any]]
    reserved_names: frozenset[str]
    copy_without_rendering: tuple[str, ...]
    literal_braces: tuple[str, ...]
    folder: Path
    origin: str
    detect: Detect | None = None

    @property
    def template(self) -> Path:
        """The folder an application is rendered from."""
        return self.folder / "template"

    def names(self, app_name: str) -> dict[str, str]:
        """The forms of an application's name that commands and templates use."""
        return name_forms(app_name, self.reserved_names)

    def command_lines(self, phase: str, app_name: str) -> list[list[str]]:
        """The commands of ``install``, ``build``, ``lint``, ``test`` or ``format``, ready to be started."""
        return [self._argv(argv, app_name) for argv in self.commands.get(phase, ())]

    def launch(self, app_name: str, host: str, port: int) -> tuple[list[str], dict[str, str]]:
        """The command that starts the application on this address, and the environment it needs."""
        place = {"host": host, "port": str(port)}
        env = {}
        if self.port and self.port.env:
            env[self.port.env] = str(port)
        if self.port and self.port.host_env:
            env[self.port.host_env] = host
        return self._argv(self.run, app_name, place), env

    def smoke_command(self, app_name: str) -> list[str]:
        """The command that shows that an application works which does not listen."""
        return self._argv(self.smoke.command, app_name) if self.smoke else []

    def paths(self, paths: Iterable[str], app_name: str) -> list[str]:
        """Paths of the stack file, such as ``required_files``, for this application."""
        names = self.names(app_name)
        return [fill(path, names) or path for path in paths]

    def time_limit(self, phase: str) -> float:
        """Seconds the commands of a phase may take together; for ``launch``, until the application answers."""
        from mityflow.workflow import parse_duration

        default = LAUNCH_TIME_LIMIT if phase == "launch" else DEFAULT_TIME_LIMIT
        return parse_duration(self.time_limits.get(phase, default))

    def template_values(self, app_name: str, variables: Mapping[str, Any]) -> dict[str, Any]:
        """What a template can name: the name forms, the variables, and the stack's commands as shell text.

        A variable ``x`` also comes as ``x_json``, quoted and escaped so that JSON, TOML, YAML and most
        languages read it back. One that is text comes as ``x_xml`` too, escaped for XML and HTML, and, for
        names of files, as ``x_folders``, with slashes in place of dots. Raises UsageError
        for a variable that is unknown, wrong or missing.
        """
        import json
        from html import escape

        names = self.names(app_name)
        given = self._variables(variables, names)
        values: dict[str, Any] = {"stack": self.id, **names, **given}
        for name, value in given.items():
            values[f"{name}_json"] = json.dumps(value, ensure_ascii=False)
            if isinstance(value, str):
                values[f"{name}_xml"] = escape(value)
                values[f"{name}_folders"] = value.replace(".", "/")
        for phase in ("install", "build", "lint", "test", "format"):
            values[f"{phase}_command"] = self._shell_text(self.commands.get(phase, ()), names)
        host, port = "127.0.0.1", str(self.port.default if self.port else "")
        values["run_command"] = self._shell_text((self.run,), {**names, "host": host, "port": port})
        values["port"] = port
        values["health_path"] = self.health.path if self.health else ""
        return values

    def _argv(self, argv: Command, app_name: str, more: Mapping[str, str] | None = None) -> list[str]:
        values = {**self.names(app_name), "python": python(), **(more or {})}
        return [fill(part, values) or part for part in argv]

    def _shell_text(self, commands: Iterable[Command], names: Mapping[str, str]) -> str:
        import shlex

        values = {**names, "python": "python3"}
        return "\n".join(shlex.join(fill(part, values) or part for part in argv) for argv in commands)

    def _variables(self, given: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
        wrong = [self._unknown_variable(name) for name in given if name not in self.variables]
        values: dict[str, Any] = {}
        for name, schema in self.variables.items():
            if name in given:
                values[name] = given[name]
                wrong += _variable_faults(name, schema, given[name])
            elif "default" in schema:
                default = schema["default"]
                values[name] = fill(default, {**values, **names}) if isinstance(default, str) else default
            else:
                wrong.append(f"variable '{name}' must be given: {schema.get('description', 'it has no default')}")
        if wrong:
            raise UsageError("; ".join(wrong), hint=f"'mityflow stacks {self.id}' shows the stack's variables")
        return values

    def _unknown_variable(self, name: str) -> str:
        meant = nearest(name, self.variables)
        return f"stack '{self.id}' has no variable '{name}'" + (f"; did you mean '{meant}'?" if meant else "")


def find_stack(name: str, workspace: Path | None = None) -> Stack:
    """The stack of this name, as seen from a workspace.

    Raises UsageError for an unknown name or one that two plugins claim, FaultsError with all that is
    wrong with the stack's file, PluginError for a plugin that lacks its folder.
    """
    from mityflow.stackfile import read_stack

    own = workspace / "templates" / name if workspace and _NAME.fullmatch(name) else None
    if own is not None and (own.is_dir() or own.is_symlink()):
        return read_stack(own, "workspace")
    entry = _entry(name, workspace)
    folder = entry.folder()
    if folder is None:
        raise PluginError(f"stack '{name}' of {entry.distribution}: there is no package '{entry.value}'")
    # The stacks that come with mityflow are checked by its own tests.
    known_good = entry.distribution == OWN_DISTRIBUTION
    return read_stack(folder / name, f"{entry.distribution} {entry.version}".strip(), known_good=known_good)


def stack_names(workspace: Path | None = None) -> list[str]:
    """The names of all stacks, broken ones included."""
    return sorted({*_workspace_names(workspace), *entry_points(GROUP)})


def name_forms(app_name: str, reserved: Iterable[str] = ()) -> dict[str, str]:
    """The spellings of an application's name: as given, kebab, snake, flat, pascal and title.

    A name whose snake form is in ``reserved`` gets ``app`` as a further word in all but the first;
    a flat form that is in it by itself gets ``app`` at its end.

    >>> name_forms("my-app")["app_name_pascal"]
    'MyApp'
    """
    reserved = set(reserved)
    words = re.findall("[a-z0-9]+", app_name.lower()) or ["app"]
    if "_".join(words) in reserved:
        words.append("app")
    flat = "".join(words)
    return {
        "app_name": app_name,
        "app_name_kebab": "-".join(words),
        "app_name_snake": "_".join(words),
        "app_name_flat": flat + "app" if flat in reserved else flat,
        "app_name_pascal": "".join(word.capitalize() for word in words),
        "app_name_title": " ".join(word.capitalize() for word in words),
    }


def fill(text: str, values: Mapping[str, Any]) -> str | None:
    """``text`` with the value of every ``{{ name }}``.

    None where there is more between braces than the name of a text value.
    """
    parts = _PLACEHOLDER.split(text)
    for at in range(1, len(parts), 2):
        value = values.get(parts[at])
        if not isinstance(value, str) or parts[at - 1].endswith("{"):
            return None
        parts[at] = value
    return None if any(map(_OPENING.search, parts[::2])) else "".join(parts)


def python() -> str:
    """The Python that commands get as ``{{ python }}``: the one that is running."""
    return sys.executable or "python3"


def _entry(name: str, workspace: Path | None) -> EntryPoint:
    """The entry point of a stack; a plugin's goes before mityflow's own."""
    entries = entry_points(GROUP).get(name, [])
    others = [entry for entry in entries if entry.distribution != OWN_DISTRIBUTION]
    if len(others) > 1:
        owners = " and ".join(sorted(entry.distribution for entry in others))
        raise UsageError(f"stack '{name}' is provided by {owners}", hint="uninstall one of them")
    if not entries:
        known = stack_names(workspace)
        meant = nearest(name, known)
        raise UsageError(
            f"unknown stack '{name}'" + (f"; did you mean '{meant}'?" if meant else ""),
            hint=f"one of {', '.join(known)}" if known else "no stack is installed",
        )
    return (others or entries)[0]


def _workspace_names(workspace: Path | None) -> list[str]:
    try:
        folders = list((workspace / "templates").iterdir()) if workspace else []
    except OSError:
        return []
    return [f.name for f in folders if _NAME.fullmatch(f.name) and _looks_like_stack(f)]


def _looks_like_stack(folder: Path) -> bool:
    return (folder / STACK_FILE).is_file() or (folder / "template").is_dir()


def _variable_faults(name: str, schema: Mapping[str, Any], value: Any) -> list[str]:
    from mityflow.json_schema import Draft202012Validator

    return [f"variable '{name}': {_worded(error)}" for error in Draft202012Validator(schema).iter_errors(value)]


def _worded(error: ValidationError) -> str:
    """What is wrong with a value; a pattern is hard to read where there are words for it."""
    description = error.schema.get("description") if isinstance(error.schema, Mapping) else None
    if error.validator == "pattern" and description:
        return f"{error.instance!r} is not allowed; it is: {description}"
    return str(error.message)


def _version_in(output: str) -> str:
    """The version in a tool's answer: the first number with a dot in it, else the first number."""
    match = re.search(r"\d+(\.\d+)+", output) or re.search(r"\d+", output)
    return match[0] if match else ""


def _numbers(version: str) -> list[int]:
    """A version to compare by; 3.11 and 3.11.0 are the same."""
    numbers = [int(part) for part in version.split(".")]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return numbers
