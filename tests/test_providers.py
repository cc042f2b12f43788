"""What nothing in a workflow provides: the fault names the station that would, and what it comes with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mityflow import StationRegistry
from mityflow.prepare import check_file

Write = Callable[[str, str], Path]
STATIONS = """
from mityflow.sdk import Artifact, Station, StationInput, StationOutput, StationResult


class Build(Station):
    name = "build-test"
    def output(self): return StationOutput(("build_dir",), artifacts=("image",))
    def execute(self, context): return StationResult.success(self.name)


class Test(Station):
    name = "test"
    def input(self): return StationInput(("build_dir",))
    def execute(self, context): return StationResult.success(self.name)


class Push(Station):
    name = "push"
    def input(self): return StationInput((), artifacts=("image",))
    def dependencies(self): return ("login",)
    def execute(self, context): return StationResult.success(self.name)


class Login(Station):
    name = "login"
    def execute(self, context): return StationResult.success(self.name)
"""


@pytest.fixture
def plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., StationRegistry]:
    """Makes a registry of distributions, each with stations of the module above by class and name."""
    (tmp_path / "providers_of_a_test.py").write_text(STATIONS)
    monkeypatch.syspath_prepend(tmp_path)

    def make(**distributions: dict[str, str]) -> StationRegistry:
        for name, found in distributions.items():
            info = tmp_path / "site" / f"{name}-1.0.dist-info"
            info.mkdir(parents=True)
            lines = [f"{station} = providers_of_a_test:{cls}" for station, cls in found.items()]
            (info / "entry_points.txt").write_text("\n".join(["[mityflow.stations]", *lines]))
            (info / "METADATA").write_text(f"Name: {name.replace('_', '-')}\nVersion: 1.0\n")
        return StationRegistry.discover([str(tmp_path / "site")])

    return make


def _messages(path: Path, registry: StationRegistry) -> list[str]:
    return [f"{fault.line}: {fault.message}" for fault in check_file(path, registry)]


def test_a_missing_input_names_who_gives_it_and_what_that_comes_with(
    plugins: Callable[..., StationRegistry], write: Write
) -> None:
    registry = plugins(mityflow={"build-test": "Build"}, acme_stations={"test": "Test"})
    path = write("w.yaml", "version: 1\nid: w\nstations:\n  - test\n")
    assert _messages(path, registry) == [
        "4: station 'test' needs 'build_dir'; nothing before it produces it; 'build-test' (mityflow) does"
    ]


def test_one_that_comes_later_in_the_workflow_is_named_alone(
    plugins: Callable[..., StationRegistry], write: Write
) -> None:
    registry = plugins(mityflow={"build-test": "Build"}, acme_stations={"test": "Test"})
    path = write("w.yaml", "version: 1\nid: w\nstations:\n  - test\n  - build-test\n")
    assert _messages(path, registry) == [
        "4: station 'test' needs 'build_dir'; nothing before it produces it; 'build-test' does"
    ]


def test_a_missing_dependency_and_artifact_name_their_distributions(
    plugins: Callable[..., StationRegistry], write: Write
) -> None:
    registry = plugins(acme_build={"build-test": "Build", "login": "Login"}, acme_push={"push": "Push"})
    path = write("w.yaml", "version: 1\nid: w\nstations: [push]\n")
    assert sorted(_messages(path, registry)) == [
        "3: station 'push' depends on station 'login', which is not in the workflow;"
        " 'login' (acme-build) is installed: add it to the stations",
        "3: station 'push' needs the artifact 'image'; nothing before it produces it; 'build-test' (acme-build) does",
    ]


def test_a_dependency_that_is_not_installed_or_claimed_twice_is_told_as_that(
    plugins: Callable[..., StationRegistry], write: Write
) -> None:
    path = write("w.yaml", "version: 1\nid: w\nstations: [push]\n")
    missing, _ = _messages(path, plugins(one={"push": "Push"}))
    assert missing.endswith("not in the workflow; it is not installed")
    claimed, _ = _messages(path, plugins(two={"login": "Login"}, three={"login": "Login"}))
    assert claimed.endswith("not in the workflow; add it to the stations")
