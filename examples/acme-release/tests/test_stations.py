"""What the stations do in real runs, on real repositories."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from acme_release.changelog import Changelog
from acme_release.next_version import NextVersion

from mityflow import StationRegistry, StationResult, Workflow, WorkflowContext, WorkflowExecutor


def run(workspace: Path, *stations: str) -> dict[str, StationResult]:
    workflow = Workflow("w", "W")
    for station in stations:
        workflow = workflow.station(station)
    executor = WorkflowExecutor(StationRegistry([NextVersion, Changelog]))
    return dict(executor.execute(workflow, WorkflowContext(workspace, "tool")).results)


def git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=acme", "-c", "user.email=acme@localhost"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def tool(tmp_path: Path) -> Path:
    folder = tmp_path / "tool"
    folder.mkdir()
    git(folder, "init", "-q")
    git(folder, "commit", "--allow-empty", "-m", "feat: begin")
    return folder


def test_only_what_came_after_the_highest_tag_counts(tool: Path, tmp_path: Path) -> None:
    git(tool, "tag", "v0.9.0")
    git(tool, "tag", "other")
    git(tool, "commit", "--allow-empty", "-m", "fix: one")
    git(tool, "tag", "0.10.0")
    git(tool, "commit", "--allow-empty", "-m", "fix(core): two")
    result = run(tmp_path, "acme-next-version")["acme-next-version"]
    assert result.outputs["last_version"] == "0.10.0"
    assert result.outputs["next_version"] == "0.10.1"
    assert [commit["text"] for commit in result.outputs["release_commits"]] == ["two"]
    assert result.message == "0.10.0 -> 0.10.1, 1 commit"


def test_a_footer_breaks_too(tool: Path, tmp_path: Path) -> None:
    git(tool, "tag", "v1.0.0")
    git(tool, "commit", "--allow-empty", "-m", "fix: one", "-m", "BREAKING CHANGE: all of it")
    assert run(tmp_path, "acme-next-version")["acme-next-version"].outputs["next_version"] == "2.0.0"


def test_nothing_new_is_skipped(tool: Path, tmp_path: Path) -> None:
    git(tool, "tag", "v1.0.0")
    result = run(tmp_path, "acme-next-version")["acme-next-version"]
    assert (result.status, result.message) == ("skipped", "no commit since 1.0.0")


@pytest.mark.parametrize("commands", [[], [["init", "-q"]]])
def test_without_a_commit_there_is_no_version(commands: list[list[str]], tmp_path: Path) -> None:
    (tmp_path / "tool").mkdir()
    for command in commands:
        git(tmp_path / "tool", *command)
    result = run(tmp_path, "acme-next-version")["acme-next-version"]
    assert result.status == "failed"
    assert "is no git repository with a commit" in result.message


SECTION = "## 0.1.0\n\n### Added\n- begin\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, f"# Changelog\n\n{SECTION}"),
        ("", f"# Changelog\n\n{SECTION}"),
        ("# History", f"# History\n\n{SECTION}"),
        ("# History\n\nOf this tool.\n", f"# History\n\nOf this tool.\n\n{SECTION}"),
        ("# History\n\nOf it.\n\n## 0.0.1\n- x\n", f"# History\n\nOf it.\n\n{SECTION}\n## 0.0.1\n- x\n"),
        ("# History\r\n\r\n## 0.0.1\r\n", f"# History\n\n{SECTION}\n## 0.0.1\n".replace("\n", "\r\n")),
        ("# History\n\n## 0.1.0", "# History\n\n## 0.1.0"),
    ],
)
def test_the_section_is_put_above_the_others(before: str | None, after: str, tool: Path, tmp_path: Path) -> None:
    if before is not None:
        (tool / "CHANGELOG.md").write_bytes(before.encode())
    for _ in range(2):  # the second time, it is there
        assert run(tmp_path, "acme-next-version", "acme-changelog")["acme-changelog"].status == "succeeded"
        assert (tool / "CHANGELOG.md").read_bytes().decode() == after
