"""Finding stacks, reading stack.yaml, and what a stack answers."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from stationkit import BUILT_IN_STACKS, declare_built_ins, declare_distribution, write_stack

from mityflow.context import StackType
from mityflow.errors import FaultsError, UsageError
from mityflow.models.generate import schema_of, stale
from mityflow.plugins import PluginError
from mityflow.process import CommandError, CommandResult
from mityflow.resources import schema_text
from mityflow.stackfile import read_stack
from mityflow.stacks import Stack, Tool, fill, find_stack, name_forms, stack_names


@pytest.fixture(autouse=True)
def _built_ins(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    declare_built_ins(monkeypatch, tmp_path_factory.mktemp("installed"))


def _plugin(monkeypatch: pytest.MonkeyPatch, folder: Path, distribution: str, stack: str, package: str) -> Path:
    """Install a distribution that brings a stack."""
    place = folder / package / "stacks" / stack
    (place / "template").mkdir(parents=True)
    (place / "stack.yaml").write_text(
        f"version: 1\nid: {stack}\nname: From {distribution}\ndescription: x\ncommands: {{}}\n", encoding="utf-8"
    )
    declare_distribution(monkeypatch, folder, distribution, {"mityflow.stacks": {stack: f"{package}.stacks"}})
    return place


# Finding


def test_a_built_in_stack_is_found(tmp_path: Path) -> None:
    stack = find_stack("python-fastapi", tmp_path)

    assert stack.folder == BUILT_IN_STACKS / "python-fastapi"
    assert stack.origin.startswith("mityflow ")


def test_the_workspace_goes_before_plugins_and_plugins_before_mityflow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugged = _plugin(monkeypatch, tmp_path / "site", "acme-stacks", "python-fastapi", "acme_one")
    workspace = tmp_path / "workspace"
    workspace.mkdir()

    assert find_stack("python-fastapi", workspace).folder == plugged
    assert find_stack("python-fastapi", workspace).origin == "acme-stacks 1.0"

    own = write_stack(workspace, "python-fastapi", {})
    assert find_stack("python-fastapi", workspace).folder == own
    assert find_stack("python-fastapi", workspace).origin == "workspace"


def test_a_stack_that_two_plugins_bring_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _plugin(monkeypatch, tmp_path / "a", "acme-stacks", "service", "acme_two")
    _plugin(monkeypatch, tmp_path / "b", "other-stacks", "service", "other_two")

    with pytest.raises(UsageError, match="acme-stacks and other-stacks"):
        find_stack("service", tmp_path)


def test_a_plugin_without_its_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    declare_distribution(monkeypatch, tmp_path, "hollow", {"mityflow.stacks": {"service": "not_there.stacks"}})

    with pytest.raises(PluginError, match=r"service.*hollow.*not_there"):
        find_stack("service", tmp_path)


def test_an_unknown_stack_names_the_nearest_and_all(tmp_path: Path) -> None:
    write_stack(tmp_path, "my-service", {})

    with pytest.raises(UsageError) as caught:
        find_stack("python-fastap", tmp_path)

    assert "did you mean 'python-fastapi'?" in str(caught.value)
    assert "my-service" in str(caught.value)


@pytest.mark.parametrize("name", ["../secret", "/etc", "..", ".", "", "a/b", "A"])
def test_a_name_that_is_a_path_finds_nothing(tmp_path: Path, name: str) -> None:
    write_stack(tmp_path, "my-service", {})
    (tmp_path / "secret").mkdir()

    with pytest.raises(UsageError, match="unknown stack"):
        find_stack(name, tmp_path)


def test_names_are_those_of_the_workspace_and_of_what_is_installed(tmp_path: Path) -> None:
    write_stack(tmp_path, "my-service", {})
    (tmp_path / "templates" / "half" / "template").mkdir(parents=True)
    (tmp_path / "templates" / "no-stack").mkdir()

    built_in = sorted(StackType)
    assert stack_names(tmp_path) == sorted([*built_in, "half", "my-service"])
    assert stack_names(None) == built_in


def test_a_workspace_template_without_a_stack_file_is_a_fault_and_no_fallback(tmp_path: Path) -> None:
    (tmp_path / "templates" / "python-fastapi" / "template").mkdir(parents=True)

    with pytest.raises(FaultsError, match=r"templates/python-fastapi: has no stack\.yaml"):
        find_stack("python-fastapi", tmp_path)


def test_a_stack_without_a_template_is_a_fault(tmp_path: Path) -> None:
    (write_stack(tmp_path, "bare", {}) / "template").rmdir()

    with pytest.raises(FaultsError, match=r"template: is missing"):
        find_stack("bare", tmp_path)


@pytest.mark.parametrize("linked", ["", "template"])
def test_a_stack_that_is_a_link_is_refused(tmp_path: Path, linked: str) -> None:
    folder = write_stack(tmp_path, "linked", {})
    place = folder / linked
    moved = tmp_path / "elsewhere"
    place.rename(moved)
    place.symlink_to(moved)

    with pytest.raises(FaultsError, match="is a link"):
        find_stack("linked", tmp_path)


# The file


def _faults(tmp_path: Path, text: str) -> list[tuple[int, int, str, str | None]]:
    folder = tmp_path / "broken"
    (folder / "template").mkdir(parents=True)
    (folder / "stack.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(FaultsError) as caught:
        read_stack(folder, "workspace")
    assert all(fault.path.endswith("broken/stack.yaml") for fault in caught.value.faults)
    return [(f.line, f.column, f.rule, f.suggestion) for f in caught.value.faults]


_HEAD = "version: 1\nid: broken\nname: B\ndescription: B\n"


def test_every_fault_of_a_file_is_told_with_its_place(tmp_path: Path) -> None:
    text = """\
