"""Known weaknesses of infrastructure code, by checkov, which looks at nothing but the files."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from shutil import which
from typing import Any, NamedTuple

from mityflow.sdk import Finding, Severity, StationContext
from mityflow_stations.scanners import BrokenError, NotCheckedError
from mityflow_stations.scanners._tools import run_tool

NAME = "checkov"
GET = "install it in an environment of its own, such as with 'pipx install checkov'"
_SEVERITIES: Mapping[str, Severity] = {"CRITICAL": "critical", "HIGH": "high", "MEDIUM": "medium", "LOW": "low"}
# checkov tells severities only to those who are signed in at its maker. These checks are about what lets strangers
# in, or keys lie open, so that they weigh more than the others.
_WORDS = """
    CKV_AWS_1 CKV_AWS_17 CKV_AWS_20 CKV_AWS_24 CKV_AWS_25 CKV_AWS_41 CKV_AWS_45 CKV_AWS_46 CKV_AWS_57 CKV_AWS_60
    CKV_AWS_62 CKV_AWS_63 CKV_AWS_70 CKV_AWS_277 CKV_AZURE_9 CKV_AZURE_10 CKV_AZURE_11 CKV_AZURE_34 CKV_AZURE_59
    CKV_AZURE_77 CKV_GCP_2 CKV_GCP_3 CKV_GCP_11 CKV_GCP_28 CKV_GCP_60 CKV_GCP_75 CKV_GCP_77 CKV_GCP_88 CKV_GCP_102
"""
_HIGH = frozenset(_WORDS.split())


class Looked(NamedTuple):
    """What checkov found; ``accepted`` are findings that comments in the files take back, each with its reason."""

    findings: list[Finding]
    accepted: list[dict[str, Any]]
    detail: str


def look(context: StationContext, root: Path, path: str) -> Looked:
    """Run it. Raises NotCheckedError, BrokenError, CommandError."""
    if not which(NAME):
        raise NotCheckedError(f"checkov is not installed; {GET}")
    options = ["--framework", "terraform", "--skip-download", "--compact", "--output", "json"]
    ran = run_tool(context, [NAME, "--directory", ".", *options], root / path, env={"LOG_LEVEL": "ERROR"})
    if ran.exit_code not in (0, 1):
        raise BrokenError(f"checkov ended with exit code {ran.exit_code}{ran.last_line}")
    try:
        return _looked(ran.data(NAME), root, path)
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise BrokenError(f"checkov answered with something that cannot be read ({error!r})") from error


def _looked(answers: Any, root: Path, path: str) -> Looked:
    reports = [answer for answer in (answers if isinstance(answers, list) else [answers]) if "results" in answer]
    version = next((str(report["summary"]["checkov_version"]) for report in reports), "")
    found = [check for report in reports for check in report["results"]["failed_checks"]]
    skipped = [check for report in reports for check in report["results"]["skipped_checks"]]
    unread = [name for report in reports for name in report["results"].get("parsing_errors", ())]
    findings = list(dict.fromkeys(_finding(check, root, path) for check in found))
    accepted = [dict(entry) for entry in dict.fromkeys(tuple(_accepted(check, root, path)) for check in skipped)]
    if unread:
        names = ", ".join(sorted(_path(name, root, path) for name in unread)[:5])
        raise NotCheckedError(f"checkov {version} cannot read {names}", findings)
    return Looked(findings, accepted, f"checkov {version}".strip())


def _finding(check: Any, root: Path, path: str) -> Finding:
    rule = str(check["check_id"])
    severity = _SEVERITIES.get(str(check.get("severity") or ""), "high" if rule in _HIGH else "medium")
    message = f"{check['check_name']} ({check['resource']})"
    line = int(check["file_line_range"][0])
    return Finding(rule, severity, message, NAME, "infrastructure", _path(check["file_path"], root, path), line)


def _accepted(check: Any, root: Path, path: str) -> Iterator[tuple[str, Any]]:
    yield "rule", str(check["check_id"])
    yield "path", _path(check["file_path"], root, path)
    yield "line", int(check["file_line_range"][0])
    yield "reason", str(check["check_result"].get("suppress_comment") or "")


def _path(told: str, root: Path, path: str) -> str:
    """A file that checkov names, from the folder it stands in or from the system's root on, from the application on."""
    folder = os.path.realpath(root / path)
    inside = os.path.relpath(told, folder) if told.startswith(folder + os.sep) else told.lstrip("/")
    return os.path.normpath(os.path.join(path, inside))
