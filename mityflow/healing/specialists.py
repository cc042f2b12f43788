"""Specialists: who acts on which class of error. Found through the entry-point group ``mityflow.specialists``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar, NamedTuple

from mityflow.errors import UsageError, nearest
from mityflow.healing.case import Case
from mityflow.healing.hands import Hands

GROUP = "mityflow.specialists"
ERROR_TYPES = (
    "BuildError",
    "DependencyError",
    "TestFailure",
    "RuntimeError",
    "ConfigError",
    "PortInUse",
    "Unknown",
)
ROUTES: Mapping[str, str] = {
    "BuildError": "implementer",
    "DependencyError": "devops",
    "TestFailure": "tester",
    "RuntimeError": "devops",
    "ConfigError": "architect",
    "PortInUse": "devops",
    "Unknown": "factory",
}


class Recipe(NamedTuple):
    """One entry of a playbook.

    ``apply`` makes the fix with the hands it is given and answers with its id and a sentence that says what
    was done; None where it does not fit the case, with nothing changed then. It is not asked again for a
    failure for which its fix was tried.
    """

    name: str
    apply: Callable[[Case, Hands], tuple[str, str] | None]


class Specialist:
    """Base class of specialists.

    ``instructions`` are what a model or a program is told of its role; ``playbook`` are its recipes, tried in
    order.
    """

    name: ClassVar[str]
    description: ClassVar[str] = ""
    instructions: ClassVar[str] = ""

    def playbook(self) -> Sequence[Recipe]:
        """The fixes it knows by itself."""
        return ()


def find_specialist(name: str) -> Specialist:
    """The specialist of this name. Raises UsageError for an unknown one, PluginError for a broken plugin."""
    from mityflow.plugins import PluginError, entry_points

    entries = entry_points(GROUP)
    if name not in entries:
        meant = nearest(name, entries)
        raise UsageError(f"there is no specialist '{name}'" + (f"; did you mean '{meant}'?" if meant else ""))
    entry = entries[name][0]
    loaded = entry.load()
    if not (isinstance(loaded, type) and issubclass(loaded, Specialist)):
        raise PluginError(f"'{name}' of {entry.distribution} is no Specialist")
    return loaded()
