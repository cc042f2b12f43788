"""Every stack taken all the way by its real toolchain: created, built, tested, started, opened in a browser.

Each begins with empty caches of packages. A stack whose tool is not installed is skipped, and says which.
"""

from __future__ import annotations

import contextlib
import functools
import http.server
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from conftest import BIN
from stationkit import BUILT_IN_STACKS

from mityflow.context import StackType
from mityflow.stackfile import read_stack
from mityflow.stacks import Stack

STACKS = sorted(StackType)
RESERVED = {
    "python-fastapi": "class", "java-springboot": "int", "java-quarkus": "new", "dotnet-webapi": "namespace",
    "rust-api": "crate", "frontend-react": "react", "frontend-angular": "class", "frontend-vue": "vue",
    "electron-app": "electron",
}  # fmt: skip
PAGES = ["frontend-react", "frontend-angular", "frontend-vue", "electron-app"]
SCREENSHOTS = Path(__file__).parent.parent / "reports" / "screenshots"
OFFLINE_LIMIT = 120
pytestmark = [pytest.mark.slow]


def _of_each(stacks: list[str]) -> list[Any]:
    """Each stack as a parameter; what is about one stack is done by one worker, which makes it once."""
    return [pytest.param(stack, marks=pytest.mark.xdist_group(stack)) for stack in stacks]


class Made(NamedTuple):
    """An application that create-app made with ``verify: full``, and the results of its steps."""

    stack: Stack
    app: Path
    env: Mapping[str, str]
    results: Mapping[str, Mapping[str, Any]]


