"""The settings (``with:``) of ``secure``."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from mityflow.sdk import Duration, Params, Severity

Look = Literal["secrets", "code", "dependencies", "sbom", "licences", "policies"]
Threshold = Severity | Literal["never"]
Name = Annotated[str, Field(min_length=1)]


def _day(text: str) -> str:
    try:
        date.fromisoformat(text)
    except ValueError as error:
        raise ValueError("must be a day, such as '2027-03-31'") from error
    return text


class FailAt(Params):
    """From which severity on a finding fails the step."""

    secrets: Threshold = Field("low", description="Threshold of secrets.")
    code: Threshold = Field("high", description="Threshold of weak code.")
    dependencies: Threshold = Field("high", description="Threshold of vulnerable packages.")
    licences: Threshold = Field("high", description="Threshold of licences.")
    policies: Threshold = Field("high", description="Threshold of policies.")


class Ignored(Params):
    """Findings that are known, and do not count for now."""

    rule: Name = Field(
        description="The rule as the report tells it, tool and id, such as bandit/B603; * fits any text."
    )
    path: Name | None = Field(None, description="The files it is about, as a pattern; all when left out.")
    text: Name | None = Field(None, description="A text in its message, such as a package's name.")
    reason: Name = Field(description="Why it does not count.")
    until: Annotated[str, AfterValidator(_day)] = Field(description="The last day on which it does not count.")


class SecureParams(Params):
    """Settings of ``secure``."""

    stack: str | None = Field(None, description="The application's stack; the workflow's own when left out.")
    checks: list[Look] = Field(
        ["secrets", "code", "dependencies", "sbom", "licences", "policies"],
        min_length=1,
        description="What to look at: secrets, code, dependencies, sbom, licences, policies.",
    )
    fail_at: FailAt = Field(
        FailAt(),  # type: ignore[call-arg]
        description="For secrets, code, dependencies, licences and policies, the severity from which on a finding"
        " fails the step, or never.",
    )
    require: list[Look] = Field(
        ["policies"], description="What must have been looked at: for these, 'not checked' fails the step."
    )
    ignore: list[Ignored] = Field(
        [],
        description="Findings that do not count: each a rule, and a reason and a last day for that; a path and a"
        " text narrow it down.",
    )
    allow_licences: list[Name] = Field(
        [], description="Licences packages may have, as SPDX ids in which * fits any text; all when left out."
    )
    deny_licences: list[Name] = Field([], description="Licences that packages must not have, likewise.")
    policies: list[Name] | None = Field(
        None,
        description="Policy files, from the workspace on; when left out, those in the folders 'policies' of the"
        " workspace and of the application.",
    )
    semgrep_rules: list[Name] = Field([], description="Further files of semgrep's rules, from the workspace on.")
    osv_url: str | None = Field(
        None,
        pattern=r"^https?://\S+$",
        description="A server that speaks OSV's protocol, to be asked for vulnerable packages of every kind in place of"
        " the package managers' own sources.",
    )
    timeout: Duration = Field("5m", description="How long each program may take.")