version: 2
id: broken
descripton: A typo
tools:
  - name: Python
    version_command: python3 --version
    minimum: 3.10
    get: it
commands:
  tset: [[pytest]]
  lint: [[ruff], []]
  build: [[make, 3]]
health: {path: health, status: 99}
port: {default: "8000"}
required_files: [/etc/passwd, a/../../b, "x\\\\y"]
env: {9: a}
"""
    text = text.replace("env: {9: a}", 'env: {"1A": a}')

    assert _faults(tmp_path, text) == [
        (1, 1, "missing-key", None),
        (1, 10, "const", None),
        (3, 1, "unknown-key", "description"),
        (6, 22, "type", None),
        (7, 14, "type", None),
        (10, 3, "unknown-key", "test"),
        (11, 18, "minItems", None),
        (12, 18, "type", None),
        (13, 16, "pattern", None),
        (13, 32, "minimum", None),
        (14, 17, "type", None),
        (15, 18, "pattern", None),
        (15, 31, "pattern", None),
        (15, 42, "pattern", None),
        (16, 7, "name", None),
    ]


def test_what_no_schema_can_say_is_checked_too(tmp_path: Path) -> None:
    text = """\
version: 1
id: other
name: B
description: B
commands:
  test: [["{{ pyhton }}", "{{ host }}"]]
  run: [serve, "{{ host }}:{{ port }}", "{% if x %}"]
tools:
  - {name: T, version_command: ["{{ app_name }}"], get: it}
time_limits: {test: 0s, x-note: any}
variables:
  app_name: {type: string}
  size: {type: integer, default: large}
  kind: {type: strng}
  title: {type: string, default: "{{ nothing }}"}
  copy: {type: string, default: "{{ title }} {{ size }}"}
