from __future__ import annotations

import json
from pathlib import Path

import pytest
from fakes import fake, stations
from jsonschema import Draft202012Validator

from mityflow import Question, StationResult, Workflow, WorkflowContext, WorkflowExecutor
from mityflow.models.generate import stale
from mityflow.resources import schema_text


def test_the_schemas_say_what_the_models_say() -> None:
    assert stale() == []


@pytest.mark.parametrize("name", ["execution-log", "guardrails", "policy", "rules", "stack", "workflow"])
def test_every_schema_is_one_and_describes_every_key(name: str) -> None:
    schema = json.loads(schema_text(name))
    Draft202012Validator.check_schema(schema)
    for part in (schema, *schema.get("$defs", {}).values()):
        assert all(value.get("description") or "$ref" in value for value in part.get("properties", {}).values())


@pytest.mark.parametrize(
    "answer",
    [
        StationResult.success("act", outputs={"x": 1}),
        StationResult.failure("no"),
        StationResult.skipped("why not"),
        StationResult.needs_input(Question("q", "which?", ["this", "that"], expires_after=5, on_timeout="fail")),
        StationResult.needs_input(Question("q", "what?", form={"type": "object", "properties": {"a": {}}})),
    ],
    ids=["completed", "failed", "skipped", "waiting", "form"],
)
def test_the_log_of_a_run_fits_its_schema(workspace: Path, answer: StationResult) -> None:
    registry = stations(fake("act", lambda _: answer), fake("next"))
    log = WorkflowExecutor(registry).execute(Workflow("w").station("act").station("next"), WorkflowContext(workspace))
    assert log.path is not None
    Draft202012Validator(json.loads(schema_text("execution-log"))).validate(json.loads(log.path.read_text()))
