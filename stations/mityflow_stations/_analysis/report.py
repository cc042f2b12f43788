"""What was found in an application, on a page for people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

_MOST = 40
_FEW = 10
_LONGEST = 200


def report(analysis: Mapping[str, Any]) -> str:
    """The page, as Markdown."""
    parts = [
        f"# {_text(analysis['application'])}",
        "\n".join(f"- {line}" for line in _facts(analysis)),
        *_section("Packages", _packages(analysis), ("package", "asked for", "locked")),
        *_section("Size", _sizes(analysis), ("language", "files", "lines")),
        *_section("Routes and pages", _routes(analysis), ("route", "served by", "place", "tests that address it")),
        *_section("Modules", _modules(analysis), ("module", "gives", "imports")),
        *_section("Tests", _tests(analysis), ("file", "tests", "imports", "addresses")),
        *_listed("Imported by no test, and no route of theirs addressed by one", analysis["untested"]),
        *_section("Changed most", _hot(analysis), ("file", "commits")),
        *_listed("Not read", [f"{each['path']}: {each['reason']}" for each in analysis["not_read"]]),
    ]
    return "\n\n".join(parts) + "\n"


def summary(analysis: Mapping[str, Any]) -> str:
    """One line."""
    cases = sum(len(test["cases"]) for test in analysis["tests"])
    counts = [
        _count(len(analysis["modules"]), "module"),
        _count(len(analysis["routes"]), "page" if _only_pages(analysis) else "route"),
        f"{_count(cases, 'test')} in {_count(len(analysis['tests']), 'file')}",
    ]
    left = [_count(len(analysis["not_read"]), "file") + " not read whole"] if analysis["not_read"] else []
    return f"{_stack(analysis)}: {', '.join([*counts, *left])}"


def _facts(analysis: Mapping[str, Any]) -> Iterable[str]:
    yield f"Stack: {_stack(analysis)}"
    others = [each for each in analysis["stacks_found"] if each["stack"] != analysis["stack"] or each["path"] != "."]
    if others:
        yield "Manifests that look like: " + ", ".join(f"{each['stack']} in {_code(each['path'])}" for each in others)
    if analysis["platform"]:
        yield "Runs on: " + ", ".join(map(_text, analysis["platform"]))
    size = analysis["size"]
    yield f"{_count(size['files'], 'file')}, {_count(size['lines'], 'line')}"
    history = analysis["history"]
    if history["reason"]:
        yield f"History: none read ({_text(history['reason'])})"
    else:
        cut = ", of a shallow clone" if history["shallow"] else ""
        yield f"History: the last {_count(history['commits'], 'commit')}{cut}"
    if analysis["cut"]:
        yield f"More than is listed here: {', '.join(analysis['cut'])}"


def _stack(analysis: Mapping[str, Any]) -> str:
    return f"{analysis['stack']} ({analysis['stack_is']})" if analysis["stack"] else "unknown stack"


def _packages(analysis: Mapping[str, Any]) -> list[tuple[str, ...]]:
    own = [each for each in analysis["packages"] if not each["development"] and not each["name"].startswith("sdk:")]
    return [(_code(each["name"]), _text(each["wanted"]), _text(each["locked"])) for each in own]


def _sizes(analysis: Mapping[str, Any]) -> list[tuple[str, ...]]:
    return [(each["language"], str(each["files"]), str(each["lines"])) for each in analysis["size"]["languages"]]


def _routes(analysis: Mapping[str, Any]) -> list[tuple[str, ...]]:
    return [
        (
            _code(f"{each['method']} {each['path']}".strip()),
            _code(each["handler"]),
            _code(f"{each['file']}:{each['line']}"),
            _some(each["tested_by"]),
        )
        for each in analysis["routes"]
    ]


def _modules(analysis: Mapping[str, Any]) -> list[tuple[str, ...]]:
    return [(_code(each["path"]), _some(each["defines"]), _some(each["imports"])) for each in analysis["modules"]]


def _tests(analysis: Mapping[str, Any]) -> list[tuple[str, ...]]:
    return [
        (_code(each["path"]), str(len(each["cases"])), _some(each["covers"]), _some(each["routes"]))
        for each in analysis["tests"]
    ]


def _hot(analysis: Mapping[str, Any]) -> list[tuple[str, ...]]:
    return [(_code(each["path"]), str(each["changes"])) for each in analysis["history"]["hot_files"][:_FEW]]


def _section(title: str, rows: Sequence[tuple[str, ...]], head: Sequence[str]) -> list[str]:
    if not rows:
        return []
    lines = [head, ["---"] * len(head), *rows[:_MOST]]
    table = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    more = [f"and {len(rows) - _MOST} more"] if len(rows) > _MOST else []
    return [f"## {title}", table, *more]


def _listed(title: str, items: Sequence[str]) -> list[str]:
    if not items:
        return []
    more = [f"- and {len(items) - _MOST} more"] if len(items) > _MOST else []
    return [f"## {title}", "\n".join([*(f"- {_code(item)}" for item in items[:_MOST]), *more])]


def _only_pages(analysis: Mapping[str, Any]) -> bool:
    return bool(analysis["routes"]) and all(route["kind"] == "page" for route in analysis["routes"])


def _some(items: Sequence[str]) -> str:
    more = f" and {len(items) - 4} more" if len(items) > 4 else ""
    return ", ".join(_code(item) for item in items[:4]) + more


def _code(text: str) -> str:
    """A name as code: what would end it, or the cell it is in, is replaced."""
    plain = _plain(text).replace("`", "'").replace("|", "¦")
    return f"`{plain}`" if plain else ""


def _text(text: str) -> str:
    """Words that mean nothing in Markdown."""
    return "".join(f"\\{c}" if c in "\\`*_[]<>|#" else c for c in _plain(text))


def _plain(text: str) -> str:
    one = " ".join("".join(c if c.isprintable() else " " for c in str(text)).split())
    return one if len(one) <= _LONGEST else f"{one[:_LONGEST]}…"


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
