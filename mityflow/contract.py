"""What a station promises, as data: what it reads and gives, what it depends on, which settings it takes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from mityflow.station import Station, load_params

_WORDS = ("description", "documentation", "title", "examples")


def contract_of(station: Station) -> dict[str, Any]:
    """The contract of a station, with what it says of itself."""
    wanted, given = station.input(), station.output()
    return {
        "name": station.name,
        "description": station.description,
        "documentation": (type(station).__doc__ or "").strip(),
        "dependencies": list(station.dependencies()),
        "input": {
            "required": list(wanted.required),
            "one_of": [list(group) for group in wanted.one_of],
            "optional": list(wanted.optional),
            "artifacts": list(wanted.artifacts),
        },
        "output": {
            "keys": list(given.keys),
            "optional": list(given.optional),
            "artifacts": list(given.artifacts),
            **({"optional_artifacts": list(given.optional_artifacts)} if given.optional_artifacts else {}),
        },
        "params": load_params(station.Params).model_json_schema() if station.Params else None,
        "script_param": station.script_param,
    }


def contract_digest(contract: Mapping[str, Any]) -> str:
    """A fingerprint of what a contract means; its wording makes no difference."""
    return hashlib.sha256(json.dumps(_meaning(contract), sort_keys=True).encode()).hexdigest()


def _meaning(value: Any, *, names: bool = False) -> Any:
    """The data without its wording; ``names`` tells that the keys are names that somebody chose."""
    if isinstance(value, Mapping):
        kept = {key: part for key, part in value.items() if names or key not in _WORDS}
        return {key: _meaning(part, names=key in ("properties", "$defs") and not names) for key, part in kept.items()}
    return [_meaning(part) for part in value] if isinstance(value, list) else value
