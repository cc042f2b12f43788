"""Settings, read from the environment and from a file ``.env``."""

from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Each field is set by a variable of its name with ``APP_`` before it, such as ``APP_PORT``."""

    model_config = SettingsConfigDict(env_prefix="APP_", env_file=".env", extra="ignore")

    host: str = "127.0.0.1"
    port: int = Field(default={{ port }}, ge=1, le=65535)
    log_level: Literal["critical", "error", "warning", "info", "debug"] = "info"
