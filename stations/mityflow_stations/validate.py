"""The ``validate`` station: does an application install, lint and pass its tests, by its stack's own commands."""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from mityflow.sdk import (
    MityError,
    Stack,
    Station,
    StationContext,
    StationInput,
    StationOutput,
    StationResult,
    find_stack,
    parse_duration,
)
from mityflow_stations._evidence import (
    ReportError,
    Tally,
    config_problems,
    count_tests,
    file_problems,
    remove_reports,
)

if TYPE_CHECKING:
    from mityflow.sdk import CommandResult

CHECKS = ("files", "config", "install", "lint", "test")
_WITH_COMMANDS = ("install", "lint", "test")
_TAIL_LINES = 15
_TAIL_CHARACTERS = 2000
_SHOWN = 5


class Check(NamedTuple):
    """One line of the report. ``status`` is ``passed``, ``failed`` or ``skipped``; ``detail`` says why."""

    name: str
    status: str
    detail: str = ""
    command: str | None = None
    exit_code: int | None = None
    seconds: float = 0.0
    tests: int | None = None
    tests_failed: int | None = None
    tests_skipped: int | None = None


class Validate(Station):
    """Checks an application: its files, its configuration, and its stack's install, lint and test commands.

    The first check that fails ends it, and the step. Tests count only when the test runner's own
    report says that at least one ran and none failed.
    """

    name: ClassVar[str] = "validate"
    description: ClassVar[str] = "Install, lint and test an application with its stack's own commands"
    Params = "mityflow_stations.params:ValidateParams"

    def input(self) -> StationInput:
        """The application's name and stack, where the workflow has them."""
        return StationInput(optional=["app_name", "stack", "scaffolded_files"])

    def output(self) -> StationOutput:
        """Whether all went well, and a list with one entry for each check."""
        return StationOutput(["validation_passed", "validation_report"])

    def execute(self, context: StationContext) -> StationResult:
        """Run the checks in order."""
        name = context.values.get("stack") or context.stack
        if not name:
            return _failure("there is no stack; give it as the input 'stack'", [])
        root = context.output_path
        if not root.is_dir():
            return _failure(f"there is no application folder {root}", [])
        validation = _Validation(context, find_stack(name, context.workspace))
        return _judge(validation.run(context.values.get("checks", CHECKS)))


class _Validation:
    """One pass over an application."""

    def __init__(self, context: StationContext, stack: Stack) -> None:
        self._context = context
        self._stack = stack
        self._root = context.output_path
        self._app_name = context.app_name or context.output_path.name

    def run(self, wanted: Sequence[str]) -> list[Check]:
        """The checks that are wanted; those after a failed one are skipped."""
        report: list[Check] = []
        failed = ""
        for name in self._names(wanted):
            if failed:
                report.append(Check(name, "skipped", f"not run because {failed} failed"))
                continue
            started = time.monotonic()
            check = self._check(name)
            report.append(check._replace(seconds=round(time.monotonic() - started, 3)))
            failed = name if check.status == "failed" else ""
        return report

    def _names(self, wanted: Sequence[str]) -> Iterator[str]:
        """The wanted checks in their order; tools are looked for before the first command."""
        tools_due = bool(self._stack.tools)
        for name in CHECKS:
            if name not in wanted:
                continue
            if name in _WITH_COMMANDS and tools_due:
                tools_due = False
                yield "tools"
            yield name

    def _check(self, name: str) -> Check:
        if name == "files":
            return self._files()
        if name == "config":
            return _plain("config", config_problems(self._root, self._paths(self._stack.config_files)))
        if name == "tools":
            return self._tools()
        return self._commands(name)

    def _paths(self, paths: Sequence[str]) -> list[str]:
        return self._stack.paths(paths, self._app_name)

    def _files(self) -> Check:
        literal = (*self._stack.literal_braces, *self._stack.copy_without_rendering)
        return _plain("files", file_problems(self._root, self._paths(self._stack.required_files), literal))

    def _tools(self) -> Check:
        found = [tool.probe(self._context.run) for tool in self._stack.tools]
        wrong = [status.message for status in found if not status.ok]
        return _plain("tools", wrong) if wrong else Check("tools", "passed", ", ".join(s.message for s in found))

    def _commands(self, phase: str) -> Check:
        commands = self._stack.command_lines(phase, self._app_name)
        if not commands:
            return Check(phase, "skipped", f"stack '{self._stack.id}' has no {phase} command")
        report = self._stack.test_report if phase == "test" else None
        if report:
            commands[-1] += report.arguments
            remove_reports(self._root, report.files)
        check = self._run(phase, commands)
        return _with_tests(check, self._root, report.files) if report else check

    def _run(self, phase: str, commands: Sequence[Sequence[str]]) -> Check:
        """Run a phase's commands one after another within the phase's time limit."""
        timeout = self._context.values.get("timeout")
        limit = parse_duration(timeout) if timeout else self._stack.time_limit(phase)
        end = time.monotonic() + limit
        for argv in commands:
            line = shlex.join(argv)
            left = max(0.001, end - time.monotonic())
            try:
                result = self._context.run(argv, cwd=self._root, env=self._stack.env, timeout=left)
            except MityError as error:
                return Check(phase, "failed", error.message, line)
            if not result.ok:
                why = f"ended with exit code {result.exit_code}"
                if result.timed_out:
                    why = f"took longer than {limit:g} s"
                detail = f"'{line}' {why}\n{_tail(result)}".strip()
                return Check(phase, "failed", detail, line, result.exit_code)
        return Check(phase, "passed", "", " && ".join(map(shlex.join, commands)), 0)


