"""mityflow: a declarative, YAML-defined workflow runner for software delivery.

The names below are the public API; each is loaded when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from mityflow.catalog import Workflows
    from mityflow.checks import build_plan
    from mityflow.context import IacConfig, StackType, WorkflowContext
    from mityflow.errors import (
        Fault,
        FaultsError,
        LockedError,
        MityError,
        ResumeError,
        StoreError,
        UsageError,
    )
    from mityflow.executor import WorkflowExecutor
    from mityflow.log import ExecutionLog, ExecutionState
    from mityflow.plan import Plan, Step
    from mityflow.registry import StationRegistry
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
    from mityflow.workflow import StationCall, Workflow
    from mityflow.workflow_files import load_workflow

_MODULES = {
    "catalog": ["Workflows"],
    "context": ["IacConfig", "StackType", "WorkflowContext"],
    "errors": ["Fault", "FaultsError", "LockedError", "MityError", "ResumeError", "StoreError", "UsageError"],
    "executor": ["WorkflowExecutor"],
    "log": ["ExecutionLog", "ExecutionState"],
    "checks": ["build_plan"],
    "plan": ["Plan", "Step"],
    "registry": ["StationRegistry"],
    "station": [
        "Answer",
        "Artifact",
        "Option",
        "Question",
        "Station",
        "StationContext",
        "StationInput",
        "StationOutput",
        "StationResult",
    ],
    "workflow": ["StationCall", "Workflow"],
    "workflow_files": ["load_workflow"],
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}

__all__ = [
    "Answer",
    "Artifact",
    "ExecutionLog",
    "ExecutionState",
    "Fault",
    "FaultsError",
    "IacConfig",
    "LockedError",
    "MityError",
    "Option",
    "Plan",
    "Question",
    "ResumeError",
    "StackType",
    "Station",
    "StationCall",
    "StationContext",
    "StationInput",
    "StationOutput",
    "StationRegistry",
    "StationResult",
    "Step",
    "StoreError",
    "UsageError",
    "Workflow",
    "WorkflowContext",
    "WorkflowExecutor",
    "Workflows",
    "build_plan",
    "load_workflow",
]


def __getattr__(name: str) -> Any:
    """Load a public name from its module."""
    if name not in _HOME:
        raise AttributeError(f"module 'mityflow' has no attribute '{name}'")
    import importlib

    value = getattr(importlib.import_module(f"mityflow.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """The public names."""
    return [*__all__, "__version__"]
