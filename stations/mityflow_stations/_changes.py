"""Changes of an application's files, as trees of its git repository: made, shown, written, and taken back.

Only files that have no uncommitted changes are ever touched, so that a person's work is neither lost nor
committed. The person's own index stays as it is.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from mityflow.sdk import StationContext
from mityflow_stations._git import GitError, Repository, names, own_index

_REGULAR = {"100644", "100755", "000000"}
_LARGEST = 20_000_000
_SHOWN = 8_000
_LISTED = 5


class Base(NamedTuple):
    """What an application's changes are told against: its last commit.

    ``prefix`` is the application's place in the repository, empty or ending in ``/``; ``folder`` is git's own.
    """

    repository: Repository
    prefix: str
    folder: Path
    head: str

    def dirty(self) -> list[str]:
        """The application's files that differ from the last commit or the index, new ones included."""
        where = [self.prefix.rstrip("/")] if self.prefix else []
        answer = self.repository.ask(
            "status",
            "--porcelain=v1",
            "-z",
            "--untracked-files=all",
            "--no-renames",
            "--ignore-submodules=all",
            "--",
            *where,
        )
        return sorted(self._own(entry[3:] for entry in answer.split("\0") if entry))

    def tree_with(self, files: Iterable[str]) -> str:
        """The tree of the last commit, with these files as they are now."""
        with own_index(self.repository, self.folder, self.head) as index:
            listed = names(self.prefix + path for path in files)
            self.repository.change("update-index", "--add", "--remove", "-z", "--stdin", env=index, stdin=listed)
            return self.repository.ask("write-tree", env=index)

    def tree_of_patch(self, patch: bytes) -> str:
        """The tree of the last commit with a patch applied to it, three-way where it needs that.

        Raises GitError where it does not apply, or changes what is no plain file of the application.
        """
        if len(patch) > _LARGEST:
            raise GitError(f"the patch is larger than {_LARGEST} bytes")
        if not patch.strip():
            raise GitError("the patch is empty")
        options = self._options(patch)
        with own_index(self.repository, self.folder, self.head) as index:
            try:
                self.repository.change("apply", "--3way", "--cached", *options, "-", env=index, stdin=patch)
            except GitError as error:
                raise GitError(f"the patch does not apply: {_why(str(error))}") from error
            return self.repository.ask("write-tree", env=index)

    def _options(self, patch: bytes) -> list[str]:
        """A patch names files from the repository's top on, or from the application's folder on."""
        if not self.prefix:
            return []
        listed = self.repository.read("apply", "--numstat", "-z", "-", stdin=patch)
        paths = [entry.rpartition("\t")[2] for entry in (listed or "").split("\0") if entry]
        whole = paths and all(path.startswith(self.prefix) for path in paths)
        return [] if whole else [f"--directory={self.prefix.rstrip('/')}"]

    def changed(self, tree: str) -> list[str]:
        """The files that differ between the last commit and a tree.

        Raises GitError for one that lies outside of the application, or is a link or a repository.
        """
        answer = self.repository.ask("diff-tree", "-r", "-z", "--no-renames", self.head, tree)
        entries = iter(answer.split("\0"))
        found = []
        for entry in entries:
            if not entry:
                break
            before, after = entry.lstrip(":").split(" ")[:2]
            path = next(entries)
            if not path.startswith(self.prefix):
                raise GitError(f"{path} lies outside of the application, {self.prefix.rstrip('/')}")
            if not {before, after} <= _REGULAR:
                raise GitError(f"{path} is a link or a repository of its own, which cannot be changed")
            found.append(path.removeprefix(self.prefix))
        return found

    def holds(self, path: str) -> bool:
        """Whether the last commit has this file."""
        return bool(self.repository.read("ls-tree", "-z", self.head, "--", self.prefix + path))

    def text(self, tree: str, path: str) -> str | None:
        """A file's text in a tree; None where it is not there or is no text."""
        if not self.repository.read("ls-tree", "-z", tree, "--", self.prefix + path):
            return None
        text = self.repository.ask("cat-file", "blob", f"{tree}:{self.prefix}{path}")
        return None if "\0" in text else text

    def diff(self, tree: str, files: Sequence[str]) -> str:
        """How a tree differs from the last commit in these files, as a patch that can be applied."""
        if not files:
            return ""
        options = ("-p", "--binary", "--no-renames", "--no-ext-diff", "--no-textconv", "--full-index")
        relative = ("--relative",) if not self.prefix else (f"--relative={self.prefix}",)
        env = {"GIT_LITERAL_PATHSPECS": "1"}
        paths = [self.prefix + path for path in files]
        text = self.repository.ask("diff-tree", "-r", *options, *relative, self.head, tree, "--", *paths, env=env)
        return text + "\n" if text else ""

    def write(self, tree: str, files: Sequence[str]) -> None:
        """Let these files be as a tree has them; those it does not have are removed.

        Raises GitError where the way to one leads through a link.
        """
        root = self.repository.root
        there: list[str] = []
        gone: list[str] = []
        for path in (self.prefix + path for path in files):
            _refuse_links(root, path)
            (there if self.repository.read("ls-tree", "-z", tree, "--", path) else gone).append(path)
        with own_index(self.repository, self.folder, tree) as index:
            if there:
                self.repository.change("checkout-index", "--force", "-z", "--stdin", env=index, stdin=names(there))
        for path in gone:
            _remove(root, root / path)

    def _own(self, paths: Iterable[str]) -> list[str]:
        return [path.removeprefix(self.prefix) for path in paths if path.startswith(self.prefix)]


