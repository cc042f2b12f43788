"""A workflow file: the model that ``schemas/workflow.schema.json`` is generated from."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from mityflow.models.base import FileModel, allow_free_keys
from mityflow.models.guardrails import GuardrailsFile
from mityflow.workflow import DURATION_PATTERN, ENV_NAME_PATTERN, ID_PATTERN, MOST_PARALLEL


def _by_kind(schema: dict[str, Any]) -> dict[str, Any]:
    """Choose between text and a mapping by what stands there, so that one typo is one fault."""
    options = schema.pop("anyOf", None)
    if options:
        text = next(o for o in options if o.get("type") == "string")
        mapping = next(o for o in options if "$ref" in o)
        schema |= {"if": {"type": "string"}, "then": text, "else": mapping}
    return schema


def _items_by_kind(schema: dict[str, Any]) -> None:
    items = schema if "items" in schema else next(o for o in schema["anyOf"] if "items" in o)
    _by_kind(items["items"])


def _guardrails(schema: dict[str, Any]) -> None:
    schema["anyOf"] = [o for o in schema["anyOf"] if o.get("type") != "null"]
    _by_kind(schema)


def _kinds(schema: dict[str, Any]) -> None:
    """One list of types in place of alternatives, which editors and people read more easily."""
    schema.pop("anyOf", None)
    schema["type"] = ["array", "object", "string"]


def _some_key(schema: dict[str, Any]) -> None:
    allow_free_keys(schema)
    schema["minProperties"] = 1


def _station_or_workflow(schema: dict[str, Any]) -> None:
    allow_free_keys(schema)
    schema["if"] = {"required": ["workflow"]}
    schema["else"] = {"required": ["station"]}


def _keywords(schema: dict[str, Any]) -> None:
    """Name the keywords that inputs use most, for editors; what is right is checked by JSON Schema itself."""
    described = {
        "type": "The kind of value.",
        "description": "What the input is for; people are asked with it.",
        "default": "The value when none is given; without one it must be given.",
        "enum": "All values that are possible.",
        "pattern": "A regular expression that a text must match; ^ and $ hold its ends.",
        "minLength": "The least number of characters of a text.",
        "maxLength": "The greatest number of characters of a text.",
        "minimum": "The least number.",
        "maximum": "The greatest number.",
        "items": "The JSON Schema of each entry of a list.",
        "properties": "The JSON Schema of each key of a mapping.",
        "required": "The keys that a mapping must have.",
    }
    schema["properties"] = {key: {"description": text} for key, text in described.items()}
    schema["properties"]["type"]["examples"] = ["string", "integer", "number", "boolean", "array", "object"]


Id = Annotated[str, Field(pattern=f"^{ID_PATTERN}$")]
EnvName = Annotated[str, Field(pattern=f"^{ENV_NAME_PATTERN}$")]
InputSchema = Annotated[dict[str, Any], Field(json_schema_extra=_keywords)]
InputName = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,62}$")]
Duration = Annotated[str, Field(pattern=f"^{DURATION_PATTERN}$")]


class RetryModel(FileModel):
    """Try a failing step again."""

    attempts: int = Field(ge=1, le=100, description="How often the step is tried in all, the first time included.")
    delay: Duration | None = Field(None, description="How long to wait before the second attempt, such as 2s.")
    backoff: float | None = Field(
        None, ge=1, le=100, description="What the delay is multiplied with after every further attempt; 1 by default."
    )


class CacheModel(FileModel):
    """Skip the step while what it depends on is unchanged."""

    paths: list[str] | None = Field(
        None, min_length=1, description="Files the step reads, as patterns in the workspace: src/**, pyproject.toml."
    )
    key: str | None = Field(None, min_length=1, description="Anything else it depends on, such as {{ inputs.target }}.")

    model_config = ConfigDict(json_schema_extra=_some_key)


class StationCallModel(FileModel):
    """The long form of a call of a station or a workflow, which becomes a step."""

    station: Id | None = Field(None, description="The name of the station; 'mityflow stations' lists them.")
    workflow: str | None = Field(
        None,
        min_length=1,
        description="In place of a station: the name of a workflow, or a file beginning with ./ or ../ .",
    )
    id: Id | None = Field(None, description="The step's id; the station's or workflow's name by default.")
    with_: dict[str, Any] | None = Field(
        None,
        alias="with",
        description="Settings of the station, which 'mityflow stations NAME' describes, or inputs of the workflow.",
    )
    foreach: list[Any] | dict[str, Any] | str | None = Field(
        None,
        description="A list, a mapping or an expression that gives one: a step for each, with 'item' and 'index'.",
        json_schema_extra=_kinds,
    )
    when: str | None = Field(
        None,
        min_length=1,
        description="An expression, without braces; the step is skipped where it is false: stack == 'rust-api'.",
    )
    timeout: Duration | None = Field(None, description="How long one attempt may take, such as 90s or 1.5h.")
    retry: RetryModel | None = Field(None, description="Try the step again when it fails.")
    on_failure: Literal["fail", "continue", "ask"] | None = Field(
        None,
        description="What a failure does: end the run (fail, the default), be recorded and passed over (continue),"
        " or become a question (ask).",
    )
    needs: list[Id] | None = Field(None, description="Ids of steps that must come before this one.")
    cache: CacheModel | None = Field(None, description="Skip the step while what it depends on is unchanged.")

    model_config = ConfigDict(json_schema_extra=_station_or_workflow)


class WorkflowFile(FileModel):
    """A workflow: what goes in, the stations it calls in order, what comes out."""

    version: Literal[1] = Field(description="The version of this format.")
    id: Id = Field(description="The workflow's id, which names its runs and logs.")
    name: str | None = Field(None, description="What people call the workflow.")
    description: str | None = Field(None, description="What the workflow does.")
    inputs: dict[InputName, InputSchema] | None = Field(
        None, description="Values that a run takes; each is described by a JSON Schema."
    )
    secrets: list[EnvName] | None = Field(
        None, description="Environment variables the workflow needs; their values are never written anywhere."
    )
    env: dict[EnvName, str] | None = Field(None, description="Environment variables for every command.")
    guardrails: str | GuardrailsFile | None = Field(
        None, description="Limits for stations that heal: a file, or the settings.", json_schema_extra=_guardrails
    )
    max_parallel: int | None = Field(
        None, ge=1, le=MOST_PARALLEL, description="How many steps may run side by side; 1 by default."
    )
    stations: list[Id | StationCallModel] = Field(
        min_length=1, description="The stations to call, in order.", json_schema_extra=_items_by_kind
    )
    finally_: list[Id | StationCallModel] | None = Field(
        None,
        alias="finally",
        description="Stations that run at the end, whatever happened.",
        json_schema_extra=_items_by_kind,
    )
    outputs: dict[InputName, Any] | None = Field(
        None, description="What a completed run gives: values, usually expressions."
    )
