"""What a difference adds: lines, marks of work that is not done, packages."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

from mityflow.sdk import Finding
from mityflow_stations._evidence import parse_xml

_HUNK = re.compile(r"^@@ -\d+(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
_CONFLICT = re.compile(r"^(?:<{7}|>{7})(?: |$)")
_TODO = re.compile(r"\b(?:TODO|FIXME|XXX|HACK)\b")
_STOPS = {
    "py": re.compile(r"^\s*(?:breakpoint\(|import i?pdb\b|i?pdb\.set_trace\()"),
    "js": re.compile(r"^\s*debugger\b"),
    "rs": re.compile(r"\b(?:dbg|todo|unimplemented)!\s*[({\[]"),
    "cs": re.compile(r"\bDebugger\.(?:Break|Launch)\("),
}
_PRINTS = {
    "py": re.compile(r"^\s*print\("),
    "js": re.compile(r"\bconsole\.(?:log|debug|trace)\("),
    "rs": re.compile(r"\be?println!\("),
    "java": re.compile(r"\bSystem\.(?:out|err)\.print|\.printStackTrace\(\)"),
    "cs": re.compile(r"\bConsole\.Write"),
}
_KINDS = {"ts": "js", "tsx": "js", "jsx": "js", "mjs": "js", "cjs": "js", "vue": "js"}
_NAME = re.compile(r"[A-Za-z0-9][\w.-]*")


def added_lines(diff: str) -> dict[str, dict[int, str]]:
    """The lines that a difference of git's adds: for each file their numbers and texts."""
    found: dict[str, dict[int, str]] = {}
    path, number, left = "", 0, [0, 0]
    for line in diff.splitlines():
        if any(left) and line[:1] in ("+", "-", " ", "\\", ""):
            if line.startswith("+"):
                found.setdefault(path, {})[number] = line[1:]
            number += not line.startswith(("-", "\\"))
            left = [left[0] - (line[:1] in ("-", " ", "")), left[1] - (line[:1] in ("+", " ", ""))]
        elif hunk := _HUNK.match(line):
            number = int(hunk[2])
            left = [int(hunk[1] or 1), int(hunk[3] or 1)]
        elif line.startswith("+++ "):
            path = _unquoted(line[4:]).removeprefix("b/")
    return found


def leftovers(path: str, lines: Mapping[int, str]) -> Iterator[Finding]:
    """Marks of a merge, of a debugger, of prints and of things to do."""
    ending = path.rpartition(".")[2].lower()
    kind = _KINDS.get(ending, ending)
    stops, prints = _STOPS.get(kind), _PRINTS.get(kind)
    for number, line in lines.items():
        rule = None
        if _CONFLICT.match(line):
            rule = ("conflict-marker", "critical", "a mark of a conflict is left")
        elif stops and stops.search(line):
            rule = ("debugger", "high", "a stop for a debugger, or a part that is not written, is left")
        elif prints and prints.search(line):
            rule = ("print", "low", "something is printed; is it left from looking for a fault?")
        elif _TODO.search(line):
            rule = ("to-do", "low", "something is left to do")
        if rule:
            name, severity, message = rule
            yield Finding(name, severity, message, "mityflow", "leftover", path, number)  # type: ignore[arg-type]


def new_packages(before: Mapping[str, str | None], after: Mapping[str, str | None]) -> dict[str, str]:
    """The packages that manifests name now and did not before, each with its manifest."""
    found = {}
    for path, text in after.items():
        for name in _packages(path, text) - _packages(path, before.get(path)):
            found[name] = path
    return found


def _packages(path: str, text: str | None) -> set[str]:
    """The packages that a manifest names; none where it is no manifest, or does not parse."""
    reader = _MANIFESTS.get(path.rpartition("/")[2])
    if reader is None or text is None:
        return set()
    try:
        return set(reader(text))
    except (ValueError, SyntaxError, AttributeError, TypeError, KeyError, RecursionError):
        return set()


def _npm(text: str) -> Iterator[str]:
    data = json.loads(text)
    for key in ("dependencies", "devDependencies", "peerDependencies", "optionalDependencies"):
        yield from data.get(key) or {}


def _pyproject(text: str) -> Iterator[str]:
    data = tomllib.loads(text)
    project = data.get("project") or {}
    extras = [entry for some in (project.get("optional-dependencies") or {}).values() for entry in some]
    groups = [entry for some in (data.get("dependency-groups") or {}).values() for entry in some]
    for entry in [*(project.get("dependencies") or []), *extras, *groups]:
        if isinstance(entry, str) and (name := _NAME.match(entry.strip())):
            yield re.sub(r"[-_.]+", "-", name[0]).lower()


def _cargo(text: str) -> Iterator[str]:
    data: dict[str, Any] = tomllib.loads(text)
    for key in ("dependencies", "dev-dependencies", "build-dependencies"):
        for name, what in (data.get(key) or {}).items():
            yield str(what.get("package", name)) if isinstance(what, dict) else name


def _maven(text: str) -> Iterator[str]:
    for found in parse_xml(text.encode()).iter():
        if found.tag.rpartition("}")[2] == "dependency":
            parts = {child.tag.rpartition("}")[2]: (child.text or "").strip() for child in found}
            yield f"{parts.get('groupId', '')}:{parts.get('artifactId', '')}"


_MANIFESTS = {"package.json": _npm, "pyproject.toml": _pyproject, "Cargo.toml": _cargo, "pom.xml": _maven}


def _unquoted(name: str) -> str:
    """A file's name as git writes it: in quotes, with escapes, where it has odd characters."""
    if not (name.startswith('"') and name.endswith('"')):
        return name.split("\t")[0]
    data = name[1:-1].encode().decode("unicode_escape").encode("latin-1", "replace")
    return data.decode("utf-8", "surrogateescape")
