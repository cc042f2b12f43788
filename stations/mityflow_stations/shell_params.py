"""The settings of ``shell``."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from mityflow.sdk import Params

Argument = Annotated[str, Field(strict=True)]
Code = Annotated[int, Field(strict=True, ge=-64, le=255)]


class ShellParams(Params):
    """Exactly one of ``command`` and ``script`` is given."""

    command: list[Argument] | None = Field(
        None, min_length=1, description="A program and its arguments, started without a shell."
    )
    script: str | None = Field(
        None,
        min_length=1,
        description="A script for bash -euo pipefail; a {{ }} in it reaches it through the environment.",
    )
    cwd: str = Field("", description="The folder to run in, inside the workspace, which is the default.")
    env: dict[str, Argument] = Field({}, description="Environment variables of this step.")
    success_codes: list[Code] = Field([0], min_length=1, description="Exit codes that count as success.")

    @model_validator(mode="after")
    def _one_of(self) -> Self:
        if (self.command is None) == (self.script is None):
            raise ValueError("give exactly one of 'command' and 'script'")
        return self
