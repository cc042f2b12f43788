"""Stations that behave as a test tells them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mityflow import Station, StationContext, StationInput, StationOutput, StationRegistry, StationResult

Act = Callable[[StationContext], Any]


def fake(
    name: str,
    act: Act | None = None,
    *,
    gives: tuple[str, ...] = (),
    needs: tuple[str, ...] = (),
    depends: tuple[str, ...] = (),
    **attributes: Any,
) -> type[Station]:
    """A station class; ``act`` is its ``execute``, a success that gives its keys by default."""

    def execute(self: Station, context: StationContext) -> Any:
        if act is not None:
            return act(context)
        return StationResult.success(name, outputs={key: f"{key} of {context.step}" for key in gives})

    body = {
        "name": name,
        "description": f"The fake {name}.",
        "input": lambda self: StationInput(needs),
        "output": lambda self: StationOutput(gives),
        "dependencies": lambda self: depends,
        "execute": execute,
        **attributes,
    }
    return type(name.title().replace("-", ""), (Station,), body)


def stations(*classes: type[Station]) -> StationRegistry:
    """A registry of these stations alone."""
    return StationRegistry(classes)
