"""The plan of a feature: files to touch, and a test to be for each acceptance criterion."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from mityflow_stations._analysis.survey import of_tests
from mityflow_stations._analysis.words import Near, nearest, words
from mityflow_stations._feature import Feature
from mityflow_stations._naming import Layout, layout_of

OUTLINE = "outline"
ACTIONS = ("add", "change", "remove")
_MOST_NEAR = 5
_SHARE = 0.25
_LONGEST = 5_000
_MOST_FILES = 200


class File(NamedTuple):
    """A file to touch: ``add``, ``change`` or ``remove`` it, and why."""

    path: str
    action: str
    reason: str


class Shown(NamedTuple):
    """The test that is to show a criterion."""

    criterion: str
    file: str
    test: str


class Plan(NamedTuple):
    """What is to be done. ``by`` is the agent that says so; of an outline, which nobody decided, ``outline``."""

    by: str
    files: tuple[File, ...]
    criteria: tuple[Shown, ...]
    layout: Layout
    decision: str = ""
    consequences: tuple[str, ...] = ()

    def to_data(self) -> dict[str, Any]:
        """As JSON data."""
        return {
            "by": self.by,
            "decision": self.decision,
            "consequences": list(self.consequences),
            "files": [file._asdict() for file in self.files],
            "criteria": [shown._asdict() for shown in self.criteria],
            "places": {"modules": self.layout.modules or ".", "tests": self.layout.tests or "."},
        }


def outline(feature: Feature, analysis: Mapping[str, Any]) -> Plan:
    """What the words of a feature are nearest to, and where new parts belong by the layout; nothing is decided."""
    near = _near(feature, analysis)
    layout = layout_of(analysis, [each.path for each in near])
    files = [File(each.path, "change", _reason(each, analysis)) for each in near]
    files += _joins(near, analysis)
    test = layout.test_file(feature.slug)
    shown = [Shown(criterion, test, name) for criterion, name in _named(feature, layout)]
    if shown:
        there = any(each["path"] == test for each in analysis["tests"])
        count = len(shown)
        files.append(
            File(
                test, "change" if there else "add", f"{count} test{'s' if count > 1 else ''} of the acceptance criteria"
            )
        )
    return Plan(OUTLINE, tuple(files), tuple(shown), layout)


def _near(feature: Feature, analysis: Mapping[str, Any]) -> list[Near]:
    """The nearest modules; one with but a small share of the best one's words is none."""
    wanted = words(*[feature.title] * 3, *[*feature.criteria] * 2, feature.text)
    found = nearest(wanted, analysis, _MOST_NEAR)
    return [each for each in found if each.score >= found[0].score * _SHARE]


def _reason(near: Near, analysis: Mapping[str, Any]) -> str:
    shared = ", ".join(f"'{word}'" for word in near.words[:4])
    served = [f"{r['method']} {r['path']}".strip() for r in analysis["routes"] if r["file"] == near.path]
    more = f"; it serves {', '.join(served[:3])}{' and more' if len(served) > 3 else ''}" if served else ""
    return f"it shares words with the feature: {shared}{more}"


def _joins(near: Sequence[Near], analysis: Mapping[str, Any]) -> list[File]:
    """The modules that put those together which serve routes: a new one must be made known there."""
    serving = {route["file"] for route in analysis["routes"]}
    known = {each.path for each in near}
    if not near or near[0].path not in serving:
        return []
    return [
        File(
            module["path"],
            "change",
            f"it imports {near[0].path}, and a new part beside it may have to be made known there",
        )
        for module in analysis["modules"]
        if near[0].path in module["imports"] and module["path"] not in known
    ][:1]


def _named(feature: Feature, layout: Layout) -> list[tuple[str, str]]:
    return list(zip(feature.criteria, layout.test_names(feature.criteria), strict=True))


