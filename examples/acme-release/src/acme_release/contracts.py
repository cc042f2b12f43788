"""An example of each station, on which its contract is checked: ``mityflow plugin check acme-release``."""

from __future__ import annotations

import subprocess
from pathlib import Path

from acme_release.changelog import Changelog
from acme_release.next_version import NextVersion
from acme_release.release_note import ReleaseNote
from mityflow.testing import StationContract

_COMMITS = [{"kind": "feat", "breaking": False, "text": "count words"}]


class NextVersionContract(StationContract):
    """A repository with one commit."""

    station = NextVersion
    settings = {"first": "1.0.0"}
    inputs = {"app_name": "tool"}
    bad_settings = ({"first": "one"}, {"frist": "1.0.0"})
    programs = ("git",)

    def prepare(self, workspace: Path) -> None:
        """Make the repository."""
        folder = workspace / "tool"
        folder.mkdir()
        for arguments in (["init", "-q"], ["add", "."], ["commit", "-q", "--allow-empty", "-m", "feat: begin"]):
            identity = ["-c", "user.name=acme", "-c", "user.email=acme@localhost"]
            subprocess.run(["git", *identity, *arguments], cwd=folder, check=True)


class ChangelogContract(StationContract):
    """A changelog that is begun."""

    station = Changelog
    settings = {"kinds": ["feat"]}
    inputs = {"app_name": "tool"}
    outputs = {"next_version": "1.0.0", "release_commits": _COMMITS}
    bad_settings = ({"kinds": []}, {"file": "../CHANGELOG.md"}, {"file": ".."})

    def prepare(self, workspace: Path) -> None:
        """The application's folder."""
        (workspace / "tool").mkdir()


class ReleaseNoteContract(StationContract):
    """A note for one change."""

    station = ReleaseNote
    settings = {"greeting": "Thank you."}
    inputs = {"app_name": "tool"}
    outputs = {"next_version": "1.0.0", "changelog_section": "## 1.0.0\n\n### Added\n- count words\n"}
    bad_settings = ({"greeting": 1}, {"greting": "x"})
