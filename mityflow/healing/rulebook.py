"""The rules of the classifier: YAML files by tool, those of plugins, and those of a team.

A rules file says which stacks its tools belong to (``stacks``, all when it is left out) and has a list of
``rules``. Patterns are compiled when a text they need is there, which most never are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from mityflow.errors import UsageError
from mityflow.healing.needles import needles
from mityflow.plugins import EntryPoint, entry_points

GROUP = "mityflow.rules"
RANKS: Mapping[str, int] = {
    "host": 10,  # the host or the harness ended it
    "install": 20,  # packages cannot be had, or not together
    "config": 25,  # what tools read does not parse or is not valid
    "missing": 30,  # a package or a tool is not there
    "parsing": 35,  # the project's source does not parse, or a module of its own is not there
    "source": 40,  # the project's source does not compile, lint or bundle
    "port": 45,  # a port is taken
    "vanished": 47,  # the process that ran the tests, or their browser, is gone
    "loading": 50,  # a configuration that could not be loaded, when nothing tells why
    "setting": 55,  # what the program is given when it starts
    "test": 65,  # tests ran and failed
    "symbol": 70,  # a name that does not exist, found when it was used
    "runtime": 75,  # the program failed
    "words": 85,  # sentences of programs that no tool knows
    "wrapper": 90,  # who ran the tool says that it failed
}
"""What must be right first: of several causes, the one with the lowest rank is the root."""
CLASSES = ("BuildError", "DependencyError", "TestFailure", "RuntimeError", "ConfigError", "PortInUse", "Unknown")
KINDS = (*CLASSES, "file", "config-file", "python-module", "js-module", "java-package", "crate", "dotnet-name")
"""What ``class`` of a rule may be: a class, or how it is found."""


class Pattern(NamedTuple):
    """A regular expression, and plain texts of which the line must hold one, in lower case."""

    text: str
    needles: frozenset[str]


class Rule(NamedTuple):
    """One rule.

    ``error_type`` is a class, or how it is found: ``python-module``, ``js-module``, ``java-package``,
    ``crate`` and ``dotnet-name`` by whose the group ``module`` of the pattern is - ``own`` if it is the project's -,
    ``file`` by the role of the file; ``config-file`` counts for a configuration only. ``quoted`` lets it count where
    a line merely quotes. ``near`` must be found within some lines of it. ``stacks`` are those whose tools print
    this; none means any.
    """

    id: str
    error_type: str
    rank: int
    patterns: tuple[Pattern, ...]
    reason: str
    quoted: bool = False
    stacks: tuple[str, ...] = ()
    own: str = "BuildError"
    near: str = ""


def read_rules(text: str, origin: str) -> list[Rule]:
    """The rules of a file's text. Raises UsageError naming the rule that is wrong."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        data = yaml.load(text, Loader=loader)  # noqa: S506 - a safe loader
    except yaml.YAMLError as error:
        raise UsageError(f"{origin}: {error}") from error
    entries = data.get("rules") if isinstance(data, dict) else None
    if not isinstance(entries, list):
        raise UsageError(f"{origin}: there is no list 'rules'")
    return rules_from_data(entries, origin, data.get("stacks", ()))


def rules_from_data(entries: Sequence[Any], origin: str, stacks: Sequence[str] = ()) -> list[Rule]:
    """Rules as data. Raises UsageError naming the rule that is wrong."""
    return [_rule(entry, f"{origin}, rule {number}", stacks) for number, entry in enumerate(entries, 1)]


def _rule(data: Mapping[str, Any], origin: str, stacks: Sequence[str]) -> Rule:
    try:
        kind, rank, patterns = data["class"], data.get("rank", "runtime"), data["patterns"]
        if kind not in KINDS:
            raise UsageError(f"{origin}: '{kind}' is no class")
        if rank not in RANKS:
            raise UsageError(f"{origin}: '{rank}' is no rank")
        texts = patterns if isinstance(patterns, list) else []
        if not texts or not all(isinstance(text, str) and text for text in texts):
            raise UsageError(f"{origin}: 'patterns' is no list of texts")
        return Rule(
            str(data["id"]),
            kind,
            RANKS[rank],
            tuple(Pattern(text, needles(text)) for text in texts),
            str(data.get("reason", "")),
            bool(data.get("quoted", False)),
            tuple(data.get("stacks", stacks)),
            str(data.get("own", "BuildError")),
            str(data.get("near", "")),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{origin} is no rule: {error!r}") from error


@cache
def compiled(text: str) -> re.Pattern[str]:
    """A regular expression, compiled when it is first used."""
    return re.compile(text)


def check_patterns(rules: Sequence[Rule], origin: str) -> None:
    """Raise UsageError for a pattern that does not compile."""
    for rule in rules:
        for pattern in rule.patterns:
            try:
                compiled(pattern.text)
            except re.error as error:
                raise UsageError(f"{origin}: a pattern of '{rule.id}' does not compile: {error}") from error


class Rulebook(NamedTuple):
    """The rules there are, and what is wrong with plugins whose rules are left out."""

    rules: tuple[Rule, ...]
    faults: tuple[str, ...]


@lru_cache(maxsize=1)
def rulebook() -> Rulebook:
    """The rules that come with plugins, which come first, and with mityflow."""
    found: list[Rule] = []
    faults: list[str] = []
    for _, entries in sorted(entry_points(GROUP).items()):
        try:
            found += _rules_of(entries[0])
        except (UsageError, OSError) as error:
            faults.append(str(error))
    return Rulebook((*found, *_folder(Path(__file__).parent / "rules")), tuple(faults))


def _rules_of(entry: EntryPoint) -> list[Rule]:
    origin = f"rules '{entry.name}' of {entry.distribution} {entry.version}"
    folder = entry.folder()
    if folder is None:
        raise UsageError(f"{origin}: there is no package {entry.value}")
    found = list(_folder(folder))
    check_patterns(found, origin)
    return found


def _folder(folder: Path) -> Iterator[Rule]:
    for path in sorted(folder.glob("*.yaml")):
        yield from read_rules(path.read_text(encoding="utf-8"), path.name)
