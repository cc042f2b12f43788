"""The checked ways in which a fix looks into an application's folder and changes it."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

from mityflow.healing.case import Adjustments, NotAllowedError
from mityflow.healing.protected import protected, resolved
from mityflow.healing.testcode import is_test_file

if TYPE_CHECKING:
    from mityflow.process import CommandResult

UNREADABLE = (".git/**", ".mity/**", ".env", ".env.*", "*.pem", "*.key", "id_rsa*", ".npmrc", ".pypirc", ".netrc")
READABLE = (".env.example", ".env.sample", ".env.template", ".env.dist")
LARGEST_FILE = 1_000_000
_MATCHES = 200
_LINE = 400


class Match(NamedTuple):
    """A line that holds what was searched for; ``line`` counts from 1."""

    path: str
    line: int
    text: str


class Change(NamedTuple):
    """What a fix made of a file: its content before and after, None where there was or is none."""

    before: bytes | None
    after: bytes | None


class Tree(Protocol):
    """The files of an application that are kept in checkpoints."""

    def files(self) -> list[str]:
        """Their paths, relative, sorted; what is ignored is not among them."""

    def keeps(self, path: str) -> bool:
        """Whether a checkpoint keeps this path, so that a change of it can be undone."""

    def copy_to(self, folder: Path) -> None:
        """Write the files as they are now into an empty folder."""

    def changes_in(self, folder: Path) -> dict[str, bytes | None]:
        """What is different in a folder that :meth:`copy_to` filled: the new content, None for a deleted file."""


class Hands:
    """What a fix may do. Every path is relative to the application's folder, with ``/``.

    ``changes`` is what it has changed so far, ``scratch`` a folder for files that belong to nobody. Where it
    ``adds_tests``, protected tests may be written to; whether they are no more than added to is seen afterwards.
    The files of ``own`` may be changed although they are protected.
    With ``only`` nothing but that file can be written.
    Raises NotAllowedError for a path outside of the folder, one that is protected, one that holds secrets,
    and for what is no text of at most 1 MB.
    """

    def __init__(
        self,
        root: Path,
        tree: Tree,
        protected_paths: Sequence[str],
        run: Callable[..., CommandResult],
        scratch: Path,
        *,
        adds_tests: bool = False,
        own: Collection[str] = (),
        only: str = "",
    ) -> None:
        self.root = root
        self.adjustments = Adjustments()
        self.changes: dict[str, Change] = {}
        self.scratch = scratch
        self._tree = tree
        self._protected = tuple(protected_paths)
        self._run = run
        self._adds_tests = adds_tests
        self._own = own
        self._only = only

    def files(self, pattern: str = "**") -> list[str]:
        """The paths of the application's files that match; ignored and secret ones are not among them."""
        found = [path for path in self._tree.files() if _readable(path)]
        return found if pattern in ("", "**", "**/*") else [path for path in found if protected(path, [pattern])]

    def exists(self, path: str) -> bool:
        """Whether there is such a file."""
        return resolved(self.root, path).is_file()

    def read(self, path: str) -> str:
        """The text of a file."""
        place = self._place(path)
        if not _readable(path):
            raise NotAllowedError(f"'{path}' may hold secrets and cannot be read")
        try:
            if place.stat().st_size > LARGEST_FILE:
                raise NotAllowedError(f"'{path}' is larger than {LARGEST_FILE} bytes")
            return place.read_bytes().decode("utf-8")
        except UnicodeDecodeError as error:
            raise NotAllowedError(f"'{path}' is no text: {error.reason}") from error
        except OSError as error:
            raise NotAllowedError(f"cannot read '{path}': {error.strerror}") from error

    def search(self, text: str, pattern: str = "**") -> list[Match]:
        """The lines that hold ``text``, at most 200."""
        found: list[Match] = []
        for path in self.files(pattern):
            try:
                lines = self.read(path).splitlines()
            except NotAllowedError:
                continue
            for number, line in enumerate(lines, 1):
                if text in line:
                    found.append(Match(path, number, line.strip()[:_LINE]))
                    if len(found) == _MATCHES:
                        return found
        return found

    def write(self, path: str, text: str) -> None:
        """Put a text in place of a file, or make it; missing folders are made."""
        self.write_bytes(path, text.encode("utf-8"))

    def write_bytes(self, path: str, data: bytes) -> None:
        """The same for a file of any content; its permissions stay."""
        place = self._writable(path)
        if len(data) > LARGEST_FILE:
            raise NotAllowedError(f"'{path}' would be larger than {LARGEST_FILE} bytes")
        try:
            before = place.read_bytes() if place.exists() else None
            place.parent.mkdir(parents=True, exist_ok=True)
            mode = place.stat().st_mode & 0o777 if place.exists() else 0o644
            fd = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
            with open(fd, "wb") as file:
                file.write(data)
            self._changed(place, before, data)
        except OSError as error:
            raise NotAllowedError(f"cannot write '{path}': {error.strerror}") from error

    def replace(self, path: str, old: str, new: str) -> None:
        """Replace a text that stands exactly once in a file."""
        text = self.read(path)
        count = text.count(old) if old else 0
        if count != 1:
            raise NotAllowedError(f"the text to replace stands {count} times in '{path}', not once")
        self.write(path, text.replace(old, new))

    def delete(self, path: str) -> None:
        """Remove a file."""
        place = self._writable(path)
        try:
            before = place.read_bytes()
            place.unlink()
            self._changed(place, before, None)
        except OSError as error:
            raise NotAllowedError(f"cannot delete '{path}': {error.strerror}") from error

    def discard(self, path: str) -> bool:
        """Remove a file or folder that tools make and no checkpoint keeps, such as a cache; whether it was there."""
        import shutil

        place = self._place(path)
        if self._tree.keeps(path) or protected(path, (".git/**", ".mity/**", *self._protected)):
            raise NotAllowedError(f"'{path}' is no cache")
        if place.is_dir():
            shutil.rmtree(place, ignore_errors=True)
            return True
        place.unlink(missing_ok=True)
        return False

    def run(
        self,
        argv: Sequence[str],
        *,
        timeout: float = 120.0,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> CommandResult:
        """Run a program in the application's folder or in ``cwd``; its output goes to the step's log.

        No longer than the session's time allows. Raises MityError when it cannot be started.
        """
        return self._run(argv, cwd=cwd or self.root, timeout=timeout, env=env or {})

    def adjust(self, *, env: Mapping[str, str] | None = None, port: int | None = None) -> None:
        """Change how the command is run from now on, not the files."""
        self.adjustments = self.adjustments.merged(Adjustments(env or {}, port))

    @contextmanager
    def copy(self) -> Iterator[Path]:
        """A copy of the application's files for a program to work on; what it changed is taken over afterwards.

        Ignored folders that are there (installed packages) are linked to, files that may hold secrets are left
        out. Nothing is taken over when the body raises, or when one of the changes is not allowed.
        """
        import shutil
        import tempfile

        self.scratch.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(dir=self.scratch))
        try:
            self._tree.copy_to(folder)
            secret = {path for path in self._tree.files() if not _readable(path)}
            for path in secret:
                (folder / path).unlink(missing_ok=True)
            yield folder
            changes = self._tree.changes_in(folder)
            changes = {path: data for path, data in changes.items() if not (data is None and path in secret)}
            for path in changes:
                self._writable(path)
            for path, data in changes.items():
                if data is None:
                    self.delete(path)
                else:
                    self.write_bytes(path, data)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _changed(self, place: Path, before: bytes | None, after: bytes | None) -> None:
        path = place.relative_to(self.root).as_posix()
        first = self.changes.get(path)
        self.changes[path] = Change(first.before if first else before, after)

    def _place(self, path: str) -> Path:
        return resolved(self.root, path)

    def _writable(self, path: str) -> Path:
        place = self._place(path)
        if self._only and path != self._only:
            raise NotAllowedError(f"'{path}' is not to be changed, only '{self._only}' is to be written")
        pattern = protected(path, (*self._protected, ".git/**", ".mity/**"))
        excepted = path in self._own or (self._adds_tests and is_test_file(path))
        if pattern and not (excepted and not protected(path, UNREADABLE)):
            raise NotAllowedError(f"'{path}' is protected by '{pattern}'")
        if not self._tree.keeps(path):
            raise NotAllowedError(f"'{path}' is ignored, so a change of it could not be undone")
        return place


def _readable(path: str) -> bool:
    return path.rpartition("/")[2] in READABLE or not protected(path, UNREADABLE)
