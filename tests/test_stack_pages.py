"""The stacks of web pages, as far as they can be looked at without Node.js."""

from __future__ import annotations

import json
import re

import pytest
from mityflow_stations._rendering import render
from stationkit import BUILT_IN_STACKS

from mityflow.stackfile import read_stack

STACKS = ["frontend-react", "frontend-vue"]


def _files(stack_id: str, app_name: str = "my-app") -> dict[str, str]:
    stack = read_stack(BUILT_IN_STACKS / stack_id, "mityflow")
    return {file.path: file.data.decode() for file in render(stack, stack.template_values(app_name, {}))}


@pytest.mark.parametrize("stack_id", STACKS)
def test_the_lock_file_pins_what_the_application_asks_for(stack_id: str) -> None:
    files = _files(stack_id)
    wanted = json.loads(files["package.json"])
    lock = json.loads(files["package-lock.json"])

    top = lock["packages"][""]
    assert (lock["name"], top["name"], wanted["name"]) == ("my-app",) * 3
    for group in ("dependencies", "devDependencies"):
        assert top[group] == wanted[group]
        for name, version in wanted[group].items():
            assert lock["packages"][f"node_modules/{name}"]["version"] == version
    assert "resolved" not in files["package-lock.json"]


@pytest.mark.parametrize("stack_id", STACKS)
def test_every_package_of_the_lock_file_works_with_the_oldest_node_the_stack_takes(stack_id: str) -> None:
    packages = json.loads(_files(stack_id)["package-lock.json"])["packages"].values()

    needs = {engine for package in packages if (engine := package.get("engines", {}).get("node"))}
    assert {engine for engine in needs if not _takes_20_19(engine)} == set()


def _takes_20_19(engine: str) -> bool:
    """Whether one of the alternatives of an ``engines`` entry takes Node.js 20.19."""
    return any(_fits(part.strip()) for part in engine.split("||"))


def _fits(part: str) -> bool:
    found = re.match(r"(\^|>=|>|~)? ?v?(\d+)(?:\.(\d+|x))?", part)
    if found is None:
        return part == "*"
    major, minor = int(found[2]), int(found[3]) if (found[3] or "x") != "x" else 0
    if found[1] in (">=", ">"):
        return (major, minor) <= (20, 19)
    return major == 20 and minor <= 19


@pytest.mark.parametrize("stack_id", STACKS)
def test_packages_of_the_lock_file_are_reserved(stack_id: str) -> None:
    stack = read_stack(BUILT_IN_STACKS / stack_id, "mityflow")
    places = json.loads(_files(stack_id)["package-lock.json"])["packages"]
    names = {place.rpartition("node_modules/")[2] for place in places if place}
    forms = {re.sub("[^a-z0-9]+", "_", name.lower()).strip("_") for name in names if not name.startswith("@")}

    assert forms - stack.reserved_names == set()


@pytest.mark.parametrize("stack_id", STACKS)
def test_the_stacks_commands_are_scripts_of_the_application(stack_id: str) -> None:
    stack = read_stack(BUILT_IN_STACKS / stack_id, "mityflow")
    scripts = json.loads(_files(stack_id)["package.json"])["scripts"]

    for phase in ("build", "lint", "test", "format"):
        for command in stack.commands[phase]:
            assert command[-1] in scripts
