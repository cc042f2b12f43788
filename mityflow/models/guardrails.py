"""``guardrails.yaml``: how far healing may go, and who acts on which class of error."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from mityflow.models.base import FileModel, allow_free_keys
from mityflow.models.rules import ErrorClass, RuleModel, Text

AgentName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,62}$")]


def _kind_needs(schema: dict[str, Any]) -> None:
    """An agent of kind ``llm`` names a model, one of kind ``command`` a command."""
    allow_free_keys(schema)
    schema["allOf"] = [
        {"if": {"required": ["kind"], "properties": {"kind": {"const": kind}}}, "then": {"required": [key]}}
        for kind, key in (("llm", "model"), ("command", "command"))
    ]


def _files_or_rules(schema: dict[str, Any]) -> None:
    """An entry of ``rules`` is a file's path or a rule: chosen by what stands there, so that one typo is one fault."""
    entries = next(option for option in schema["anyOf"] if "items" in option)["items"]
    text, rule = entries.pop("anyOf")
    entries |= {"if": {"type": "string"}, "then": text, "else": rule}


class AgentModel(FileModel):
    """Who does the work of a specialist."""

    model_config = ConfigDict(**{**FileModel.model_config, "json_schema_extra": _kind_needs})

    kind: Literal["playbook", "llm", "command"] = Field(
        description="'playbook': built in and deterministic; 'llm': a language model; 'command': a program."
    )
    model: str | None = Field(
        None,
        pattern=r"^[a-z][a-z0-9_/-]*:\S+$",
        description="The model of an agent of kind 'llm': its provider and its name, such as openai:gpt-5-mini.",
    )
    base_url: str | None = Field(
        None,
        pattern=r"^https?://\S+$",
        description="Where the provider's protocol is spoken, for a model of one's own or a proxy.",
    )
    command: list[str] | None = Field(
        None,
        min_length=1,
        description="The program of an agent of kind 'command', as its arguments;"
        " '{{ task_file }}' and '{{ workspace }}' stand for its task and for the folder it works on.",
    )
    max_tokens: int | None = Field(None, ge=1, description="Most tokens of one answer of a model.")
    max_requests: int = Field(30, ge=1, description="Most requests to a model for one fix.")
    max_cost_usd: float | None = Field(None, ge=0, description="Most that one session may cost, in US dollars.")
    timeout_secs: float | None = Field(
        None, gt=0, description="Seconds for one fix; the time that healing has left holds as well."
    )


class CassettesModel(FileModel):
    """Where the exchanges with models and programs are kept, to be played back without them."""

    folder: str = Field(min_length=1, description="The folder of the cassettes, from the workspace on.")
    mode: Literal["record", "replay"] = Field(
        "replay", description="'record': the agents are asked, and it is kept; 'replay': nobody is asked."
    )


class GuardrailsFile(FileModel):
    """The limits of healing. Every key may be left out; its default then holds."""

    version: Literal[1] | None = Field(None, description="The version of this format.")
    max_attempts_per_error: int = Field(5, ge=1, description="Attempts at one class of error.")
    max_total_iterations: int = Field(15, ge=1, description="Runs of the command in all.")
    max_healing_time_secs: float = Field(300, gt=0, description="Seconds of healing in all.")
    max_consecutive_failures: int = Field(3, ge=1, description="Attempts in a row that made nothing better.")
    protected_paths: list[str] = Field(
        [".git/**", ".mity/**", ".env", "tests/**"], description="Files that no fix may touch."
    )
    specialists: dict[ErrorClass, AgentName] | None = Field(
        None, description="Which specialist acts first on which class of error."
    )
    agents: dict[AgentName, AgentModel] | None = Field(None, description="Who does the work of each specialist.")
    cassettes: CassettesModel | None = Field(
        None, description="Record what agents are asked and answer, or play it back; MITY_CASSETTES goes before it."
    )
    rules: list[Text | RuleModel] | None = Field(
        None,
        json_schema_extra=_files_or_rules,
        description="More rules of the classifier: files of rules, by their path from this file, or rules.",
    )
