"""Policies are really evaluated: each check passes, fails, and says when it cannot tell."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from mityflow_stations import policies
from mityflow_stations.policies.globs import fits
from mityflow_stations.scanners.files import own_files
from mityflow_stations.secure import Secure
from stationkit import context

from mityflow.policyfile import Policy

KEY = "AKIA" + "IOSFODNN7EXAMPLQ"
COBERTURA = '<?xml version="1.0"?>\n<!DOCTYPE coverage SYSTEM "http://example.org/coverage-04.dtd">\n' + (
    '<coverage lines-valid="{}" lines-covered="{}" line-rate="0.5"/>'
)
JACOCO = (
    '<!DOCTYPE report PUBLIC "-//JACOCO//DTD Report 1.1//EN" "report.dtd"><report name="x">'
    '<package name="p"><counter type="LINE" missed="9" covered="0"/></package>'
    '<counter type="BRANCH" missed="5" covered="5"/><counter type="LINE" missed="{}" covered="{}"/></report>'
)


def write(root: Path, files: Mapping[str, str]) -> None:
    for path, text in files.items():
        place = root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")


def look(workspace: Path, check: str, files: Mapping[str, str], /, **settings: Any) -> policies.Verdict:
    """How a policy with this check comes out on an application of these files."""
    where = context(Secure(), workspace)
    where.output_path.mkdir(exist_ok=True)
    write(where.output_path, files)
    defaults: dict[str, dict[str, Any]] = {
        "command": {"exit_code": 0, "timeout": "10s"},
        "forbidden_pattern": {"exclude": [], "timeout": "10s"},
        "coverage": {"reports": None},
        "secrets": {"exclude": []},
        "docs": {"file": "README.md", "headings": [], "symbols": None},
    }
    policy = Policy("rule", "It is so.", "high", None, check, {**defaults.get(check, {}), **settings})
    own = own_files(where, where.output_path)
    (verdict,) = policies.evaluate(where, where.output_path, own, [(policy, "p.yaml")])
    return verdict


@pytest.mark.parametrize(
    ("settings", "status", "detail"),
    [
        ({"run": ["sh", "-c", "exit 0"]}, "passed", "exit code 0"),
        ({"run": ["sh", "-c", "exit 3"], "exit_code": 3}, "passed", "exit code 3"),
        ({"run": ["sh", "-c", "test -f main.py"]}, "passed", "exit code 0"),
        ({"run": ["sh", "-c", "exit 1"]}, "failed", "exit code 1, not 0"),
        ({"run": ["sleep", "30"], "timeout": "200ms"}, "failed", "took longer than 0.2 s"),
        ({"run": ["no-such-program"]}, "not checked", "no-such-program"),
    ],
)
def test_command(workspace: Path, settings: dict[str, Any], status: str, detail: str) -> None:
    verdict = look(workspace, "command", {"main.py": ""}, **settings)
    assert (verdict.status, detail in verdict.detail) == (status, True), verdict
    assert [f.category for f in verdict.findings] == (["policy"] if status == "failed" else [])


@pytest.mark.parametrize(
    ("paths", "status"),
    [
        (["README.md"], "passed"),
        (["README.md", "docs/*.md"], "passed"),
        (["**/guide.md"], "passed"),
        (["LICENSE"], "failed"),
        (["empty.txt"], "failed"),
        (["docs"], "failed"),
    ],
)
def test_file_exists(workspace: Path, paths: list[str], status: str) -> None:
    files = {"README.md": "x", "docs/guide.md": "x", "empty.txt": ""}
    assert look(workspace, "file_exists", files, paths=paths).status == status


def test_a_forbidden_pattern_is_told_with_its_places(workspace: Path) -> None:
    files = {
        "src/a.py": "x = 1\nprint(x)\n",
        "src/b/c.py": "print(2)\n",
        "other.py": "print(3)\n",
        "src/d.txt": "print(4)",
    }
    verdict = look(workspace, "forbidden_pattern", files, pattern=r"^print\(", files=["src/**/*.py"])
    assert verdict.status == "failed"
    assert [finding.place for finding in verdict.findings] == ["src/a.py:2", "src/b/c.py:1"]
    less = look(workspace, "forbidden_pattern", {}, pattern=r"^print\(", files=["src/**/*.py"], exclude=["src/b/**"])
    assert [finding.place for finding in less.findings] == ["src/a.py:2"]


def test_a_pattern_that_stands_nowhere_passes(workspace: Path) -> None:
    files = {"a.py": "x = 1\n", "picture.png": "\0print(", "crlf.py": "x\r\ny\r\n"}
    assert look(workspace, "forbidden_pattern", files, pattern=r"print\(|\r", files=["**"]).status == "passed"
    assert look(workspace, "forbidden_pattern", {}, pattern="x", files=["*.none"]).status == "passed"


def test_a_pattern_that_takes_for_ever_is_stopped_and_not_checked(workspace: Path) -> None:
    started = time.monotonic()
    verdict = look(
        workspace, "forbidden_pattern", {"a.txt": "a" * 60 + "!"}, pattern="^(a+)+$", files=["*.txt"], timeout="500ms"
    )
    assert verdict.status == "not checked"
    assert "took longer than 0.5 s" in verdict.detail
    assert time.monotonic() - started < 10


@pytest.mark.parametrize(
    ("files", "minimum", "status", "detail"),
    [
        ({"coverage.xml": COBERTURA.format(10, 8)}, 80, "passed", "80 % of 10 lines"),
        ({"coverage.xml": COBERTURA.format(1000, 799)}, 80, "failed", "79.9 %"),
        ({"coverage.xml": COBERTURA.format(100000, 79999)}, 80, "failed", "79.99 %"),
        ({"coverage/lcov.info": "SF:a\nLF:4\nLH:4\nend_of_record\nSF:b\nLF:4\nLH:2\n"}, 75, "passed", "75 % of 8"),
        ({"target/site/jacoco/jacoco.xml": JACOCO.format(1, 3)}, 75, "passed", "75 % of 4"),
        ({"target/site/jacoco/jacoco.xml": JACOCO.format(3, 1)}, 75, "failed", "25 % of 4"),
        ({}, 1, "not checked", "there is no coverage report"),
        ({}, 0, "not checked", "there is no coverage report"),
        ({"coverage.xml": COBERTURA.format(0, 0)}, 0, "not checked", "tells of no lines"),
        ({"coverage.xml": "<coverage"}, 0, "not checked", "cannot be read"),
        ({"coverage.xml": "<testsuite/>"}, 0, "not checked", "no report that is known"),
        ({"lcov.info": "nothing"}, 0, "not checked", "neither XML nor lcov"),
    ],
)
def test_coverage(workspace: Path, files: dict[str, str], minimum: float, status: str, detail: str) -> None:
    verdict = look(workspace, "coverage", files, minimum=minimum)
    assert (verdict.status, detail in verdict.detail) == (status, True), verdict


def test_reports_that_are_named_count_together_and_must_be_there(workspace: Path) -> None:
    files = {"a/cov.xml": COBERTURA.format(10, 10), "b/cov.xml": COBERTURA.format(10, 5)}
    together = look(workspace, "coverage", files, minimum=75, reports=["*/cov.xml"])
    assert (together.status, together.detail.partition(",")[0]) == ("passed", "75 % of 20 lines")
    assert look(workspace, "coverage", {}, minimum=1, reports=["*/cov.xml", "c.xml"]).status == "not checked"


def test_secrets(workspace: Path) -> None:
    clean = look(workspace, "secrets", {"a.py": "x = 1\n"})
    assert clean.status == "passed"
    found = look(workspace, "secrets", {"b.py": f"\nKEY = '{KEY}'\n"})
    assert (found.status, [finding.place for finding in found.findings]) == ("failed", ["b.py:2"])
    assert KEY not in repr(found)
    assert look(workspace, "secrets", {}, exclude=["b.py"]).status == "passed"


def test_headings(workspace: Path) -> None:
    files = {"README.md": "# It\n\n## How to  *run*\n\n    # Test\n\nWords\n-----\n"}
    assert look(workspace, "docs", files, headings=["It", "words"]).status == "passed"
    missing = look(workspace, "docs", {}, headings=["It", "Test"])
    assert (missing.status, "'Test'" in missing.detail, "'It'" in missing.detail) == ("failed", True, False)
    nowhere = look(workspace, "docs", {}, file="GUIDE.md", headings=["It"])
    assert (nowhere.status, nowhere.findings[0].place) == ("failed", "")


def test_symbols(workspace: Path) -> None:
    source = (
        '"""A module."""\n\ndef f():\n    """Done."""\n\ndef g():\n    pass\n'
        '\ndef _h():\n    pass\n\nclass C:\n    """One."""\n'
    )
    files = {"src/a.py": source, "tests/test_a.py": "def test_a():\n    pass\n", "src/_b.py": "def b(): pass\n"}
    assert look(workspace, "docs", files, symbols=75).status == "passed"
    verdict = look(workspace, "docs", {}, symbols=76)
    assert (verdict.status, [finding.place for finding in verdict.findings]) == ("failed", ["src/a.py:6"])
    assert "3 of 4" in verdict.detail


def test_symbols_that_cannot_be_counted_are_not_checked(workspace: Path) -> None:
    assert look(workspace, "docs", {"src/main.rs": "pub fn f() {}\n"}, symbols=0).status == "not checked"
    assert look(workspace, "docs", {"src/a.py": "def f(:\n"}, symbols=0).status == "not checked"


def test_what_is_not_due_is_told(workspace: Path) -> None:
    where = context(Secure(), workspace, "my-app", "rust-api")
    where.output_path.mkdir()
    policy = Policy("rule", "It is so.", "high", "stack == 'python-fastapi'", "file_exists", {"paths": ["none"]})
    (verdict,) = policies.evaluate(where, where.output_path, [], [(policy, "p.yaml")])
    assert verdict.status == "not due"
    assert policies.as_scan([verdict]).status == "clean"


@pytest.mark.parametrize(
    ("path", "pattern", "fit"),
    [
        ("a.py", "*.py", True),
        ("b/a.py", "*.py", False),
        ("a.py", "**/*.py", True),
        ("b/c/a.py", "**/*.py", True),
        ("b/c/a.py", "b/**", True),
        ("b", "b/**", False),
        ("xb/a.py", "b/**", False),
        ("a.py", "?.py", True),
        ("LICENCE", "LICEN[CS]E", True),
        ("LICENxE", "LICEN[!CS]E", True),
        ("a+b(c).py", "a+b(c).py", True),
        ("a[.py", "a[.py", True),
    ],
)
def test_patterns_of_paths(path: str, pattern: str, fit: bool) -> None:
    assert fits(path, [pattern]) is fit
