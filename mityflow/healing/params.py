"""The settings every step of a healing station can have; loaded only where settings are checked."""

from __future__ import annotations

from pydantic import Field

from mityflow.models.guardrails import GuardrailsFile
from mityflow.params import Params


class GuardrailParams(Params):
    """Settings of stations that agents work for."""

    guardrails: GuardrailsFile | None = Field(
        None, description="Limits of this step, in place of those of the workflow that have the same names."
    )


class HealingParams(GuardrailParams):
    """Settings of stations that heal themselves."""

    heal: bool = Field(True, description="Whether a failure is mended; where false, the command is run once.")
