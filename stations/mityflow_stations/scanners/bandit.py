"""Weak Python code, by bandit. ``# nosec`` and the settings of ``[tool.bandit]`` hold."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mityflow.sdk import Finding, StationContext
from mityflow_stations._checks import counted
from mityflow_stations.scanners import NotCheckedError, Scan, answer
from mityflow_stations.scanners._tools import installed, module, run_tool

NAME = "bandit"
SUFFIXES = (".py",)
_AT_ONCE = 500
_QUOTES = ("B105", "B106", "B107")  # tests that quote a password in what they say
_OF_TESTS = ("B101",)  # an assert is what a test is made of


def scan(context: StationContext, root: Path, files: Sequence[str]) -> Scan:
    """What bandit has against these Python files, which are paths below ``root``."""
    return answer(NAME, lambda: _look(context, root, files))


def _look(context: StationContext, root: Path, files: Sequence[str]) -> tuple[list[Finding], str]:
    version = installed("bandit")
    findings: list[Finding] = []
    unread: list[str] = []
    for at in range(0, len(files), _AT_ONCE):
        some = [os.path.join(".", path) for path in files[at : at + _AT_ONCE]]
        argv = [*module("bandit"), "-q", "-f", "json", "--exit-zero", *_settings(root), *some]
        data = run_tool(context, argv, root).data("bandit")
        findings += [_finding(result) for result in data["results"] if not _of_a_test(result)]
        unread += [f"{_path(error['filename'])} ({error['reason']})" for error in data["errors"]]
    if unread:
        raise NotCheckedError(f"bandit {version} cannot read {', '.join(unread[:3])}", findings)
    return findings, f"bandit {version}, {counted(len(files), 'file')}"


def _settings(root: Path) -> list[str]:
    place = root / "pyproject.toml"
    try:
        return ["-c", "pyproject.toml"] if "[tool.bandit" in place.read_text(encoding="utf-8") else []
    except (OSError, UnicodeDecodeError):
        return []


def _finding(result: Any) -> Finding:
    text = result["issue_text"].split(":")[0] if result["test_id"] in _QUOTES else result["issue_text"]
    return Finding(
        result["test_id"],
        result["issue_severity"].lower() if result["issue_severity"] != "UNDEFINED" else "low",
        " ".join(text.split()),
        NAME,
        "code",
        _path(result["filename"]),
        result["line_number"],
        result["col_offset"] + 1,
    )


def _of_a_test(result: Any) -> bool:
    path = Path(_path(result["filename"]))
    tests = {"tests", "test"} & set(path.parts) or path.name.startswith("test_") or path.name == "conftest.py"
    return bool(tests) and result["test_id"] in _OF_TESTS


def _path(shown: str) -> str:
    return Path(os.path.normpath(shown)).as_posix()
