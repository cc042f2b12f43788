"""The classifier: what a failed command printed, and the class of error it belongs to.

The label is who must act first for the command to get further. So of all that tools and programs
really raised, the root cause is taken - what must be right before the rest can be -, neither the first line that
says error nor the last.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import NamedTuple

from mityflow.healing.contexts import roles
from mityflow.healing.diagnosis import Diagnosis
from mityflow.healing.printed import clean_lines, lines_of
from mityflow.healing.project import Project, foreign, is_config
from mityflow.healing.roles import Role
from mityflow.healing.rulebook import RANKS, Rule, compiled, rulebook
from mityflow.healing.signature import signature

_EVIDENCE = 5
_NAMES_SEEN = 3000
_NEAR = 30
_MOST = 8
_ENDED_BY_HOST: Mapping[int, str] = {
    137: "it was killed (SIGKILL)",
    -9: "it was killed (SIGKILL)",
    143: "it was asked to end (SIGTERM)",
    -15: "it was asked to end (SIGTERM)",
    130: "it was interrupted (SIGINT)",
    -2: "it was interrupted (SIGINT)",
    139: "it crashed (SIGSEGV)",
    -11: "it crashed (SIGSEGV)",
    135: "it crashed (SIGBUS)",
    124: "its time was up",
}
_ABORTED = (134, -6)
"""What .NET and Rust end with after an exception as well, so that it counts only where none is shown."""
_SURE_RANK = RANKS["port"]
"""A cause of this rank or lower is believed although the host ended the command."""
_BY_OWNER: Mapping[str, Callable[[Project, str], bool]] = {
    "python-module": Project.owns_python,
    "js-module": Project.owns_js,
    "java-package": Project.owns_java,
    "crate": Project.owns_crate,
    "dotnet-name": Project.owns_dotnet,
}
_PLACES = (
    re.compile(r"^(?:E\s+)?\s*File \"(?P<file>[^\"]{1,400})\", line (?P<line>\d+)"),
    re.compile(r"^\s*-->\s+(?P<file>[^\s:]{1,400}):(?P<line>\d+)"),
    re.compile(r"\((?P<file>[^\s()]{1,400}\.[cm]?[jt]sx?|[^\s()]{1,400}\.vue):(?P<line>\d+):\d+\)"),
    re.compile(r"(?<![\w@./\\+-])(?P<file>(?:[A-Za-z]:)?[\w@./\\+-]{1,400}\.\w{1,6})(?::|\(|:\[|, line )(?P<line>\d+)"),
)


_NAMES_IT = re.compile(r"\s+(?:\[ERROR\]\s+)?(?:[Ss]ymbole?|符号|シンボル)\s*: ")
"""javac names what it did not find on the line below; without that, all such errors of a file would be the same."""


class _Cause(NamedTuple):
    """A line that may be the root cause."""

    rank: int
    at: int
    rule: Rule
    error_type: str
    file: str | None
    line: str | None
    details: Mapping[str, str]


def classify(
    text: str | bytes | Iterable[str],
    *,
    exit_code: int | None = None,
    phase: str = "",
    stack: str | None = None,
    command: str = "",
    more_rules: Sequence[Rule] = (),
) -> Diagnosis:
    """What a failed command's output says of its cause.

    ``text`` may be all that was printed or the lines of it; escapes are stripped, and of a very long one only the
    lines that can matter are kept. ``phase`` (install, build, lint, test or launch) decides nothing by
    itself. ``more_rules`` come before those that are built in.
    """
    return diagnoses(
        text, exit_code=exit_code, phase=phase, stack=stack, command=command, more_rules=more_rules, most=1
    )[0]


def diagnoses(
    text: str | bytes | Iterable[str],
    *,
    exit_code: int | None = None,
    phase: str = "",  # noqa: ARG001 - callers say it, and it decides nothing
    stack: str | None = None,
    command: str = "",
    more_rules: Sequence[Rule] = (),
    most: int = _MOST,
) -> list[Diagnosis]:
    """The root cause as :func:`classify` tells it, and after it what else would be a cause if that were not there."""
    lines = clean_lines(lines_of(text))
    project = Project(lines[:_NAMES_SEEN] + lines[_NAMES_SEEN:][-_NAMES_SEEN:], command)
    found = roles(lines)
    causes = sorted(_causes(lines, found, project, stack, more_rules), key=lambda cause: (cause.rank, cause.at))
    by_host = _ENDED_BY_HOST.get(exit_code) if exit_code is not None else None
    told: list[Diagnosis] = []
    if by_host and (not causes or causes[0].rank > _SURE_RANK):
        told.append(_unknown(lines, found, "exit-code", by_host))
    elif not causes and exit_code in _ABORTED:
        told.append(_unknown(lines, found, "exit-code", "it aborted (SIGABRT)"))
    elif not causes:
        told.append(_unknown(lines, found, "none", "nothing that was printed names a cause"))
    rules_seen: set[str] = set()
    lines_seen: set[int] = set()
    for cause in causes:
        if len(told) >= most:
            break
        if cause.rule.id not in rules_seen and cause.at not in lines_seen:
            rules_seen.add(cause.rule.id)
            lines_seen.add(cause.at)
            told.append(_diagnosis(cause, lines, found))
    return told


def _causes(
    lines: Sequence[str], found: Sequence[Role], project: Project, stack: str | None, more: Sequence[Rule]
) -> list[_Cause]:
    known = [*more, *rulebook().rules]
    if not any(stack in rule.stacks for rule in known):
        stack = None
    ours = [rule for rule in known if stack is None or not rule.stacks or stack in rule.stacks]
    causes = _found_by(ours, lines, found, project)
    if any(cause.rank < RANKS["wrapper"] for cause in causes):
        return causes
    # Nothing of the stack's own tools: perhaps those of another one were run.
    return causes + _found_by([rule for rule in known if rule not in ours], lines, found, project)


def _found_by(rules: Sequence[Rule], lines: Sequence[str], found: Sequence[Role], project: Project) -> list[_Cause]:
    lowered = [line.lower() for line in lines]
    index = _Index(lowered)
    causes = []
    for rule in rules:
        for pattern in rule.patterns:
            for at in index.lines_with(pattern.needles):
                if found[at] is Role.RAISED or rule.quoted:
                    match = compiled(pattern.text).search(lines[at])
                    cause = _cause(rule, match, lines, at, project) if match else None
                    if cause:
                        causes.append(cause)
    return causes


class _Index:
    """Finds the lines that hold a text, without looking at each line by itself."""

    def __init__(self, lowered: Sequence[str]) -> None:
        self._text = "\n".join(lowered)
        self._starts = [0, *accumulate(len(line) + 1 for line in lowered)]
        self._seen: dict[str, list[int]] = {}

    def lines_with(self, needles: Iterable[str]) -> Iterable[int]:
        """The numbers of the lines that hold one of the texts; of all lines where there is none to look for."""
        wanted = tuple(needles)
        if not wanted:
            return range(len(self._starts) - 1)
        if len(wanted) == 1:
            return self._with(wanted[0])
        return sorted({at for needle in wanted for at in self._with(needle)})

    def _with(self, needle: str) -> list[int]:
        if needle not in self._seen:
            self._seen[needle] = list(self._search(needle))
        return self._seen[needle]

    def _search(self, needle: str) -> Iterator[int]:
        at = self._text.find(needle)
        while at >= 0:
            line = bisect_right(self._starts, at) - 1
            yield line
            at = self._text.find(needle, self._starts[line + 1])


def _cause(rule: Rule, match: re.Match[str], lines: Sequence[str], at: int, project: Project) -> _Cause | None:
    if rule.near and not _is_near(rule.near, lines, at):
        return None
    details = _details(match)
    file, number = details.pop("file", None), details.pop("line", None)
    if file is None and rule.error_type == "file":
        file, number = _place(lines, at)
    error_type, rank = rule.error_type, rule.rank
    owns = _BY_OWNER.get(error_type)
    if owns:
        names = [details[name] for name in ("module", "namespace") if name in details]
        own = any(owns(project, name) for name in names)
        error_type = rule.own if own else "DependencyError"
        rank = max(rank, RANKS["parsing"]) if error_type == "BuildError" else rank
    elif error_type == "config-file":
        if not file or not is_config(file):
            return None
        error_type = "ConfigError"
    elif error_type == "file":
        error_type, rank = _by_file(file, rank)
    return _Cause(rank, at, rule, error_type, file, number, details)


def _by_file(file: str | None, rank: int) -> tuple[str, int]:
    """The class of a fault in a file, by the file's role."""
    if file and is_config(file):
        return "ConfigError", min(rank, RANKS["config"])
    if file and foreign(file):
        return "DependencyError", min(rank, RANKS["missing"])
    return "BuildError", rank