def base_of(context: StationContext) -> Base:
    """The last commit of the application's repository: its own, or the workspace's.

    Raises GitError where there is none.
    """
    application, workspace = context.output_path, context.workspace
    if not application.is_dir():
        raise GitError(f"there is no application folder {application}")
    if os.path.lexists(application / ".git"):
        repository, prefix = Repository(context, application), ""
    elif os.path.lexists(workspace / ".git"):
        repository, prefix = Repository(context, workspace), application.relative_to(workspace).as_posix() + "/"
    else:
        above = next((folder for folder in workspace.parents if os.path.lexists(folder / ".git")), None)
        help_ = "make it one, and commit what is there, before it is changed"
        if above:
            help_ = f"it lies in the repository {above}: run in there, with the application's folder as its name"
        raise GitError(f"{application} is no git repository; {help_}")
    head = repository.read("rev-parse", "--verify", "--quiet", "HEAD^{commit}")
    if head is None:
        raise GitError(f"the repository {repository.root} has no commit; commit what is there before it is changed")
    return Base(repository, prefix, repository.folder(), head)


def cut(diff: str) -> str:
    """A difference as it can be shown."""
    return diff if len(diff) <= _SHOWN else f"{diff[:_SHOWN]}\n... {len(diff) - _SHOWN} more characters\n"


def size(diff: str) -> str:
    """How many lines a difference adds and removes, such as ``+3 -1``."""
    lines = [line for line in diff.splitlines() if not line.startswith(("+++ ", "--- "))]
    return f"+{sum(line.startswith('+') for line in lines)} -{sum(line.startswith('-') for line in lines)}"


def some(paths: Sequence[str]) -> str:
    """Some paths, and how many more there are."""
    more = len(paths) - _LISTED
    return ", ".join(paths[:_LISTED]) + (f" and {more} more" if more > 0 else "")


def _refuse_links(root: Path, path: str) -> None:
    place = root
    for part in path.split("/"):
        place = place / part
        if place.is_symlink():
            raise GitError(f"{path} leads through a link, {place.relative_to(root)}")


def _remove(root: Path, place: Path) -> None:
    """Remove a file, and the folders that are empty then."""
    place.unlink(missing_ok=True)
    for folder in place.parents:
        if folder == root:
            return
        try:
            folder.rmdir()
        except OSError:
            return


def _why(words: str) -> str:
    """What git says, one line for each file."""
    lines = [line.removeprefix("error: ") for line in words.splitlines()]
    told = [line for line in lines if "patch failed" in line or "with conflicts" in line or "No such" in line]
    return "; ".join(told or lines[-3:])
