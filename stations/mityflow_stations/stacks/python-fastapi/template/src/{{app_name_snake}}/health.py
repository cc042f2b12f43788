"""The health check, for load balancers and containers."""

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel

from {{ app_name_snake }} import __version__

router = APIRouter(tags=["health"])


class Health(BaseModel):
    """What a healthy service answers."""

    status: Literal["ok"] = "ok"
    version: str = __version__


@router.get("{{ health_path }}")
async def health() -> Health:
    """Answer as long as the service can answer at all."""
    return Health()
