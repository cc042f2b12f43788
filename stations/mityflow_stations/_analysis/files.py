"""The files of an application: what git knows of it, or else what is there, without what others made."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from mityflow.sdk import StationContext
from mityflow_stations._git import GitError, Repository

LARGEST_SOURCE = 500_000
LARGEST = 20_000_000
MOST = 20_000
_VENDORED = {
    *("node_modules", "bower_components", "vendor", "third_party", "site-packages", "__pypackages__"),
    *(".git", ".hg", ".svn", ".mity", ".venv", "venv", ".tox", ".nox", ".gradle", ".idea", ".vscode", ".angular"),
    *("__pycache__", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".next", ".nuxt", ".turbo", ".yarn", ".pnpm-store"),
}
"""Folders of others' files, wherever they are and whether or not git has them."""
_BUILT = {"target", "dist", "build", "out", "obj", "coverage", "htmlcov"}
"""Folders that builds write, left out where no git says what is the application's."""
_LANGUAGES = {
    ".py": "Python", ".pyi": "Python", ".ts": "TypeScript", ".tsx": "TypeScript", ".mts": "TypeScript",
    ".cts": "TypeScript", ".js": "JavaScript", ".jsx": "JavaScript", ".mjs": "JavaScript", ".cjs": "JavaScript",
    ".vue": "Vue", ".java": "Java", ".kt": "Kotlin", ".rs": "Rust", ".cs": "C#", ".fs": "F#", ".go": "Go",
    ".rb": "Ruby", ".php": "PHP", ".swift": "Swift", ".c": "C", ".h": "C", ".cc": "C++", ".cpp": "C++",
    ".html": "HTML", ".css": "CSS", ".scss": "CSS", ".sql": "SQL", ".sh": "Shell", ".tf": "HCL",
    ".json": "JSON", ".yaml": "YAML", ".yml": "YAML", ".toml": "TOML", ".xml": "XML", ".md": "Markdown",
    ".csproj": "XML", ".props": "XML", ".svelte": "Svelte", ".scala": "Scala",
}  # fmt: skip


class Size(NamedTuple):
    """Files and lines of a language."""

    language: str
    files: int
    lines: int


class Folder:
    """The application's files. ``left_out`` says of each that was not read why not."""

    def __init__(self, root: Path, place: Place) -> None:
        self.root = root
        self.left_out: dict[str, str] = {}
        paths = _known_to_git(place.repository, place.prefix) if place.repository else _walked(root)
        own = sorted(path for path in paths if not _is_vendored(path))
        self.cut = len(own) > MOST
        self._sizes = {path: size for path in own[:MOST] if (size := self._size(path)) is not None}
        self.paths = frozenset(self._sizes)

    def read(self, path: str, largest: int = LARGEST) -> bytes | None:
        """A file's content; None where it is not the application's, or is too large, or cannot be read."""
        if path not in self.paths or self._sizes[path] > largest:
            return None
        try:
            handle = os.open(self.root / path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            with open(handle, "rb") as file:
                return file.read(largest + 1)[:largest] if stat.S_ISREG(os.fstat(handle).st_mode) else None
        except OSError as error:
            self.left_out[path] = error.strerror or "cannot be read"
            return None

    def source(self, path: str) -> bytes | None:
        """What a parser is given: None, and said why, for what no person wrote."""
        if self._sizes[path] > LARGEST_SOURCE:
            self.left_out[path] = f"larger than {LARGEST_SOURCE} bytes"
            return None
        if ".min." in path.rpartition("/")[2]:
            self.left_out[path] = "minified"
            return None
        data = self.read(path)
        if data is not None and b"\0" in data:
            self.left_out[path] = "no text"
            return None
        return data

    def sizes(self) -> tuple[int, int, list[Size]]:
        """How many files and bytes there are, and lines by language, the largest first."""
        counts: dict[str, tuple[int, int]] = {}
        for path in sorted(self.paths):
            language = language_of(path)
            if language is None:
                continue
            data = self.read(path)
            if data is None:
                self.left_out.setdefault(path, f"larger than {LARGEST} bytes, lines not counted")
            lines = (data.count(b"\n") + (data[-1:] not in (b"\n", b""))) if data else 0
            files, before = counts.get(language, (0, 0))
            counts[language] = (files + 1, before + lines)
        listed = [Size(language, files, lines) for language, (files, lines) in counts.items()]
        return len(self.paths), sum(self._sizes.values()), sorted(listed, key=lambda s: (-s.lines, s.language))

    def _size(self, path: str) -> int | None:
        """Bytes of a plain file, None for anything else. A folder on the way that is a link leads outside."""
        try:
            place = self.root
            for part in path.split("/")[:-1]:
                place = place / part
                if place.is_symlink():
                    self.left_out[path] = "behind a link"
                    return None
            state = os.lstat(self.root / path)
        except OSError:
            return None  # git lists it, and it was removed
        if stat.S_ISLNK(state.st_mode):
            self.left_out[path] = "a link"
        elif stat.S_ISDIR(state.st_mode):
            self.left_out[path] = "a repository of its own"
        elif not stat.S_ISREG(state.st_mode):
            self.left_out[path] = "no plain file"
        return state.st_size if stat.S_ISREG(state.st_mode) else None


def language_of(path: str) -> str | None:
    """The language of a file of this name, None for one that is not counted by lines."""
    return _LANGUAGES.get(os.path.splitext(path)[1].lower())


def shown(path: str) -> str:
    """A path as it can be written: bytes that are no UTF-8 are replaced."""
    return os.fsencode(path).decode("utf-8", "replace")


class Place(NamedTuple):
    """The application's place in a repository; ``reason`` says why there is none."""

    repository: Repository | None
    prefix: str = ""
    reason: str = ""


def place_of(context: StationContext) -> Place:
    """In the application's repository, or the workspace's."""
    application = context.output_path
    for root in (application, context.workspace):
        if os.path.lexists(root / ".git"):
            repository = Repository(context, root)
            try:
                repository.folder()
            except GitError as error:
                return Place(None, reason=str(error))
            inner = application.relative_to(root).as_posix()
            return Place(repository, "" if inner == "." else f"{inner}/")
    return Place(None, reason="no git repository")


def _known_to_git(repository: Repository, prefix: str) -> Iterator[str]:
    """What is committed, staged or new, without what is ignored."""
    where = ["--", prefix] if prefix else []
    options = ("-z", "--cached", "--others", "--exclude-standard", "--deduplicate")
    answer = repository.ask("ls-files", *options, *where, env={"GIT_LITERAL_PATHSPECS": "1"})
    for path in answer.split("\0"):
        if path.startswith(prefix) and path:
            yield path.removeprefix(prefix).rstrip("/")


def _walked(root: Path) -> Iterator[str]:
    """What is there; links are not followed."""
    for parent, folders, files in os.walk(root):
        folders[:] = sorted(f for f in folders if f not in _BUILT and f not in _VENDORED)
        inner = os.path.relpath(parent, root)
        yield from (name if inner == "." else f"{inner}/{name}" for name in files)


def _is_vendored(path: str) -> bool:
    return not _VENDORED.isdisjoint(path.split("/")[:-1])
