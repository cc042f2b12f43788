"""Specialists: who acts on which class of error. Found through the entry-point group ``mityflow.specialists``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar, NamedTuple

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
    """The specialist of this name; one that is not installed has an empty playbook.

    Raises PluginError for a broken plugin.
    """
    from mityflow.plugins import PluginError, entry_points

    entries = entry_points(GROUP).get(name)
    if not entries:
        return _nameless(name)
    loaded = entries[0].load()
    if not (isinstance(loaded, type) and issubclass(loaded, Specialist)):
        raise PluginError(f"'{name}' of {entries[0].distribution} is no Specialist")
    return loaded()


def _nameless(name: str) -> Specialist:
    specialist = Specialist()
    specialist.name = name  # type: ignore[misc]
    return specialist
