"""The ``build-test`` station: an application installed, built, linted and tested for real."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, ClassVar

from mityflow.sdk import (
    Adjustments,
    Artifact,
    SelfHealingStation,
    Stack,
    StationContext,
    StationInput,
    StationOutput,
    StationResult,
    Trial,
)
from mityflow_stations._checks import PHASES, Check, Checks, absent_tools, counted, failed_check, stack_of
from mityflow_stations._reports import report_files
from mityflow_stations._rescaffold import can_rescaffold, rescaffold
from mityflow_stations.scanners.secrets import hidden

_MEGABYTE = 1_000_000


class BuildTest(SelfHealingStation):
    """Installs, builds, lints and tests an application with its stack's own commands.

    It succeeds only where each command ended with exit code 0 and the test runner's own report says
    that tests ran and none failed. Where a tool is absent, the step is skipped. A failure is mended where it can
    be, and all phases are run again.
    """

    name: ClassVar[str] = "build-test"
    description: ClassVar[str] = "Install, build, lint and test an application; count its tests"
    Params = "mityflow_stations.params:BuildTestParams"

    def input(self) -> StationInput:
        """The application's name and stack, where the workflow has them."""
        return StationInput(optional=["app_name", "stack", "scaffolded_files", "changed_files"])

    def output(self) -> StationOutput:
        """Whether it builds, how many tests there are and failed, the log of it all, and how each phase went."""
        keys = ["build_passed", "tests_total", "tests_failed", "build_log", "build_report"]
        artifacts = ["build-log", "test-report"]
        return StationOutput(
            keys, optional=["error_type", "healing", "size_mb", "changed_files"], optional_artifacts=artifacts
        )

    def stack(self, context: StationContext) -> Stack:
        """The application's stack."""
        return stack_of(context)

    def presentable(self, diff: str) -> str:
        """Without what looks like a secret."""
        return hidden(diff)

    def can_rescaffold(self, context: StationContext) -> bool:
        """Where ``scaffold`` made it."""
        return can_rescaffold(context)

    def rescaffold(self, context: StationContext, aside: Path) -> str:
        """Make it again from its stack's template."""
        return rescaffold(context, stack_of(context), aside)

    def execute(self, context: StationContext) -> StationResult:
        """Run the phases, and heal what fails; files that a fix changed are among those to commit."""
        return with_healed_files(super().execute(context), context)

    def trial(self, context: StationContext, adjustments: Adjustments) -> Trial:
        """Run the phases in order."""
        stack = stack_of(context)
        return self.judged(context, stack, Checks(context, stack, adjustments.env))

    def judged(self, context: StationContext, stack: Stack, checks: Checks) -> Trial:
        """What the phases come to."""
        report = checks.run(PHASES)
        absent = absent_tools(report)
        if absent:
            return Trial(StationResult.skipped(absent))
        failed = failed_check(report)
        outputs = _outputs(context, report, failed)
        artifacts = _artifacts(context, stack)
        counts = _counts(report)
        if failed:
            reason = f"{failed.error_type}: {failed.reason}"
            result = StationResult.failure(reason, outputs=outputs, artifacts=artifacts)
            return Trial(result, checks.failure, *counts)
        untested = next((check for check in report if check.name == "test" and check.status != "passed"), None)
        if untested:
            outputs |= {"build_passed": False, "error_type": "TestFailure"}
            reason = f"TestFailure: no test ran: {untested.detail}"
            return Trial(StationResult.failure(reason, outputs=outputs, artifacts=artifacts))
        return Trial(
            StationResult.success(outputs=outputs, artifacts=artifacts, message=_message(report)), None, *counts
        )


def with_healed_files(result: StationResult, context: StationContext) -> StationResult:
    """The result with the files that fixes have changed as ``changed_files``, beside those of earlier steps."""
    actions = (result.outputs.get("healing") or {}).get("actions_taken", ())
    healed = {path for action in actions if action["verdict"] in ("fixed", "better") for path in action["files"]}
    if healed:
        changed = sorted(healed | set(context.get_input("changed_files") or ()))
        result.outputs = {**result.outputs, "changed_files": changed}
    return result


def _counts(report: list[Check]) -> tuple[int | None, int | None, int | None]:
    """How many tests there are, failed, were skipped."""
    tests = next((check for check in report if check.tests is not None), None)
    return (tests.tests, tests.tests_failed, tests.tests_skipped) if tests else (None, None, None)


def _outputs(context: StationContext, report: list[Check], failed: Check | None) -> dict[str, Any]:
    tests = next((check for check in report if check.tests is not None), None)
    outputs: dict[str, Any] = {
        "build_passed": failed is None,
        "tests_total": tests.tests if tests else None,
        "tests_failed": tests.tests_failed if tests else None,
        "build_log": context.log or None,
        "build_report": [check._asdict() for check in report],
        "size_mb": round(_size(context.output_path) / _MEGABYTE, 1),
    }
    if failed:
        outputs["error_type"] = failed.error_type
    return outputs


def _artifacts(context: StationContext, stack: Stack) -> list[Artifact]:
    artifacts = []
    if context.log and (context.workspace / context.log).exists():
        artifacts.append(Artifact("build-log", context.log, "what the commands printed"))
    report = stack.test_report
    for place in report_files(context.output_path, report.files if report else ""):
        path = os.path.relpath(place, context.workspace)
        artifacts.append(Artifact("test-report", path, "the test runner's own report"))
    return artifacts


def _message(report: list[Check]) -> str:
    passed = [check.name for check in report if check.status == "passed" and check.name != "tools"]
    message = ", ".join(passed) + " passed"
    tests = next((check for check in report if check.tests is not None), None)
    if tests and tests.tests is not None:
        skipped = tests.tests_skipped or 0
        message += f"; {counted(tests.tests - skipped, 'test')} passed" + (f", {skipped} skipped" if skipped else "")
    return message


def _size(folder: Path) -> int:
    """Bytes of all files below a folder, what was installed included; links are not followed."""
    total = 0
    for parent, _, files in os.walk(folder):
        for name in files:
            try:
                total += os.lstat(os.path.join(parent, name)).st_size
            except OSError:
                continue
    return total
