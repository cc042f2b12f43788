"""A policy file: what a team demands of its applications, as checks that are really made."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from mityflow.models.base import FileModel
from mityflow.models.stack import Argument, Duration, RelativePath

Text = Annotated[str, Field(min_length=1)]
Glob = Annotated[
    str,
    Field(
        pattern=r"^(?!/)(?!(.*/)?\.\.(/|$))[^\\\x00]+$",
        description="A path inside the application; * and ? stand for parts of a name, ** for any folders.",
    ),
]
Percent = Annotated[float, Field(ge=0, le=100)]


class CommandCheck(FileModel):
    """A program, run in the application's folder, that ends with the right exit code."""

    run: list[Argument] = Field(min_length=1, description="The program and its arguments; no shell reads them.")
    exit_code: int = Field(0, description="The exit code that fulfils the policy.", ge=0, le=255)
    timeout: Duration = Field("1m", description="How long it may take; what takes longer fulfils nothing.")


class FileExistsCheck(FileModel):
    """Files that must be there."""

    paths: list[Glob] = Field(min_length=1, description="The files; each must fit at least one that is not empty.")


class ForbiddenPatternCheck(FileModel):
    """A text that must stand nowhere."""

    pattern: Text = Field(description="The regular expression, as Python writes it, that no line may fit.")
    files: list[Glob] = Field(min_length=1, description="The files that are looked at.")
    exclude: list[Glob] = Field([], description="Files that are not.")
    timeout: Duration = Field("20s", description="How long the search may take in all.")


class CoverageCheck(FileModel):
    """How much of the code the tests reach, as a report of theirs says."""

    minimum: Percent = Field(description="The least share of lines, in percent.")
    reports: list[Glob] | None = Field(
        None,
        min_length=1,
        description="The reports, in Cobertura's, JaCoCo's or lcov's form; the usual places when left out.",
    )


class SecretsCheck(FileModel):
    """No secrets in the files."""

    exclude: list[Glob] = Field([], description="Files that are not looked at.")


class DocsCheck(FileModel):
    """What must be documented."""

    file: RelativePath = Field("README.md", description="The Markdown file that is read.")
    headings: list[Text] = Field([], description="Headings it must have, at any level.")
    symbols: Percent | None = Field(
        None,
        description="The least share of public symbols with a text of their own, in percent; Python's are counted.",
    )


class PolicyModel(FileModel):
    """One demand, with exactly one check."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_-]{0,62}$", description="The policy's name, as reports tell it.")
    description: Text = Field(description="What is demanded, in a sentence.")
    severity: Literal["critical", "high", "medium", "low", "info"] = Field(
        "high", description="How bad it is where it is not met."
    )
    when: Text | None = Field(
        None,
        description="An expression over 'stack' and 'app_name', without braces; nothing is due where it is false.",
    )
    command: CommandCheck | None = Field(None, description="A program must end well.")
    file_exists: FileExistsCheck | None = Field(None, description="Files must be there.")
    forbidden_pattern: ForbiddenPatternCheck | None = Field(None, description="A text must stand nowhere.")
    coverage: CoverageCheck | None = Field(None, description="The tests must reach a share of the code.")
    secrets: SecretsCheck | None = Field(None, description="No secrets in the files.")
    docs: DocsCheck | None = Field(None, description="Something must be documented.")


class PolicyFile(FileModel):
    """Policies, which the station ``secure`` evaluates."""

    version: Literal[1] = Field(description="The version of this file format.")
    description: Text | None = Field(None, description="What the policies of this file are for.")
    policies: list[PolicyModel] = Field(min_length=1, description="The policies.")
