"""Weak code in many languages, by semgrep with rules that lie here: those of mityflow and the team's own."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from shutil import which
from typing import Any

from mityflow.sdk import Finding, Severity, StationContext
from mityflow_stations._checks import counted
from mityflow_stations.scanners import BrokenError, NotCheckedError, Scan, answer
from mityflow_stations.scanners._tools import run_tool

NAME = "semgrep"
SUFFIXES = (".cs", ".java", ".js", ".jsx", ".mjs", ".cjs", ".py", ".ts", ".tsx")
_RULES = Path(__file__).with_name("semgrep_rules.yaml")
_AT_ONCE = 500
_SEVERITIES: Mapping[str, Severity] = {
    "CRITICAL": "critical",
    "HIGH": "high",
    "ERROR": "high",
    "MEDIUM": "medium",
    "WARNING": "medium",
    "LOW": "low",
    "INFO": "low",
}


def is_there() -> bool:
    """Whether semgrep can be run; it is no package of an extra, for it does not go together with others."""
    return which("semgrep") is not None


def scan(context: StationContext, root: Path, files: Sequence[str], rules: Sequence[Path] = ()) -> Scan:
    """What the rules have against these files, which are paths below ``root``; ``rules`` are further files of rules."""
    return answer(NAME, lambda: _look(context, root, files, rules))


def _look(
    context: StationContext, root: Path, files: Sequence[str], rules: Sequence[Path]
) -> tuple[list[Finding], str]:
    absent = [str(place) for place in rules if not place.exists()]
    if absent:
        raise BrokenError(f"there are no rules at {', '.join(absent)}")
    findings: list[Finding] = []
    unread: set[str] = set()
    version = ""
    configs = [part for place in (_RULES, *rules) for part in ("--config", str(place))]
    options = ["--metrics", "off", "--disable-version-check", "--quiet", "--json", "--no-git-ignore"]
    with tempfile.TemporaryDirectory(prefix="mity-scan-") as folder:
        env = {f"SEMGREP_{name}_FILE": os.path.join(folder, name) for name in ("SETTINGS", "LOG", "VERSION_CACHE")}
        for at in range(0, len(files), _AT_ONCE):
            some = [os.path.join(".", path) for path in files[at : at + _AT_ONCE]]
            data = run_tool(context, ["semgrep", "scan", *options, *configs, *some], root, env=env).data("semgrep")
            version = str(data.get("version") or "")
            findings += [_finding(result) for result in data["results"]]
            unread |= {_told(error) for error in data["errors"] if error.get("level") == "error" or error.get("path")}
    if unread:
        raise NotCheckedError(f"semgrep {version} cannot read {'; '.join(sorted(unread)[:3])}", findings)
    return findings, f"semgrep {version}, {counted(len(files), 'file')}, local rules"


def _told(error: Any) -> str:
    path = Path(os.path.normpath(error.get("path") or "")).as_posix()
    return path if error.get("path") else " ".join(str(error.get("message") or error.get("type")).split())[:200]


def _finding(result: Any) -> Finding:
    extra = result["extra"]
    path = Path(os.path.normpath(result["path"])).as_posix()
    message = " ".join(str(extra["message"]).split())
    severity = _SEVERITIES.get(extra["severity"], "medium")
    rule = result["check_id"].rpartition(".")[2]
    return Finding(rule, severity, message, NAME, "code", path, result["start"]["line"], result["start"]["col"])
