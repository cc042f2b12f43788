"""What an author begins with: it is right at once, nothing is overwritten, half of it is never there."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest
from conftest import BIN
from stationkit import tree
from test_wheel import installed, wheel

from mityflow import load_workflow
from mityflow.errors import UsageError
from mityflow.new import new_plugin, new_station, new_workflow

__all__ = ["installed", "wheel"]
TABLE = "[ project.entry-points.'mityflow.stations' ]  # what workflows call"


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
    for folder, schema in ((tmp_path, "schemas"), (tmp_path / "workflows", "../schemas")):
        folder.mkdir(exist_ok=True)
        [path] = new_workflow("ci", folder)
        assert path.read_text().startswith(f"# yaml-language-server: $schema={schema}/workflow.schema.json\n")


@pytest.mark.parametrize("name", ["on", "yes", "n", "null", "true", "false"])
def test_a_workflow_may_be_called_what_yaml_reads_otherwise(name: str, tmp_path: Path) -> None:
    workflow = load_workflow(new_workflow(name, tmp_path)[0])
    assert (workflow.id, workflow.name) == (name, name.capitalize())


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


@pytest.mark.parametrize("name", ["class", "json", "mityflow", "tests", "click", "pydantic"])
def test_a_name_that_python_takes_otherwise_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"means something else in Python|is installed"):
        new_plugin(name, tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_plugin_that_cannot_be_finished_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Path, target: Path) -> None:
        raise OSError(28, "No space left on device", str(target))

    monkeypatch.setattr(Path, "rename", full)
    with pytest.raises(UsageError, match="No space left"):
        new_plugin("mine", tmp_path / "not" / "there")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("trouble", [OSError(28, "No space left on device", "pyproject.toml"), KeyboardInterrupt()])
def test_a_station_that_cannot_be_finished_leaves_nothing(
    trouble: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, data: bytes) -> None:
        raise trouble

    new_plugin("mine", tmp_path)
    shutil.rmtree(tmp_path / "mine" / "tests")
    before = tree(tmp_path)
    monkeypatch.setattr("mityflow.new.write_atomically", full)
    with pytest.raises((UsageError, KeyboardInterrupt)):
        new_station("second", tmp_path / "mine")
    assert tree(tmp_path) == before
    assert not (tmp_path / "mine" / "tests").exists()


@pytest.mark.parametrize("make", [new_workflow, new_plugin])
def test_a_file_is_no_folder_to_write_into(make: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for into in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(UsageError, match=r"is no folder|Not a directory"):
            make("mine", into)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


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
    text = path.read_text().replace('[project.entry-points."mityflow.stations"]\nmine-todos = "mine.todos:Todos"\n', "")
    path.write_text(f"{text}[project.entry-points]\n'mityflow.stations' = {{mine-todos = 'mine.todos:Todos'}}\n")
    before = tree(tmp_path)
    with pytest.raises(UsageError, match="cannot be added to safely"):
        new_station("second", tmp_path / "mine")
    assert tree(tmp_path) == before


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("table", ['[project.entry-points."mityflow.stations"]', TABLE])
def test_the_rest_of_a_project_is_kept_as_it_is(table: str, end: str, tmp_path: Path) -> None:
    new_plugin("mine", tmp_path)
    path = tmp_path / "mine" / "pyproject.toml"
    text = path.read_text().replace('[project.entry-points."mityflow.stations"]', table)
    path.write_bytes(text.replace("\n", end).encode())
    before = path.read_bytes().splitlines(keepends=True)
    new_station("second", tmp_path / "mine")
    after = path.read_bytes().splitlines(keepends=True)
    added = [line for line in after if b"second" in line]
    assert len(added) == 2
    assert all(line.endswith(f'"{end}'.encode()) for line in added)
    assert [line for line in after if b"second" not in line] == before


@pytest.mark.slow
@pytest.mark.parametrize("name", ["none", "true", "station", "station-result", "workflow-context", "path", "email"])
def test_whatever_a_station_is_called_it_works(name: str, tmp_path: Path) -> None:
    new_plugin("mine", tmp_path)
    new_station(name, tmp_path / "mine")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        f"tests/test_{name.replace('-', '_')}.py",
    ]
    env = dict(os.environ, PYTHONPATH=str(tmp_path / "mine" / "src"))
    done = subprocess.run(command, cwd=tmp_path / "mine", env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("class", "means something else in Python"),
        ("shell", "mityflow has a station 'shell' already"),
        ("workflows", "workflows is there already"),
        ("todos", r"todos\.py is there already"),
    ],
)
def test_a_station_that_would_hide_something_makes_nothing(name: str, told: str, tmp_path: Path) -> None:
    new_plugin("mine", tmp_path)
    before = tree(tmp_path)
    with pytest.raises(UsageError, match=told):
        new_station(name, tmp_path / "mine")
    assert tree(tmp_path) == before


@pytest.mark.parametrize(
    "text",
    [
        None,
        "[project]\nname = 'x'\n",
        "not toml",
        b"\xff",
        "[project.entry-points]\nx = 1\n",
        "project = 3\n",
        "[project]\nentry-points = 3\n",
        "[project.entry-points]\n'mityflow.stations' = 'x'\n",
        "[project.entry-points.'mityflow.stations']\n",
        "[project.entry-points.'mityflow.stations']\na = 3\n",
        "[project.entry-points.'mityflow.stations']\na = '..:X'\n",
        "[project.entry-points.'mityflow.stations']\na = ''\n",
        "[project.entry-points.'mityflow.stations']\na = 'nowhere:X'\n",
    ],
)
def test_where_there_is_no_plugin_that_is_told_and_nothing_made(text: str | bytes | None, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / "pyproject.toml").write_bytes(text if isinstance(text, bytes) else text.encode())
    before = tree(tmp_path)
    with pytest.raises(UsageError, match=r"holds no plugin|cannot read|declares the station|is neither in"):
        new_station("mine", tmp_path)
    assert tree(tmp_path) == before


def test_outside_of_a_plugin_the_way_to_one_is_told(tmp_path: Path) -> None:
    done = mityflow("new", "station", "mine", cwd=tmp_path)
    assert done.returncode == 2
    assert "hint: 'mityflow new plugin NAME' makes one" in done.stderr


def test_a_typo_is_told(tmp_path: Path) -> None:
    done = mityflow("new", "plugn", "x", cwd=tmp_path)
    assert done.returncode == 2
    assert "Did you mean 'plugin'?" in done.stderr
    assert "workflow, plugin, station" in mityflow("new", "zzzzz", cwd=tmp_path).stderr.replace("'", "")
    assert "Usage: mityflow new" in mityflow("new", cwd=tmp_path).stderr


@pytest.mark.slow
def test_a_new_plugin_installs_and_works_beside_the_wheel(installed: Path, tmp_path: Path) -> None:
    def program(name: str, *arguments: str, cwd: Path) -> Any:
        done = subprocess.run([installed / name, *arguments], cwd=cwd, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done

    mityflow("new", "plugin", "acme-tools", cwd=tmp_path, programs=installed)
    project = tmp_path / "acme-tools"
    new_plugin("acme-tools", tmp_path / "from-checkout")
    assert tree(project) == tree(tmp_path / "from-checkout" / "acme-tools"), "the wheel lacks templates"
    mityflow("new", "station", "notify", cwd=project, programs=installed)
    program("pip", "install", "-q", "-e", ".[dev]", cwd=project)
    names = {row["name"] for row in json.loads(mityflow("stations", "--json", cwd=tmp_path, programs=installed).stdout)}
    assert {"acme-tools-todos", "notify", "scaffold"} <= names
    assert " passed" in program("pytest", "-q", cwd=project).stdout
    work = tmp_path / "work"
    (work / "src").mkdir(parents=True)
    (work / "src" / "a.py").write_text("# TODO: this\n")
    workflow = project / "src" / "acme_tools" / "workflows" / "acme-tools-check.yaml"
    assert mityflow("check", str(workflow), cwd=work, programs=installed).stdout == "no fault in 1 file\n"
    assert "left: 1" in mityflow("run", "acme-tools-check", cwd=work, programs=installed).stdout
    checked = mityflow("plugin", "check", "acme-tools", cwd=work, programs=installed)
    assert checked.returncode == 0, checked.stdout
    assert "2 stations: 18 ok" in checked.stdout
    subprocess.run([sys.executable, "-m", "build", "--wheel", project], check=True, capture_output=True)
    [built] = (project / "dist").glob("*.whl")
    assert {"acme_tools/workflows/acme-tools-check.yaml", "acme_tools/notify.py"} <= set(
        zipfile.ZipFile(built).namelist()
    )
    program("pip", "uninstall", "-q", "-y", "acme-tools", cwd=work)
    program("pip", "install", "-q", str(built), cwd=work)
    assert "left: 1" in mityflow("run", "acme-tools-check", cwd=work, programs=installed).stdout
