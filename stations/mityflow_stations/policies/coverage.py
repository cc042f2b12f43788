"""How much of the code the tests reach, as reports in Cobertura's, JaCoCo's and lcov's form say."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from mityflow_stations._evidence import parse_xml
from mityflow_stations.scanners import NotCheckedError

_USUAL = (
    "coverage.xml",
    "cobertura.xml",
    "lcov.info",
    "coverage/lcov.info",
    "coverage/cobertura-coverage.xml",
    "reports/coverage.xml",
    "reports/lcov.info",
    "target/site/jacoco/jacoco.xml",
    "target/jacoco-report/jacoco.xml",
    "TestResults/**/coverage.cobertura.xml",
)
_LARGEST = 64 * 1024 * 1024
_OUTER_TYPE = re.compile(rb"<!DOCTYPE[^\[>]*>")  # one that declares nothing here; it is not fetched either


class Share(NamedTuple):
    """Lines that tests reach, of all lines, and the reports that say so."""

    covered: int
    lines: int
    reports: tuple[str, ...]

    @property
    def percent(self) -> float:
        """The share of lines that are reached, with two digits, never rounded up."""
        return 10_000 * self.covered // self.lines / 100


def measured(root: Path, patterns: Sequence[str] | None) -> Share:
    """What the reports say together; of the usual places, the first that has one counts.

    Raises NotCheckedError where there is no report, or one that says nothing.
    """
    places = _given(root, patterns) if patterns else _usual(root)
    covered = lines = 0
    for place in places:
        name = place.relative_to(root).as_posix()
        try:
            reached, whole = _read(place)
        except (OSError, ValueError, SyntaxError, TypeError, AttributeError) as error:
            raise NotCheckedError(f"the coverage report {name} cannot be read: {error}") from error
        covered, lines = covered + reached, lines + whole
    names = tuple(place.relative_to(root).as_posix() for place in places)
    if lines <= 0 or not 0 <= covered <= lines:
        raise NotCheckedError(f"the coverage report {', '.join(names)} tells of no lines")
    return Share(covered, lines, names)


def _given(root: Path, patterns: Sequence[str]) -> list[Path]:
    places: dict[Path, None] = {}
    for pattern in patterns:
        found = sorted(place for place in root.glob(pattern) if place.is_file())
        if not found:
            raise NotCheckedError(f"there is no coverage report at {pattern}")
        places.update(dict.fromkeys(found))
    return list(places)


def _usual(root: Path) -> list[Path]:
    for pattern in _USUAL:
        found = sorted(place for place in root.glob(pattern) if place.is_file())
        if found:
            return found
    raise NotCheckedError("there is no coverage report in any of the usual places; name it under 'reports'")


def _read(place: Path) -> tuple[int, int]:
    """Lines that are reached, and all lines."""
    if place.stat().st_size > _LARGEST:
        raise ValueError("it is too large")
    data = place.read_bytes()
    return _xml(data) if data.lstrip()[:1] == b"<" or data[:3] == b"\xef\xbb\xbf" else _lcov(data)


def _xml(data: bytes) -> tuple[int, int]:
    root = parse_xml(_OUTER_TYPE.sub(b"", data, count=1))
    if root.tag == "coverage":
        if root.get("lines-valid") is not None:
            return int(root.get("lines-covered")), int(root.get("lines-valid"))
        lines = root.findall(".//class/lines/line")
        return sum(int(line.get("hits")) > 0 for line in lines), len(lines)
    if root.tag == "report":
        counter = next((each for each in root.findall("counter") if each.get("type") == "LINE"), None)
        if counter is None:
            raise ValueError("it has no counter of lines")
        covered = int(counter.get("covered"))
        return covered, covered + int(counter.get("missed"))
    raise ValueError(f"<{root.tag}> begins no report that is known")


def _lcov(data: bytes) -> tuple[int, int]:
    covered = lines = 0
    known = False
    for line in data.decode("utf-8", "replace").splitlines():
        kind, _, number = line.partition(":")
        if kind == "LH":
            covered += int(number)
        elif kind == "LF":
            lines += int(number)
        known = known or kind == "SF"
    if not known:
        raise ValueError("it is neither XML nor lcov's")
    return covered, lines
