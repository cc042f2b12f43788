"""Test reports: how many tests ran, and which failed, as the test runner itself wrote it down."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from mityflow_stations._evidence import parse_xml

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_LARGEST = 64 * 1024 * 1024
_ESCAPE = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_LIBTEST_RESULT = re.compile(r"^test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored;", re.MULTILINE)
_LIBTEST_FAILED = re.compile(r"^test (.+) \.\.\. FAILED$", re.MULTILINE)
_LIBTEST_PASSED = re.compile(r"^test (.+) \.\.\. ok$", re.MULTILINE)
_TAP_LINE = re.compile(r"(not )?ok\b[ \t]*\d*[ \t]*(?:-[ \t]*)?(.*)")
_TAP_DIRECTIVE = re.compile(r"(?<!\\)#[ \t]*(skip|todo)", re.IGNORECASE)
_SKIPPED_IN_JEST = ("pending", "skipped", "todo", "disabled")


class ReportError(Exception):
    """A test report is missing or cannot be read."""


class Case(NamedTuple):
    """One test: ``outcome`` is ``passed``, ``failed`` or ``skipped``."""

    name: str
    outcome: str


class Tally(NamedTuple):
    """What a test runner reported; ``failing`` and ``passing`` name the tests that failed and passed."""

    total: int
    failed: int
    skipped: int
    failing: list[str]
    passing: list[str]

    @property
    def ran(self) -> int:
        """How many tests were not skipped."""
        return self.total - self.skipped


def remove_reports(root: Path, files: str) -> None:
    """Remove old test reports, so that only one from the coming run can count."""
    for place in root.glob(files) if files else ():
        if not place.is_dir():
            place.unlink()


def report_files(root: Path, files: str) -> list[Path]:
    """The test reports that match the glob, sorted."""
    return sorted(place for place in root.glob(files) if place.is_file()) if files else []


def count_tests(root: Path, files: str, form: str = "junit") -> Tally:
    """The tests in the reports that match the glob. Raises ReportError."""
    places = report_files(root, files)
    if not places:
        raise ReportError(f"the test runner wrote no report ({files})")
    cases: list[Case] = []
    for place in places:
        try:
            cases += _READERS[form](_read(place))
        except (OSError, ValueError, SyntaxError, KeyError, TypeError, AttributeError) as error:
            raise ReportError(f"the test report {place.relative_to(root)} cannot be read: {error}") from error
    return _tally(cases)


def count_printed(printed: str) -> Tally:
    """The tests that ``cargo test`` says it ran, summed over its test programs. Raises ReportError."""
    text = _ESCAPE.sub("", printed)
    results = [tuple(map(int, result)) for result in _LIBTEST_RESULT.findall(text)]
    if not results:
        raise ReportError("the test command printed no 'test result:'")
    passed, failed, skipped = (sum(column) for column in zip(*results, strict=True))
    names = _LIBTEST_FAILED.findall(text), _LIBTEST_PASSED.findall(text)
    return Tally(passed + failed + skipped, failed, skipped, *names)


def _read(place: Path) -> bytes:
    if place.stat().st_size > _LARGEST:
        raise ValueError("it is too large")
    return place.read_bytes()


def _tally(cases: list[Case]) -> Tally:
    failing = [case.name for case in cases if case.outcome == "failed"]
    passing = [case.name for case in cases if case.outcome == "passed"]
    return Tally(len(cases), len(failing), len(cases) - len(failing) - len(passing), failing, passing)


def _junit(data: bytes) -> Iterator[Case]:
    for case in parse_xml(data).iter("testcase"):
        name = "::".join(filter(None, (case.get("classname", ""), case.get("name", ""))))
        yield Case(
            name, "failed" if _has(case, "failure", "error") else "skipped" if _has(case, "skipped") else "passed"
        )


def _has(case: Element, *tags: str) -> bool:
    return any(case.find(tag) is not None for tag in tags)


def _trx(data: bytes) -> Iterator[Case]:
    """Every result but those that hold others, such as a test with rows of data."""
    for result in parse_xml(data).findall(".//{*}UnitTestResult"):
        if result.find("{*}InnerResults") is not None:
            continue
        outcome = result.get("outcome", "")
        skipped = outcome in ("NotExecuted", "NotRunnable", "Pending")
        yield Case(result.get("testName", ""), "passed" if outcome == "Passed" else "skipped" if skipped else "failed")


def _tap(data: bytes) -> Iterator[Case]:
    """The outermost tests; one that is still to be done (TODO) counts as skipped."""
    for line in data.decode("utf-8", "replace").splitlines():
        if line.startswith("Bail out!"):
            yield Case(line, "failed")
        test = _TAP_LINE.match(line)
        if test:
            outcome = "skipped" if _TAP_DIRECTIVE.search(line) else "failed" if test[1] else "passed"
            yield Case(test[2].strip(), outcome)


def _jest(data: bytes) -> Iterator[Case]:
    """Every assertion; a file that could not even be loaded counts as a failed test."""
    for suite in json.loads(data)["testResults"]:
        cases: list[Any] = suite["assertionResults"]
        if suite["status"] == "failed" and not any(case["status"] == "failed" for case in cases):
            yield Case(str(suite["name"]), "failed")
        for case in cases:
            status = case["status"]
            outcome = "passed" if status == "passed" else "skipped" if status in _SKIPPED_IN_JEST else "failed"
            yield Case(str(case.get("fullName") or case["title"]), outcome)


_READERS: dict[str, Callable[[bytes], Iterator[Case]]] = {"junit": _junit, "trx": _trx, "tap": _tap, "jest": _jest}
