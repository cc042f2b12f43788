"""For the tests of plugins and workflows: contracts of stations, and workflows with fake stations.

Nothing here needs pytest; its plugin is in :mod:`mityflow.testing.plugin`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mityflow.testing.contract import StationContract
    from mityflow.testing.fakes import asks, failed, skipped, succeeded
    from mityflow.testing.workflows import WorkflowRun, run_workflow

_LATER = {
    "StationContract": "contract",
    "WorkflowRun": "workflows",
    "asks": "fakes",
    "failed": "fakes",
    "run_workflow": "workflows",
    "skipped": "fakes",
    "succeeded": "fakes",
}

__all__ = ["StationContract", "WorkflowRun", "asks", "failed", "run_workflow", "skipped", "succeeded"]


def __getattr__(name: str) -> Any:
    """Load a name on first use: pytest imports this package wherever mityflow is installed."""
    if name not in _LATER:
        raise AttributeError(f"module 'mityflow.testing' has no attribute '{name}'")
    import importlib

    return getattr(importlib.import_module(f"mityflow.testing.{_LATER[name]}"), name)
