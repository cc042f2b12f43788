"""What is read out of one file, and what follows from all of them together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol


class Case(NamedTuple):
    """A test case: its name as its runner shows it, and its line."""

    name: str
    line: int


class Route(NamedTuple):
    """What the application answers, or a page it shows.

    ``kind`` is ``http`` or ``page``; ``method`` is empty for a page. ``handler`` is what serves it, as the source
    calls it.
    """

    kind: str
    method: str
    path: str
    handler: str
    file: str
    line: int


class Module(NamedTuple):
    """A source file as its parser sees it.

    ``defines`` are the names it gives to others; ``texts`` the texts in it that may be addresses, because they begin
    with a slash. ``raw`` is what its language needs to link it with others. ``fault`` says why less was read than
    there is.
    """

    path: str
    language: str
    defines: tuple[str, ...] = ()
    cases: tuple[Case, ...] = ()
    texts: tuple[str, ...] = ()
    raw: Any = None
    fault: str = ""


class Missing(NamedTuple):
    """A library that is not there, told in place of a module."""

    message: str
    hint: str | None


class Links(NamedTuple):
    """What the modules of a language have to do with one another.

    ``imports`` are the application's own files that each file uses, ``packages`` what it uses of others.
    """

    imports: Mapping[str, tuple[str, ...]]
    packages: Mapping[str, tuple[str, ...]]
    routes: tuple[Route, ...]


class Tree(Protocol):
    """The application's files, as far as linking needs them."""

    paths: frozenset[str]

    def read(self, path: str, largest: int = ...) -> bytes | None:
        """A file's content; None where it is not there, is a link, or is too large."""


class Language(Protocol):
    """How the files of a language are read, and linked."""

    suffixes: tuple[str, ...]

    def read(self, path: str, data: bytes) -> Module:
        """What is in one file. Never raises for what is in it."""

    def is_test(self, path: str) -> bool:
        """Whether a file is one of tests, by its name."""

    def link(self, modules: Mapping[str, Module], tree: Tree) -> Links:
        """What follows from all of them."""


def unique(items: Any) -> tuple[Any, ...]:
    """Each once, in the order of their first."""
    return tuple(dict.fromkeys(items))


def joined(*parts: str) -> str:
    """Paths of addresses put together: one slash between two parts, none at the end."""
    whole = "/".join(part.strip("/") for part in parts if part.strip("/"))
    return f"/{whole}"
