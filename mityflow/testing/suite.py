"""The contract of a station as a list of checks and what became of each, without pytest."""

from __future__ import annotations

import inspect
from typing import NamedTuple
from unittest.case import SkipTest

from mityflow.station import Station
from mityflow.testing.contract import StationContract

GROUP = "mityflow.contracts"
"""The entry points of contracts: a station's name, and ``module:Class`` of its StationContract."""
NOT_DECLARED = f"the plugin declares no contract for it ({GROUP})"

LOADING = "it can be loaded"
"""The check that comes before all others."""

_PREFIX = "test_"


class Outcome(NamedTuple):
    """What became of a check: ``status`` is ``ok``, ``failed``, ``skipped`` or ``not checked``, ``reason`` why."""

    check: str
    status: str
    reason: str = ""


def checks_of(contract: type[StationContract]) -> list[str]:
    """The names of a contract's checks: the common ones first, then its own."""
    methods = {name: None for kind in reversed(contract.__mro__) for name in vars(kind) if name.startswith(_PREFIX)}
    return [name.removeprefix(_PREFIX).replace("_", " ") for name in methods]


def check(contract: type[StationContract], name: str) -> Outcome:
    """Make one check."""
    method = getattr(contract(), _PREFIX + name.replace(" ", "_"))
    if inspect.signature(method).parameters:
        return Outcome(name, "not checked", "it needs pytest")
    try:
        method()
    except SkipTest as skip:
        return Outcome(name, "skipped" if contract.has_example else "not checked", str(skip))
    except AssertionError as error:
        return Outcome(name, "failed", str(error) or "an assertion does not hold")
    except Exception as error:  # noqa: BLE001 - a plugin's code may raise anything
        return Outcome(name, "failed", f"{type(error).__name__}: {error}")
    return Outcome(name, "ok")


def without_example(station: type[Station]) -> type[StationContract]:
    """A contract that makes only the checks which need no example of the station's use."""
    return type("WithoutExample", (_WithoutExample,), {"station": station})


class _WithoutExample(StationContract):
    has_example = False

    def missing(self) -> str:
        """It is never tried."""
        return NOT_DECLARED
