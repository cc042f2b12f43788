"""Reading policies: every fault at once, each with its place."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from mityflow.errors import Fault, FaultsError, Problem, UsageError, nearest
from mityflow.source import parse

CHECKS = ("command", "file_exists", "forbidden_pattern", "coverage", "secrets", "docs")
_NAMES = ("stack", "app_name")
_NUMBERS = ("version", "exit_code", "minimum", "symbols")

Where = tuple[str | int, ...]


class Policy(NamedTuple):
    """One demand of a team: ``check`` is one of CHECKS, ``settings`` are what the file says of it."""

    id: str
    description: str
    severity: str
    when: str | None
    check: str
    settings: Mapping[str, Any]

    def applies(self, *, stack: str | None, app_name: str | None) -> bool:
        """Whether it is demanded of such an application. Raises UsageError where ``when`` cannot be told."""
        if self.when is None:
            return True
        from mityflow.expressions import ExpressionError, parse_condition

        try:
            return parse_condition(self.when).render({"stack": stack, "app_name": app_name})
        except ExpressionError as error:
            raise UsageError(f"the 'when' of policy '{self.id}' cannot be told: {error}") from error


def check_policies(data: bytes, shown: str) -> list[Fault]:
    """Every fault of a policy file that holds these bytes."""
    return _read(data, shown)[1]


def read_policies(path: Path) -> list[Policy]:
    """The policies in a file, with the defaults of their settings.

    Raises UsageError when it cannot be read, FaultsError with all that is wrong with it.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read the policy file {path}: {error.strerror}") from error
    tree, faults = _read(data, str(path))
    if faults or not isinstance(tree, dict):
        raise FaultsError(faults)
    from mityflow.models.policy import PolicyFile

    return [
        Policy(entry.id, entry.description, entry.severity, entry.when, check, getattr(entry, check).model_dump())
        for entry in PolicyFile.model_validate(tree).policies
        for check in CHECKS
        if getattr(entry, check) is not None
    ]


def _read(data: bytes, shown: str) -> tuple[Any, list[Fault]]:
    from mityflow.filecheck import file_problems, placed

    source = parse(data, shown)
    if source.root is None:
        return None, list(source.faults)
    tree = source.root.data()
    problems = file_problems(source.root, "policy", numeric=lambda where: where[-1] in _NUMBERS)
    entries = tree.get("policies") if isinstance(tree, dict) else None
    if isinstance(entries, list):
        wrong = {problem.where for problem in problems}
        problems += [problem for problem in _meaning_problems(entries) if problem.where not in wrong]
    faults = [*source.faults, *(placed(problem, source) for problem in problems)]
    return tree, sorted(faults, key=lambda fault: (fault.line, fault.column))


def _meaning_problems(entries: list[Any]) -> Iterator[Problem]:
    """What the schema cannot say; what is no policy at all is told by the schema."""
    seen: set[str] = set()
    for i, entry in enumerate(entries):
        if not isinstance(entry, Mapping):
            continue
        where: Where = ("policies", i)
        name = entry.get("id")
        if isinstance(name, str) and name in seen:
            yield Problem("policy", f"there is a policy '{name}' already", (*where, "id"))
        seen.add(str(name))
        yield from _check_problems(entry, where)
        when = entry.get("when")
        if isinstance(when, str):
            yield from _when_problems(when, (*where, "when"))


def _check_problems(entry: Mapping[str, Any], where: Where) -> Iterator[Problem]:
    found = [key for key in entry if key in CHECKS]
    known = {"id", "description", "severity", "when", *CHECKS}
    misspelt = any(key not in known and nearest(key, known) in CHECKS for key in entry)
    if not found and not misspelt:
        yield Problem("policy", f"the policy has no check; give it one of {', '.join(CHECKS)}", where)
    for key in found[1:]:
        yield Problem("policy", f"the policy has the check '{found[0]}' already", (*where, key), key=True)
    for key in found:
        settings = entry[key]
        if not isinstance(settings, Mapping):
            continue
        pattern = settings.get("pattern")
        if key == "forbidden_pattern" and isinstance(pattern, str):
            try:
                re.compile(pattern)
            except (re.error, RecursionError, OverflowError) as error:
                yield Problem("pattern", f"is no regular expression: {error}", (*where, key, "pattern"))
        if key == "docs" and not settings.get("headings") and settings.get("symbols") is None:
            yield Problem("policy", "nothing is demanded; give 'headings' or 'symbols'", (*where, key), key=True)
        yield from _duration_problems(settings.get("timeout"), (*where, key, "timeout"))


def _duration_problems(value: Any, where: Where) -> Iterator[Problem]:
    from mityflow.workflow import parse_duration

    if isinstance(value, str) and re.fullmatch(r"[0-9]+(\.[0-9]+)?(ms|s|m|h|d)", value):
        try:
            parse_duration(value)
        except UsageError as error:
            yield Problem("duration", error.message, where)


def _when_problems(when: str, where: Where) -> Iterator[Problem]:
    from mityflow.expressions import ExpressionError, parse_condition

    try:
        references = parse_condition(when).references
    except ExpressionError as error:
        yield Problem("expression", str(error), where, offset=error.offset)
        return
    for reference in references:
        name = str(reference.path[0])
        if name not in _NAMES:
            told = f"there is no '{name}' here; one of {', '.join(_NAMES)}"
            yield Problem("expression", told, where, nearest(name, _NAMES), offset=reference.offset)