required_files: ["src/{{ app_name_snke }}"]
"""

    assert _faults(tmp_path, text) == [
        (2, 5, "stack-id", None),
        (6, 11, "placeholder", None),
        (6, 27, "placeholder", None),
        (7, 41, "placeholder", None),
        (9, 33, "placeholder", None),
        (10, 21, "duration", None),
        (12, 3, "variable-name", None),
        (13, 34, "variable-default", None),
        (14, 16, "variable-schema", "string"),
        (15, 34, "placeholder", None),
        (16, 33, "placeholder", None),
        (17, 18, "placeholder", None),
    ]


def test_a_syntax_error_is_a_fault(tmp_path: Path) -> None:
    [(line, _, rule, _)] = _faults(tmp_path, _HEAD + "commands: {test: [\n")

    assert rule == "syntax"
    assert line >= 5


@pytest.mark.parametrize("text", ["- a\n", "just text\n", "", "a: 1\na: 2\n"])
def test_a_file_that_is_no_stack_at_all_is_a_fault(tmp_path: Path, text: str) -> None:
    assert _faults(tmp_path, text)


def test_keys_that_start_with_x_are_free(tmp_path: Path) -> None:
    extra = "x-team: {a: [1]}\ncommands: {x-note: hello, test: [[run]]}\nport: {default: 1, x-y: 2}\n"
    folder = write_stack(tmp_path, "free", {}, extra)

    assert read_stack(folder, "workspace").commands == {"test": (("run",),)}


def test_every_key_of_the_file_reaches_the_stack(tmp_path: Path) -> None:
    extra = """\
