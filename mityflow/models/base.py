"""What all file models share: a closed set of keys, beside which keys starting with ``x-`` are free."""

from __future__ import annotations

import re
from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator

FREE_KEYS = "^x-"


def allow_free_keys(schema: dict[str, Any]) -> None:
    """Let ``x-`` keys into a generated schema; give it a title for people, which editors show.

    Titles of keys are dropped, since they only repeat the keys.
    """
    schema["patternProperties"] = {FREE_KEYS: {}}
    words = re.findall("[A-Z][a-z]+", re.sub("(Model|File)$", "", schema["title"]))
    schema["title"] = " ".join(words).lower()
    for value in schema.get("properties", {}).values():
        value.pop("title", None)


class FileModel(BaseModel):
    """Base of every mapping with a closed set of keys in a file."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        regex_engine="python-re",  # the other one has no look-ahead, which JSON Schema allows
        json_schema_extra=allow_free_keys,
    )

    @model_validator(mode="before")
    @classmethod
    def _drop_free_keys(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        return {key: value for key, value in data.items() if not str(key).startswith("x-")}
