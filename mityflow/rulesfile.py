"""Reading a team's rules of the classifier: every fault at once, each with its place."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mityflow.errors import Fault, FaultsError, Problem, UsageError
from mityflow.source import parse

Where = tuple[str | int, ...]


def check_rules(data: bytes, shown: str) -> list[Fault]:
    """Every fault of a rules file that holds these bytes."""
    return _read(data, shown)[1]


def read_rules_file(path: Path) -> list[dict[str, Any]]:
    """The rules in a file, as data.

    Raises UsageError when it cannot be read, FaultsError with all that is wrong with it.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read the rules file {path}: {error.strerror}") from error
    tree, faults = _read(data, str(path))
    if faults or not isinstance(tree, dict):
        raise FaultsError(faults)
    stacks = {"stacks": tree["stacks"]} if tree.get("stacks") else {}
    return [{**stacks, **rule} for rule in tree["rules"]]


def pattern_problems(rules: Any, where: Where) -> Iterator[Problem]:
    """Patterns that do not compile; what is no rule at all is told by the schema."""
    for i, rule in enumerate(rules if isinstance(rules, list) else ()):
        if not isinstance(rule, Mapping):
            continue
        patterns = rule.get("patterns")
        texts: list[tuple[Where, Any]] = [(("near",), rule.get("near"))]
        texts += [(("patterns", j), text) for j, text in enumerate(patterns if isinstance(patterns, list) else ())]
        for place, text in texts:
            if isinstance(text, str):
                try:
                    re.compile(text)
                except re.error as error:
                    yield Problem("pattern", f"is no regular expression: {error}", (*where, i, *place))


def _read(data: bytes, shown: str) -> tuple[Any, list[Fault]]:
    from mityflow.filecheck import file_problems, placed

    source = parse(data, shown)
    if source.root is None:
        return None, list(source.faults)
    tree = source.root.data()
    problems = file_problems(source.root, "rules")
    if isinstance(tree, dict):
        problems += pattern_problems(tree.get("rules"), ("rules",))
    return tree, [*source.faults, *(placed(problem, source) for problem in problems)]