def plan_of(data: Mapping[str, Any], by: str, feature: Feature, analysis: Mapping[str, Any], root: Path) -> Plan:
    """An agent's plan. Raises ValueError for one that names what is not there, or leaves out a criterion."""
    layout = layout_of(analysis, [near.path for near in _near(feature, analysis)])
    files = tuple(_file(entry, root) for entry in _list(data, "files"))
    if not files:
        raise ValueError("'files' is empty: a feature needs a file to be changed")
    twice = {file.path for file in files if sum(each.path == file.path for each in files) > 1}
    if twice:
        raise ValueError(f"'files' lists {sorted(twice)[0]} twice")
    consequences = tuple(_words(each, "a consequence") for each in _list(data, "consequences"))
    criteria = _criteria(_list(data, "criteria"), feature, {file.path: file for file in files}, root)
    return Plan(by, files, criteria, layout, _words(data.get("decision"), "'decision'"), consequences)


def _list(data: Mapping[str, Any], key: str) -> list[Any]:
    value = data.get(key)
    if not isinstance(value, list) or len(value) > _MOST_FILES:
        raise ValueError(f"'{key}' is no list of at most {_MOST_FILES}")
    return value


def _file(entry: Any, root: Path) -> File:
    if not isinstance(entry, dict):
        raise ValueError("an entry of 'files' is no object")  # noqa: TRY004 - told to the agent as any other fault
    path, action = _path(entry.get("path"), root), entry.get("action")
    if action not in ACTIONS:
        raise ValueError(f"the 'action' of {path} is {action!r}, and not one of {', '.join(ACTIONS)}")
    there = os.path.lexists(root / path)
    if there and (action == "add" or not (root / path).is_file()):
        raise ValueError(f"{path} cannot be added: it is there" if action == "add" else f"{path} is no plain file")
    if not there and action != "add":
        raise ValueError(f"there is no file {path} to {action}")
    return File(path, action, _words(entry.get("reason"), f"the 'reason' of {path}"))


def _path(value: Any, root: Path) -> str:
    """A path inside of the application that no link is on the way to."""
    parts = value.split("/") if isinstance(value, str) else [""]
    if not all(parts) or {".", "..", ".git", ".mity"} & {part.lower() for part in parts} or not value.isprintable():
        raise ValueError(f"{value!r} is no path inside of the application")
    place = root
    for part in parts:
        place = place / part
        if place.is_symlink():
            raise ValueError(f"{value} leads through a link")
    return str(value)


def _criteria(entries: list[Any], feature: Feature, files: Mapping[str, File], root: Path) -> tuple[Shown, ...]:
    shown: dict[int, Shown] = {}
    for entry in entries:
        number = entry.get("number") if isinstance(entry, dict) else None
        if type(number) is not int or not 1 <= number <= len(feature.criteria) or number in shown:
            raise ValueError(f"'criteria' names the criterion {number!r}; each of 1 to {len(feature.criteria)} once")
        path = _path(entry.get("file"), root)
        file = files.get(path)
        if file is None or file.action == "remove":
            raise ValueError(f"the test of criterion {number} is in {path}, which is not among 'files'")
        if not of_tests(path) and not (path.endswith(".rs") and file.action == "change"):
            raise ValueError(f"the test of criterion {number} is in {path}, which is no file of tests by its name")
        shown[number] = Shown(
            feature.criteria[number - 1], path, _words(entry.get("test"), f"the 'test' of criterion {number}")
        )
    missing = [number for number in range(1, len(feature.criteria) + 1) if number not in shown]
    if missing:
        raise ValueError(f"'criteria' has no test for criterion {', '.join(map(str, missing))}")
    return tuple(shown[number] for number in sorted(shown))


def _words(value: Any, what: str) -> str:
    text = " ".join(value.split()) if isinstance(value, str) else ""
    if not text or len(text) > _LONGEST:
        raise ValueError(f"{what} is no text of at most {_LONGEST} characters")
    return text
