"""Secrets in files, by detect-secrets. The secrets themselves are told nowhere, only their kind and place."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from mityflow.sdk import Finding
from mityflow_stations.scanners import Scan, scanned

NAME = "secrets"
_BASELINE = ".secrets.baseline"
_LARGEST = 5_000_000
_VERIFYING = "detect_secrets.filters.common.is_ignored_due_to_verification_policies"
_ONE_AT_A_TIME = threading.Lock()  # detect-secrets keeps its settings for the whole process
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
    more = f"; too large to read: {', '.join(left_out[:3])}" if left_out else ""
    return scanned(NAME, findings, f"detect-secrets {installed}, {len(files)} files{more}")


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
