"""Everything a station author imports.

>>> from mityflow.sdk import Station, StationContext, StationResult
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mityflow.context import IacConfig, StackType
from mityflow.errors import Fault, MityError, UsageError
from mityflow.station import (
    Answer,
    Artifact,
    Option,
    Question,
    Station,
    StationContext,
    StationInput,
    StationOutput,
    StationResult,
)

if TYPE_CHECKING:
    from mityflow.params import Params
    from mityflow.process import CommandError, CommandResult
    from mityflow.stacks import Stack, Tool, fill, find_stack
    from mityflow.workflow import parse_duration

_LATER = {
    "CommandError": "mityflow.process",
    "CommandResult": "mityflow.process",
    "Params": "mityflow.params",
    "Stack": "mityflow.stacks",
    "Tool": "mityflow.stacks",
    "fill": "mityflow.stacks",
    "find_stack": "mityflow.stacks",
    "parse_duration": "mityflow.workflow",
}

__all__ = [
    "Answer",
    "Artifact",
    "CommandError",
    "CommandResult",
    "Fault",
    "IacConfig",
    "MityError",
    "Option",
    "Params",
    "Question",
    "Stack",
    "StackType",
    "Station",
    "StationContext",
    "StationInput",
    "StationOutput",
    "StationResult",
    "Tool",
    "UsageError",
    "fill",
    "find_stack",
    "parse_duration",
]


def __getattr__(name: str) -> Any:
    """Load the names that cost start-up time on first use."""
    if name not in _LATER:
        raise AttributeError(f"module 'mityflow.sdk' has no attribute '{name}'")
    import importlib

    return getattr(importlib.import_module(_LATER[name]), name)
