"""Features: read from Markdown as people write it, or from inputs, and told by line where they are none."""

from __future__ import annotations

from pathlib import Path

import pytest
from mityflow_stations._feature import Feature, feature_of, parse_feature, read_feature
from mityflow_stations.shell import Shell
from stationkit import context

from mityflow.errors import UsageError
from mityflow.station import StationContext

WHOLE = """\
# Search for items

People look for items by a part of their name.

## Acceptance Criteria

- `GET /items?name=ap` lists the items whose
  name has *ap* in it
- [ ] an empty name lists all
- [x] upper and lower case are the same
1. a name that is too long is refused:
   - with status 422
   - with a message

## Notes

Nothing else changes.
"""


def given(workspace: Path, **inputs: object) -> StationContext:
    return context(Shell(), workspace, outputs=inputs)


def test_the_criteria_are_the_bullets_below_their_heading_however_they_are_written() -> None:
    feature = parse_feature(WHOLE, "search.md")

    assert feature.title == "Search for items"
    assert feature.criteria == (
        "GET /items?name=ap lists the items whose name has ap in it",
        "an empty name lists all",
        "upper and lower case are the same",
        "a name that is too long is refused: with status 422",
        "a name that is too long is refused: with a message",
    )


def test_the_text_is_what_is_neither_the_title_nor_the_criteria() -> None:
    text = parse_feature(WHOLE, "search.md").text

    assert text.startswith("People look for items")
    assert text.endswith("Nothing else changes.")
    assert "Acceptance" not in text


def test_a_list_in_a_code_block_or_before_the_heading_is_no_criterion() -> None:
    text = "# A\n\n- not one\n\n## Acceptance criteria\n\n```\n- not one either\n```\n\n- one\n\n# B\n\n- nor this\n"

    assert parse_feature(text, "a.md").criteria == ("one",)


def test_a_feature_without_criteria_has_none() -> None:
    assert parse_feature("A title\n=======\n\nWords.\n", "a.md") == Feature("A title", "Words.", ())


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "a.md:1: the feature has no title"),
        ("Words, and no heading.\n", "a.md:1: the feature has no title"),
        ("#\n\nWords.\n", "a.md:1: the feature has no title"),
        ("# A\n\nWords.\n\n## Acceptance Criteria\n\nIt works.\n", "a.md:5: there are no acceptance criteria"),
    ],
)
def test_what_is_no_feature_is_told_with_its_line(text: str, told: str) -> None:
    with pytest.raises(UsageError, match=told.replace(".", r"\.")):
        parse_feature(text, "a.md")


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("Größe und Maße", "grosse-und-masse"),
        ("Search for items", "search-for-items"),
        ("Ärger & Übermut: 50 % mehr!", "arger-ubermut-50-mehr"),
        ("../../etc/passwd", "etc-passwd"),
        ("日本", "feature-cf2abf0c"),
        ("word " * 40, "word-word-word-word-word-word-word-word-word-word"),
        ("x" * 200, "x" * 50),
    ],
)
def test_the_slug_can_be_part_of_a_branch_or_a_file(title: str, slug: str) -> None:
    assert Feature(title, "", ()).slug == slug


def test_a_file_with_a_mark_and_windows_line_ends_is_read_as_any(workspace: Path) -> None:
    (workspace / "search.md").write_bytes(b"\xef\xbb\xbf" + WHOLE.replace("\n", "\r\n").encode())

    assert feature_of(given(workspace, feature="search.md")).criteria == parse_feature(WHOLE, "search.md").criteria


def test_a_file_that_is_not_there_or_is_no_text_is_told(workspace: Path) -> None:
    (workspace / "latin.md").write_bytes(b"# K\xfchl\n")

    with pytest.raises(UsageError, match=r"cannot read the feature gone\.md: No such file"):
        feature_of(given(workspace, feature="gone.md"))
    with pytest.raises(UsageError, match=r"latin\.md is not UTF-8"):
        read_feature(workspace / "latin.md", "latin.md")


def test_a_feature_can_be_given_by_inputs(workspace: Path) -> None:
    feature = feature_of(given(workspace, title="Search\nfor items", text="Words.", criteria="one\n\ntwo  words\n"))

    assert feature == Feature("Search for items", "Words.", ("one", "two words"))


def test_no_feature_and_two_of_them_are_faults(workspace: Path) -> None:
    with pytest.raises(UsageError, match="there is no feature to add"):
        feature_of(given(workspace))
    with pytest.raises(UsageError, match="given twice"):
        feature_of(given(workspace, feature="a.md", title="A"))
