"""An application made again from its stack's template, the old tree kept aside."""

from __future__ import annotations

import os
from pathlib import Path

from mityflow.sdk import Stack, StationContext, UsageError


def can_rescaffold(context: StationContext) -> bool:
    """Whether ``scaffold`` made the application, so that it is known what it was made from."""
    name = context.app_name
    return name is not None and (context.workspace / ".mity" / "scaffold" / f"{name}.json").is_file()


def rescaffold(context: StationContext, stack: Stack, aside: Path) -> str:
    """Move the application to ``aside`` and render it again. Raises UsageError where that cannot be done."""
    from mityflow_stations._placing import Placing, PlacingError
    from mityflow_stations._rendering import TemplateError, render

    name = context.app_name or context.output_path.name
    try:
        files = render(stack, stack.template_values(name, {}))
        if not aside.exists():
            aside.parent.mkdir(parents=True, exist_ok=True)
            os.rename(context.output_path, aside)
        Placing(context.workspace, name, stack.id).place(files, "overwrite")
    except (TemplateError, PlacingError) as error:
        raise UsageError(f"{name} cannot be made again: {error}") from error
    except OSError as error:
        raise UsageError(f"{name} cannot be made again: {error.strerror}") from error
    return f"{name} was made again from {stack.id}; the old tree is {aside}"
