"""The python-fastapi stack: what it makes installs, passes its own checks, and answers."""

from __future__ import annotations

import contextlib
import json
import keyword
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
import tomllib
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from mityflow_stations.commit import Commit
from mityflow_stations.scaffold import Scaffold
from mityflow_stations.validate import Validate
from stationkit import BUILT_IN_STACKS, context, declare_built_ins, execute

from mityflow.stackfile import read_stack
from mityflow.stacks import Stack

STACK = "python-fastapi"


@pytest.fixture(scope="module")
def stack() -> Stack:
    return read_stack(BUILT_IN_STACKS / STACK, "mityflow")


@pytest.fixture(scope="module", autouse=True)
def _built_ins(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        declare_built_ins(monkeypatch, tmp_path_factory.mktemp("installed"))
        monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
        monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
        yield


def _make(workspace: Path, app_name: str, **variables: str) -> Path:
    workspace.mkdir(parents=True, exist_ok=True)
    result = execute(Scaffold(), context(Scaffold(), workspace, app_name, STACK, variables=variables))
    assert result.success, result.message
    return workspace / app_name


# What needs no toolchain


def test_the_ci_file_runs_the_stacks_own_commands(tmp_path: Path) -> None:
    app = _make(tmp_path, "my-app")
    stack = read_stack(BUILT_IN_STACKS / STACK, "mityflow")
    values = stack.template_values("my-app", {})

    steps = yaml.safe_load((app / ".github/workflows/ci.yml").read_text(encoding="utf-8"))["jobs"]["check"]["steps"]
    runs = {step["name"]: step["run"].strip() for step in steps if "run" in step}

    assert runs == {phase.capitalize(): values[f"{phase}_command"] for phase in ("install", "lint", "test")}


def test_every_command_of_the_readme_is_one_of_the_stacks(tmp_path: Path, stack: Stack) -> None:
    readme = (_make(tmp_path, "my-app") / "README.md").read_text(encoding="utf-8")
    values = stack.template_values("my-app", {})
    known = {line for key, text in values.items() if key.endswith("_command") for line in str(text).splitlines()}

    shown = {line for block in re.findall(r"```sh\n(.*?)```", readme, re.DOTALL) for line in block.splitlines()}

    assert {line for line in shown if not line.startswith("docker ")} == known - {""}


def test_names_that_python_or_the_packages_use_are_reserved(stack: Stack) -> None:
    words = {word.lower() for word in (*keyword.kwlist, *keyword.softkwlist) if word != "_"}
    modules = {name.lower() for name in sys.stdlib_module_names if not name.startswith("_")}
    pins = (stack.template / "constraints.txt").read_text(encoding="utf-8")
    packages = {re.sub("[-.]", "_", name).lower() for name in re.findall(r"^([\w.-]+)==", pins, re.MULTILINE)}

    assert (words | modules | packages) - stack.reserved_names == set()


def test_every_dependency_is_pinned_within_its_range(tmp_path: Path) -> None:
    from packaging.requirements import Requirement

    app = _make(tmp_path, "my-app")
    project = tomllib.loads((app / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    pins = dict(re.findall(r"^([\w.-]+)==(\S+)$", (app / "constraints.txt").read_text(encoding="utf-8"), re.MULTILINE))

    for text in [*project["dependencies"], *project["optional-dependencies"]["dev"]]:
        requirement = Requirement(text)
        assert pins[requirement.name] in requirement.specifier


def test_a_description_of_any_characters_stays_what_it_is(tmp_path: Path) -> None:
    description = "Says \"hi\" \\ 'there' {{ x }} 日本 😀 <&>"

    app = _make(tmp_path, "my-app", description=description)

    project = tomllib.loads((app / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["description"] == description
    assert description in (app / "README.md").read_text(encoding="utf-8")


def test_the_image_is_built_in_stages_runs_as_nobody_and_checks_its_health(tmp_path: Path) -> None:
    lines = (_make(tmp_path, "my-app") / "Dockerfile").read_text(encoding="utf-8").splitlines()

    assert len([line for line in lines if line.startswith("FROM ")]) == 2
    assert "USER 10001" in lines
    assert any(line.startswith("HEALTHCHECK ") for line in lines)
    assert lines[-1] == 'CMD ["python", "-m", "my_app"]'


# The real thing


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """An application with an awkward name in an awkward place, validated; and the station's report."""
    workspace = tmp_path_factory.mktemp("work") / "mit Leer und Ümläut"
    app = _make(workspace, "class")
    result = execute(Validate(), context(Validate(), workspace, "class", STACK))
    assert result.success, f"{result.message}\n{result.outputs['validation_report'][-1]['detail']}"
    return app, {check["name"]: check for check in result.outputs["validation_report"]}


@pytest.mark.slow
def test_it_installs_and_passes_its_own_lint_types_and_tests(installed: tuple[Path, dict[str, Any]]) -> None:
    app, report = installed

    assert {check["status"] for check in report.values()} == {"passed"}
    assert report["test"]["tests"] >= 10
    assert (app / ".venv" / "bin" / "python").exists()


@pytest.mark.slow
def test_nothing_that_was_built_is_committed(installed: tuple[Path, dict[str, Any]]) -> None:
    app, _ = installed
    files = execute(Scaffold(), context(Scaffold(), app.parent, app.name, STACK)).outputs["scaffolded_files"]

    result = execute(Commit(), context(Commit(), app.parent, app.name, STACK, outputs={"scaffolded_files": files}))

    assert result.success, result.message
    status = subprocess.run(["git", "status", "--porcelain"], cwd=app, capture_output=True, text=True, check=True)
    assert status.stdout == ""


@pytest.mark.slow
def test_every_module_it_is_installed_with_is_reserved(installed: tuple[Path, dict[str, Any]], stack: Stack) -> None:
    [packages] = (installed[0] / ".venv" / "lib").glob("python*/site-packages")
    modules = {path.name.partition(".")[0].lower() for path in packages.iterdir() if path.suffix != ".pth"}
    modules = {name for name in modules if re.fullmatch("[a-z][a-z0-9_]*", name) and not name.endswith("-info")}

    assert {name for name in modules if not name.startswith("class_app")} - stack.reserved_names == set()


@pytest.mark.slow
@pytest.mark.parametrize("app_name", ["a", "a" * 39, "my--app-", "test", "fastapi", "import"])
def test_it_is_clean_under_any_name(
    tmp_path: Path, installed: tuple[Path, dict[str, Any]], stack: Stack, app_name: str
) -> None:
    app = _make(tmp_path, app_name)
    python = str(installed[0] / ".venv" / "bin" / "python")
    env = {**os.environ, **stack.env, "PYTHONPATH": str(app / "src")}

    for phase in ("lint", "test"):
        for argv in stack.command_lines(phase, app_name):
            done = subprocess.run([python, *argv[1:]], cwd=app, env=env, capture_output=True, text=True, check=False)
            assert done.returncode == 0, f"{shlex.join(argv)}\n{done.stdout}\n{done.stderr}"


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextlib.contextmanager
def _serving(app: Path, stack: Stack, port: int) -> Iterator[str]:
    """The application, started by the stack's own command; its address once it answers."""
    argv, env = stack.launch(app.name, "127.0.0.1", port)
    server = subprocess.Popen(
        argv, cwd=app, env={**os.environ, **stack.env, **env},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip
    try:
        address = f"http://127.0.0.1:{port}"
        assert stack.health
        _wait_for(address + stack.health.path, server)
        yield address
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        output, _ = server.communicate(timeout=10)
    assert server.returncode in (0, -signal.SIGTERM), output.decode()


def _wait_for(url: str, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        assert server.poll() is None, (server.stdout.read() if server.stdout else b"").decode()
        try:
            urllib.request.urlopen(url, timeout=5).close()
        except urllib.error.URLError:
            time.sleep(0.05)
        else:
            return
    pytest.fail(f"{url} did not answer")


@pytest.mark.slow
def test_it_starts_on_a_given_port_and_answers_its_health_check(
    installed: tuple[Path, dict[str, Any]], stack: Stack
) -> None:
    app, _ = installed
    assert stack.health
    with _serving(app, stack, _free_port()) as address:
        with urllib.request.urlopen(address + stack.health.path, timeout=5) as answer:
            assert answer.status == stack.health.status
            assert (stack.health.body or "") in answer.read().decode()
        request = urllib.request.Request(
            address + "/items", data=b'{"name": "apple"}', headers={"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=5) as answer:
            assert json.load(answer) == {"id": 1, "name": "apple", "quantity": 1}
