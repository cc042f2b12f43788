"""Versions and commits."""

from __future__ import annotations

import pytest
from acme_release.commits import Commit, Version

FEAT, FIX, BREAK = Commit("feat", False, "x"), Commit("fix", False, "x"), Commit("fix", True, "x")


@pytest.mark.parametrize(
    ("before", "commits", "after"),
    [
        ("1.2.3", [FIX], "1.2.4"),
        ("1.2.3", [FIX, FEAT], "1.3.0"),
        ("1.2.3", [BREAK, FEAT], "2.0.0"),
        ("0.2.3", [BREAK], "0.3.0"),
        ("1.2.3", [Commit("", False, "anything")], "1.2.4"),
    ],
)
def test_the_commits_decide_how_far_a_version_is_raised(before: str, commits: list[Commit], after: str) -> None:
    assert str(Version(*map(int, before.split("."))).raised(commits)) == after
