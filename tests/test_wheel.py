"""The wheel, used from a clean virtual environment outside the checkout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--outdir", str(folder), str(ROOT)], check=True, capture_output=True
    )
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the programs of an environment that has the wheel and nothing of the checkout."""
    folder = tmp_path_factory.mktemp("clean")
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    subprocess.run([str(folder / "bin" / "pip"), "install", "-q", str(wheel)], check=True)
    return folder / "bin"


def mityflow(installed: Path, folder: Path, *args: str) -> subprocess.CompletedProcess[str]:
    env = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    command = [str(installed / "mityflow"), *args]
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=600, check=False)


def test_the_wheel_holds_what_is_needed_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert "mityflow/data/workflows/create-app.yaml" in names
    assert "mityflow/data/schemas/workflow.schema.json" in names
    assert "mityflow_stations/stacks/python-fastapi/stack.yaml" in names
    stacks = (path for path in (ROOT / "stations" / "mityflow_stations" / "stacks").rglob("*") if path.is_file())
    files = {path.relative_to(ROOT / "stations").as_posix() for path in stacks if "__pycache__" not in path.parts}
    assert files - set(names) == set()
    assert {n.split("/")[0] for n in names if ".dist-info/" not in n} == {"mityflow", "mityflow_stations"}
    assert not [n for n in names if "__pycache__" in n or "/.mity/" in n]


def test_an_installed_wheel_finds_stations_workflows_stacks_and_schemas(installed: Path, tmp_path: Path) -> None:
    names = {row["name"] for row in json.loads(mityflow(installed, tmp_path, "stations", "--json").stdout)}
    assert {"scaffold", "validate", "commit", "shell"} <= names
    assert "create-app" in mityflow(installed, tmp_path, "workflows").stdout
    assert "python-fastapi" in mityflow(installed, tmp_path, "stacks").stdout
    assert json.loads(mityflow(installed, tmp_path, "schema", "workflow").stdout)["title"] == "mityflow workflow"


def test_an_installed_wheel_creates_an_application(installed: Path, tmp_path: Path) -> None:
    done = mityflow(installed, tmp_path, "run", "create-app", "-i", "app_name=from-wheel")
    assert done.returncode == 0, done.stdout + done.stderr
    log = json.loads((tmp_path / ".mity" / "logs" / "create-app.json").read_text())
    head = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=tmp_path / "from-wheel", capture_output=True, text=True, check=True
    )
    assert log["outputs"]["commit"] == head.stdout.strip()
