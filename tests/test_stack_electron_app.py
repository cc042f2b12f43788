"""The electron-app stack: its names, its versions, and what shows that it works without a runtime."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from mityflow_stations._rendering import render
from stationkit import BUILT_IN_STACKS

from mityflow.stackfile import read_stack
from mityflow.stacks import Stack

STACK = "electron-app"


@pytest.fixture(scope="module")
def stack() -> Stack:
    return read_stack(BUILT_IN_STACKS / STACK, "mityflow")


def _files(stack: Stack, app_name: str = "my-app", **variables: str) -> dict[str, str]:
    return {file.path: file.data.decode() for file in render(stack, stack.template_values(app_name, variables))}


def _packages(files: dict[str, str]) -> dict[str, dict[str, Any]]:
    """The packages of the lock file by where they lie."""
    packages: dict[str, dict[str, Any]] = json.loads(files["package-lock.json"])["packages"]
    return packages


def test_names_of_packages_and_words_of_the_language_are_reserved(stack: Stack) -> None:
    names = {place.rpartition("node_modules/")[2] for place in _packages(_files(stack)) if place}
    packages = {"_".join(re.findall("[a-z0-9]+", name)) for name in names if re.fullmatch("[a-z][a-z0-9_-]*", name)}
    words = {"await", "class", "constructor", "enum", "export", "import", "prototype", "static", "type", "void"}

    assert {"electron", "electron_vite", "vite"} <= packages
    assert (packages | words) - stack.reserved_names == set()


def test_the_lock_file_is_of_this_package_file(stack: Stack) -> None:
    files = _files(stack, "electron")
    package = json.loads(files["package.json"])
    root = _packages(files)[""]

    assert package["name"] == root["name"] == json.loads(files["package-lock.json"])["name"] == "electron-app"
    for key in ("version", "devDependencies", "engines"):
        assert package[key] == root[key]


def test_the_lock_file_holds_what_every_system_needs(stack: Stack) -> None:
    packages = _packages(_files(stack))
    needed = {
        (place, name)
        for place, package in packages.items()
        for name in {**package.get("dependencies", {}), **package.get("optionalDependencies", {})}
    }

    assert all(_found(packages, place, name) for place, name in needed)
    assert all("integrity" in package for place, package in packages.items() if place)


def _found(packages: dict[str, dict[str, Any]], place: str, name: str) -> bool:
    """Whether a package at this place finds another: beside itself, or further up."""
    while place and f"{place}/node_modules/{name}" not in packages:
        place = place.rpartition("node_modules/")[0].rstrip("/")
    return (f"{place}/" if place else "") + f"node_modules/{name}" in packages


def test_nothing_is_downloaded_when_it_is_installed(stack: Stack) -> None:
    packages = _packages(_files(stack))

    scripts = {place for place, package in packages.items() if package.get("hasInstallScript")}

    assert {place.rpartition("node_modules/")[2] for place in scripts} <= {"fsevents"}
    assert int(packages["node_modules/electron"]["version"].partition(".")[0]) >= 42


def test_the_types_are_those_of_the_node_that_electron_has(stack: Stack) -> None:
    packages = _packages(_files(stack))

    assert [place for place in packages if place.endswith("/@types/node")] == ["node_modules/@types/node"]


def test_the_page_is_kept_from_the_system(stack: Stack) -> None:
    files = _files(stack)

    for setting in ("contextIsolation: true", "sandbox: true", "nodeIntegration: false"):
        assert setting in files["src/main/window.ts"]
    assert "default-src 'none'" in files["src/renderer/index.html"]
    assert "unsafe" not in files["src/renderer/index.html"]
    assert "format: 'cjs', entryFileNames: '[name].cjs'" in files["electron.vite.config.ts"]
    assert "../preload/index.cjs" in files["src/main/index.ts"]


def test_a_description_of_any_characters_stays_what_it_is(stack: Stack) -> None:
    description = "Says \"hi\" \\ 'there' {{ x }} 日本 😀 <&>"

    files = _files(stack, description=description)

    assert json.loads(files["package.json"])["description"] == description
    assert description in files["README.md"]


# The smoke command, with a script in place of the runtime


@pytest.fixture
def app(stack: Stack, tmp_path: Path) -> Path:
    """An application that looks built."""
    if not shutil.which("node"):
        pytest.skip("node not found (get it from https://nodejs.org/)")
    root = tmp_path / "mit Leer und Ümläut"
    for path, text in _files(stack).items():
        place = root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
    main = root / "out" / "main" / "index.js"
    main.parent.mkdir(parents=True)
    main.touch()
    return root


def _smoke(stack: Stack, app: Path, runtime: Path | None = None) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, **stack.env, "DISPLAY": ":0", "ELECTRON_OVERRIDE_DIST_PATH": str(runtime or "")}
    return subprocess.run(
        stack.smoke_command("my-app"), cwd=app, env=env, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def _runtime(folder: Path, script: str) -> Path:
    folder.mkdir()
    (folder / "electron").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "electron").chmod(0o755)
    return folder


def test_without_a_runtime_it_cannot_be_told_and_the_last_line_says_so(stack: Stack, app: Path) -> None:
    done = _smoke(stack, app)

    assert done.returncode == 77
    assert done.stderr.splitlines()[-1].startswith("Electron runtime not available ")


def test_a_window_that_was_shown_is_a_success(stack: Stack, app: Path, tmp_path: Path) -> None:
    assert stack.smoke
    runtime = _runtime(tmp_path / "runtime", f"""[ "$SMOKE_TEST" = 1 ] && echo '{stack.smoke.output} "My App"'""")

    done = _smoke(stack, app, runtime)

    assert done.returncode == 0, done.stderr
    assert stack.smoke.output in done.stdout


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("echo 'smoke: the window shows'; exit 3", "exit code 3"),
        ("exit 77", "exit code 77"),
        ("kill -SEGV $$", "SIGSEGV"),
        ("echo started", "without showing its window"),
    ],
)
def test_anything_else_is_a_failure(stack: Stack, app: Path, tmp_path: Path, script: str, reason: str) -> None:
    done = _smoke(stack, app, _runtime(tmp_path / "runtime", script))

    assert done.returncode == 1
    assert reason in done.stderr.splitlines()[-1]
