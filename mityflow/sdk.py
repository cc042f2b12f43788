"""Everything a station author imports.

>>> from mityflow.sdk import Station, StationContext, StationResult
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mityflow.context import IacConfig, StackType
from mityflow.errors import Fault, MityError, Problem, UsageError, nearest
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
    from mityflow.apps import Launched, end_app
    from mityflow.forms import question_problems
    from mityflow.params import Duration, Form, Params, wrong_settings
    from mityflow.process import CommandError, CommandResult
    from mityflow.stacks import Health, Stack, Tool, fill, find_stack
    from mityflow.workflow import parse_duration

_LATER = {
    "CommandError": "mityflow.process",
    "CommandResult": "mityflow.process",
    "Duration": "mityflow.params",
    "Form": "mityflow.params",
    "Health": "mityflow.stacks",
    "Launched": "mityflow.apps",
    "Params": "mityflow.params",
    "Stack": "mityflow.stacks",
    "Tool": "mityflow.stacks",
    "end_app": "mityflow.apps",
    "fill": "mityflow.stacks",
    "find_stack": "mityflow.stacks",
    "parse_duration": "mityflow.workflow",
    "question_problems": "mityflow.forms",
    "wrong_settings": "mityflow.params",
}

__all__ = [
    "Answer",
    "Artifact",
    "CommandError",
    "CommandResult",
    "Duration",
    "Fault",
    "Form",
    "Health",
    "IacConfig",
    "Launched",
    "MityError",
    "Option",
    "Params",
    "Problem",
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
    "end_app",
    "fill",
    "find_stack",
    "nearest",
    "parse_duration",
    "question_problems",
    "wrong_settings",
]


def __getattr__(name: str) -> Any:
    """Load the names that cost start-up time on first use."""
    if name not in _LATER:
        raise AttributeError(f"module 'mityflow.sdk' has no attribute '{name}'")
    import importlib

    return getattr(importlib.import_module(_LATER[name]), name)
