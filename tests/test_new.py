"""What an author begins with: it is right at once, nothing is overwritten, half of it is never there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from conftest import BIN
from stationkit import tree
from test_wheel import ROOT, installed, wheel

from mityflow.errors import UsageError
from mityflow.new import new_plugin, new_station, new_workflow

__all__ = ["installed", "wheel"]


def mityflow(*arguments: str, cwd: Path, programs: Path = BIN) -> Any:
    env = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    command = [programs / "mityflow", *arguments]
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, stdin=subprocess.DEVNULL)


def test_a_new_workflow_is_right_and_runs(tmp_path: Path) -> None:
    assert mityflow("new", "workflow", "ci", cwd=tmp_path).returncode == 0
    assert mityflow("check", "ci.yaml", cwd=tmp_path).stdout == "no fault in 1 file\n"
    done = mityflow("run", "ci.yaml", "-i", "who=Ada", cwd=tmp_path)
    assert done.returncode == 0
    assert "greeting: hello Ada" in done.stdout
    assert "yaml-language-server" not in (tmp_path / "ci.yaml").read_text()


def test_a_new_workflow_names_the_schema_that_is_there(tmp_path: Path) -> None:
    (tmp_path / "schemas").mkdir()
    (tmp_path / "schemas" / "workflow.schema.json").write_text("{}")
    [path] = new_workflow("ci", tmp_path)
    assert path.read_text().startswith("# yaml-language-server: $schema=schemas/workflow.schema.json\n")


@pytest.mark.parametrize("make", [new_workflow, new_plugin])
def test_nothing_is_overwritten(make: Any, tmp_path: Path) -> None:
    make("mine", tmp_path)
    before = tree(tmp_path)
    with pytest.raises(UsageError, match="is there already"):
        make("mine", tmp_path)
    assert tree(tmp_path) == before


@pytest.mark.parametrize("name", ["", "Upper", "a_b", "a--b", "-a", "a-", "../x", "x" * 41, "1a", "é", "a/b", "a b"])
@pytest.mark.parametrize("make", [new_workflow, new_plugin])
def test_a_wrong_name_makes_nothing(make: Any, name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is no name for"):
        make(name, tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["class", "json", "mityflow", "tests"])
def test_a_name_that_python_takes_otherwise_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="means something else in Python"):
        new_plugin(name, tmp_path)


def test_a_plugin_that_cannot_be_finished_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Path, target: Path) -> None:
        raise OSError(28, "No space left on device", str(target))

    monkeypatch.setattr(Path, "rename", full)
    with pytest.raises(UsageError, match="No space left"):
        new_plugin("mine", tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_station_is_declared_where_it_belongs(tmp_path: Path) -> None:
    new_plugin("mine", tmp_path)
    made = new_station("second", tmp_path / "mine")
    assert [p.name for p in made] == ["second.py", "second_contract.py", "test_second.py", "pyproject.toml"]
    declared = tomllib.loads((tmp_path / "mine" / "pyproject.toml").read_text())["project"]["entry-points"]
    assert declared["mityflow.stations"] == {"second": "mine.second:Second", "mine-todos": "mine.todos:Todos"}
    assert declared["mityflow.contracts"]["second"] == "mine.second_contract:SecondContract"
    with pytest.raises(UsageError, match="has a station 'second' already"):
        new_station("second", tmp_path / "mine")


def test_a_project_written_otherwise_is_left_alone(tmp_path: Path) -> None:
    new_plugin("mine", tmp_path)
    path = tmp_path / "mine" / "pyproject.toml"
    text = path.read_text().replace(
        '[project.entry-points."mityflow.stations"]\n', "[project.entry-points.'mityflow.stations']\n"
    )
    path.write_text(text)
    before = tree(tmp_path)
    with pytest.raises(UsageError, match="cannot be added to safely"):
        new_station("second", tmp_path / "mine")
    assert tree(tmp_path) == before


@pytest.mark.parametrize("text", [None, "[project]\nname = 'x'\n", "not toml", "[project.entry-points]\nx = 1\n"])
def test_where_there_is_no_plugin_the_way_to_one_is_told(text: str | None, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / "pyproject.toml").write_text(text)
    done = mityflow("new", "station", "mine", cwd=tmp_path)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_a_typo_is_told(tmp_path: Path) -> None:
    done = mityflow("new", "plugn", "x", cwd=tmp_path)
    assert done.returncode == 2
    assert "Did you mean 'plugin'?" in done.stderr


@pytest.mark.slow
def test_a_new_plugin_installs_and_works_beside_the_wheel(installed: Path, tmp_path: Path) -> None:
    def program(name: str, *arguments: str, cwd: Path) -> Any:
        done = subprocess.run([installed / name, *arguments], cwd=cwd, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done

    mityflow("new", "plugin", "acme-tools", cwd=tmp_path, programs=installed)
    project = tmp_path / "acme-tools"
    mityflow("new", "station", "notify", cwd=project, programs=installed)
    program("pip", "install", "-q", "-e", ".[dev]", cwd=project)
    names = {row["name"] for row in json.loads(mityflow("stations", "--json", cwd=tmp_path, programs=installed).stdout)}
    assert {"acme-tools-todos", "notify", "scaffold"} <= names
    assert " passed" in program("pytest", "-q", cwd=project).stdout
    work = tmp_path / "work"
    (work / "src").mkdir(parents=True)
    (work / "src" / "a.py").write_text("# TODO: this\n")
    assert "left: 1" in mityflow("run", "acme-tools-check", cwd=work, programs=installed).stdout
    checked = mityflow("plugin", "check", "acme-tools", cwd=work, programs=installed)
    assert checked.returncode == 0, checked.stdout
    assert "2 stations: 18 ok" in checked.stdout
    subprocess.run([sys.executable, "-m", "build", "--wheel", project], check=True, capture_output=True)
    assert list((project / "dist").glob("*.whl"))
    assert ROOT.is_dir()
