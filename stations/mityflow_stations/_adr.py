"""Architecture decision records: what was known, what was decided, what follows, one numbered file each."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mityflow_stations._feature import Feature
from mityflow_stations._plan import OUTLINE, Plan

FOLDERS = ("docs/adr", "doc/adr", "docs/decisions", "docs/architecture/decisions")
_NUMBERED = re.compile(r"(\d{1,6})-.*\.md")
_SHOWN = 20
_FEW = 5


class AdrError(Exception):
    """A record cannot be written."""


def place_of(root: Path, slug: str, content: Any) -> tuple[str, bool]:
    """The path of a record, and whether the very same is there already; ``content`` makes its text from its number."""
    folder = next((each for each in FOLDERS if _numbers(root / each)), FOLDERS[0])
    _refuse_links(root, folder)
    numbers = _numbers(root / folder)
    for number, name in sorted(numbers.items()):
        if name.partition("-")[2] == f"{slug}.md" and _same(root / folder / name, content(number)):
            return f"{folder}/{name}", True
    return f"{folder}/{max(numbers, default=0) + 1:04d}-{slug}.md", False


def write(root: Path, path: str, text: str) -> None:
    """Write a record where no file is. Raises AdrError."""
    _refuse_links(root, path.rpartition("/")[0])
    place = root / path
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise AdrError(f"cannot write {path}: {error.strerror}") from error
    try:
        with open(handle, "w", encoding="utf-8", errors="replace") as file:
            file.write(text)
    except OSError as error:
        place.unlink(missing_ok=True)
        raise AdrError(f"cannot write {path}: {error.strerror}") from error


def digest(text: str) -> str:
    """What a record is known by."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def is_as_written(root: Path, path: str, known: str) -> bool:
    """Whether a record is there, and nobody has changed it."""
    try:
        return not (root / path).is_symlink() and digest((root / path).read_text(encoding="utf-8")) == known
    except (OSError, UnicodeDecodeError):
        return False


def number_of(path: str) -> int:
    """The number of a record."""
    return int(path.rpartition("/")[2].partition("-")[0])


def record(number: int, date: str, feature: Feature, analysis: Mapping[str, Any], plan: Plan) -> str:
    """The text: only what the analysis found, what the feature says, and what was planned."""
    parts = [
        f"# {number}. {feature.title}",
        f"- Status: proposed\n- Date: {date}\n- {_by(plan)}",
        "## Context",
        *([_quoted(feature.text)] if feature.text.strip() else []),
        *(["The feature is made when:", _numbered(feature.criteria)] if feature.criteria else []),
        *([] if feature.criteria else ["No acceptance criteria are given."]),
        " ".join(_known(analysis, plan)),
        "## Decision",
        *_decision(plan),
        *_files(plan),
        "## Consequences",
        "\n".join(f"- {each}" for each in _consequences(analysis, plan)),
    ]
    return "\n\n".join(parts) + "\n"


def _by(plan: Plan) -> str:
    if plan.by == OUTLINE:
        return "Written by mityflow as an outline: no agent was asked, and nobody has decided anything yet"
    return f"Decision and plan by {plan.by}; what is said of the application as it is was read from its files"


def _known(analysis: Mapping[str, Any], plan: Plan) -> Iterator[str]:
    stack = analysis["stack"] or "an unknown stack"
    counts = f"{len(analysis['modules'])} modules, {len(analysis['routes'])} routes or pages"
    yield f"The application is of {stack} and has {counts} and {len(analysis['tests'])} files of tests."
    touched = {file.path for file in plan.files if file.action != "add"}
    routes = [f"`{r['method']} {r['path']}`".replace("` ", "`") for r in analysis["routes"] if r["file"] in touched]
    if routes:
        more = f" and {len(routes) - _SHOWN} more" if len(routes) > _SHOWN else ""
        yield f"The files that are to be changed serve {', '.join(routes[:_SHOWN])}{more}."


def _decision(plan: Plan) -> Iterator[str]:
    if plan.by != OUTLINE:
        yield plan.decision
        return
    yield (
        "Not taken yet. What follows is found by the words of the feature and by the layout of the application: a place"
        " to begin, to be put right by who makes it."
    )
    yield (
        f"New modules belong in `{plan.layout.modules or '.'}`, where the nearest ones are; new tests in"
        f" `{plan.layout.tests or '.'}`."
    )


def _files(plan: Plan) -> Iterator[str]:
    if plan.files:
        yield "\n".join(f"- {file.action} `{file.path}`: {file.reason}" for file in plan.files)
    else:
        yield "No file of the application shares words with the feature."
    if plan.criteria:
        yield "Each criterion is to be shown by a test:"
        yield "\n".join(
            f"{number}. `{shown.test.replace('`', chr(39))}` in `{shown.file}`"
            for number, shown in enumerate(plan.criteria, 1)
        )


def _consequences(analysis: Mapping[str, Any], plan: Plan) -> Iterator[str]:
    yield from plan.consequences
    changed = [file.path for file in plan.files if file.action == "change"]
    users = {path: _users(path, analysis) for path in changed}
    for path, found in users.items():
        if found:
            listed = ", ".join(f"`{each}`" for each in found[:_FEW])
            more = f" and {len(found) - _FEW} more" if len(found) > _FEW else ""
            yield f"`{path}` is imported by {listed}{more}, which may notice a change."
    for path in changed:
        if path in analysis["untested"]:
            yield f"`{path}` is imported by no test, and no test addresses its routes: a fault there may stay unseen."
    hot = {each["path"]: each["changes"] for each in analysis["history"]["hot_files"]}
    for path in changed:
        if path in hot:
            commits = analysis["history"]["commits"]
            yield f"`{path}` was changed in {hot[path]} of the last {commits} commits."
    if plan.by == OUTLINE:
        yield "What else follows is not known before somebody decides how it is made."
    elif not plan.criteria:
        yield "Without acceptance criteria no test says when the feature is made."


def _users(path: str, analysis: Mapping[str, Any]) -> list[str]:
    return [module["path"] for module in analysis["modules"] if path in module["imports"]]


def _numbered(items: tuple[str, ...]) -> str:
    return "\n".join(f"{number}. {item}" for number, item in enumerate(items, 1))


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}".rstrip() for line in text.strip().splitlines())


def _numbers(folder: Path) -> dict[int, str]:
    """The records of a folder by their numbers."""
    try:
        names = sorted(os.listdir(folder)) if not folder.is_symlink() else []
    except OSError:
        return {}
    return {int(match[1]): name for name in names if (match := _NUMBERED.fullmatch(name))}


def _same(place: Path, text: str) -> bool:
    """Whether a record says the same, whatever day it is of."""
    try:
        there = "" if place.is_symlink() else place.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return False
    return _undated(there) == _undated(text)


def _undated(text: str) -> str:
    return re.sub(r"^- Date: .*$", "", text, count=1, flags=re.MULTILINE)


def _refuse_links(root: Path, folder: str) -> None:
    place = root
    for part in folder.split("/"):
        place = place / part
        if place.is_symlink() or (place.exists() and not place.is_dir()):
            raise AdrError(f"cannot write to {folder}: {part} is {'a link' if place.is_symlink() else 'no folder'}")