def _plain(name: str, problems: Sequence[str]) -> Check:
    return Check(name, "failed" if problems else "passed", "; ".join(problems))


def _with_tests(check: Check, root: Path, files: str) -> Check:
    """The test check, judged by the runner's report as well as by its exit code."""
    try:
        count = count_tests(root, files)
    except ReportError as error:
        return check if check.status == "failed" else check._replace(status="failed", detail=str(error))
    check = check._replace(tests=count.total, tests_failed=count.failed, tests_skipped=count.skipped)
    if count.failed:
        return check._replace(status="failed", detail="\n".join(filter(None, (_failing(count), check.detail))))
    if check.status == "passed" and count.ran == 0:
        return check._replace(status="failed", detail="no test ran")
    return check


def _failing(count: Tally) -> str:
    names = ", ".join(count.failing[:_SHOWN]) + (", ..." if count.failed > _SHOWN else "")
    return f"{count.failed} of {count.total} tests failed: {names}"


def _tail(result: CommandResult) -> str:
    """The last lines a command printed."""
    lines = [*result.stdout.splitlines()[-_TAIL_LINES:], *result.stderr.splitlines()[-_TAIL_LINES:]]
    return "\n".join(lines)[-_TAIL_CHARACTERS:]


def _judge(report: list[Check]) -> StationResult:
    failed = next((check for check in report if check.status == "failed"), None)
    if failed:
        reason = failed.detail.partition("\n")[0]
        return _failure(reason if failed.name == "tools" else f"{failed.name} failed: {reason}", report)
    passed = [check for check in report if check.status == "passed"]
    if not any(check.name != "tools" for check in passed):
        return StationResult.skipped("; ".join(check.detail for check in report if check.status == "skipped"))
    return StationResult.success(outputs=_outputs(True, report), message=_message(report, len(passed)))


def _message(report: list[Check], passed: int) -> str:
    message = _count(passed, "check") + " passed"
    tests = next((check.tests - (check.tests_skipped or 0) for check in report if check.tests is not None), None)
    if tests is not None:
        message += f", {_count(tests, 'test')} passed"
    skipped = [check.name for check in report if check.status == "skipped"]
    return message + (f"; skipped: {', '.join(skipped)}" if skipped else "")


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"


def _failure(reason: str, report: list[Check]) -> StationResult:
    return StationResult.failure(reason, outputs=_outputs(False, report))


def _outputs(passed: bool, report: list[Check]) -> dict[str, Any]:
    return {"validation_passed": passed, "validation_report": [check._asdict() for check in report]}
