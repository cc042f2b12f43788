"""What is documented: headings of a Markdown file, and public symbols of Python source."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from mityflow_stations.scanners import NotCheckedError

_LARGEST = 5_000_000
_TESTS = ("test", "tests")
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


class Symbol(NamedTuple):
    """Something public: a module, a class or a function."""

    path: str
    line: int
    name: str
    documented: bool


def absent_headings(place: Path, wanted: Sequence[str]) -> list[str]:
    """Which of the headings a Markdown file lacks; all of them where it is not there. Case makes no difference."""
    from markdown_it import MarkdownIt

    if not place.is_file():
        return list(wanted)
    if place.stat().st_size > _LARGEST:
        raise NotCheckedError(f"{place.name} is too large to be read")
    tokens = MarkdownIt("commonmark").parse(place.read_text(encoding="utf-8", errors="replace"))
    texts = [tokens[at + 1].content for at, token in enumerate(tokens) if token.type == "heading_open"]
    there = {_plain(text) for text in texts}
    return [name for name in wanted if _plain(name) not in there]


def symbols(root: Path, files: Sequence[str]) -> list[Symbol]:
    """The public symbols of these files. Raises NotCheckedError where none can be counted."""
    found: list[Symbol] = []
    for path in files:
        if not path.endswith(".py") or not _is_public(path):
            continue
        try:
            with warnings.catch_warnings(action="ignore"):
                module = ast.parse((root / path).read_bytes())
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            raise NotCheckedError(f"{path} cannot be read: {error}") from error
        if module.body:
            found += _symbols(module, path)
    if not found:
        raise NotCheckedError("there are no public symbols that are counted: those of Python are")
    return found


def _symbols(module: ast.Module, path: str) -> Iterator[Symbol]:
    yield Symbol(path, 1, path, ast.get_docstring(module) is not None)
    pending: list[ast.stmt] = list(module.body)
    while pending:
        node = pending.pop(0)
        if isinstance(node, ast.If | ast.Try):
            pending += node.body
        elif isinstance(node, (ast.ClassDef, *_FUNCTIONS)) and not node.name.startswith("_") and not _repeats(node):
            yield Symbol(path, node.lineno, node.name, ast.get_docstring(node) is not None)
            pending += node.body if isinstance(node, ast.ClassDef) else []


def _repeats(node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether it is a further form of something: an overload, or the setter of a property."""
    names = {part.attr if isinstance(part, ast.Attribute) else getattr(part, "id", "") for part in node.decorator_list}
    return bool(names & {"overload", "setter", "deleter"})


def _is_public(path: str) -> bool:
    parts = PurePosixPath(path).parts
    name = parts[-1].removesuffix(".py")
    private = any(part.startswith(("_", ".")) for part in (*parts[:-1], name) if part != "__init__")
    test = bool(set(parts[:-1]) & set(_TESTS)) or name.startswith("test_") or name in ("conftest", "setup")
    return not private and not test


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold().rstrip(":")