def _env(caches: Path) -> dict[str, str]:
    """The environment of a person with empty caches."""
    home = Path(pwd.getpwuid(os.getuid()).pw_dir)
    return {
        **os.environ,
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "HOME": str(home),
        "RUSTUP_HOME": os.environ.get("RUSTUP_HOME", str(home / ".rustup")),
        "CARGO_HOME": str(caches / "cargo"),
        "NPM_CONFIG_CACHE": str(caches / "npm"),
        "MAVEN_OPTS": f"-Dmaven.repo.local={caches / 'maven'}",
        "PIP_NO_CACHE_DIR": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        **{f"GIT_{role}_{what}": "test@example.org" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
    }


def _mityflow(
    workspace: Path, env: Mapping[str, str], *arguments: str, before: tuple[str, ...] = ()
) -> tuple[subprocess.CompletedProcess[str], dict[str, Any]]:
    """Run mityflow; how it ended, and the results of the steps by their ids."""
    done = subprocess.run(
        [*before, str(BIN / "mityflow"), *arguments],
        cwd=workspace, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=1200, check=False,
    )  # fmt: skip
    [log] = (workspace / ".mity" / "logs").glob("*.json")
    results = json.loads(log.read_text(encoding="utf-8"))["results"]
    return done, {entry["station"]: entry["result"] for entry in results}


_made: dict[str, Made | str] = {}


@pytest.fixture
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """The application of a stack, made once: a reserved word for a name, spaces and umlauts in its path."""
    name = request.param
    if name not in _made:
        top = tmp_path_factory.mktemp(name, numbered=False)
        workspace = top / "mit Leer und Ümläut"
        workspace.mkdir()
        app_name, env = RESERVED[name], _env(top)
        inputs = ["-i", f"app_name={app_name}", "-i", f"stack={name}", "-i", "verify=full"]
        done, results = _mityflow(workspace, env, "run", "create-app", *inputs)
        absent = results["build-test"]["message"] if results.get("build-test", {}).get("status") == "skipped" else ""
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        stack = read_stack(BUILT_IN_STACKS / name, "mityflow")
        _made[name] = absent or Made(stack, workspace / app_name, env, results)
    found = _made[name]
    if isinstance(found, str):
        pytest.skip(found)
    return found


@pytest.mark.parametrize("made", _of_each(STACKS), indirect=True)
def test_it_is_created_built_tested_started_and_committed(made: Made) -> None:
    statuses = {step: result["status"] for step, result in made.results.items()}
    launched = "skipped" if made.stack.id == "electron-app" and _no_runtime(made) else "succeeded"
    assert statuses == {
        "scaffold": "succeeded", "validate": "succeeded", "build-test": "succeeded",
        "launch": launched, "commit": "succeeded",
    }  # fmt: skip
    built = made.results["build-test"]["outputs"]
    assert built["build_passed"] is True
    assert built["tests_total"] >= 8
    assert built["tests_failed"] == 0
    assert all(check["status"] == "passed" for check in built["build_report"])
    if launched == "succeeded":
        answer = made.results["launch"]["outputs"]
        assert answer["launch_passed"] is True
        assert answer["ready_after"] > 0


def _no_runtime(made: Made) -> bool:
    return made.results["launch"]["message"].startswith(("Electron runtime not available", "Electron cannot open"))


@pytest.mark.parametrize("made", _of_each(STACKS), indirect=True)
def test_nothing_that_was_built_is_committed_or_left_unignored(made: Made) -> None:
    status = subprocess.run(
        ["git", "status", "--porcelain"], cwd=made.app, env=made.env, capture_output=True, text=True, check=True
    )
    assert status.stdout == ""


@pytest.mark.parametrize("made", _of_each([s for s in STACKS if s != "electron-app"]), indirect=True)
def test_a_port_that_is_taken_is_told_by_the_station_and_by_the_application(made: Made, tmp_path: Path) -> None:
    workflow = "version: 1\nid: again\ninputs: {app_name: {}, stack: {}, port: {type: integer}}\n"
    workflow += "stations:\n  - {station: launch, with: {heal: false, port: '{{ inputs.port }}'}}\n"
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        (tmp_path / "again.yaml").write_text(workflow)
        (tmp_path / made.app.name).symlink_to(made.app)
        inputs = ["-i", f"app_name={made.app.name}", "-i", f"stack={made.stack.id}", "-i", f"port={port}"]
        done, results = _mityflow(tmp_path, made.env, "run", "again.yaml", *inputs)
        assert done.returncode == 1
        assert results["launch"]["message"].startswith(f"PortInUse: port {port} is taken by ")
        argv, place = made.stack.launch(made.app.name, "127.0.0.1", port)
        itself = subprocess.run(
            argv, cwd=made.app, env={**made.env, **made.stack.env, **place}, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert itself.returncode not in (0, None), itself.stdout + itself.stderr
        assert itself.stdout + itself.stderr


@pytest.mark.parametrize("app_name", ["a", "a" * 39])
@pytest.mark.parametrize("made", _of_each([s for s in STACKS if s != "python-fastapi"]), indirect=True)
def test_it_is_clean_under_a_name_of_1_and_of_39_characters(made: Made, tmp_path: Path, app_name: str) -> None:
    from mityflow_stations._rendering import render

    app = tmp_path / app_name
    for file in render(made.stack, made.stack.template_values(app_name, {})):
        (app / file.path).parent.mkdir(parents=True, exist_ok=True)
        (app / file.path).write_bytes(file.data)
    if (made.app / "node_modules").is_dir():
        shutil.copytree(made.app / "node_modules", app / "node_modules", symlinks=True, copy_function=os.link)
    env = {**made.env, **made.stack.env, "CARGO_TARGET_DIR": str(made.app / "target")}

    for phase in ("build", "lint", "test"):
        for argv in made.stack.command_lines(phase, app_name):
            done = subprocess.run(
                argv, cwd=app, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, f"{argv}\n{done.stdout}\n{done.stderr}"


def _can_unshare() -> bool:
    unshare = shutil.which("unshare")
    return (
        bool(unshare)
        and subprocess.run([unshare or "", "--net", "true"], capture_output=True, check=False).returncode == 0
    )


@pytest.mark.parametrize("stack", _of_each(STACKS))
def test_without_a_network_it_fails_soon_and_says_why(stack: str, tmp_path: Path) -> None:
    if not _can_unshare():
        pytest.skip("a network can only be taken away by root, on Linux")
    workflow = "version: 1\nid: offline\ninputs: {app_name: {}, stack: {}}\n"
    workflow += "stations:\n  - scaffold\n  - {station: build-test, with: {heal: false}}\n"
    (tmp_path / "offline.yaml").write_text(workflow)

    begun = time.monotonic()
    _, results = _mityflow(
        tmp_path, _env(tmp_path), "run", "offline.yaml", "-i", "app_name=my-app", "-i", f"stack={stack}",
        before=("unshare", "--net"),
    )  # fmt: skip

    result = results["build-test"]
    if result["status"] == "skipped":
        pytest.skip(result["message"])
    assert result["status"] == "failed"
    assert result["message"].startswith("DependencyError: ")
    assert result["outputs"]["error_type"] == "DependencyError"
    assert time.monotonic() - begun < OFFLINE_LIMIT


# Pages, in a real browser


class _QuietFiles(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002 - the signature it overrides
        """Nothing."""


@contextlib.contextmanager
def _served(made: Made) -> Iterator[str]:
    """The built pages: by the stack's own command, or for an application with a window by a plain server."""
    if made.stack.smoke:
        handler = functools.partial(_QuietFiles, directory=made.app / "out" / "renderer")
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            yield f"http://127.0.0.1:{server.server_port}"
            server.shutdown()
        return
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    argv, place = made.stack.launch(made.app.name, "127.0.0.1", port)
    process = subprocess.Popen(
        argv, cwd=made.app, env={**made.env, **made.stack.env, **place}, stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        end = time.monotonic() + 30
        while time.monotonic() < end:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(20)


@pytest.mark.parametrize("made", _of_each(PAGES), indirect=True)
def test_its_page_works_in_a_browser(made: Made) -> None:
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("chromium not found (install it with the system's package manager)")
    from playwright.sync_api import expect, sync_playwright

    complaints: list[str] = []
    with _served(made) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page()
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("response", lambda answer: complaints.append(answer.url) if answer.status >= 400 else None)
        page.goto(address)
        title = made.stack.names(made.app.name)["app_name_title"]
        expect(page.get_by_role("heading", level=1)).to_have_text(title)
        expect(page.get_by_text("Nothing here yet.")).to_be_visible()
        page.get_by_role("button", name="Add", exact=True).click()
        expect(page.get_by_role("alert")).to_have_text("Give it a name.")
        page.get_by_label("Name").fill("apple")
        page.get_by_role("button", name="Add", exact=True).click()
        expect(page.get_by_role("listitem")).to_have_count(1)
        expect(page.get_by_role("alert")).to_have_count(0)
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=SCREENSHOTS / f"{made.stack.id}.png")
        page.get_by_role("button", name="Remove apple").click()
        expect(page.get_by_text("Nothing here yet.")).to_be_visible()
        browser.close()
    assert complaints == []
