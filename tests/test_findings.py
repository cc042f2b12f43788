"""Findings: their order, their counts, and their SARIF."""

from __future__ import annotations

import pytest

from mityflow.errors import UsageError
from mityflow.sdk import Finding, at_least, count_by_severity, findings_sarif, sorted_findings

WEAK = Finding("B602", "high", "a shell is started", "bandit", "code", "src/app.py", 3, 5)
LONG = Finding("E501", "low", "a line is too long", "ruff", "lint", "src/app.py", 1)
NOWHERE = Finding("not-licensed", "medium", "pkg 1.0 names no licence", "mityflow", "licence")


def test_they_are_sorted_from_the_worst_and_told_once() -> None:
    assert sorted_findings([LONG, WEAK, NOWHERE, WEAK]) == [WEAK, NOWHERE, LONG]


def test_all_severities_are_counted() -> None:
    assert count_by_severity([LONG, WEAK]) == {"critical": 0, "high": 1, "medium": 0, "low": 1, "info": 0}


@pytest.mark.parametrize(
    ("threshold", "found", "reached"),
    [("high", "critical", True), ("high", "high", True), ("high", "medium", False), ("info", "info", True)],
)
def test_a_threshold_is_reached_by_what_is_as_bad_or_worse(threshold: str, found: str, reached: bool) -> None:
    assert at_least(threshold, found) is reached


def test_an_unknown_severity_is_told_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="did you mean 'critical'"):
        at_least("critcal", "low")


def test_one_reads_as_a_line() -> None:
    assert str(WEAK) == "src/app.py:3:5: high: a shell is started [bandit: B602]"
    assert str(NOWHERE) == "medium: pkg 1.0 names no licence [mityflow: not-licensed]"


def test_sarif_holds_place_level_and_score() -> None:
    log = findings_sarif([LONG, WEAK, NOWHERE], root="/srv/shop")
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    first, second, third = run["results"]
    assert [rule["id"] for rule in rules] == ["bandit/B602", "mityflow/not-licensed", "ruff/E501"]
    assert [r["properties"].get("security-severity") for r in rules] == ["8.0", None, None]
    assert (first["ruleId"], first["level"], first["ruleIndex"]) == ("bandit/B602", "error", 0)
    assert first["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "src/app.py", "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": 3, "startColumn": 5},
    }
    assert "locations" not in second
    assert third["level"] == "note"
