"""Checkpoints of an application's files: a git repository of our own, beside the user's.

It lies under ``.mity`` and has the application's folder as its working tree, so the user's repository, its
index and its settings are never touched. What the application ignores, and folders too large to keep, are
not in it: they are neither copied nor put back.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from mityflow.errors import MityError
from mityflow.healing.case import NotAllowedError
from mityflow.masking import Masker
from mityflow.process import CommandError, CommandResult, encoded, run
from mityflow.store import write_atomically

# Made by tools, and made again by them; excluded also where nothing ignores them.
_MADE = (
    ".git",
    ".mity",
    "node_modules",
    ".venv",
    "venv",
    "__pycache__",
    ".gradle",
    ".angular",
    ".vite",
    ".mypy_cache",
    ".pytest_cache",
    ".ruff_cache",
    "*.egg-info",
)
_MADE_BY = {"Cargo.toml": "/target", "pom.xml": "/target"}
_LARGEST_FILE = 20 * 1024 * 1024
_LARGEST_FOLDER = 200 * 1024 * 1024
_MOST_FILES = 20_000
_TIME_LIMIT = 120.0
_KEPT = 64 * 1024 * 1024
_DIFF = 20_000
_IGNORED = "ignored"


class CheckpointError(MityError):
    """The application's files cannot be kept or put back, so no fix can be tried."""

    exit_code = 1


def store_of(workspace: Path, root: Path) -> Path:
    """Where the checkpoints of an application lie: a folder for each place."""
    digest = hashlib.sha256(str(root.resolve()).encode()).hexdigest()[:8]
    return workspace / ".mity" / "checkpoints" / f"{root.name}-{digest}.git"


