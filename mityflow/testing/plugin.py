"""The pytest plugin. It is loaded wherever mityflow is installed, so it imports nothing of it."""

from __future__ import annotations

import inspect
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


def pytest_pycollect_makeitem(collector: pytest.Module | pytest.Class, name: str, obj: object) -> pytest.Class | None:
    """Collect a contract whatever its class is called, so that one a plugin declares need only be imported."""
    contract = sys.modules.get("mityflow.testing.contract")
    if contract is None or not inspect.isclass(obj) or not issubclass(obj, contract.StationContract):
        return None
    if not hasattr(obj, "station") or not getattr(obj, "__test__", True):
        return None
    import pytest

    found: pytest.Class = pytest.Class.from_parent(collector, name=name)
    return found
