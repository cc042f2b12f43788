"""Weak code, by the scanner of each language that is there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mityflow.sdk import StationContext
from mityflow_stations.scanners import Scan, bandit, clippy, eslint, semgrep

NAME = "code"
_LANGUAGES = {
    ".cs": "C#",
    ".go": "Go",
    ".java": "Java",
    ".kt": "Kotlin",
    ".php": "PHP",
    ".rb": "Ruby",
    ".swift": "Swift",
}
"""What no scanner of ours but semgrep reads."""


def scans(
    context: StationContext, root: Path, files: Sequence[str], *, semgrep_rules: Sequence[Path] = ()
) -> list[Scan]:
    """What each scanner has against these files, which are paths below ``root``.

    A language that none of them reads is told as not checked.
    """
    found = []
    python = _of(files, bandit.SUFFIXES)
    if python:
        found.append(bandit.scan(context, root, python))
    web = _of(files, eslint.SUFFIXES)
    if web:
        found.append(eslint.scan(context, root, web))
    rust = _of(files, clippy.SUFFIXES)
    if rust and (root / "Cargo.toml").is_file():
        found.append(clippy.scan(context, root, rust))
    many = files if semgrep_rules else _of(files, semgrep.SUFFIXES)
    if many and semgrep.is_there():
        found.append(semgrep.scan(context, root, many, semgrep_rules))
    elif semgrep_rules:
        found.append(Scan("semgrep", "not checked", detail=f"semgrep is not installed, and rules are given; {_GET}"))
    return found + _unread(files)


_GET = "install it in an environment of its own, such as with 'pipx install semgrep'"


def _unread(files: Sequence[str]) -> list[Scan]:
    """The languages that nothing reads, and those that semgrep would."""
    left = [suffix for suffix in _LANGUAGES if _of(files, (suffix,))]
    nobody = [_LANGUAGES[suffix] for suffix in left if suffix not in semgrep.SUFFIXES]
    absent = [_LANGUAGES[suffix] for suffix in left if suffix in semgrep.SUFFIXES and not semgrep.is_there()]
    whys = ((nobody, "no scanner here reads it"), (absent, f"semgrep is not installed; {_GET}"))
    return [Scan(NAME, "not checked", detail=f"{', '.join(names)}: {why}") for names, why in whys if names]


def _of(files: Sequence[str], suffixes: tuple[str, ...]) -> list[str]:
    return [path for path in files if path.endswith(suffixes)]
