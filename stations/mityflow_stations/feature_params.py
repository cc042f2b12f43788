"""The settings (``with:``) of the stations that add a feature."""

from __future__ import annotations

from pydantic import Field

from mityflow.sdk import GuardrailParams


class ImplementParams(GuardrailParams):
    """Settings of ``implement``."""

    stack: str | None = Field(None, description="The application's stack; the workflow's own when left out.")
    patch: str | None = Field(
        None,
        min_length=1,
        description="A patch to apply in place of asking an agent; its path, from the workspace on.",
    )
    approve: bool = Field(False, description="Whether a person is shown the difference and asked before it is made.")
