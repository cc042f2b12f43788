from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from fakes import fake, stations

from mityflow import StationResult, StoreError, Workflow, WorkflowContext, WorkflowExecutor
from mityflow.journal import JournalWriter, read_journal
from mityflow.store import Store


def finished_run(workspace: Path) -> tuple[Store, str]:
    workflow = Workflow("w", "W").station("a").station("b").finally_station("c")
    executor = WorkflowExecutor(stations(fake("a", gives=("x",)), fake("b"), fake("c")))
    log = executor.execute(workflow, WorkflowContext(workspace))
    return Store(workspace), log.run_id


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    writer = JournalWriter(path)
    writer.append({"event": "a", "text": "ü\n\0"}, sync=True)
    writer.append({"event": "b"}, sync=False)
    writer.close()
    assert [e["event"] for e in read_journal(path).events] == ["a", "b"]
    assert read_journal(path).size == path.stat().st_size


def test_a_journal_cut_at_any_byte_keeps_every_whole_event(workspace: Path) -> None:
    store, run_id = finished_run(workspace)
    path = store.run_folder(run_id) / "events.jsonl"
    whole = path.read_bytes()
    ends = [i + 1 for i, byte in enumerate(whole) if byte == ord("\n")]
    for cut in range(len(whole) + 1):
        path.write_bytes(whole[:cut])
        journal = read_journal(path)
        complete = sum(1 for end in ends if end - 1 <= cut)
        assert journal.damage is None
        assert len(journal.events) == complete
        store.fold(run_id, journal)


@pytest.mark.parametrize("tail", [b"\0" * 100, b'{"event": "step', b"\xff\xfe", b'{"event": 1}', b"[]", b"{}\n\0\0"])
def test_a_torn_tail_is_left_out_and_cut_off_when_the_run_goes_on(tmp_path: Path, tail: bytes) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b'{"event": "a"}\n' + tail)
    journal = read_journal(path)
    assert [e["event"] for e in journal.events] == ["a"]
    assert journal.damage is None
    writer = JournalWriter(path, size=journal.size)
    writer.append({"event": "b"}, sync=True)
    writer.close()
    assert [e["event"] for e in read_journal(path).events] == ["a", "b"]


def test_a_last_event_without_its_line_end_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b'{"event": "a"}')
    journal = read_journal(path)
    writer = JournalWriter(path, size=journal.size)
    writer.append({"event": "b"}, sync=True)
    writer.close()
    assert [e["event"] for e in read_journal(path).events] == ["a", "b"]


def test_damage_in_the_middle_is_told_with_its_line_and_resume_refuses_to_guess(workspace: Path) -> None:
    def fail(_: object) -> StationResult:
        return StationResult.failure("told to")

    executor = WorkflowExecutor(stations(fake("a"), fake("b", fail)))
    log = executor.execute(Workflow("w", "W").station("a").station("b"), WorkflowContext(workspace))
    path = Store(workspace).run_folder(log.run_id) / "events.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    lines[2] = b"?" * 20 + b"\n"
    path.write_bytes(b"".join(lines))
    journal = read_journal(path)
    assert journal.damage is not None
    assert journal.damage.line == 3
    assert len(journal.events) == 2
    before = path.read_bytes()
    with pytest.raises(Exception, match=r"events.jsonl:3: this line is no event"):
        executor.resume(log)
    assert path.read_bytes() == before


def test_an_event_that_cannot_be_recorded_leaves_no_half_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "events.jsonl"
    writer = JournalWriter(path)
    writer.append({"event": "a"}, sync=True)

    def full(fd: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fdatasync", full)
    with pytest.raises(StoreError, match=f"cannot write {path}: No space left"):
        writer.append({"event": "b"}, sync=True)
    assert path.read_text() == '{"event":"a"}\n'


def test_a_step_costs_one_sync(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    real = os.fdatasync
    monkeypatch.setattr(os, "fdatasync", lambda fd: (synced.append(fd), real(fd))[1])

    def syncs(count: int) -> int:
        synced.clear()
        workflow = Workflow("many", "Many")
        for i in range(count):
            workflow = workflow.station("a", id=f"s{i}")
        WorkflowExecutor(stations(fake("a"))).execute(workflow, WorkflowContext(workspace))
        return len(synced)

    assert syncs(30) - syncs(10) == 20


def test_the_log_file_is_the_fold_of_the_journal(workspace: Path) -> None:
    store, run_id = finished_run(workspace)
    assert json.loads(store.log_path("w").read_text()) == store.load(run_id).to_data()
