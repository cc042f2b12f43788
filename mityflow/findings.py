"""What a look at an application finds: secrets, weak code, vulnerable packages, and the like, in one form."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal, NamedTuple, get_args

from mityflow.errors import UsageError, nearest

Severity = Literal["critical", "high", "medium", "low", "info"]
SEVERITIES: tuple[str, ...] = get_args(Severity)
"""From the worst to the mildest."""
_LEVELS = {"critical": "error", "high": "error", "medium": "warning", "low": "note", "info": "note"}
_SCORES = {"critical": "9.5", "high": "8.0", "medium": "5.5", "low": "2.0", "info": "0.0"}
"""What code scanning sorts results by: the middle of CVSS v3's ranges, whose names the severities are."""

_OF_SECURITY = ("secret", "code", "dependency", "infrastructure")


class Finding(NamedTuple):
    """One thing found.

    ``rule`` is an id that stays the same between runs, ``tool`` the program that found it, ``category`` what it
    is about: ``secret``, ``code``, ``dependency``, ``licence``, ``infrastructure``, ``lint``, ``types``,
    ``tests``, ``size``, ``leftover``, ``policy``, or another word. ``path`` is relative to the application; lines
    and columns count from 1, and 0 means that there is none.
    """

    rule: str
    severity: Severity
    message: str
    tool: str
    category: str
    path: str = ""
    line: int = 0
    column: int = 0

    @property
    def place(self) -> str:
        """``FILE:LINE:COL``, as far as it is known."""
        parts = [self.path, *(str(number) for number in (self.line, self.column) if number)]
        return ":".join(parts) if self.path else ""

    def __str__(self) -> str:
        place = f"{self.place}: " if self.place else ""
        return f"{place}{self.severity}: {self.message} [{self.tool}: {self.rule}]"


def at_least(severity: str, found: str) -> bool:
    """Whether a finding's severity is the given one or worse. Raises UsageError for an unknown one."""
    return _rank(found) <= _rank(severity)


def sorted_findings(findings: Iterable[Finding]) -> list[Finding]:
    """Each once, the worst first, then by place."""
    return sorted(set(findings), key=lambda f: (_rank(f.severity), f.path, f.line, f.column, f.tool, f.rule, f.message))


def count_by_severity(findings: Iterable[Finding]) -> dict[str, int]:
    """How many there are of each severity, the worst first; those without any are 0."""
    counts = dict.fromkeys(SEVERITIES, 0)
    for finding in findings:
        counts[finding.severity] += 1
    return counts


def findings_sarif(findings: Iterable[Finding], *, root: str, name: str = "mityflow") -> dict[str, Any]:
    """The findings as a SARIF 2.1.0 log; ``root`` is the folder, an absolute path, that their paths are relative to."""
    from mityflow import __version__
    from mityflow.sarif import SarifResult, sarif

    results = []
    rules: dict[str, Mapping[str, Any]] = {}
    for finding in sorted_findings(findings):
        rule = f"{finding.tool}/{finding.rule}"
        rules.setdefault(rule, _rule(rule, finding))
        properties = {"severity": finding.severity, "category": finding.category, "tool": finding.tool}
        results.append(
            SarifResult(
                rule, _LEVELS[finding.severity], finding.message, finding.path, finding.line, finding.column, properties
            )
        )
    return sarif({"name": name, "version": __version__}, rules, results, root=root)


def _rule(rule_id: str, finding: Finding) -> dict[str, Any]:
    return {
        "id": rule_id,
        "shortDescription": {"text": f"{finding.rule}, as {finding.tool} finds it"},
        "defaultConfiguration": {"level": _LEVELS[finding.severity]},
        "properties": {
            "tags": [finding.category],
            **({"security-severity": _SCORES[finding.severity]} if finding.category in _OF_SECURITY else {}),
        },
    }


def _rank(severity: str) -> int:
    if severity not in SEVERITIES:
        raise UsageError(f"there is no severity '{severity}'", hint=f"one of {', '.join(SEVERITIES)}{_meant(severity)}")
    return SEVERITIES.index(severity)


def _meant(severity: str) -> str:
    close = nearest(severity, SEVERITIES)
    return f"; did you mean '{close}'?" if close else ""
