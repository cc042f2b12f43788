"""Checking an application by its stack: files, configuration, tools, and the commands of each phase."""

from __future__ import annotations

import re
import shlex
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from mityflow.sdk import (
    CommandFailure,
    Diagnosis,
    MityError,
    Stack,
    StationContext,
    UsageError,
    classify,
    find_stack,
    parse_duration,
)
from mityflow_stations._evidence import config_problems, file_problems
from mityflow_stations._reports import ReportError, Tally, count_printed, count_tests, remove_reports

if TYPE_CHECKING:
    from mityflow.sdk import CommandResult

PHASES = ("install", "build", "lint", "test")
CHECKS = ("files", "config", *PHASES)
UNKNOWN_STACK = "the application's files do not tell its stack; give it as the input 'stack'"
_TAIL_LINES = 15
_TAIL_CHARACTERS = 2000
_SHOWN = 5
_LONGEST_EVIDENCE = 300
_TIMED_OUT = 124  # what timeout(1) answers with
_NOT_FOUND = 127  # what a shell answers with
_KEPT = 8 * 1024 * 1024
"""Bytes of what a command prints, on each of its two ways: the cause of a failure, and tests, are looked for there."""
_STAGES = ("tools", *PHASES)
_ERROR_TYPES = {
    "files": "ConfigError",
    "config": "ConfigError",
    "tools": "DependencyError",
}


class Check(NamedTuple):
    """One line of the report. ``status`` is ``passed``, ``failed`` or ``skipped``; ``detail`` says why.

    ``error_type`` is the class of what failed, as healing knows it.
    """

    name: str
    status: str
    detail: str = ""
    command: str | None = None
    exit_code: int | None = None
    seconds: float = 0.0
    tests: int | None = None
    tests_failed: int | None = None
    tests_skipped: int | None = None
    error_type: str | None = None

    @property
    def reason(self) -> str:
        """Why it failed, in one line."""
        detail = self.detail.partition("\n")[0]
        return detail if self.name == "tools" else f"{self.name} failed: {detail}"


def stack_of(context: StationContext) -> Stack:
    """The stack of a step's application: the one that is given, else the one its files are known by.

    Raises UsageError where there is no stack, or no application.
    """
    if not context.output_path.is_dir():
        raise UsageError(f"there is no application folder {context.output_path}")
    name = context.values.get("stack") or context.stack or _stack_by_files(context)
    if not name:
        raise UsageError(UNKNOWN_STACK)
    return find_stack(name, context.workspace)


def _stack_by_files(context: StationContext) -> str | None:
    from mityflow_stations._analysis.survey import stack_by_files

    return stack_by_files(context)