tools: [{name: T, version_command: [t, -v], minimum: "1.2", below: "3", get: it}]
commands: {install: [[i]], build: [[b]], lint: [[l], [m]], test: [[t]], format: [[f]], run: [r]}
time_limits: {test: 1.5m}
env: {A: "1"}
port: {default: 80, env: PORT, host_env: HOST}
health: {path: /h, body: ok}
test_report: {arguments: [--xml], files: "out/*.xml"}
required_files: [a]
config_files: [b.json]
variables: {v: {type: string}}
reserved_names: std other
copy_without_rendering: ["*.vue"]
literal_braces: ["*.yml"]
"""
    stack = read_stack(write_stack(tmp_path, "full", {}, extra), "workspace")

    assert stack.tools == (Tool("T", ("t", "-v"), "1.2", "3", "it"),)
    assert stack.commands["lint"] == (("l",), ("m",))
    assert (stack.run, stack.env) == (("r",), {"A": "1"})
    assert (stack.time_limit("test"), stack.time_limit("lint")) == (90.0, 600.0)
    assert stack.port == (80, "PORT", "HOST")
    assert stack.health == ("/h", 200, "ok")
    assert stack.test_report == ("junit", ("--xml",), "out/*.xml")
    assert (stack.required_files, stack.config_files) == (("a",), ("b.json",))
    assert (stack.copy_without_rendering, stack.literal_braces) == (("*.vue",), ("*.yml",))
    assert stack.names("std")["app_name_snake"] == "std_app"


@pytest.mark.parametrize("folder", sorted(p for p in BUILT_IN_STACKS.iterdir() if p.is_dir()), ids=lambda p: p.name)
def test_the_files_of_built_in_stacks_have_no_faults(folder: Path) -> None:
    assert read_stack(folder, "mityflow") == read_stack(folder, "mityflow", known_good=True)


# The schema


def test_the_schema_says_what_the_model_says() -> None:
    assert stale() == []


def test_the_schema_describes_every_key() -> None:
    schema = json.loads(schema_of("stack"))

    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"] == "mityflow:stack"
    for part in (schema, *schema["$defs"].values()):
        assert part["description"]
        for name, key in part["properties"].items():
            assert key.get("description"), name


def test_a_schema_that_is_not_there_names_the_nearest() -> None:
    assert json.loads(schema_text("stack"))["title"] == "mityflow stack"
    with pytest.raises(UsageError, match="did you mean 'stack'"):
        schema_text("stac")


# Names and placeholders


@pytest.mark.parametrize(
    ("app_name", "kebab", "snake", "pascal", "title"),
    [
        ("a", "a", "a", "A", "A"),
        ("my-app", "my-app", "my_app", "MyApp", "My App"),
        ("my--app-", "my-app", "my_app", "MyApp", "My App"),
        ("a-1b", "a-1b", "a_1b", "A1b", "A 1b"),
        ("class", "class-app", "class_app", "ClassApp", "Class App"),
        ("json-", "json-app", "json_app", "JsonApp", "Json App"),
        ("a" * 39, "a" * 39, "a" * 39, "A" + "a" * 38, "A" + "a" * 38),
    ],
)
def test_name_forms(app_name: str, kebab: str, snake: str, pascal: str, title: str) -> None:
    assert name_forms(app_name, {"class", "json"}) == {
        "app_name": app_name,
        "app_name_kebab": kebab,
        "app_name_snake": snake,
        "app_name_flat": snake.replace("_", ""),
        "app_name_pascal": pascal,
        "app_name_title": title,
    }


def test_a_flat_name_that_is_reserved_gets_app_at_its_end() -> None:
    assert name_forms("in-t", {"int"})["app_name_flat"] == "intapp"
    assert name_forms("int", {"int"})["app_name_flat"] == "intapp"


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("plain", "plain"),
        ("{{ a }}-{{b}}{{  a  }}", "A-BA"),
        ("{ {{ a }} } }}", "{ A } }}"),
        ("{{ unknown }}", None),
        ("{{ number }}", None),
        ("{{{ a }}}", None),
        ("{{ a|upper }}", None),
        ("{{- a }}", None),
        ("{{ a", None),
        ("{% if a %}", None),
        ("{# a #}", None),
    ],
)
def test_fill_takes_nothing_but_known_names(text: str, filled: str | None) -> None:
    assert fill(text, {"a": "A", "b": "B", "number": 3}) == filled


# What a stack answers


def _stack(tmp_path: Path, extra: str) -> Stack:
    return read_stack(write_stack(tmp_path, "given", {}, extra), "workspace")


def test_commands_are_filled_in(tmp_path: Path) -> None:
    stack = _stack(tmp_path, 'commands: {test: [["{{ python }}", -m, "{{ app_name_snake }}", ""], [b]]}\n')

    assert stack.command_lines("test", "my-app") == [[sys.executable, "-m", "my_app", ""], ["b"]]
    assert stack.command_lines("lint", "my-app") == []


def test_launching_names_the_address_by_argument_or_by_environment(tmp_path: Path) -> None:
    stack = _stack(tmp_path, 'commands: {run: [serve, "{{ host }}:{{ port }}"]}\nport: {default: 1, env: PORT}\n')

    assert stack.launch("a", "127.0.0.1", 8123) == (["serve", "127.0.0.1:8123"], {"PORT": "8123"})


def test_variables_have_defaults_that_build_on_names_and_on_each_other(tmp_path: Path) -> None:
    extra = """\
variables:
  group: {type: string, default: com.example}
  package: {type: string, default: "{{ group }}.{{ app_name_snake }}"}
  size: {type: integer, default: 3}
