"""Secrets in files, by detect-secrets. The secrets themselves are told nowhere, only their kind and place."""

from __future__ import annotations

import json
import os
import re
import threading
from collections.abc import Iterable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mityflow.sdk import Finding
from mityflow_stations._added import added_lines
from mityflow_stations._checks import counted
from mityflow_stations.scanners import Scan, scanned

NAME = "secrets"
_BASELINE = ".secrets.baseline"
_LARGEST = 5_000_000
_VERIFYING = "detect_secrets.filters.common.is_ignored_due_to_verification_policies"
_ONE_AT_A_TIME = threading.Lock()  # detect-secrets keeps its settings for the whole process
_KEY_BEGINS = re.compile(r"-----BEGIN .*PRIVATE KEY-----")
_KEY_ENDS = re.compile(r"-----END .*PRIVATE KEY-----")
_FOR_SURE = ("Private Key", "AWS Access Key", "GitHub Token", "GitLab Token", "Stripe Access Key", "Slack Token")


def scan(root: Path, files: Sequence[str]) -> Scan:
    """The secrets in these files, which are paths below ``root``; nothing is sent anywhere to verify them.

    What the project's ``.secrets.baseline`` lists, and lines that detect-secrets is told to allow, are not told.
    """
    try:
        installed = version("detect-secrets")
    except PackageNotFoundError:
        return Scan(NAME, "not checked", detail="detect-secrets is not installed: pip install 'mityflow[secure]'")
    known, wrong = _known(root)
    if wrong:
        return Scan(NAME, "failed", detail=wrong)
    found, left_out = _found(root, files)
    findings = [
        Finding(
            _rule(secret.type), _severity(secret.type), f"{secret.type} in the file", "detect-secrets", "secret",
            path, secret.line_number,
        )
        for path, secret in found
        if (path, secret.type, secret.secret_hash) not in known
    ]  # fmt: skip
    detail = f"detect-secrets {installed}, {counted(len(files), 'file')}"
    if left_out:
        detail += f"; too large to read: {', '.join(left_out[:3])}"
    if left_out and not findings:
        return Scan(NAME, "not checked", detail=detail)
    return scanned(NAME, findings, detail)


def hidden(diff: str) -> str:
    """A difference as it can be written down: what looks like a secret on its added lines is ``***``.

    Without detect-secrets it stays as it is.
    """
    values = set()
    with TemporaryDirectory() as folder:
        for number, (path, lines) in enumerate(added_lines(diff).items()):
            # A folder for each, since the name tells how a file is read.
            place = Path(folder, str(number), os.path.basename(path))
            place.parent.mkdir()
            place.write_text("\n".join(lines.values()), encoding="utf-8", errors="surrogateescape")
            try:
                values |= {secret.secret_value for _, secret in _found(place.parent, [place.name])[0]}
            except ImportError:
                return diff
    whole, in_key = [], False
    for line in diff.split("\n"):
        if in_key and line.startswith("+") and not _KEY_ENDS.search(line):
            whole.append("+***")
            continue
        in_key = line.startswith("+") and _KEY_BEGINS.search(line) is not None
        whole.append(_without(line, values) if line.startswith("+") and not in_key else line)
    return "\n".join(whole)


def _without(line: str, values: Iterable[str | None]) -> str:
    for value in sorted(filter(None, values), key=len, reverse=True):
        line = line.replace(value, "***")
    return line


def _found(root: Path, files: Iterable[str]) -> tuple[list[tuple[str, Any]], list[str]]:
    """The secrets, each with its file; and the files that are too large."""
    from detect_secrets.core.scan import scan_file
    from detect_secrets.settings import default_settings

    found, left_out = [], []
    with _ONE_AT_A_TIME, default_settings() as settings:
        settings.disable_filters(_VERIFYING)
        for path in files:
            place = root / path
            if place.is_symlink() or not place.is_file():
                continue
            if place.stat().st_size > _LARGEST:
                left_out.append(path)
                continue
            found += [(path, secret) for secret in scan_file(os.fspath(place))]
    return found, left_out


def _known(root: Path) -> tuple[set[tuple[str, str, str]], str]:
    """What the baseline lists; and what is wrong with it."""
    place = root / _BASELINE
    if not place.is_file():
        return set(), ""
    try:
        results = json.loads(place.read_bytes())["results"]
        return {
            (path, entry["type"], entry["hashed_secret"]) for path, entries in results.items() for entry in entries
        }, ""
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        return set(), f"{_BASELINE} cannot be read: {error}"


def _severity(kind: str) -> Any:
    return "critical" if kind in _FOR_SURE else "high"


def _rule(kind: str) -> str:
    return "-".join(kind.lower().replace("(", "").replace(")", "").split())
