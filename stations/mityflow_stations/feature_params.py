"""The settings (``with:``) of the stations that add a feature."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from mityflow.sdk import GuardrailParams, Severity


class ImplementParams(GuardrailParams):
    """Settings of ``implement``."""

    stack: str | None = Field(None, description="The application's stack; the workflow's own when left out.")
    patch: str | None = Field(
        None,
        min_length=1,
        description="A patch to apply in place of asking an agent; its path, from the workspace on.",
    )
    approve: bool = Field(False, description="Whether a person is shown the difference and asked before it is made.")


class ReviewParams(GuardrailParams):
    """Settings of ``review``."""

    stack: str | None = Field(None, description="The application's stack; the workflow's own when left out.")
    checks: list[Literal["lint", "secrets", "tests", "criteria", "size", "leftovers", "licences", "agent"]] | None = (
        Field(None, min_length=1, description="What to look at; everything when left out.")
    )
    fail_at: Severity = Field("high", description="The severity from which on a finding fails the step.")
    max_lines: int = Field(1000, ge=1, description="How many lines a change may add before it is told as large.")
    deny_licences: list[str] = Field([], description="Licences that a new package must not have, such as AGPL.")
