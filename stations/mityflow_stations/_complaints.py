"""What linters, type checkers and formatters complain of, each with its place, read from what they print."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_MOST = 200
_LONGEST_LINE = 2000
_ESCAPES = re.compile(r"\x1b(?:\[[0-9;]*[A-Za-z]|\(B)")
_FILE = r"(?P<path>[^\s:()\[\]'\"]+\.\w{1,10})"
# mypy, ruff, tsc and many others: the place, then what is wrong
_PLACED = re.compile(
    rf"{_FILE}(?::(?P<line>\d+)(?::(?P<column>\d+))?|\((?P<line2>\d+),(?P<column2>\d+)\))(?::| -)\s+"
    r"(?P<kind>error|warning|note)?:?\s*(?P<message>\S.*)"
)
# rustc, clippy and ruff: what is wrong, then an arrow to the place
_HEAD = re.compile(r"(?P<kind>error|warning|note|help)(?:\[(?P<rule>\w+)\])?: (?P<message>\S.*)")
_RUFF = re.compile(
    r"(?P<rule>[A-Z]+[0-9]+|[a-z-]+)(?: \[\*\]|:) ?(?P<message>\S.*)|(?P<rule2>[A-Z]+[0-9]+) (?P<message2>\S.*)"
)
_ARROW = re.compile(rf"\s*--> {_FILE}:(?P<line>\d+):(?P<column>\d+)\s*$")
# ESLint: the file, then its places
_HEADING = re.compile(rf"{_FILE}$")
_UNDER = re.compile(
    r"\s+(?P<line>\d+):(?P<column>\d+)\s+(?P<kind>error|warning)\s+(?P<message>.+?)(?:\s{2,}(?P<rule>[\w@/-]+))?\s*$"
)
# formatters: rustfmt, prettier, Spotless, and ruff where it lists files
_UNFORMATTED = re.compile(
    rf"(?:Diff in {_FILE}(?: at line |:)(?P<line>\d+):"
    r"|\[warn\] (?P<path2>\S+\.\w{1,10})"
    r"|\[ERROR\] {4,6}(?P<path3>\S+\.\w{1,10})"
    r"|Would reformat: (?P<path4>\S+\.\w{1,10}))\s*$"
)
_CODE = re.compile(r"(?:\s+\[(?P<last>[\w-]+)\]|^(?P<first>TS\d+|[A-Z]+\d+)(?: \[\*\])?:? )")


class Complaint(NamedTuple):
    """What is wrong at a place; the path is as it was printed, the line 0 where only the file is named.

    ``severe`` is False for what the tool calls a warning and says beside errors.
    """

    path: str
    line: int
    column: int
    rule: str
    message: str
    severe: bool


def complaints(printed: str) -> list[Complaint]:
    """The complaints in what tools have printed, each once, at most 200."""
    found: dict[Complaint, None] = {}
    for complaint in _complaints(_ESCAPES.sub("", printed)):
        found[complaint] = None
        if len(found) == _MOST:
            break
    return list(found)


def _complaints(printed: str) -> Iterator[Complaint]:
    before, heading = "", ""
    for line in (line[:_LONGEST_LINE].rstrip() for line in printed.splitlines()):
        arrow, under = _ARROW.match(line), _UNDER.match(line) if heading else None
        if arrow:
            yield from _pointed(before, arrow)
            before = ""
            continue
        if under:
            yield _complaint(heading, under, under["rule"] or "", under["message"], under["kind"] != "warning")
            continue
        placed, unformatted = _PLACED.match(line), _UNFORMATTED.match(line)
        if placed and placed["kind"] != "note":
            rule, message = _rule_in(placed["message"])
            yield _complaint(placed["path"], placed, rule, message, placed["kind"] != "warning")
        elif unformatted:
            path = next(filter(None, (unformatted[name] for name in ("path", "path2", "path3", "path4"))))
            yield Complaint(path, int(unformatted["line"] or 0), 0, "format", "it is not formatted", severe=True)
        titled = _HEADING.fullmatch(line)
        if titled or not line.startswith(" "):
            heading = titled["path"] if titled else ""
        before = line or before


def _pointed(head: str, arrow: re.Match[str]) -> Iterator[Complaint]:
    """The complaint whose place an arrow shows; arrows below notes show what else has to do with it."""
    rustc, ruff = _HEAD.fullmatch(head), _RUFF.fullmatch(head)
    if rustc:
        if rustc["kind"] in ("error", "warning"):
            yield _complaint(arrow["path"], arrow, rustc["rule"] or "", rustc["message"], rustc["kind"] == "error")
    elif ruff:
        rule, message = ruff["rule"] or ruff["rule2"], ruff["message"] or ruff["message2"]
        yield _complaint(arrow["path"], arrow, rule, message, severe=True)


def _rule_in(message: str) -> tuple[str, str]:
    """The rule that a message begins or ends with, and the rest."""
    found = _CODE.search(message)
    if found is None or (found["last"] and found.end() != len(message)):
        return "", message
    return found["last"] or found["first"], (message[: found.start()] + message[found.end() :]).strip()


def _complaint(path: str, place: re.Match[str], rule: str, message: str, severe: bool) -> Complaint:
    groups = place.groupdict()
    line, column = groups["line"] or groups.get("line2"), groups["column"] or groups.get("column2")
    return Complaint(path, int(line or 0), int(column or 0), rule, message.strip(), severe)
