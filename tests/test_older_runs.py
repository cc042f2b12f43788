"""Runs that an earlier mityflow recorded go on with this one."""

from __future__ import annotations

import shutil
from pathlib import Path

from mityflow import Answer, StationRegistry, WorkflowExecutor, load_workflow

RUN = Path(__file__).parent / "cases" / "journals" / "0.1-first"


def test_a_run_recorded_before_workflows_called_workflows_goes_on(workspace: Path, registry: StationRegistry) -> None:
    run_id = (RUN / "run_id").read_text().strip()
    folder = workspace / ".mity" / "runs" / run_id
    (folder / "stations").mkdir(parents=True)
    shutil.copy(RUN / "w.yaml", workspace)
    for name in ("plan.json", "events.jsonl"):
        (folder / name).write_text((RUN / name).read_text().replace("HERE", str(workspace)))
    (workspace / "ok").touch()
    executor = WorkflowExecutor(registry)
    log = executor.load_log(folder)
    assert str(log.state) == "waiting"
    log = executor.resume(log, answer=Answer("retry"), workflow=load_workflow(workspace / "w.yaml"))
    assert str(log.state) == "completed"
    assert [log.results[step].status for step in ("a", "b", "f")] == ["succeeded"] * 3
