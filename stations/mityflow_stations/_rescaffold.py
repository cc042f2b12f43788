"""An application made again from its stack's template, the old tree kept aside."""

from __future__ import annotations

import os
from pathlib import Path

from mityflow.sdk import Stack, StationContext, UsageError


def can_rescaffold(context: StationContext) -> bool:
    """Whether ``scaffold`` made the application, so that it is known what it was made from."""
    from mityflow_stations._placing import rendered_from

    return context.app_name is not None and rendered_from(context.workspace, context.app_name) is not None


def rescaffold(context: StationContext, stack: Stack, aside: Path) -> str:
    """Move the application to ``aside`` and render it again; its git history goes on in the new tree.

    Called again after a crash it goes on where it was. Raises UsageError where it cannot be done.
    """
    from mityflow_stations._placing import Placing, PlacingError, rendered_from
    from mityflow_stations._rendering import TemplateError, render

    name = context.app_name or context.output_path.name
    made = rendered_from(context.workspace, name)
    variables = made.variables if made else {}
    try:
        files = render(stack, stack.template_values(name, variables))
        if not aside.exists():
            aside.parent.mkdir(parents=True, exist_ok=True)
            os.rename(context.output_path, aside)
        Placing(context.workspace, name, stack.id, variables).place(files, "overwrite")
        if (aside / ".git").exists() and not (context.output_path / ".git").exists():
            os.rename(aside / ".git", context.output_path / ".git")
    except (TemplateError, PlacingError) as error:
        raise UsageError(f"{name} cannot be made again: {error}") from error
    except OSError as error:
        raise UsageError(f"{name} cannot be made again: {error.strerror}") from error
    return f"{name} was made again from {stack.id}; the old tree is {aside}"