class Checkpoints:
    """The checkpoints of the application in ``root``, kept in ``store``, a folder of their own.

    A checkpoint is named by the id of its tree: the same files have the same name.
    Raises CheckpointError, also when git is missing.
    """

    def __init__(self, root: Path, store: Path) -> None:
        self.root = root
        self.store = store
        self._prepared = False

    def take(self) -> str:
        """Keep the files as they are, before they are changed; the name of the checkpoint."""
        self._prepare()
        self._leave_out_large()
        ignored = self._list("ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--directory")
        write_atomically(self.store / _IGNORED, "\0".join(ignored).encode(errors="surrogateescape"))
        return self.now()

    def now(self) -> str:
        """The name that a checkpoint of the files has as they are now; what was ignored before still is."""
        self._prepare()
        self._git("add", "--all", "--ignore-errors", ".", check=False)
        self._forget_ignored()
        tree = self._git("write-tree").strip()
        self._git("update-ref", f"refs/checkpoints/{tree}", self._git("commit-tree", "-m", "checkpoint", tree).strip())
        return tree

    def restore(self, tree: str) -> None:
        """Put the files back as they were; those that are in no checkpoint stay as they are."""
        self.now()
        self._git("read-tree", "-u", "--reset", tree)

    def changed(self, before: str, after: str) -> list[str]:
        """The paths that differ between two checkpoints."""
        return self._list("diff-tree", "-r", "-z", "--no-renames", "--name-only", before, after)

    def diff(self, before: str, after: str) -> str:
        """The difference as text, cut after 20 kB."""
        text = self._git("diff-tree", "-p", "--no-renames", "--no-ext-diff", "--no-textconv", before, after)
        return text if len(text) <= _DIFF else f"{text[:_DIFF]}\n... {len(text) - _DIFF} more characters\n"

    def text(self, tree: str, path: str) -> str | None:
        """A file's text in a checkpoint; None where it is not there or is no text."""
        found = self._run("cat-file", "blob", f"{tree}:{path}")
        return None if found.exit_code != 0 or found.stdout_truncated or "\0" in found.stdout else found.stdout

    def files(self) -> list[str]:
        """The paths of all files that a checkpoint would keep now."""
        self._prepare()
        return sorted(set(self._list("ls-files", "-z", "--cached", "--others", "--exclude-standard")))

    def keeps(self, path: str) -> bool:
        """Whether a checkpoint keeps this path, so that a change of it can be undone."""
        self._prepare()
        if self._git("ls-files", "--", path):
            return True
        return self._run("check-ignore", "-q", "--", path).exit_code == 1

    def copy_to(self, folder: Path) -> None:
        """Write the files as they are now into an empty folder; what is not kept is linked to."""
        self.now()
        self._git("checkout-index", "--all", "--force", f"--prefix={folder}/")
        for name in os.listdir(self.root):
            if name not in (".git", ".mity", ".env") and not (folder / name).exists() and (self.root / name).is_dir():
                (folder / name).symlink_to(self.root / name, target_is_directory=True)

    def changes_in(self, folder: Path) -> dict[str, bytes | None]:
        """What is different in a folder that :meth:`copy_to` filled: the new content, None for a deleted file."""
        before = self._git("write-tree").strip()
        index = {"GIT_INDEX_FILE": str(self.store / "copy.index"), "GIT_WORK_TREE": str(folder)}
        shutil.copyfile(self.store / "index", index["GIT_INDEX_FILE"])
        self._git("add", "--all", ".", cwd=folder, env=index)
        paths = self._list("diff-index", "--cached", "--no-renames", "--name-only", "-z", before, env=index)
        return {path: _content(folder / path) for path in paths if not _is_link_to(folder / path, self.root / path)}

    # How git is called.

    def _prepare(self) -> None:
        if self._prepared:
            return
        if shutil.which("git") is None:
            raise CheckpointError("git is not installed, so no fix could be undone", hint="install git")
        try:
            if not (self.store / "HEAD").exists():
                shutil.rmtree(self.store, ignore_errors=True)
                self.store.mkdir(parents=True)
                self._git("init", "-q", "--template=", "--initial-branch=main")
            (self.store / "index.lock").unlink(missing_ok=True)  # of a process that was killed; we hold the workspace
            info = self.store / "info"
            info.mkdir(exist_ok=True)
            made = [pattern for file, pattern in _MADE_BY.items() if (self.root / file).exists()]
            (info / "exclude").write_text("\n".join([*_MADE, *made, *self._own_folder(), ""]), encoding="utf-8")
            (info / "attributes").write_text("* -text -filter -ident -working-tree-encoding !diff\n", encoding="utf-8")
        except OSError as error:
            raise CheckpointError(f"cannot write {error.filename or self.store}: {error.strerror}") from error
        self._prepared = True

    def _own_folder(self) -> list[str]:
        """Where the checkpoints themselves lie, if that is inside of what is kept."""
        inside = self.store.is_relative_to(self.root)
        return ["/" + self.store.relative_to(self.root).as_posix()] if inside else []

    def _forget_ignored(self) -> None:
        """Whatever a fix did to the rules of what is ignored: what they ignored before it is not ours to put back."""
        try:
            ignored = (self.store / _IGNORED).read_bytes().decode(errors="surrogateescape").split("\0")
        except FileNotFoundError:
            return
        files = {path for path in ignored if path and not path.endswith("/")}
        folders = tuple(path for path in ignored if path.endswith("/"))
        tracked = self._list("ls-files", "-z", "--cached")
        wrong = [path for path in tracked if path in files or (folders and path.startswith(folders))]
        if wrong:
            self._git("update-index", "--force-remove", "-z", "--stdin", stdin="\0".join(wrong))

    def _leave_out_large(self) -> None:
        """Files and folders that are too large to be copied, and are not in an earlier checkpoint."""
        files: Counter[str] = Counter()
        sizes: Counter[str] = Counter()
        large = []
        for path in self._list("ls-files", "-z", "--others", "--exclude-standard"):
            try:
                size = os.lstat(self.root / path).st_size
            except OSError:
                continue
            if size > _LARGEST_FILE:
                large.append(path)
            elif "/" in path:
                files[path.partition("/")[0]] += 1
                sizes[path.partition("/")[0]] += size
        large += [name for name in files if files[name] > _MOST_FILES or sizes[name] > _LARGEST_FOLDER]
        if large:
            with open(self.store / "info" / "exclude", "a", encoding="utf-8") as file:
                file.writelines("/" + _escaped(path) + "\n" for path in large)

    def _list(self, *args: str, env: Mapping[str, str] | None = None) -> list[str]:
        return [path for path in self._git(*args, env=env).split("\0") if path]

    def _git(
        self,
        *args: str,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        check: bool = True,
        stdin: str = "",
    ) -> str:
        result = self._run(*args, cwd=cwd, env=env, stdin=stdin)
        if result.timed_out or (check and result.exit_code != 0):
            why = "took too long" if result.timed_out else result.stderr.strip() or f"ended with {result.exit_code}"
            raise CheckpointError(f"git {args[0]} in {self.store}: {why}")
        if result.stdout_truncated:
            raise CheckpointError(f"git {args[0]} printed more than {_KEPT} bytes; are there too many files?")
        return result.stdout

    def _run(
        self, *args: str, cwd: Path | None = None, env: Mapping[str, str] | None = None, stdin: str = ""
    ) -> CommandResult:
        own = {
            "GIT_DIR": str(self.store),
            "GIT_WORK_TREE": str(self.root),
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_OPTIONAL_LOCKS": "0",
            "GIT_TERMINAL_PROMPT": "0",
            "LC_ALL": "C.UTF-8",
            **{f"GIT_{who}_{what}": "mityflow" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
        }
        rest = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
        try:
            return run(
                ["git", *_SETTINGS, *args],
                cwd=cwd or self.root,
                masker=Masker(()),
                env=encoded({**rest, **own, **(env or {})}),
                timeout=_TIME_LIMIT,
                stdin=stdin.encode(errors="surrogateescape") if stdin else None,
                keep=_KEPT,
            )
        except CommandError as error:
            raise CheckpointError(error.message) from error


_SETTINGS: Sequence[str] = (
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "core.autocrlf=false",
    "-c",
    "core.quotePath=false",
    "-c",
    "core.fsmonitor=false",
    "-c",
    "core.excludesFile=",
    "-c",
    "advice.addEmbeddedRepo=false",
    "-c",
    "gc.auto=0",
)


def _content(place: Path) -> bytes | None:
    if place.is_symlink() or (place.exists() and not place.is_file()):
        raise NotAllowedError(f"'{place.name}' is a link or no file, which cannot be taken over")
    if place.exists() and place.stat().st_size > _LARGEST_FILE:
        raise NotAllowedError(f"'{place.name}' is larger than {_LARGEST_FILE} bytes")
    return place.read_bytes() if place.exists() else None


def _is_link_to(place: Path, target: Path) -> bool:
    return place.is_symlink() and os.readlink(place) == str(target)


def _escaped(path: str) -> str:
    """A path as git reads it in a list of patterns."""
    return "".join("\\" + c if c in "*?[\\" else c for c in path)
