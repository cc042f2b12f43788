"""A third party's plugin, from its wheel beside mityflow's in a clean environment: stations, workflows and a stack."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from test_wheel import ROOT, installed, wheel

__all__ = ["installed", "wheel"]
EXAMPLE = ROOT / "examples" / "acme-release"
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def programs(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("plugin")
    build = [sys.executable, "-m", "build", "--wheel", "--outdir", str(folder), str(EXAMPLE)]
    subprocess.run(build, check=True, capture_output=True)
    [plugin] = folder.glob("*.whl")
    subprocess.run([installed / "pip", "install", "-q", f"{plugin}[dev]"], check=True)
    return installed


def run(programs: Path, folder: Path, name: str, *arguments: str) -> Any:
    env = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    return subprocess.run(
        [programs / name, *arguments], cwd=folder, env=env, capture_output=True, text=True, stdin=subprocess.DEVNULL
    )


def test_everything_it_declares_is_listed(programs: Path, tmp_path: Path) -> None:
    declared = tomllib.loads((EXAMPLE / "pyproject.toml").read_text())["project"]["entry-points"]
    for command, group in (("stations", "stations"), ("workflows", "workflows"), ("stacks", "stacks")):
        rows = json.loads(run(programs, tmp_path, "mityflow", command, "--json").stdout)
        names = {row["name"] for row in rows if row["from"].startswith("acme-release")}
        assert names == set(declared[f"mityflow.{group}"])
    contract = json.loads(run(programs, tmp_path, "mityflow", "stations", "acme-changelog", "--json").stdout)
    assert contract["input"]["required"] == ["app_name", "next_version", "release_commits"]
    assert contract["params"]["properties"]["kinds"]["description"]


def test_its_contracts_and_its_own_tests_hold(programs: Path, tmp_path: Path) -> None:
    checked = run(programs, tmp_path, "mityflow", "plugin", "check", "acme-release")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "3 stations: 27 ok" in checked.stdout
    tested = run(programs, tmp_path, "pytest", "-q", "-p", "no:cacheprovider", str(EXAMPLE / "tests"))
    assert tested.returncode == 0, tested.stdout


def test_its_workflows_make_a_tool_and_release_it(programs: Path, tmp_path: Path) -> None:
    made = run(programs, tmp_path, "mityflow", "run", "acme-new-tool", "-i", "app_name=my-tool")
    assert made.returncode == 0, made.stdout + made.stderr
    asked = run(programs, tmp_path, "mityflow", "run", "acme-release", "-i", "app_name=my-tool", "-i", "approve=true")
    assert asked.returncode == 3, asked.stdout + asked.stderr
    released = run(programs, tmp_path, "mityflow", "resume", "--answer", "approve")
    assert released.returncode == 0, released.stdout + released.stderr
    assert (tmp_path / "release-note.md").read_text().startswith("# my-tool 0.1.0\n")
    assert "## 0.1.0" in (tmp_path / "my-tool" / "CHANGELOG.md").read_text()
    log = json.loads((tmp_path / ".mity" / "logs" / "acme-release.json").read_text())
    assert log["state"] == "completed"
    assert log["outputs"]["version"] == "0.1.0"
    assert [r["station"] for r in log["results"]] == log["stations"]


def test_the_check_knows_the_contracts_of_all_plugins(programs: Path, tmp_path: Path) -> None:
    (tmp_path / "w.yaml").write_text(
        "version: 1\nid: w\ninputs:\n  app_name: {type: string}\nstations:\n  - acme-changelog\n"
    )
    done = run(programs, tmp_path, "mityflow", "check", "w.yaml")
    assert done.returncode == 2
    assert "w.yaml:6:5: station 'acme-changelog' needs 'next_version'" in done.stdout + done.stderr
    assert "'acme-next-version' (acme-release) does" in done.stdout + done.stderr


def test_a_lock_names_the_plugin(programs: Path, tmp_path: Path) -> None:
    (tmp_path / "w.yaml").write_text(
        "version: 1\nid: w\ninputs:\n  app_name: {type: string}\nstations:\n  - acme-next-version\n"
    )
    assert run(programs, tmp_path, "mityflow", "lock", "w.yaml").returncode == 0
    locked = json.loads((tmp_path / "w.yaml.lock").read_text())["stations"]["acme-next-version"]
    assert (locked["from"], locked["version"]) == ("acme-release", "1.0.0")
