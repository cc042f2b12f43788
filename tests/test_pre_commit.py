"""The hook for pre-commit: which files it takes, and that pre-commit runs it."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from conftest import BIN

ROOT = Path(__file__).parent.parent
[HOOK] = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
GOOD = "version: 1\nid: ci\nstations:\n  - station: shell\n    with: {command: [echo, tested]}\n"
WRONG = GOOD.replace("command", "comand")


@pytest.mark.parametrize(
    ("path", "taken"),
    [
        ("workflows/ci.yaml", True),
        ("service/workflows/ci.yml", True),
        ("workflow.yaml", True),
        ("release.workflow.yml", True),
        ("guardrails.yaml", True),
        ("ops/strict-guardrails.yml", True),
        ("templates/site/stack.yaml", True),
        ("stations/acme/stacks/site/stack.yaml", True),
        (".github/workflows/ci.yaml", False),
        ("service/.forgejo/workflows/ci.yaml", False),
        ("stack.yaml", False),
        ("workflows/deep/down.yaml", False),
        ("workflows/ci.json", False),
        ("compose.yaml", False),
        ("myworkflow.yaml", False),
    ],
)
def test_the_hook_takes_the_files_that_are_mityflows(path: str, taken: bool) -> None:
    assert bool(re.search(HOOK["files"], path)) == taken


def test_the_pattern_of_the_guide_takes_its_file_too() -> None:
    text = (ROOT / "docs" / "how-to" / "pre-commit.md").read_text()
    pattern = re.search(r"files: (\S+)", text)
    assert pattern is not None
    assert re.search(pattern[1], "ci.yaml")
    assert not re.search(pattern[1], "compose.yaml")


@pytest.mark.parametrize(("text", "exit_code"), [(GOOD, 0), (WRONG, 2)])
def test_the_hooks_entry_is_a_command_that_checks(tmp_path: Path, text: str, exit_code: int) -> None:
    (tmp_path / "ci.yaml").write_text(text)
    program, *arguments = shlex.split(HOOK["entry"])
    done = subprocess.run([BIN / program, *arguments, "ci.yaml"], cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == exit_code


def _git(folder: Path, *arguments: str) -> None:
    who = ["-c", "user.name=me", "-c", "user.email=me@example.org"]
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)


def _committed(folder: Path) -> Path:
    _git(folder, "init", "--quiet")
    _git(folder, "add", "--all")
    _git(folder, "commit", "--quiet", "--message", "all")
    return folder


@pytest.mark.slow
def test_pre_commit_installs_and_runs_the_hook(tmp_path: Path) -> None:
    left_out = shutil.ignore_patterns(".venv", ".git", ".mity", ".*_cache", ".hypothesis", "playground", "__pycache__")
    project = _committed(Path(shutil.copytree(ROOT, tmp_path / "project", ignore=left_out)))
    repository = tmp_path / "repository"
    for name, text in {"workflows/ci.yaml": WRONG, "compose.yaml": "services: {}\n", "guardrails.yaml": "{}\n"}.items():
        (repository / name).parent.mkdir(parents=True, exist_ok=True)
        (repository / name).write_text(text)
    _committed(repository)
    programs = tmp_path / "environment" / "bin"
    subprocess.run([sys.executable, "-m", "venv", str(programs.parent)], check=True)
    subprocess.run([str(programs / "pip"), "install", "--quiet", "pre-commit"], check=True)
    env = dict(os.environ, PRE_COMMIT_HOME=str(tmp_path / "hooks"))

    def try_it() -> subprocess.CompletedProcess[str]:
        command = [str(programs / "pre-commit"), "try-repo", str(project), HOOK["id"], "--all-files", "--verbose"]
        return subprocess.run(
            command, cwd=repository, env=env, capture_output=True, text=True, timeout=600, check=False
        )

    wrong = try_it()
    assert wrong.returncode == 1, wrong.stdout + wrong.stderr
    assert "workflows/ci.yaml:5:12: station 'shell' has no setting 'comand'; did you mean 'command'?" in wrong.stdout
    assert "in 1 of 2 files" in wrong.stdout, "the compose file is none of ours"

    (repository / "workflows" / "ci.yaml").write_text(GOOD)
    right = try_it()
    assert right.returncode == 0, right.stdout + right.stderr
    assert "no fault in 2 files" in right.stdout
