"""One station checked in a process of its own, so that whatever its plugin does is over with the process.

What becomes of each check is written to a file at once, a line of JSON each: ``{"begun": name}``, then
its outcome; at last ``{"ended": true}``. A check that takes too long ends the process.
"""

from __future__ import annotations

import faulthandler
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mityflow.errors import MityError
from mityflow.plugins import EntryPoint
from mityflow.registry import StationRegistry
from mityflow.testing.contract import StationContract
from mityflow.testing.suite import LOADING, Outcome, check, checks_of, without_example


def main(request: Mapping[str, Any]) -> None:
    """Make the checks that are not done yet."""
    with Path(request["report"]).open("a", encoding="utf-8") as report, Path(request["late"]).open("w") as late:

        def begin(name: str) -> None:
            faulthandler.dump_traceback_later(request["seconds"], exit=True, file=late)
            write({"begun": name})

        def write(data: Mapping[str, Any]) -> None:
            report.write(json.dumps(data) + "\n")
            report.flush()

        begin(LOADING)
        try:
            contract = _contract(request)
        except MityError as error:
            write(
                Outcome(LOADING, "failed", f"{error.message}; {error.hint}" if error.hint else error.message)._asdict()
            )
        else:
            write(Outcome(LOADING, "ok")._asdict())
            for name in checks_of(contract):
                if name not in request["done"]:
                    begin(name)
                    write(check(contract, name)._asdict())
        faulthandler.cancel_dump_traceback_later()
        write({"ended": True})


def _contract(request: Mapping[str, Any]) -> type[StationContract]:
    """The contract of the station. Raises MityError when either cannot be loaded, or they do not fit."""
    name = request["station"]
    station = type(StationRegistry.discover().get(name))
    if request["contract"] is None:
        return without_example(station)
    entry = EntryPoint(*request["contract"])
    contract = entry.load()
    if not isinstance(contract, type) or not issubclass(contract, StationContract):
        raise MityError(f"'{entry.value}' is no contract", hint="derive it from mityflow.testing.StationContract")
    if getattr(contract, "station", None) is not station:
        raise MityError(f"the contract '{entry.value}' is not for station '{name}'", hint="set its 'station'")
    return contract
