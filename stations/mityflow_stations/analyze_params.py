"""The settings (``with:``) of ``analyze`` and ``architect``."""

from __future__ import annotations

from pydantic import Field

from mityflow.sdk import GuardrailParams, Params


class AnalyzeParams(Params):
    """Settings of ``analyze``."""

    stack: str | None = Field(
        None, description="The application's stack; the workflow's own, or else what its manifests look like."
    )
    for_change: bool = Field(
        False,
        description="Whether it is to be changed afterwards: then its stack must be known, and it must be under"
        " version control.",
    )
    commits: int = Field(500, ge=1, le=10_000, description="How many commits of its history are looked at.")


class ArchitectParams(GuardrailParams):
    """Settings of ``architect``."""

    adr: bool = Field(True, description="Whether a decision record is written into the application.")
