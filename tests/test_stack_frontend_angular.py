"""The frontend-angular stack: its names, its versions, and the settings its page reads."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from mityflow_stations._rendering import render
from stationkit import BUILT_IN_STACKS

from mityflow.stackfile import read_stack
from mityflow.stacks import Stack

STACK = "frontend-angular"


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

    assert len(packages) > 300
    assert (packages | words) - stack.reserved_names == set()


def test_the_lock_file_is_of_this_package_file(stack: Stack) -> None:
    files = _files(stack, "vite")
    package = json.loads(files["package.json"])
    root = _packages(files)[""]

    assert package["name"] == root["name"] == json.loads(files["package-lock.json"])["name"] == "vite-app"
    for key in ("version", "dependencies", "devDependencies", "engines"):
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


def test_versions_that_must_be_one_are_one(stack: Stack) -> None:
    files = _files(stack)
    package = json.loads(files["package.json"])
    packages = _packages(files)

    assert package["devDependencies"]["vite"] == packages["node_modules/@angular/build"]["dependencies"]["vite"]
    assert [place for place in packages if place.endswith("node_modules/vite")] == ["node_modules/vite"]
    framework = {name for name in package["dependencies"] if name.startswith("@angular/")} | {"@angular/compiler-cli"}
    assert len({packages[f"node_modules/{name}"]["version"] for name in framework}) == 1


def test_only_packages_with_an_install_script_are_refused_one(stack: Stack) -> None:
    files = _files(stack)
    scripts = {
        place.rpartition("node_modules/")[2]
        for place, package in _packages(files).items()
        if package.get("hasInstallScript")
    }

    allowed = json.loads(files["package.json"])["allowScripts"]

    assert set(allowed) == scripts - {"fsevents"}
    assert not any(allowed.values())


@pytest.mark.parametrize("app_name", ["my-app", "a" * 39, "class"])
def test_what_is_built_is_what_is_started_and_shipped(stack: Stack, app_name: str) -> None:
    files = _files(stack, app_name)
    [project] = json.loads(files["angular.json"])["projects"]

    argv, env = stack.launch(app_name, "127.0.0.1", 4321)

    pages = f"dist/{project}/browser"
    assert argv[argv.index("--outDir") + 1] == pages
    assert pages in json.loads(files["package.json"])["scripts"]["preview"]
    assert f"COPY --from=build /build/{pages} " in files["Dockerfile"]
    assert argv[0] == "node"
    assert env == {}


def test_the_page_says_its_name_and_that_it_is_well(stack: Stack) -> None:
    files = _files(stack, "class")

    assert json.loads(files["public/config.json"]) == {"title": "Class App"}
    assert json.loads(files["public/health.json"]) == {"status": "ok", "name": "class-app"}
    assert stack.health
    assert (stack.health.body or "") in files["public/health.json"]


def test_a_description_of_any_characters_stays_what_it_is(stack: Stack) -> None:
    description = "Says \"hi\" \\ 'there' {{ x }} 日本 😀 <&>"

    files = _files(stack, description=description)

    assert json.loads(files["package.json"])["description"] == description
    assert description in files["README.md"]
