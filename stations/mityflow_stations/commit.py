"""The ``commit`` station: the files a run made, as one commit."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, NamedTuple

from mityflow.sdk import Option, Question, Station, StationContext, StationInput, StationOutput, StationResult
from mityflow_stations._changes import cut, some
from mityflow_stations._git import GitError, Repository, names, own_index
from mityflow_stations.scanners.secrets import hidden

NAME, EMAIL = "mityflow", "mityflow@localhost"
_BUSY = {
    "MERGE_HEAD": "a merge",
    "CHERRY_PICK_HEAD": "a cherry-pick",
    "REVERT_HEAD": "a revert",
    "rebase-merge": "a rebase",
    "rebase-apply": "a rebase or 'git am'",
}
EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
"""The name that git gives a tree without files."""
_SHOWN = 10


class Commit(Station):
    """Commits the files that earlier stations list, and nothing else.

    The repository is the application's own, else the workspace's, else a new one in the application's
    folder; one further up is never touched. What the user has staged or changed stays as it is: the
    commit is made through an index of its own, and the user's index only learns of the committed files.
    With a ``branch`` it is made there: a new one, begun where the repository stands. With ``approve`` a person sees
    the difference first.
    """

    name: ClassVar[str] = "commit"
    description: ClassVar[str] = "Commit the files the run made to git"
    Params = "mityflow_stations.params:CommitParams"

    def input(self) -> StationInput:
        """The files, relative to the application's folder, as ``scaffold`` and others list them."""
        return StationInput(one_of=[("scaffolded_files", "changed_files")], optional=["app_name", "stack"])

    def output(self) -> StationOutput:
        """The commit's full hash, read back from git."""
        return StationOutput(["commit_hash"])

    def execute(self, context: StationContext) -> StationResult:
        """Commit; every failure of git is a failure."""
        if shutil.which("git") is None:
            return StationResult.failure("git not found; get it from https://git-scm.com/downloads")
        if not context.output_path.is_dir():
            return StationResult.failure(f"there is no application folder {context.output_path}")
        try:
            return _commit(context, _listed_files(context))
        except GitError as error:
            return StationResult.failure(str(error))


class _Work(NamedTuple):
    """What to commit: paths from the repository's top; those git ignores are left out and named."""

    repository: Repository
    folder: Path
    head: str | None
    paths: list[str]
    ignored: list[str]


def _commit(context: StationContext, files: list[str]) -> StationResult:
    if not files:
        return StationResult.skipped("nothing to commit: the run made no files")
    repository, prefix = _repository(context)
    folder = repository.folder()
    _refuse_busy(folder)
    listed = [prefix + path for path in files]
    ignored = _ignored(repository, listed)
    paths = sorted(set(listed) - set(ignored))
    if not paths:
        raise GitError(f"git ignores every file to commit: {_some(listed)}")
    head = repository.read("rev-parse", "--verify", "--quiet", "HEAD^{commit}")
    if context.values.get("branch"):
        _check_branch(repository, context.values["branch"], head)
    return _commit_paths(context, _Work(repository, folder, head, paths, ignored))


def _ignored(repository: Repository, paths: Sequence[str]) -> list[str]:
    """Which of the paths git ignores; tracked ones it does not."""
    # With ./ before it, nothing in a name is taken for a pattern.
    answer = repository.read("check-ignore", "-z", "--stdin", stdin=names(f"./{path}" for path in paths))
    return [path.removeprefix("./") for path in (answer or "").split("\0") if path]


def _commit_paths(context: StationContext, work: _Work) -> StationResult:
    repository = work.repository
    with own_index(repository, work.folder, work.head) as index:
        repository.change("update-index", "--add", "--remove", "-z", "--stdin", env=index, stdin=names(work.paths))
        tree = repository.ask("write-tree", env=index)
        before = repository.ask("rev-parse", "HEAD^{tree}") if work.head else None
        if tree == before:
            _update_user_index(work)
            return _success(work.head or "", "nothing to commit: all is committed already", work.ignored)
        if work.head is None and not any(os.path.lexists(repository.root / path) for path in work.paths):
            raise GitError(f"none of the files to commit is there: {_some(work.paths)}")
        if context.values.get("approve"):
            unapproved = _unapproved(context, work, before, tree)
            if unapproved:
                return unapproved
        if context.values.get("branch"):
            _switch(repository, context.values["branch"])
        env = {**index, **_identity(context, repository)}
        repository.change("commit", "--quiet", "--file=-", env=env, stdin=_message(context).encode())
    commit = _verified(work, tree)
    _update_user_index(work)
    count = "1 file" if len(work.paths) == 1 else f"{len(work.paths)} files"
    return _success(commit, f"committed {count} as {commit[:12]}", work.ignored)


def _check_branch(repository: Repository, branch: str, head: str | None) -> None:
    """Raises GitError for a branch that the commit cannot be made on."""
    if repository.read("check-ref-format", "--branch", branch) is None:
        raise GitError(f"'{branch}' is no name of a branch")
    there = repository.read("rev-parse", "--verify", "--quiet", f"refs/heads/{branch}^{{commit}}")
    if there and there != head:
        raise GitError(
            f"branch '{branch}' is there already, and the repository does not stand at its commit, {there[:12]};"
            f" go on from it (git switch {branch}), or remove it (git branch -D {branch})"
        )