class Checks:
    """One honest pass over an application. After a command has failed, ``failure`` says how.

    ``passing`` names the tests that passed.
    """

    def __init__(self, context: StationContext, stack: Stack, env: Mapping[str, str] | None = None) -> None:
        self.failure: CommandFailure | None = None
        self.passing: list[str] = []
        self._context = context
        self._stack = stack
        self._env = {**stack.env, **(env or {})}
        self._root = context.output_path
        self._app_name = context.app_name or context.output_path.name

    def run(self, wanted: Sequence[str]) -> list[Check]:
        """The checks that are wanted, in the order of CHECKS; those after a failed one are skipped.

        Tools are looked for before the first command. Where one is absent, no command is run.
        """
        report: list[Check] = []
        obstacle = ""
        for name in self._names(wanted):
            if obstacle:
                report.append(Check(name, "skipped", obstacle))
                continue
            started = time.monotonic()
            check = self._check(name)
            report.append(check._replace(seconds=round(time.monotonic() - started, 3)))
            if check.status == "failed":
                obstacle = f"not run because {name} failed"
            elif name == "tools" and check.status == "skipped":
                obstacle = check.detail
        return report

    def _names(self, wanted: Sequence[str]) -> Iterator[str]:
        tools_due = bool(self._stack.tools)
        for name in CHECKS:
            if name not in wanted or (name == "build" and name not in self._stack.commands):
                continue
            if name in PHASES and tools_due:
                tools_due = False
                yield "tools"
            yield name

    def _check(self, name: str) -> Check:
        if name == "files":
            literal = (*self._stack.literal_braces, *self._stack.copy_without_rendering)
            return _plain("files", file_problems(self._root, self._paths(self._stack.required_files), literal))
        if name == "config":
            return _plain("config", config_problems(self._root, self._paths(self._stack.config_files)))
        return self._tools() if name == "tools" else self._phase(name)

    def _paths(self, paths: Sequence[str]) -> list[str]:
        return self._stack.paths(paths, self._app_name)

    def _tools(self) -> Check:
        found = [tool.probe(self._context.run) for tool in self._stack.tools]
        absent = [status.message for status in found if not status.found]
        if absent:
            return Check("tools", "skipped", "; ".join(absent))
        wrong = [status.message for status in found if not status.ok]
        if not wrong:
            return Check("tools", "passed", ", ".join(status.message for status in found))
        self._failed_as("tools", "; ".join(wrong), "DependencyError", "tool-version")
        return _plain("tools", wrong)

    def _phase(self, phase: str) -> Check:
        commands = self._stack.command_lines(phase, self._app_name)
        if not commands:
            return Check(phase, "skipped", f"stack '{self._stack.id}' has no {phase} command")
        report = self._stack.test_report if phase == "test" else None
        if report is None:
            return self._run(phase, commands)[0]
        commands[-1] += report.arguments
        remove_reports(self._root, report.files)
        check, last = self._run(phase, commands)
        if last is None:
            return check
        try:
            count = (
                _counted(last) if report.format == "libtest" else count_tests(self._root, report.files, report.format)
            )
        except ReportError as error:
            if check.status == "failed":
                return check
            return self._untested(check._replace(status="failed", detail=str(error)))
        self.passing = count.passing
        check = check._replace(tests=count.total, tests_failed=count.failed, tests_skipped=count.skipped)
        if count.failed:
            detail = "\n".join(filter(None, (_failing(count), check.detail)))
            check = check._replace(status="failed", detail=detail)
            unknown = self.failure is None or self.failure.diagnosis is None
            known = self.failure.diagnosis.error_type if self.failure and self.failure.diagnosis else "Unknown"
            return self._untested(check) if unknown or known == "Unknown" else check
        if check.status == "passed" and count.ran == 0:
            return self._untested(check._replace(status="failed", detail="no test ran"))
        return check

    def _untested(self, check: Check) -> Check:
        """The test check, failed by what the runner reports and not by what it printed."""
        self._failed_as("test", check.detail.partition("\n")[0], "TestFailure", "test-report", check)
        return check._replace(error_type="TestFailure")

    def _failed_as(self, phase: str, evidence: str, error_type: str, rule: str, check: Check | None = None) -> None:
        """Remember a failure whose cause needs no reading of what was printed."""
        diagnosis = Diagnosis(error_type, f"{rule}: {_without_numbers(evidence)}", (evidence,), rule=rule)
        argv = tuple(shlex.split(check.command or "")) if check else ()
        printed = self.failure.output if self.failure else evidence
        exit_code = check.exit_code if check else None
        self.failure = CommandFailure(printed, exit_code, argv, phase, _STAGES.index(phase), diagnosis)

    def _run(self, phase: str, commands: Sequence[Sequence[str]]) -> tuple[Check, CommandResult | None]:
        """Run a phase's commands one after another within its time limit; the check, and how the last one ended."""
        timeout = self._context.values.get("timeout")
        limit = parse_duration(timeout) if timeout else self._stack.time_limit(phase)
        end = time.monotonic() + limit
        result = None
        for argv in commands:
            line = shlex.join(argv)
            left = max(0.001, end - time.monotonic())
            try:
                result = self._context.run(argv, cwd=self._root, env=self._env, timeout=left, keep=_KEPT)
            except MityError as error:
                found = self._classified(phase, argv, error.message, _NOT_FOUND)
                return Check(phase, "failed", error.message, line, error_type=found.error_type), None
            if not result.ok:
                return self._failed(phase, argv, result, limit), result
        return Check(phase, "passed", "", " && ".join(map(shlex.join, commands)), 0), result

    def _failed(self, phase: str, argv: Sequence[str], result: CommandResult, limit: float) -> Check:
        printed = f"{result.stdout}\n{result.stderr}"
        found = self._classified(phase, argv, printed, _TIMED_OUT if result.timed_out else result.exit_code)
        why = f"took longer than {limit:g} s" if result.timed_out else f"ended with exit code {result.exit_code}"
        known = found.evidence and found.error_type != "Unknown" and not result.timed_out
        cause = f": {found.evidence[0].strip()[:_LONGEST_EVIDENCE]}" if known else ""
        line = shlex.join(argv)
        detail = f"'{line}' {why}{cause}\n{tail(result)}".strip()
        return Check(phase, "failed", detail, line, result.exit_code, error_type=found.error_type)

    def _classified(self, phase: str, argv: Sequence[str], printed: str, exit_code: int) -> Diagnosis:
        found = classify(printed, exit_code=exit_code, phase=phase, stack=self._stack.id, command=shlex.join(argv))
        self.failure = CommandFailure(printed, exit_code, tuple(argv), phase, _STAGES.index(phase), found)
        return found


def _plain(name: str, problems: Sequence[str]) -> Check:
    if problems:
        return Check(name, "failed", "; ".join(problems), error_type=_ERROR_TYPES[name])
    return Check(name, "passed")


def _without_numbers(text: str) -> str:
    return re.sub(r"\d+", "N", text)


def _counted(last: CommandResult) -> Tally:
    if last.stdout_truncated:
        raise ReportError("the test command printed too much for its tests to be counted")
    return count_printed(last.stdout)


def _failing(count: Tally) -> str:
    names = ", ".join(count.failing[:_SHOWN]) + (", ..." if count.failed > _SHOWN else "")
    return f"{count.failed} of {count.total} tests failed: {names}"


def tail(result: CommandResult) -> str:
    """The last lines a command printed."""
    lines = [*result.stdout.splitlines()[-_TAIL_LINES:], *result.stderr.splitlines()[-_TAIL_LINES:]]
    return "\n".join(lines)[-_TAIL_CHARACTERS:]


def counted(number: int, thing: str) -> str:
    """A number and its thing, such as ``3 tests``."""
    return f"{number} {thing}{'' if number == 1 else 's'}"


def failed_check(report: Sequence[Check]) -> Check | None:
    """The check that failed, if one did."""
    return next((check for check in report if check.status == "failed"), None)


def absent_tools(report: Sequence[Check]) -> str:
    """Which tools are not there and how to get them; empty when none is missing."""
    return next((check.detail for check in report if check.name == "tools" and check.status == "skipped"), "")
