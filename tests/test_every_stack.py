"""What holds for every stack that comes with mityflow, without any of its toolchains."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml
from mityflow_stations._rendering import RenderedFile, render
from mityflow_stations.scaffold import Scaffold
from stationkit import BUILT_IN_STACKS, context, declare_built_ins, execute, tree

from mityflow.catalog import Workflows
from mityflow.context import StackType
from mityflow.stackfile import read_stack
from mityflow.stacks import Stack

STACKS = sorted(StackType)
SERVED = [stack for stack in STACKS if stack != StackType.ELECTRON_APP]
NAMES = ["my-app", "a", "a" * 39, "a--b-", "x1-2y", "con", "test", "class", "int", "system", "react", "node-modules"]
_WINDOWS = {"con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in range(10))}


def _stack(name: str) -> Stack:
    return read_stack(BUILT_IN_STACKS / name, "mityflow")


def _rendered(stack: Stack, app_name: str = "my-app", **variables: str) -> dict[str, RenderedFile]:
    return {file.path: file for file in render(stack, stack.template_values(app_name, variables))}


@pytest.fixture(scope="module", params=STACKS)
def stack(request: pytest.FixtureRequest) -> Stack:
    """Each stack in turn."""
    return _stack(request.param)


@pytest.fixture
def _built_ins(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    declare_built_ins(monkeypatch, tmp_path_factory.mktemp("installed"))
    return


def test_there_are_nine_and_the_workflows_offer_them_all() -> None:
    assert sorted(path.parent.name for path in BUILT_IN_STACKS.glob("*/stack.yaml")) == STACKS
    assert sorted(Workflows.get("create-app").inputs["stack"]["enum"]) == STACKS
    assert sorted(Workflows.get("smoke-stacks").inputs["stacks"]["default"]) == STACKS


@pytest.mark.parametrize("app_name", NAMES)
def test_it_renders_under_any_name_with_nothing_left_over(stack: Stack, app_name: str) -> None:
    files = _rendered(stack, app_name)

    literal = stack.copy_without_rendering + stack.literal_braces
    for path, file in files.items():
        text = file.data.decode("utf-8", "replace")
        if not any(Path(path).match(pattern) for pattern in literal):
            assert "{{" not in re.sub(r"=\{\{", "", text) or path.endswith((".tsx", ".jsx")), path
    names = stack.names(app_name)
    assert {names["app_name_kebab"], names["app_name_snake"]}.isdisjoint(_WINDOWS)


@pytest.mark.parametrize("app_name", ["my-app", "a" * 39])
def test_every_file_that_has_a_grammar_parses(stack: Stack, app_name: str) -> None:
    description = "Says \"hi\" \\ 'there' & <b>, 日本 😀"
    parsed = 0
    for path, file in _rendered(stack, app_name, description=description).items():
        suffix, text = Path(path).suffix, file.data.decode("utf-8", "replace")
        if suffix == ".json" and not Path(path).name.startswith("tsconfig"):
            json.loads(text)
        elif suffix == ".toml" or path.endswith("Cargo.lock"):
            tomllib.loads(text)
        elif suffix in (".yaml", ".yml"):
            list(yaml.safe_load_all(text))
        elif suffix in (".xml", ".csproj", ".props", ".slnx", ".svg"):
            ElementTree.fromstring(file.data)
        else:
            continue
        parsed += 1
    assert parsed


def test_what_it_requires_and_parses_is_rendered(stack: Stack) -> None:
    files = _rendered(stack)

    paths = stack.paths([*stack.required_files, *stack.config_files], "my-app")
    assert set(paths) <= files.keys()
    assert {"README.md", ".gitignore", ".editorconfig", ".github/workflows/ci.yml"} <= files.keys()


def test_it_says_all_that_its_stations_need(stack: Stack) -> None:
    assert {"install", "lint", "test", "format"} <= stack.commands.keys()
    assert stack.run
    assert stack.tools
    assert stack.test_report
    assert (stack.health is None) != (stack.smoke is None)
    assert all(tool.get for tool in stack.tools)
    assert stack.env["CI"] == "1"
    assert "description" in stack.variables


def test_every_command_of_the_readme_is_one_of_the_stacks(stack: Stack) -> None:
    readme = _rendered(stack)["README.md"].data.decode()
    values = stack.template_values("my-app", {})
    known = {line for key, text in values.items() if key.endswith("_command") for line in str(text).splitlines()}

    shown = {line for block in re.findall(r"```sh\n(.*?)```", readme, re.DOTALL) for line in block.splitlines()}

    assert {line for line in shown if not line.startswith(("docker ", "npm run dev"))} <= known
    for phase in ("install", "test"):
        assert set(values[f"{phase}_command"].splitlines()) <= shown


def test_the_ci_file_runs_the_stacks_own_commands(stack: Stack) -> None:
    jobs = yaml.safe_load(_rendered(stack)[".github/workflows/ci.yml"].data)["jobs"]
    values = stack.template_values("my-app", {})
    runs = {step.get("name"): step["run"].strip() for job in jobs.values() for step in job["steps"] if "run" in step}

    for phase in ("install", "build", "lint", "test"):
        if phase in stack.commands:
            assert runs[phase.capitalize()] == values[f"{phase}_command"]


@pytest.mark.parametrize("name", SERVED)
def test_its_image_is_built_in_stages_runs_as_nobody_and_checks_its_health(name: str) -> None:
    files = _rendered(_stack(name))
    lines = files["Dockerfile"].data.decode().splitlines()

    stages = [line.split()[1] for line in lines if line.startswith("FROM ")]
    assert len(stages) >= 2
    assert all(":" in image and not image.endswith(":latest") for image in stages)
    assert re.fullmatch(r"USER \d+(:\d+)?", [line for line in lines if line.startswith("USER ")][-1])
    assert any(line.startswith("HEALTHCHECK ") for line in lines)
    assert ".dockerignore" in files


def test_lock_files_name_no_place_of_this_machine(stack: Stack) -> None:
    for path, file in _rendered(stack).items():
        if path.endswith(("package-lock.json", "Cargo.lock", "packages.lock.json", "constraints.txt")):
            hosts = set(re.findall(r"https?://([^/\"]+)", file.data.decode()))
            assert hosts <= {"github.com", "opencollective.com", "patreon.com", "www.patreon.com", "paypal.me"} | {
                host for host in hosts if _is_sponsor(file.data.decode(), host)
            }, path


def _is_sponsor(text: str, host: str) -> bool:
    """Whether a lock file names the host only as an address where a package asks for money."""
    return all(f'"url": "https://{host}' in line for line in text.splitlines() if f"://{host}" in line)


@pytest.mark.usefixtures("_built_ins")
def test_a_folder_that_is_there_is_left_as_it_is(stack: Stack, tmp_path: Path) -> None:
    (tmp_path / "my-app").mkdir()
    (tmp_path / "my-app" / "README.md").write_text("mine")

    result = execute(Scaffold(), context(Scaffold(), tmp_path, "my-app", stack.id))

    assert result.status == "failed"
    assert "README.md was not written by scaffold" in result.message
    assert tree(tmp_path / "my-app") == {"README.md": b"mine"}


@pytest.mark.usefixtures("_built_ins")
def test_scaffolding_twice_changes_nothing(stack: Stack, tmp_path: Path) -> None:
    workspace = tmp_path / "mit Leer und Ümläut"
    workspace.mkdir()
    first = execute(Scaffold(), context(Scaffold(), workspace, "my-app", stack.id))
    made = tree(workspace / "my-app")

    second = execute(Scaffold(), context(Scaffold(), workspace, "my-app", stack.id))

    assert first.success
    assert second.success
    assert second.message.startswith("wrote 0 files")
    assert tree(workspace / "my-app") == made
