"""The rust-api stack, as far as it can be looked at without cargo."""

from __future__ import annotations

import re
import tomllib

import pytest
from mityflow_stations._rendering import render
from stationkit import BUILT_IN_STACKS

from mityflow.stackfile import read_stack

_KEYWORDS = (
    "as async await break const continue crate dyn else enum extern false fn for if impl in let loop match mod move"
    " mut pub ref return self static struct super trait true type unsafe use where while abstract become box do final"
    " gen macro override priv try typeof unsized virtual yield"
)


def _files(app_name: str = "my-app") -> dict[str, str]:
    stack = read_stack(BUILT_IN_STACKS / "rust-api", "mityflow")
    return {file.path: file.data.decode() for file in render(stack, stack.template_values(app_name, {}))}


def test_words_of_rust_and_packages_of_the_lock_file_are_reserved() -> None:
    stack = read_stack(BUILT_IN_STACKS / "rust-api", "mityflow")
    lock = tomllib.loads(_files()["Cargo.lock"])
    packages = {package["name"].replace("-", "_") for package in lock["package"] if package["name"] != "my-app"}

    assert {*_KEYWORDS.split(), *packages} - stack.reserved_names == set()


def test_the_lock_file_holds_the_application_and_what_it_depends_on() -> None:
    files = _files("zebra")
    project = tomllib.loads(files["Cargo.toml"])
    lock = {package["name"]: package for package in tomllib.loads(files["Cargo.lock"])["package"]}

    assert project["package"]["name"] == "zebra"
    assert set(lock["zebra"]["dependencies"]) == {*project["dependencies"], *project["dev-dependencies"]}


def test_the_crate_is_named_the_same_wherever_it_is_used() -> None:
    files = _files("crate")

    used = set(re.findall(r"^use (crate\w*)::", files["src/main.rs"] + files["tests/api.rs"], re.MULTILINE))
    assert used == {"crate_app"}
    assert "target/release/crate-app " in files["Dockerfile"]


@pytest.mark.parametrize("app_name", ["env", "header", "signal"])
def test_no_crate_is_named_like_a_module_that_is_imported_beside_it(app_name: str) -> None:
    files = _files(app_name)

    sources = files["src/main.rs"] + files["tests/api.rs"]
    assert re.search(rf"^use .*\b{app_name}\b", sources, re.MULTILINE)
    assert f"use {app_name}_app::app;" in sources
    assert f"use {app_name}::app;" not in sources
