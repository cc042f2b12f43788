"""Rare courses of a run: what once went wrong there."""

from __future__ import annotations

from pathlib import Path

import pytest
from fakes import fake, stations

from mityflow import Answer, Workflow, WorkflowContext, WorkflowExecutor


@pytest.mark.parametrize(
    ("option", "state", "status"), [("skip", "completed", "skipped"), ("stop", "failed", "failed")]
)
def test_the_failure_of_a_foreach_itself_can_be_answered(workspace: Path, option: str, state: str, status: str) -> None:
    workflow = Workflow("w", "W").station("act", id="a", foreach="{{ workspace }}", on_failure="ask")
    executor = WorkflowExecutor(stations(fake("act")))
    log = executor.execute(workflow, WorkflowContext(workspace))
    assert log.question
    log = executor.resume(log, answer=Answer(option))
    assert (str(log.state), log.results["a"].status) == (state, status)
