"""Saved plans and lock files that are damaged in every way: one clear error, and nothing runs."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from fakes import fake, stations
from hypothesis import given, settings
from hypothesis import strategies as st

from mityflow import UsageError, Workflow
from mityflow.checks import build_plan
from mityflow.errors import MityError
from mityflow.pins import check_lock, drift, lock_path, pins, read_lock, write_lock
from mityflow.recipe import Source
from mityflow.saved_plan import _digest, read_plan, refuse_drift, save_plan

WORKFLOW = Workflow("w", "W").station("act")
REGISTRY = stations(fake("act", gives=("k",)))


def saved(folder: Path) -> Path:
    path = folder / "saved.plan"
    save_plan(build_plan(WORKFLOW, REGISTRY), Source(folder / "w.yaml", "text"), {}, REGISTRY, path)
    return path


def test_what_was_saved_is_read_again(tmp_path: Path) -> None:
    plan = read_plan(saved(tmp_path))
    assert plan.workflow == WORKFLOW
    refuse_drift(plan, None, build_plan(WORKFLOW, REGISTRY), REGISTRY)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None)
@given(st.data(), JSON)
def test_a_plan_whose_parts_are_anything_is_refused_in_words(data: st.DataObject, value: Any) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = saved(Path(folder))
        content = json.loads(path.read_text())
        keys = data.draw(st.sampled_from([["workflow"], ["pinned"], ["pinned", "stations"], ["inputs"], ["order"]]))
        place = content
        for key in keys[:-1]:
            place = place[key]
        place[keys[-1]] = value
        content["digest"] = _digest(content)
        path.write_text(json.dumps(content))
        with suppress(MityError):
            plan = read_plan(path)
            refuse_drift(plan, None, build_plan(plan.workflow, REGISTRY), REGISTRY)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"stations": []}', '{"stations": {"a": 1}, "workflows": {}}', "\x00"]
)
def test_a_damaged_lock_file_is_told_as_one(text: str, tmp_path: Path) -> None:
    file = tmp_path / "w.yaml"
    lock_path(file).write_text(text)
    with pytest.raises(UsageError, match="is no lock file"):
        read_lock(file)


def test_each_kind_of_drift_is_explained(tmp_path: Path) -> None:
    file = tmp_path / "w.yaml"
    assert check_lock(WORKFLOW, file, REGISTRY) == []
    write_lock(WORKFLOW, file, REGISTRY)
    assert check_lock(WORKFLOW, file, REGISTRY) == []
    other = stations(fake("act", gives=("k", "more")), fake("new"))
    with pytest.raises(UsageError, match="the contract of station 'act' changed"):
        check_lock(WORKFLOW, file, other)
    with pytest.raises(UsageError, match="station 'new' is not pinned"):
        check_lock(WORKFLOW.station("new"), file, stations(fake("act", gives=("k",)), fake("new")))
    pinned = pins(WORKFLOW, REGISTRY)
    pinned["stations"]["act"]["version"] = "9"
    assert drift(pinned, WORKFLOW, REGISTRY).versions == ["station 'act' (9, now a program's own) keeps its contract"]
