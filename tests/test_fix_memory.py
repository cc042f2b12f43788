"""Fix memory: what worked is kept, and made again where it fits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from agentkit import MENDED, SECRET, SOURCE, Desk
from hypothesis import given
from hypothesis import strategies as st
from stationkit import declare_distribution

from mityflow.healing.case import Adjustments, NotAllowedError, Tried
from mityflow.healing.edits import Edit, edits_of
from mityflow.healing.hands import Change
from mityflow.healing.memory import FixMemory, RememberedFix

FIX = RememberedFix("a:1", "add adds", "a", None, (Edit("calc.py", "a - b", "a + b"),))


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def memory(desk: Desk, said: list[str] | None = None) -> FixMemory:
    return FixMemory(desk.workspace, desk.masker.text, (said if said is not None else []).append)


def test_a_fix_that_worked_is_made_again(desk: Desk) -> None:
    assert memory(desk).propose(desk.case, desk.hands()) is None
    assert memory(desk).remember(desk.signature, FIX)

    proposal = memory(desk).propose(desk.case, desk.hands())

    assert proposal is not None
    assert (proposal.fix, proposal.title, desk.source) == ("a:1", "add adds", MENDED)


def test_it_is_not_made_for_another_failure(desk: Desk) -> None:
    memory(desk).remember("another", FIX)
    assert memory(desk).propose(desk.case, desk.hands()) is None


@pytest.mark.parametrize(
    "edit",
    [
        Edit("calc.py", "a * b", "a + b"),
        Edit("calc.py", "a", "b"),
        Edit("nowhere.py", "a", "b"),
        Edit("calc.py", None, "x"),
        Edit("nowhere.py", None, None),
    ],
    ids=["absent", "several times", "no file", "file is there", "nothing to delete"],
)
def test_it_is_not_made_where_it_does_not_fit(desk: Desk, edit: Edit) -> None:
    memory(desk).remember(desk.signature, FIX._replace(edits=(*FIX.edits, edit)))
    hands = desk.hands()
    assert memory(desk).propose(desk.case, hands) is None
    assert (desk.source, hands.changes) == (SOURCE, {})


def test_the_one_that_worked_most_comes_first_and_one_that_fails_is_left_out(desk: Desk) -> None:
    kept = memory(desk)
    for name in ("a:1", "a:2", "a:3"):
        kept.remember(desk.signature, FIX._replace(fix=name))
    kept.settle(desk.signature, "a:2", worked=True)
    kept.settle(desk.signature, "a:3", worked=False)
    assert [fix.fix for fix in kept.find(desk.signature, None)] == ["a:2", "a:1", "a:3"]
    kept.settle(desk.signature, "a:3", worked=False)
    assert [(fix.fix, fix.worked, fix.failed) for fix in kept.find(desk.signature, None)] == [
        ("a:2", 2, 0),
        ("a:1", 1, 0),
    ]


def test_one_that_was_tried_is_not_tried_again(desk: Desk) -> None:
    memory(desk).remember(desk.signature, FIX)
    desk.tried = (Tried(desk.signature, "memory", "a:1", "", "same", ""),)
    assert memory(desk).propose(desk.case, desk.hands()) is None


def test_a_fix_of_one_stack_is_not_for_another(desk: Desk) -> None:
    memory(desk).remember(desk.signature, FIX._replace(stack="rust-api"))
    assert memory(desk).find(desk.signature, "python-fastapi") == []
    assert memory(desk).find(desk.signature, "rust-api") != []


def test_adjustments_are_remembered_too(desk: Desk) -> None:
    memory(desk).remember(desk.signature, FIX._replace(edits=(), adjustments=Adjustments({"TZ": "UTC"}, 8081)))
    hands = desk.hands()
    assert memory(desk).propose(desk.case, hands) is not None
    assert hands.adjustments == Adjustments({"TZ": "UTC"}, 8081)


def test_nothing_with_a_secret_is_kept(desk: Desk) -> None:
    for fix in (
        FIX._replace(edits=(Edit("calc.py", "a - b", f"'{SECRET}'"),)),
        FIX._replace(title=SECRET),
        FIX._replace(adjustments=Adjustments({"P": SECRET})),
        FIX._replace(edits=(Edit(SECRET, None, "x"),)),
    ):
        assert not memory(desk).remember(desk.signature, fix)
    assert not (desk.workspace / ".mity" / "fixes").exists()


def test_what_changes_nothing_is_not_kept(desk: Desk) -> None:
    assert not memory(desk).remember(desk.signature, FIX._replace(edits=()))


def test_a_plugin_ships_fixes_and_the_workspace_counts_how_they_did(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory(desk).remember(desk.signature, FIX)
    shipped = tmp_path / "site" / "our_fixes" / "known"
    shipped.mkdir(parents=True)
    (shipped.parent / "__init__.py").write_text("raise SystemExit('imported')\n", encoding="utf-8")
    (own,) = (desk.workspace / ".mity" / "fixes").iterdir()
    own.rename(shipped / own.name)
    entry = {"mityflow.fixes": {"ours": "our_fixes.known", "gone": "no_such_package", "odd": "a b"}}
    declare_distribution(monkeypatch, tmp_path / "site", "our-fixes", entry)
    before = (shipped / own.name).read_bytes()

    assert memory(desk).propose(desk.case, desk.hands()) is not None
    memory(desk).settle(desk.signature, "a:1", worked=False)
    memory(desk).settle(desk.signature, "a:1", worked=False)

    assert memory(desk).find(desk.signature, None) == []
    assert (shipped / own.name).read_bytes() == before
    assert own.exists()


_WHOLE: dict[str, Any] = {"format": 1, "signature": "", "fixes": [FIX.to_data()]}


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"{",
        b"[]",
        b"\xff",
        b"null",
        b"[" * 100_000,
        b" " * 1_000_001,
        {"format": 2},
        {"fixes": 1},
        {"fixes": [1]},
        {"fixes": [{**FIX.to_data(), "edits": [{"path": 1}]}]},
        {"fixes": [{**FIX.to_data(), "edits": {}}]},
        {"fixes": [{**FIX.to_data(), "fix": None}]},
        {"fixes": [{**FIX.to_data(), "stack": 1}]},
        {"fixes": [{**FIX.to_data(), "worked": -1}]},
        {"fixes": [{**FIX.to_data(), "failed": True}]},
        {"fixes": [{**FIX.to_data(), "adjustments": []}]},
        {"fixes": [{**FIX.to_data(), "adjustments": {"env": {"A": 1}}}]},
        {"fixes": [{**FIX.to_data(), "adjustments": {"env": {}, "port": 99999999}}]},
    ],
)
def test_a_damaged_file_is_passed_over_with_a_word(desk: Desk, damage: Any) -> None:
    memory(desk).remember(desk.signature, FIX)
    (file,) = (desk.workspace / ".mity" / "fixes").iterdir()
    if isinstance(damage, dict):
        damage = json.dumps({**_WHOLE, "signature": desk.signature, **damage}).encode()
    file.write_bytes(damage)
    said: list[str] = []

    assert memory(desk, said).propose(desk.case, desk.hands()) is None
    assert said
    assert all(f"{file} is passed over: " in each for each in said)
    assert memory(desk).remember(desk.signature, FIX)
    assert memory(desk).propose(desk.case, desk.hands()) is not None


def test_a_file_that_leads_out_of_the_application_is_passed_over(desk: Desk) -> None:
    said: list[str] = []
    memory(desk).remember(desk.signature, FIX._replace(edits=(Edit("../evil", None, "x"),)))
    assert memory(desk, said).propose(desk.case, desk.hands()) is None
    assert "is no path inside" in said[0]
    assert not (desk.workspace / "evil").exists()


def test_what_a_file_says_cannot_move_the_cursor(desk: Desk) -> None:
    memory(desk).remember(desk.signature, FIX._replace(title="add\x1b[2J\nadds"))
    proposal = memory(desk).propose(desk.case, desk.hands())
    assert proposal is not None
    assert proposal.title == "add adds"


def test_a_protected_path_stays_protected(desk: Desk) -> None:
    memory(desk).remember(desk.signature, FIX._replace(edits=(Edit("tests/new.py", None, "x"),)))
    with pytest.raises(NotAllowedError, match="protected") as raised:
        memory(desk).propose(desk.case, desk.hands())
    assert raised.value.fix == "a:1"


def test_what_cannot_be_written_is_told(desk: Desk) -> None:
    said: list[str] = []
    (desk.workspace / ".mity").mkdir()
    (desk.workspace / ".mity" / "fixes").write_text("no folder", encoding="utf-8")
    assert not memory(desk, said).remember(desk.signature, FIX)
    assert any("the fix is not remembered: cannot write" in each for each in said)


# Edits.

_LINES = st.lists(st.sampled_from(["a\n", "b\n", "c\n", "\n", "x = 1\n"]), max_size=14).map("".join)
_FILE = st.none() | _LINES | st.text("ab\n\r\x0b é", max_size=12)


@given(_FILE, _FILE)
def test_edits_make_of_one_text_the_other(before: str | None, after: str | None) -> None:
    change = Change(*(None if text is None else text.encode() for text in (before, after)))
    edits = edits_of({"f": change})
    assert edits is not None
    text = before
    for edit in edits:
        if edit.old is None:
            assert (text is None) != (edit.new is None)
            text = edit.new
        else:
            assert text is not None
            assert text.count(edit.old) == 1
            text = text.replace(edit.old, edit.new or "")
    assert text == after


def test_edits_are_as_small_as_they_can_be() -> None:
    lines = [f"line {n}\n" for n in range(100)]
    changed = [*lines]
    changed[10], changed[90] = "ten\n", "ninety\n"
    edits = edits_of({"f": Change("".join(lines).encode(), "".join(changed).encode())})
    assert edits == [Edit("f", "line 10\n", "ten\n"), Edit("f", "line 90\n", "ninety\n")]


def test_what_is_no_text_or_too_large_has_no_edits() -> None:
    assert edits_of({"f": Change(None, b"\xff")}) is None
    assert edits_of({"f": Change(None, b"x" * 300_000)}) is None
