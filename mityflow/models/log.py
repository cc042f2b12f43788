"""The log of a run, ``.mity/logs/<workflow_id>.json``: what readers of it can count on."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from mityflow.models.base import FileModel

Data = dict[str, Any]


def _or_null(schema: dict[str, Any]) -> None:
    """A key that is always there, and null as long as it has no value."""
    schema.pop("anyOf", None)
    schema["type"] = ["string", "null"]


class ResultModel(FileModel):
    """The result of a station."""

    success: bool = Field(description="True for 'succeeded' and 'cached' only.")
    status: Literal["succeeded", "failed", "skipped", "cached", "waiting", "cancelled"] = Field(
        description="How the step stands."
    )
    message: str = Field(description="One sentence for people.")
    outputs: Data = Field(description="What the station gave.")
    artifacts: list[Data] = Field(description="Files and folders it made: name, path, description.")
    started_at: str | None = Field(
        description="When the last attempt began, UTC, ISO 8601.", json_schema_extra=_or_null
    )
    completed_at: str | None = Field(description="When it ended.", json_schema_extra=_or_null)
    attempts: int = Field(description="How often it was tried.")
    question: Data | None = Field(
        None,
        description="What somebody must answer: id, text, options; where it has them form, expires_after, on_timeout.",
    )
    error: Data | None = Field(None, description="The cause of a failure: type, message, traceback.")
    cached_from: str | None = Field(None, description="For 'cached': the run in which the work was done.")


class StepResultModel(FileModel):
    """A step and its result."""

    station: str = Field(description="The step's id.")
    result: ResultModel = Field(description="Its result.")


class ExecutionLogFile(FileModel):
    """The log of the latest run of a workflow."""

    format: Literal[1] = Field(description="The version of this format.")
    workflow_id: str = Field(description="The workflow's id.")
    workflow_name: str = Field(description="The workflow's name.")
    run_id: str = Field(description="The run's id; ids sort by time.")
    state: Literal["pending", "running", "waiting", "completed", "failed", "cancelled"] = Field(
        description="Where the run stands."
    )
    current_station_index: int = Field(ge=0, description="How many stations are done; all, once completed.")
    stations: list[str] = Field(description="The ids of all steps in order, those of 'finally' last.")
    results: list[StepResultModel] = Field(description="The results so far, in order.")
    outputs: Data = Field(description="The workflow's own outputs, once completed.")
    started_at: str | None = Field(description="When the run began, UTC, ISO 8601.", json_schema_extra=_or_null)
    completed_at: str | None = Field(description="When it ended.", json_schema_extra=_or_null)
    error: str | None = Field(description="Why it failed.", json_schema_extra=_or_null)
    context: Data = Field(description="The workspace, inputs and what else the run was given.")