"""
    stack = _stack(tmp_path, extra)

    values = stack.template_values("my-app", {"group": "org.acme"})

    assert (values["package"], values["size"]) == ("org.acme.my_app", 3)
    assert values["package_json"] == '"org.acme.my_app"'


def test_text_is_escaped_for_xml_and_turned_into_folders(tmp_path: Path) -> None:
    extra = "variables: {group: {type: string}, size: {type: integer, default: 3}}\n"

    values = _stack(tmp_path, extra).template_values("my-app", {"group": 'com.<a & "b">'})

    assert values["group_xml"] == "com.&lt;a &amp; &quot;b&quot;&gt;"
    assert values["group_folders"] == 'com/<a & "b">'
    assert "size_xml" not in values


def test_all_wrong_variables_are_named_at_once(tmp_path: Path) -> None:
    extra = "variables: {size: {type: integer, default: 1}, owner: {type: string, description: Who owns it}}\n"

    with pytest.raises(UsageError) as caught:
        _stack(tmp_path, extra).template_values("a", {"size": "large", "onwer": "me"})

    for part in (
        "'large' is not of type 'integer'",
        "did you mean 'owner'?",
        "variable 'owner' must be given: Who owns",
    ):
        assert part in str(caught.value)


def test_commands_come_to_templates_as_text_for_a_shell(tmp_path: Path) -> None:
    extra = 'commands: {install: [["{{ python }}", "a b"], [make, "{{ app_name }}"]], run: [serve, "{{ port }}"]}\n'

    values = _stack(tmp_path, extra + "port: {default: 80}\n").template_values("my-app", {})

    assert values["install_command"] == "python3 'a b'\nmake my-app"
    assert (values["run_command"], values["port"], values["test_command"]) == ("serve 80", "80", "")


# Tools


class _Answer:
    """Runs nothing, and answers what it was told to."""

    def __init__(self, stdout: str = "", stderr: str = "", exit_code: int = 0, timed_out: bool = False) -> None:
        self.result = CommandResult((), exit_code, stdout, stderr, 0.0, timed_out, False)

    def __call__(self, argv: Sequence[str], *, timeout: float | None) -> CommandResult:
        assert timeout == 10.0
        return self.result


def _probe(run: _Answer, minimum: str | None = "3.9", below: str | None = "5") -> tuple[bool, str, bool, str]:
    return Tool("Tool", ("tool", "--version"), minimum, below, "ask for it").probe(run)


@pytest.mark.parametrize(
    ("output", "version"),
    [
        ("Tool 3.10.2\n", "3.10.2"),
        ("v4.0", "4.0"),
        ('openjdk version "4.9.1" 2023-09-19', "4.9.1"),
        ("tool 4 (built 2024)", "4"),
        ("\x1b[1mTool 3.9\x1b[0m", "3.9"),
        ("3.9.0", "3.9.0"),
    ],
)
def test_a_fitting_version_is_found_in_what_a_tool_says(output: str, version: str) -> None:
    assert _probe(_Answer(output)) == (True, version, True, f"Tool {version}")
    assert _probe(_Answer(stderr=output)) == (True, version, True, f"Tool {version}")


@pytest.mark.parametrize(
    ("answer", "version", "message"),
    [
        (_Answer("3.8.9"), "3.8.9", "Tool 3.8.9 is too old (needs 3.9 or newer and older than 5; ask for it)"),
        (_Answer("5.0"), "5.0", "Tool 5.0 is too new (needs 3.9 or newer and older than 5; ask for it)"),
        (_Answer("hello"), "", "Tool did not tell its version"),
        (_Answer("3.9", exit_code=2), "", "'tool --version' ended with exit code 2"),
        (_Answer(timed_out=True), "", "'tool --version' did not answer in time"),
    ],
)
def test_what_does_not_fit_is_told_with_what_is_needed(answer: _Answer, version: str, message: str) -> None:
    status = _probe(answer)

    assert status[:3] == (True, version, False)
    assert status[3].startswith(message)


def test_a_tool_that_cannot_be_started_is_not_found() -> None:
    def run(argv: Sequence[str], *, timeout: float | None) -> CommandResult:
        raise CommandError("no such program")

    status = Tool("Rust", ("cargo", "--version"), "1.85", None, "get it from rustup.rs").probe(run)

    assert status == (False, "", False, "Rust not found (needs 1.85 or newer; get it from rustup.rs)")


def test_the_running_python_fits_the_python_stack() -> None:
    import subprocess

    def run(argv: Sequence[str], *, timeout: float | None) -> CommandResult:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=timeout, check=True, env=dict(os.environ))
        return CommandResult(tuple(argv), done.returncode, done.stdout, done.stderr, 0.0, False, False)

    [tool] = find_stack("python-fastapi").tools

    assert tool.probe(run).version == ".".join(map(str, sys.version_info[:3]))