def _switch(repository: Repository, branch: str) -> None:
    """Make a branch the current one; files and index stay as they are, since it begins at the same commit."""
    if repository.read("symbolic-ref", "--quiet", "--short", "HEAD") == branch:
        return
    there = repository.read("rev-parse", "--verify", "--quiet", f"refs/heads/{branch}")
    repository.change("switch", "--quiet", *([branch] if there else ["--create", branch]))


def _unapproved(context: StationContext, work: _Work, before: str | None, tree: str) -> StationResult | None:
    """The question whether this may be committed, or a person's no; None where a person has seen it and agreed."""
    seen = next((note["tree"] for note in reversed(context.notes) if note["kind"] == "shown"), None)
    if context.answer is not None and seen == tree:
        if context.answer.option == "approve":
            return None
        why = f": {context.answer.message}" if context.answer.message else ""
        raise GitError(f"a person did not approve the commit{why}; the files stay as they are")
    context.note({"kind": "shown", "tree": tree})
    options = ("-p", "--no-renames", "--no-ext-diff", "--no-textconv")
    diff = hidden(work.repository.ask("diff-tree", *options, before or EMPTY_TREE, tree))
    where = f" to {context.values['branch']}" if context.values.get("branch") else ""
    text = f"{_message(context).splitlines()[0]}: commit {some(work.paths)}{where}?\n\n{cut(diff)}"
    choices = [Option("approve", "Commit"), Option("reject", "Do not", "the run fails", takes_message=True)]
    return StationResult.needs_input(Question("commit", text, choices))


def _success(commit: str, message: str, ignored: Sequence[str]) -> StationResult:
    if ignored:
        message += f"; left out, as git ignores it: {_some(ignored)}"
    return StationResult.success(outputs={"commit_hash": commit}, message=message)


def _listed_files(context: StationContext) -> list[str]:
    """The files earlier stations list. Raises GitError for anything but a path inside the application."""
    files: list[str] = []
    for key in ("scaffolded_files", "changed_files"):
        for path in context.get_input(key) or ():
            parts = path.split("/") if isinstance(path, str) else [""]
            if not all(parts) or "\0" in str(path) or {".", "..", ".git"} & {part.lower() for part in parts}:
                raise GitError(f"{key} lists {path!r}, which is no path inside the application")
            files.append(path)
    return files


def _repository(context: StationContext) -> tuple[Repository, str]:
    """The repository to commit to, and the application's place in it."""
    application, workspace = context.output_path, context.workspace
    if not os.path.lexists(application / ".git"):
        if os.path.lexists(workspace / ".git"):
            return Repository(context, workspace), application.relative_to(workspace).as_posix() + "/"
        Repository(context, application).change("init", "--quiet")
    return Repository(context, application), ""


def _refuse_busy(folder: Path) -> None:
    for name, what in _BUSY.items():
        if (folder / name).exists():
            raise GitError(f"the repository is in the middle of {what}; finish or abort it first")


def _update_user_index(work: _Work) -> None:
    """Let the user's index have the committed files as they were committed; nothing else in it changes."""
    literally = {"GIT_LITERAL_PATHSPECS": "1"}
    options = ("--quiet", "--pathspec-from-file=-", "--pathspec-file-nul")
    work.repository.change("reset", *options, env=literally, stdin=names(work.paths))


def _verified(work: _Work, tree: str) -> str:
    """The commit that was made, read back. Raises GitError when it is not what was asked for."""
    repository = work.repository
    commit = repository.ask("rev-parse", "--verify", "HEAD^{commit}")
    if commit == work.head:
        raise GitError("git reported success but made no commit")
    if repository.ask("rev-parse", f"{commit}^{{tree}}") == tree:
        return commit
    # A hook may rewrite files, such as a formatter; it must not lose them.
    held = set(repository.ask("ls-tree", "-r", "-z", "--name-only", commit).split("\0"))
    lost = [path for path in work.paths if path not in held and os.path.lexists(repository.root / path)]
    if lost:
        raise GitError(f"commit {commit[:12]} does not hold {_some(lost)}")
    return commit


def _message(context: StationContext) -> str:
    if context.values.get("message"):
        return str(context.values["message"])
    name = context.app_name or context.output_path.name
    if context.get_input("scaffolded_files"):
        return f"Create {name} from {context.stack}" if context.stack else f"Create {name}"
    return f"Change {name}"


def _identity(context: StationContext, repository: Repository) -> dict[str, str]:
    """Who commits, said outright: the settings, else what git is told, else mityflow."""
    env = {}
    for role in ("AUTHOR", "COMMITTER"):
        name, email = _known_identity(repository, role)
        env[f"GIT_{role}_NAME"] = context.values.get("author_name") or name
        env[f"GIT_{role}_EMAIL"] = context.values.get("author_email") or email
    return env


def _known_identity(repository: Repository, role: str) -> tuple[str, str]:
    """What git's settings or its environment say."""
    try:
        told = repository.ask("var", f"GIT_{role}_IDENT")
    except GitError:
        name = repository.read("config", "--get", "user.name")
        email = repository.read("config", "--get", "user.email")
        return name or NAME, email or EMAIL
    name, _, rest = told.partition(" <")
    return name, rest.partition(">")[0]


def _some(paths: Sequence[str]) -> str:
    return ", ".join(paths[:_SHOWN]) + (f" and {len(paths) - _SHOWN} more" if len(paths) > _SHOWN else "")
