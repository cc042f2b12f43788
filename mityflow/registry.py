"""Which stations there are: found through entry points, loaded by name, one at a time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from mityflow.errors import MityError, UsageError, nearest
from mityflow.plugins import EntryPoint, PluginError, entry_points
from mityflow.station import Station

GROUP = "mityflow.stations"


class Origin(NamedTuple):
    """Where a station comes from: a distribution and its version, both empty for a registered class."""

    distribution: str
    version: str


class StationRegistry:
    """Stations by name.

    ``discover()`` reads the entry points of what is installed and imports nothing; a station's
    module is imported when :meth:`get` first asks for it. A plugin that cannot be loaded is an
    error for those who name it, and for nobody else.
    """

    def __init__(self, stations: Iterable[type[Station]] = ()) -> None:
        self._entries: dict[str, list[EntryPoint]] = {}
        self._loaded: dict[str, Station] = {}
        self._origins: dict[str, Origin] = {}
        for station in stations:
            self.register(station)

    @classmethod
    def discover(cls, path: Sequence[str] | None = None) -> StationRegistry:
        """All stations installed on ``path`` (``sys.path`` by default)."""
        registry = cls()
        registry._entries = entry_points(GROUP, path)
        return registry

    def register(self, station: type[Station]) -> StationRegistry:
        """Add a station class, in place of one of the same name. Raises UsageError if it is none."""
        instance = _instance(station, station.__qualname__ if isinstance(station, type) else repr(station))
        self._loaded[instance.name] = instance
        self._origins[instance.name] = Origin("", "")
        return self

    def names(self) -> list[str]:
        """The names of all stations, those that cannot be loaded included."""
        return sorted({*self._entries, *self._loaded})

    def __contains__(self, name: object) -> bool:
        return name in self._loaded or name in self._entries

    def get(self, name: str) -> Station:
        """The station of this name.

        Raises UsageError for an unknown name or one that two distributions claim, PluginError for
        a station that cannot be loaded.
        """
        if name not in self._loaded:
            entry = self._entry(name)
            instance = _instance(entry.load(), f"{entry.value} of {entry.distribution}")
            if instance.name != name:
                raise PluginError(
                    f"station '{name}' of {entry.distribution} calls itself '{instance.name}'",
                    hint="its entry point and its class attribute 'name' must agree",
                )
            self._loaded[name] = instance
            self._origins[name] = Origin(entry.distribution, entry.version)
        return self._loaded[name]

    def origin(self, name: str) -> Origin:
        """Which distribution a station comes from."""
        if name in self._origins:
            return self._origins[name]
        entry = self._entry(name)
        return Origin(entry.distribution, entry.version)

    def broken(self) -> dict[str, MityError]:
        """Load every station; the errors of those that cannot be, by name."""
        errors: dict[str, MityError] = {}
        for name in self.names():
            try:
                self.get(name)
            except MityError as error:
                errors[name] = error
        return errors

    def _entry(self, name: str) -> EntryPoint:
        entries = self._entries.get(name)
        if not entries:
            meant = nearest(name, self.names())
            raise UsageError(
                f"unknown station '{name}'" + (f"; did you mean '{meant}'?" if meant else ""),
                hint="'mityflow stations' lists what is installed",
            )
        if len(entries) > 1:
            owners = " and ".join(sorted(e.distribution for e in entries))
            raise UsageError(f"station '{name}' is provided by {owners}", hint="uninstall one of them")
        return entries[0]


def _instance(found: Any, what: str) -> Station:
    """An instance of a station class, checked."""
    if not isinstance(found, type) or not callable(getattr(found, "execute", None)):
        raise PluginError(f"{what} is no station", hint="a station is a class derived from mityflow.sdk.Station")
    if not issubclass(found, Station):
        raise PluginError(f"{what} is not derived from mityflow.sdk.Station")
    name = getattr(found, "name", None)
    if not isinstance(name, str) or not name:
        raise PluginError(f"{what} has no name", hint="set the class attribute 'name'")
    try:
        return found()
    except Exception as error:
        raise PluginError(f"{what} cannot be made: {type(error).__name__}: {error}") from error
