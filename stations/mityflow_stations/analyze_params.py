"""The settings (``with:``) of ``analyze`` and ``architect``."""

from __future__ import annotations

from pydantic import Field

from mityflow.sdk import Params


class AnalyzeParams(Params):
    """Settings of ``analyze``."""

    stack: str | None = Field(
        None, description="The application's stack; the workflow's own, or else what its manifests look like."
    )
    commits: int = Field(500, ge=1, le=10_000, description="How many commits of its history are looked at.")
