"""The station ``acme-next-version``."""

from __future__ import annotations

from pydantic import Field

from acme_release.commits import Version, commits_since, last_version
from mityflow.sdk import Params, Station, StationContext, StationInput, StationOutput, StationResult


class NextVersionParams(Params):
    """What a workflow can set."""

    first: str = Field("0.1.0", pattern=r"^\d+\.\d+\.\d+$", description="The version of a repository without a tag.")


class NextVersion(Station):
    """Computes the next version of the application's repository from its last tag and the commits since.

    Skipped when there is no commit since the last version: there is nothing to release then.
    """

    name = "acme-next-version"
    description = "Computes the next version from tags and commits."
    Params = NextVersionParams

    def input(self) -> StationInput:
        """The application's folder is that of its name."""
        return StationInput(["app_name"])

    def output(self) -> StationOutput:
        """The version, the one before it (null for the first), and the commits between as data."""
        return StationOutput(["next_version", "last_version", "release_commits"])

    def execute(self, context: StationContext) -> StationResult:
        """Read the repository; nothing is changed."""
        last = last_version(context)
        commits = commits_since(context, last)
        if not commits:
            return StationResult.skipped(f"no commit since {last}")
        version = Version(*map(int, context.params.first.split("."))) if last is None else last.raised(commits)
        return StationResult.success(
            self.name,
            outputs={
                "next_version": str(version),
                "last_version": None if last is None else str(last),
                "release_commits": [commit._asdict() for commit in commits],
            },
            message=f"{last or 'nothing'} -> {version}, {len(commits)} {'commit' if len(commits) == 1 else 'commits'}",
        )
