"""Which steps of the release run, and what is asked; with stations that are told what to answer."""

from __future__ import annotations

from pathlib import Path

import acme_release

from mityflow.testing import asks, run_workflow, skipped, succeeded

RELEASE = Path(acme_release.__file__).parent / "workflows" / "acme-release.yaml"


def test_without_a_question_everything_runs(tmp_path: Path) -> None:
    run = run_workflow(RELEASE, inputs={"app_name": "tool"}, workspace=tmp_path)
    assert run.ran == ["version", "changelog", "acme-release-note"]
    assert run.state == "completed"


def test_who_is_asked_can_say_no(tmp_path: Path) -> None:
    run = run_workflow(
        RELEASE,
        inputs={"app_name": "tool", "approve": True},
        results={"approve": [asks("Release?", ["approve", "reject"]), succeeded(outputs={"answer": "reject"})]},
        answers={"approve": "reject"},
        workspace=tmp_path,
    )
    assert run.asked == ["approve"]
    assert run.ran == ["version", "approve"]
    assert run.log.workflow_outputs["note"] == "not released"


def test_where_nothing_is_new_nothing_is_released(tmp_path: Path) -> None:
    nothing = {"version": skipped("no commit since 1.0.0")}
    run = run_workflow(RELEASE, inputs={"app_name": "tool"}, results=nothing, workspace=tmp_path)
    assert run.ran == ["version"]
    assert run.state == "completed"
    assert run.log.workflow_outputs["version"] == "nothing new"
