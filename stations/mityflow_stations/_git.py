"""Running git for one repository: what only reads through GitPython, the rest as commands of the step."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from mityflow.sdk import StationContext

TIME_LIMIT = 600.0
_LONGEST_WORDS = 2000
# Set inside hooks, for one; they would make git work on another repository or read paths as patterns.
_FOREIGN = (
    *("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_NAMESPACE", "GIT_PREFIX"),
    *("GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_SHALLOW_FILE", "GIT_GRAFT_FILE"),
    *("GIT_REPLACE_REF_BASE", "GIT_INTERNAL_SUPER_PREFIX"),
    *("GIT_LITERAL_PATHSPECS", "GIT_GLOB_PATHSPECS", "GIT_NOGLOB_PATHSPECS", "GIT_ICASE_PATHSPECS"),
)
# Nothing may ask, page, stay behind in the background, or guess who commits.
_QUIET = {"GIT_TERMINAL_PROMPT": "0", "GIT_EDITOR": "true", "GIT_PAGER": "cat"}
_SETTINGS = (
    "core.fsmonitor=false",
    "gc.auto=0",
    "maintenance.auto=false",
    "init.defaultBranch=main",
    "user.useConfigOnly=true",
)


class GitError(Exception):
    """git refused; the message holds its own words."""


class Repository:
    """The repository whose top folder is ``root``; one further up is never taken in its place."""

    def __init__(self, context: StationContext, root: Path) -> None:
        self._context = context
        self.root = root
        # A folder named here is not searched; without it a damaged .git would make git look further up.
        self._env = {**_QUIET, "GIT_CEILING_DIRECTORIES": os.fspath(root.parent)}

    def read(self, *arguments: str, env: Mapping[str, str] | None = None, stdin: bytes | None = None) -> str | None:
        """What a reading command prints, without the last line end; None when its exit code is 1.

        Raises GitError for any other exit code.
        """
        from tempfile import TemporaryFile

        from git.cmd import Git

        env = {**self._env, **(env or {})}
        with TemporaryFile() as stream:
            stream.write(stdin or b"")
            stream.seek(0)
            code, output, words = Git(os.fspath(self.root)).execute(
                _command(arguments, env),
                istream=stream,
                env=env,
                with_extended_output=True,
                with_exceptions=False,
                stdout_as_string=False,
            )
        if code not in (0, 1):
            raise GitError(f"git {arguments[0]} failed: {words.strip() or f'exit code {code}'}")
        return os.fsdecode(output) if code == 0 and isinstance(output, bytes) else None

    def change(self, *arguments: str, env: Mapping[str, str] | None = None, stdin: bytes | None = None) -> None:
        """Run a command that changes something, hooks included. Raises GitError when it fails."""
        env = {**self._env, **(env or {})}
        command = _command(arguments, env)
        result = self._context.run(command, cwd=self.root, env=env, timeout=TIME_LIMIT, stdin=stdin)
        if result.timed_out:
            raise GitError(f"git {arguments[0]} took longer than {TIME_LIMIT:g} s and was stopped")
        if result.exit_code != 0:
            words = (result.stderr.strip() or result.stdout.strip())[-_LONGEST_WORDS:]
            raise GitError(f"git {arguments[0]} failed: {words or f'exit code {result.exit_code}'}")

    def ask(self, *arguments: str, env: Mapping[str, str] | None = None) -> str:
        """What a reading command prints. Raises GitError for any exit code but 0."""
        answer = self.read(*arguments, env=env)
        if answer is None:
            raise GitError(f"git {' '.join(arguments)} failed")
        return answer

    def folder(self) -> Path:
        """git's own folder of this repository. Raises GitError when ``root`` is no repository's top."""
        top = self.ask("rev-parse", "--show-toplevel")
        if os.path.realpath(top) != os.path.realpath(self.root):
            raise GitError(f"{self.root / '.git'} is not a repository")
        return Path(self.ask("rev-parse", "--absolute-git-dir"))


def names(paths: Iterable[str]) -> bytes:
    """Paths as git's ``-z`` options read them."""
    return b"".join(os.fsencode(path) + b"\0" for path in paths)


@contextmanager
def own_index(repository: Repository, folder: Path, tree: str | None) -> Iterator[dict[str, str]]:
    """The environment of an index of our own that holds a tree, such as a commit's.

    ``folder`` is git's own. A copy of the user's index, which stays as it is, spares reading all files.
    """
    index = folder / "mityflow-index"
    _remove(index)
    env = {"GIT_INDEX_FILE": os.fspath(index)}
    try:
        if tree:
            if (folder / "index").exists():
                shutil.copy2(folder / "index", index)  # its time too: by that git knows which entries to look at again
            repository.change("read-tree", "--reset", tree, env=env)
        yield env
    finally:
        _remove(index)


def _remove(index: Path) -> None:
    """Remove an index of ours, and the lock that a killed git left beside it."""
    for path in (index, index.with_name(index.name + ".lock")):
        path.unlink(missing_ok=True)


def _command(arguments: Iterable[str], env: Mapping[str, str]) -> list[str]:
    unset = [part for name in _FOREIGN if name in os.environ and name not in env for part in ("-u", name)]
    settings = [part for setting in _SETTINGS for part in ("-c", setting)]
    return [*(["env", *unset] if unset else []), "git", *settings, *arguments]
