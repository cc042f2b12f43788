"""``guardrails.yaml``: how far healing may go, and who acts on which class of error."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from mityflow.models.base import FileModel, allow_free_keys
from mityflow.models.rules import RuleModel, Text

ErrorClass = Literal[
    "BuildError", "DependencyError", "TestFailure", "RuntimeError", "ConfigError", "PortInUse", "Unknown"
]
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
    model: str | None = Field(None, min_length=1, description="The model of an agent of kind 'llm'.")
    command: list[str] | None = Field(
        None, min_length=1, description="The program of an agent of kind 'command', as its arguments."
    )
    max_tokens: int | None = Field(None, ge=1, description="Most tokens of one answer of a model.")
    max_cost_usd: float | None = Field(None, ge=0, description="Most that one session may cost, in US dollars.")


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
    rules: list[Text | RuleModel] | None = Field(
        None,
        json_schema_extra=_files_or_rules,
        description="More rules of the classifier: files of rules, by their path from this file, or rules.",
    )
