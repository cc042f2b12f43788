"""``shell``: run a program, or a bash script."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mityflow.sdk import Station, StationContext, StationOutput, StationResult

_TAIL = 400


class Shell(Station):
    """Runs ``command`` (a list of arguments, no shell) or ``script`` (bash, stopping at the first error).

    The settings are read as plain data, already checked: their model, and pydantic with it, is
    loaded only where something must be checked, which keeps a start quick.
    """

    name = "shell"
    description = "Runs a program (command) or a bash script (script)."
    Params = "mityflow_stations.shell_params:ShellParams"
    script_param = "script"

    def output(self) -> StationOutput:
        """The exit code, and the end of what was printed to standard output (64 KiB)."""
        return StationOutput(["exit_code", "stdout"])

    def execute(self, context: StationContext) -> StationResult:
        """Run it; an exit code that is not among ``success_codes`` (0) is a failure."""
        values = context.values
        try:
            folder = inside(context.workspace, values.get("cwd", ""))
        except ValueError as error:
            return StationResult.failure(str(error))
        result = context.run(_argv(values), cwd=folder, env=values.get("env"))
        context.set_output("exit_code", result.exit_code)
        context.set_output("stdout", result.stdout)
        if result.exit_code in values.get("success_codes", [0]):
            return StationResult.success("shell", message=_last_line(result.stdout))
        detail = _last_line(result.stderr) or _last_line(result.stdout)
        return StationResult.failure(_ended(result.exit_code) + (f": {detail}" if detail else ""))


def inside(workspace: Path, cwd: str) -> Path:
    """The folder to run in. Raises ValueError when it is not a folder inside the workspace."""
    folder = workspace / cwd
    if not cwd:
        return folder
    real, root = os.path.realpath(folder), os.path.realpath(workspace)
    if real != root and not real.startswith(root.rstrip(os.sep) + os.sep):
        raise ValueError(f"cwd '{cwd}' is outside the workspace")
    if not folder.is_dir():
        raise ValueError(f"cwd '{cwd}' is no folder in the workspace")
    return folder


def _argv(values: Mapping[str, Any]) -> list[str]:
    if "script" in values:
        return ["bash", "-euo", "pipefail", "-c", values["script"]]
    return list(values["command"])


def _ended(exit_code: int) -> str:
    if exit_code >= 0:
        return f"exit code {exit_code}"
    import signal

    try:
        return f"ended by {signal.Signals(-exit_code).name}"
    except ValueError:
        return f"ended by signal {-exit_code}"


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:_TAIL] if lines else ""