def _is_near(pattern: str, lines: Sequence[str], at: int) -> bool:
    wanted = compiled(pattern)
    return any(wanted.search(line) for line in lines[max(0, at - _NEAR) : at + _NEAR])


def _details(match: re.Match[str]) -> dict[str, str]:
    """The named parts of a match."""
    return {name: value.strip() for name, value in match.groupdict().items() if value}


def _place(lines: Sequence[str], at: int) -> tuple[str | None, str | None]:
    """The file and line nearest to a line: on it, or in the frames around it; the project's own come first."""
    nearby = [at, *range(at + 1, min(len(lines), at + 8)), *range(at - 1, max(-1, at - 8), -1)]
    other: tuple[str | None, str | None] = (None, None)
    for i in nearby:
        for pattern in _PLACES:
            match = pattern.search(lines[i])
            if match and not foreign(match["file"]):
                return match["file"], match["line"]
            if match and other[0] is None and i == at:
                other = match["file"], match["line"]
    return other


def _diagnosis(cause: _Cause, lines: Sequence[str], found: Sequence[Role]) -> Diagnosis:
    first = lines[cause.at].strip()
    more = [
        lines[i].strip()
        for i in range(cause.at + 1, min(len(lines), cause.at + 12))
        if lines[i].strip() and found[i] is not Role.WARNING
    ]
    file, line = (cause.file, cause.line) if cause.file else _place(lines, cause.at)
    below = lines[cause.at + 1] if cause.at + 1 < len(lines) else ""
    named = f"{first} {below.strip()}" if _NAMES_IT.match(below) else first
    return Diagnosis(
        cause.error_type,
        signature(cause.error_type, cause.rule.id, named, file),
        (first, *more[: _EVIDENCE - 1]),
        file,
        int(line) if line and line.isdigit() else None,
        cause.rule.id,
        dict(cause.details),
        cause.rule.reason or f"rule {cause.rule.id}",
    )


def _unknown(lines: Sequence[str], found: Sequence[Role], rule: str, reason: str) -> Diagnosis:
    last = [line.strip() for line, role in zip(lines, found, strict=True) if line.strip() and role is Role.RAISED]
    evidence = tuple(last[-_EVIDENCE:])
    return Diagnosis(
        "Unknown",
        signature("Unknown", rule, evidence[-1] if evidence else "", None),
        evidence,
        None,
        None,
        rule,
        {},
        reason,
    )
