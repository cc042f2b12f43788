"""The ``scaffold`` station: an application's files, rendered from its stack's template."""

from __future__ import annotations

import re
from typing import Any, ClassVar

from mityflow.sdk import (
    Artifact,
    Stack,
    Station,
    StationContext,
    StationInput,
    StationOutput,
    StationResult,
    find_stack,
)

APP_NAME = re.compile(r"[a-z][a-z0-9-]{0,38}")
_SHOWN = 20


class Scaffold(Station):
    """Renders the stack's template into ``<workspace>/<app_name>``.

    Everything is rendered and checked before the first file is written. What somebody else wrote, or
    changed since, is a conflict: the step fails and nothing is written, unless its settings say
    otherwise. Running it again changes nothing. The settings are read as plain data: they were checked
    before, and loading their model would cost more than all the rest.
    """

    name: ClassVar[str] = "scaffold"
    description: ClassVar[str] = "Create an application from its stack's template"
    Params = "mityflow_stations.params:ScaffoldParams"

    def input(self) -> StationInput:
        """The application's name, and its stack unless the settings name one."""
        return StationInput(["app_name"], optional=["stack"])

    def output(self) -> StationOutput:
        """The files that came from the template; where an overwritten folder went."""
        return StationOutput(["scaffolded_files"], optional=["kept_path"], artifacts=["application"])

    def execute(self, context: StationContext) -> StationResult:
        """Render, check, and write."""
        app_name = context.app_name
        stack = context.values.get("stack") or context.stack
        if not app_name:
            return StationResult.failure("there is no app_name; give it as the input 'app_name'")
        if not APP_NAME.fullmatch(app_name):
            return StationResult.failure(
                f"app_name '{app_name}' must be a lower-case letter, then up to 38 of a-z, 0-9 and -"
            )
        if not stack:
            return StationResult.failure("there is no stack; give it as the input 'stack'")
        return _scaffold(context, app_name, find_stack(stack, context.workspace))


def _scaffold(context: StationContext, app_name: str, stack: Stack) -> StationResult:
    from mityflow_stations._placing import Placing, PlacingError
    from mityflow_stations._rendering import TemplateError, render

    conflict, variables = context.values.get("conflict", "fail"), context.values.get("variables", {})
    try:
        files = render(stack, stack.template_values(app_name, variables))
        if not files:
            return StationResult.failure(f"the template of stack '{stack.id}' has no files")
        placed = Placing(context.workspace, app_name, stack.id, variables).place(files, conflict)
    except TemplateError as error:
        return StationResult.failure(_listed(f"the template of stack '{stack.id}' is wrong", error.problems))
    except PlacingError as error:
        return StationResult.failure(str(error))
    except OSError as error:
        return StationResult.failure(f"scaffolding {app_name} failed: {error}")
    outputs: dict[str, Any] = {"scaffolded_files": placed.files}
    if placed.kept_path:
        outputs["kept_path"] = str(placed.kept_path)
    return StationResult.success(
        outputs=outputs,
        artifacts=[Artifact("application", app_name, f"made from {stack.id}")],
        message=_message(placed.written, placed.files, placed.kept, app_name, stack.id),
    )


def _message(written: int, files: list[str], kept: list[str], app_name: str, stack: str) -> str:
    count = f"{written} file{'' if written == 1 else 's'}"
    message = f"wrote {count} to {app_name} from {stack}"
    unchanged = len(files) - written
    if unchanged:
        message += f", {unchanged} were there already"
    if kept:
        message = _listed(f"{message}; left alone", kept)
    return message


def _listed(head: str, lines: list[str]) -> str:
    shown = [f"  {line}" for line in lines[:_SHOWN]]
    if len(lines) > _SHOWN:
        shown.append(f"  and {len(lines) - _SHOWN} more")
    return "\n".join([f"{head}:", *shown])
