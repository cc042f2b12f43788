"""The ``validate`` station: does an application install, build, lint and pass its tests by its stack's commands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from mityflow.sdk import Station, StationContext, StationInput, StationOutput, StationResult, UsageError
from mityflow_stations._checks import CHECKS, Check, Checks, absent_tools, counted, failed_check, stack_of


class Validate(Station):
    """Checks an application: its files, its configuration, and its stack's install, build, lint and test commands.

    The first check that fails ends it, and the step. Tests count only when the test runner's own
    report says that at least one ran and none failed. Where a tool is absent the step is skipped,
    once files and configuration are found in order.
    """

    name: ClassVar[str] = "validate"
    description: ClassVar[str] = "Install, build, lint and test an application with its stack's own commands"
    Params = "mityflow_stations.params:ValidateParams"

    def input(self) -> StationInput:
        """The application's name and stack, where the workflow has them."""
        return StationInput(optional=["app_name", "stack", "scaffolded_files"])

    def output(self) -> StationOutput:
        """Whether all went well, and a list with one entry for each check."""
        return StationOutput(["validation_passed", "validation_report"])

    def may_skip(self, values: Mapping[str, Any]) -> bool:  # noqa: ARG002 - the contract's signature
        """Where a tool of the stack is not installed."""
        return True

    def execute(self, context: StationContext) -> StationResult:
        """Run the checks in order."""
        try:
            stack = stack_of(context)
        except UsageError as error:
            return _failure(error.message, [])
        return _judge(Checks(context, stack).run(context.values.get("checks", CHECKS)))


def _judge(report: list[Check]) -> StationResult:
    failed = failed_check(report)
    if failed:
        return _failure(failed.reason, report)
    passed = [check.name for check in report if check.status == "passed"]
    absent = absent_tools(report)
    if absent:
        return StationResult.skipped(absent + (f"; {' and '.join(passed)} passed" if passed else ""))
    if not any(name != "tools" for name in passed):
        return StationResult.skipped("; ".join(check.detail for check in report if check.status == "skipped"))
    return StationResult.success(outputs=_outputs(True, report), message=_message(report, len(passed)))


def _message(report: list[Check], passed: int) -> str:
    message = counted(passed, "check") + " passed"
    tests = next((check.tests - (check.tests_skipped or 0) for check in report if check.tests is not None), None)
    if tests is not None:
        message += f", {counted(tests, 'test')} passed"
    skipped = [check.name for check in report if check.status == "skipped"]
    return message + (f"; skipped: {', '.join(skipped)}" if skipped else "")


def _failure(reason: str, report: list[Check]) -> StationResult:
    return StationResult.failure(reason, outputs=_outputs(False, report))


def _outputs(passed: bool, report: list[Check]) -> dict[str, Any]:
    return {"validation_passed": passed, "validation_report": [check._asdict() for check in report]}
