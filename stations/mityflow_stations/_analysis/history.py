"""What git's history tells of an application: which of its files change most."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from mityflow_stations._analysis.files import Place
from mityflow_stations._git import GitError

MOST_COMMITS = 500
_SHOWN = 20
_QUIET = {"GIT_NO_LAZY_FETCH": "1", "GIT_LITERAL_PATHSPECS": "1"}


class History(NamedTuple):
    """How often files were changed in the last commits. ``reason`` says why there is nothing to tell."""

    commits: int
    shallow: bool
    changes: tuple[tuple[str, int], ...]
    reason: str = ""


def history(place: Place, paths: frozenset[str], most: int = MOST_COMMITS) -> History:
    """The files of today that were changed most. What a first commit brings was not changed by it."""
    repository, prefix, reason = place
    if repository is None:
        return History(0, False, (), reason)
    try:
        if repository.read("rev-parse", "--verify", "--quiet", "HEAD^{commit}") is None:
            return History(0, False, (), "no commit yet")
        shallow = repository.ask("rev-parse", "--is-shallow-repository") == "true"
        where = ["--", prefix] if prefix else []
        options = (f"--max-count={most}", "--no-merges", "--no-show-signature", "--no-renames", "--no-ext-diff")
        answer = repository.ask("log", *options, "--name-only", "-z", "--format=%x01%P", *where, env=_QUIET)
    except GitError as error:
        return History(0, False, (), str(error))
    commits = 0
    changes: Counter[str] = Counter()
    for commit in answer.split("\x01")[1:]:
        parents, *changed = commit.replace("\n", "\0", 1).split("\0")
        commits += 1
        if parents:
            changes.update({path.lstrip("\n").removeprefix(prefix) for path in changed} & paths)
    ranked = sorted(changes.items(), key=lambda each: (-each[1], each[0]))[:_SHOWN]
    return History(commits, shallow, tuple(ranked))
