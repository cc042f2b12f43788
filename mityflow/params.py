"""The base of a station's ``Params``: loaded only where settings are checked."""

from pydantic import BaseModel, ConfigDict


class Params(BaseModel):
    """Settings a step may give in ``with:``. Unknown keys are faults; values are not converted to text."""

    model_config = ConfigDict(extra="forbid", frozen=True)
