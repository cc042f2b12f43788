"""A rules file: how the classifier of failed commands reads what a tool prints."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from mityflow.models.base import FileModel

Text = Annotated[str, Field(min_length=1)]
StackName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,62}$")]
ErrorClass = Literal[
    "BuildError", "DependencyError", "TestFailure", "RuntimeError", "ConfigError", "PortInUse", "Unknown"
]
RuleClass = Literal[
    "BuildError",
    "DependencyError",
    "TestFailure",
    "RuntimeError",
    "ConfigError",
    "PortInUse",
    "Unknown",
    "file",
    "config-file",
    "python-module",
    "js-module",
    "java-package",
    "crate",
    "dotnet-name",
]
Rank = Literal[
    "host",
    "install",
    "config",
    "missing",
    "parsing",
    "source",
    "port",
    "vanished",
    "loading",
    "setting",
    "test",
    "symbol",
    "runtime",
    "words",
    "wrapper",
]


class RuleModel(FileModel):
    """What a line that a command printed says of why it failed."""

    id: str = Field(pattern=r"^[a-z][a-z0-9-]{0,62}$", description="The rule's name, as a diagnosis tells it.")
    class_: RuleClass = Field(
        alias="class",
        description="The class of error, or how it is found: by whose the group 'module' of the pattern is, or by the"
        " role of the file.",
    )
    rank: Rank = Field("runtime", description="What must be right first: of several causes the first here counts.")
    reason: Text | None = Field(None, description="Why this is the class, as half a sentence.")
    patterns: list[Text] = Field(
        min_length=1,
        description="Regular expressions, as Python writes them, of which one must be found in a line. Named groups"
        " become details of the diagnosis.",
    )
    near: Text | None = Field(None, description="A regular expression that a line close by must fulfil.")
    quoted: bool = Field(False, description="Whether it counts where a line merely quotes what was raised.")
    own: ErrorClass | None = Field(None, description="The class when the module is the project's own.")
    stacks: list[StackName] | None = Field(None, description="The stacks whose tools print this; all, if left out.")


class RulesFile(FileModel):
    """Rules of the classifier. They count before those that are built in, where the rank is the same."""

    stacks: list[StackName] | None = Field(None, description="The stacks whose tools print this; all, if left out.")
    rules: list[RuleModel] = Field(description="The rules.")
