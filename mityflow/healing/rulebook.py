"""The rules of the classifier: YAML files by tool, those of plugins, and those of a team."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from mityflow.errors import UsageError
from mityflow.plugins import entry_points

GROUP = "mityflow.rules"
RANKS: Mapping[str, int] = {
    "host": 10,  # the host or the harness ended it
    "install": 20,  # packages cannot be had, or not together
    "config": 25,  # what tools read does not parse or is not valid
    "missing": 30,  # a package or a tool is not there
    "source": 40,  # the project's source does not compile, lint or bundle
    "port": 45,  # a port is taken
    "setting": 55,  # what the program is given when it starts
    "test": 65,  # tests ran and failed
    "symbol": 70,  # a name that does not exist, found when it was used
    "runtime": 75,  # the program failed
    "wrapper": 90,  # who ran the tool says that it failed
}
"""What must be right first: of several causes, the one with the lowest rank is the root."""


class Rule(NamedTuple):
    """One rule.

    ``error_type`` is a class, or how it is found: ``python-module``, ``js-module``, ``java-package``,
    ``crate`` and ``dotnet-name`` (by whose the group ``module`` of the pattern is), ``file`` (by the role of the
    group ``file``). ``literals`` are texts of which the line must hold one, in lower case. ``quoted`` lets it
    count where a line merely quotes. ``stacks`` limits it to some stacks.
    """

    id: str
    error_type: str
    rank: int
    pattern: re.Pattern[str]
    literals: tuple[str, ...]
    reason: str
    quoted: bool = False
    stacks: tuple[str, ...] = ()


_KINDS = frozenset(
    [
        "BuildError",
        "DependencyError",
        "TestFailure",
        "RuntimeError",
        "ConfigError",
        "PortInUse",
        "Unknown",
        "file",
        "python-module",
        "js-module",
        "java-package",
        "crate",
        "dotnet-name",
    ]
)


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
    return [rule_from_data(entry, f"{origin}, rule {number}") for number, entry in enumerate(entries, 1)]


def rule_from_data(data: Mapping[str, Any], origin: str) -> Rule:
    """One rule of a file. Raises UsageError."""
    try:
        kind, rank = data["class"], data.get("rank", "runtime")
        if kind not in _KINDS:
            raise UsageError(f"{origin}: '{kind}' is no class")
        if rank not in RANKS:
            raise UsageError(f"{origin}: '{rank}' is no rank")
        pattern = re.compile(data["pattern"], re.IGNORECASE if data.get("ignore_case") else 0)
        literals = tuple(text.lower() for text in data["any"])
        if not literals or not all(literals):
            raise UsageError(f"{origin}: 'any' is empty")
        return Rule(
            data["id"],
            kind,
            RANKS[rank],
            pattern,
            literals,
            data.get("reason", ""),
            bool(data.get("quoted", False)),
            tuple(data.get("stacks", ())),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{origin} is no rule: {error!r}") from error
    except re.error as error:
        raise UsageError(f"{origin}: the pattern does not compile: {error}") from error


@lru_cache(maxsize=1)
def rules() -> tuple[Rule, ...]:
    """The rules that come with mityflow and with plugins."""
    folders = [Path(__file__).parent / "rules"]
    for entries in entry_points(GROUP).values():
        folder = entries[0].folder()
        if folder is not None:
            folders.append(folder)
    return tuple(rule for folder in folders for rule in _folder_rules(folder))


def _folder_rules(folder: Path) -> Iterable[Rule]:
    for path in sorted(folder.glob("*.yaml")):
        yield from read_rules(path.read_text(encoding="utf-8"), path.name)
