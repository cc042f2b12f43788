"""The commits since the last version of a repository. Source of the notation: Conventional Commits 1.0.0."""

from __future__ import annotations

import re
from typing import NamedTuple

from mityflow.sdk import MityError, StationContext

TAG = re.compile(r"v?(\d+)\.(\d+)\.(\d+)")
_SUBJECT = re.compile(r"(?P<kind>[a-z]+)(\([^)]*\))?(?P<breaking>!)?: (?P<text>.+)")


class Commit(NamedTuple):
    """One commit: its kind (``feat``, ``fix``, ...; empty for none), whether it breaks users, and what it says."""

    kind: str
    breaking: bool
    text: str


class Version(NamedTuple):
    """A version of three numbers."""

    major: int
    minor: int
    patch: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"

    def raised(self, commits: list[Commit]) -> Version:
        """The version that these commits lead to. Source: Semantic Versioning 2.0.0, with 0.x kept below 1."""
        if any(commit.breaking for commit in commits):
            return Version(0, self.minor + 1, 0) if self.major == 0 else Version(self.major + 1, 0, 0)
        if any(commit.kind == "feat" for commit in commits):
            return Version(self.major, self.minor + 1, 0)
        return Version(self.major, self.minor, self.patch + 1)


def last_version(context: StationContext) -> Version | None:
    """The highest version among the tags, None without one. Raises MityError where there is no commit."""
    if not context.run(["git", "rev-parse", "--verify", "--quiet", "HEAD"], cwd=context.output_path, timeout=60).ok:
        raise MityError(f"{context.output_path} is no git repository with a commit")
    tags = [TAG.fullmatch(line) for line in _git(context, "tag", "--list", "--merged", "HEAD").splitlines()]
    return max((Version(*map(int, tag.groups())) for tag in tags if tag), default=None)


def commits_since(context: StationContext, version: Version | None) -> list[Commit]:
    """The commits after a version's tag, the newest first; all without one."""
    span = [] if version is None else [f"{_tag_of(context, version)}..HEAD"]
    log = _git(context, "log", "--format=%s%x1f%b%x1e", *span)
    return [_commit(*record.strip("\n").split("\x1f", 1)) for record in log.split("\x1e") if record.strip()]


def _tag_of(context: StationContext, version: Version) -> str:
    return f"v{version}" if _git(context, "tag", "--list", f"v{version}").strip() else str(version)


def _commit(subject: str, body: str) -> Commit:
    found = _SUBJECT.fullmatch(subject)
    breaking = "BREAKING CHANGE:" in body
    if found is None:
        return Commit("", breaking, subject)
    return Commit(found["kind"], breaking or bool(found["breaking"]), found["text"])


def _git(context: StationContext, *arguments: str) -> str:
    done = context.run(["git", "--no-pager", *arguments], cwd=context.output_path, timeout=60)
    if not done.ok:
        raise MityError(f"git {arguments[0]} failed: {done.stderr.strip() or done.exit_code}")
    return done.stdout
