"""The built-in stations keep their contract: pytest collects every contract that is made known here."""

from __future__ import annotations

import tomllib

from mityflow_stations import contracts
from stationkit import PROJECT

from mityflow.testing import StationContract

_CONTRACTS = {
    name: value
    for name, value in vars(contracts).items()
    if isinstance(value, type) and issubclass(value, StationContract) and not name.startswith(("_", "StationContract"))
}
globals().update(_CONTRACTS)


def test_every_station_has_a_contract() -> None:
    declared = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["entry-points"]
    assert set(declared["mityflow.contracts"]) == set(declared["mityflow.stations"])
    assert {contract.station.name for contract in _CONTRACTS.values()} == set(declared["mityflow.stations"])
