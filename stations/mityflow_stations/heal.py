"""The ``heal`` station: any command, mended and run again where it fails."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from mityflow.sdk import (
    Adjustments,
    CommandFailure,
    MityError,
    SelfHealingStation,
    Stack,
    StationContext,
    StationInput,
    StationOutput,
    StationResult,
    Trial,
    find_stack,
    parse_duration,
)
from mityflow_stations.scanners.secrets import hidden

_KEPT = 32 * 1024 * 1024


class Heal(SelfHealingStation):
    """Runs a command in an application's folder; where it fails, classifies the failure, mends it, and runs it again.

    It succeeds only where the command itself ended with exit code 0.
    """

    name: ClassVar[str] = "heal"
    description: ClassVar[str] = "Run a command; mend what makes it fail, and run it again"
    Params = "mityflow_stations.params:HealParams"

    def input(self) -> StationInput:
        """The application's name and stack, where the workflow has them."""
        return StationInput(optional=["app_name", "stack"])

    def output(self) -> StationOutput:
        """The command's exit code, and what healing did."""
        return StationOutput(["exit_code"], optional=["healing", "error_type"])

    def folder(self, context: StationContext) -> Path:
        """Where the command is run."""
        return Path(context.workspace, context.values.get("cwd") or "")

    def stack(self, context: StationContext) -> Stack | None:
        """The stack that is named, if one is."""
        name = context.values.get("stack") or context.stack
        return find_stack(name, context.workspace) if name else None

    def presentable(self, diff: str) -> str:
        """Without what looks like a secret."""
        return hidden(diff)

    def trial(self, context: StationContext, adjustments: Adjustments) -> Trial:
        """Run the command once."""
        argv, timeout = context.values["command"], context.values.get("timeout")
        limit = parse_duration(timeout) if timeout else None
        env = dict(adjustments.env)
        if adjustments.port is not None:
            env["PORT"] = str(adjustments.port)
        try:
            done = context.run(argv, cwd=self.folder(context), env=env, timeout=limit, keep=_KEPT)
        except MityError as error:
            return Trial(StationResult.failure(error.message))
        if done.ok:
            return Trial(StationResult.success(outputs={"exit_code": 0}))
        why = f"took longer than {limit:g} s" if done.timed_out else f"ended with exit code {done.exit_code}"
        result = StationResult.failure(f"'{argv[0]}' {why}", outputs={"exit_code": done.exit_code})
        printed = f"{done.stdout}\n{done.stderr}"
        return Trial(result, CommandFailure(printed, 124 if done.timed_out else done.exit_code, tuple(argv)))
