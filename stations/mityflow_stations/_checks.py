"""Checking an application by its stack: files, configuration, tools, and the commands of each phase."""

from __future__ import annotations

import re
import shlex
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from mityflow.sdk import MityError, Stack, StationContext, UsageError, find_stack, parse_duration
from mityflow_stations._evidence import config_problems, file_problems
from mityflow_stations._reports import ReportError, Tally, count_printed, count_tests, remove_reports

if TYPE_CHECKING:
    from mityflow.sdk import CommandResult

PHASES = ("install", "build", "lint", "test")
CHECKS = ("files", "config", *PHASES)
_TAIL_LINES = 15
_TAIL_CHARACTERS = 2000
_SHOWN = 5
_LONGEST_EVIDENCE = 300
_COUNTED = 8 * 1024 * 1024  # bytes of what a test command prints, where its tests are counted from that
_ERROR_TYPES = {
    "files": "ConfigError",
    "config": "ConfigError",
    "tools": "DependencyError",
    "install": "DependencyError",
    "build": "BuildError",
    "lint": "BuildError",
    "test": "TestFailure",
}
# What package managers and their libraries say when they cannot reach a server.
_UNREACHABLE = re.compile(
    r"EAI_AGAIN|ENOTFOUND|ECONNREFUSED|ENETUNREACH|ETIMEDOUT|ERR_SOCKET|NU1301"
    r"|could not resolve host|couldn't resolve host|temporary failure in name resolution|name or service not known"
    r"|unknown ?host|unresolved address|network is unreachable|failed to establish a new connection"
    r"|could not transfer artifact|dns error|failed to lookup address|could(n't| not) connect to server",
    re.IGNORECASE,
)


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
    """The stack of a step's application. Raises UsageError where there is no stack, or no application."""
    name = context.values.get("stack") or context.stack
    if not name:
        raise UsageError("there is no stack; give it as the input 'stack'")
    if not context.output_path.is_dir():
        raise UsageError(f"there is no application folder {context.output_path}")
    return find_stack(name, context.workspace)


class Checks:
    """One honest pass over an application."""

    def __init__(self, context: StationContext, stack: Stack) -> None:
        self._context = context
        self._stack = stack
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
        return _plain("tools", wrong) if wrong else Check("tools", "passed", ", ".join(s.message for s in found))

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
            if report.format == "libtest":
                return _with_tests(check, _counted(last))
            return _with_tests(check, count_tests(self._root, report.files, report.format))
        except ReportError as error:
            if check.status == "failed":
                return check
            return check._replace(status="failed", detail=str(error), error_type=_ERROR_TYPES["test"])

    def _run(self, phase: str, commands: Sequence[Sequence[str]]) -> tuple[Check, CommandResult | None]:
        """Run a phase's commands one after another within its time limit; the check, and how the last one ended."""
        timeout = self._context.values.get("timeout")
        limit = parse_duration(timeout) if timeout else self._stack.time_limit(phase)
        end = time.monotonic() + limit
        report = self._stack.test_report
        keep = _COUNTED if phase == "test" and report and report.format == "libtest" else None
        result = None
        for argv in commands:
            line = shlex.join(argv)
            left = max(0.001, end - time.monotonic())
            try:
                result = self._context.run(argv, cwd=self._root, env=self._stack.env, timeout=left, keep=keep)
            except MityError as error:
                return Check(phase, "failed", error.message, line, error_type=_ERROR_TYPES[phase]), None
            if not result.ok:
                return _failed(phase, line, result, limit), result
        return Check(phase, "passed", "", " && ".join(map(shlex.join, commands)), 0), result


def _plain(name: str, problems: Sequence[str]) -> Check:
    if problems:
        return Check(name, "failed", "; ".join(problems), error_type=_ERROR_TYPES[name])
    return Check(name, "passed")


def _failed(phase: str, line: str, result: CommandResult, limit: float) -> Check:
    why = f"took longer than {limit:g} s" if result.timed_out else f"ended with exit code {result.exit_code}"
    unreachable = _unreachable(result)
    head = f"'{line}' {why}" + (f": {unreachable}" if unreachable else "")
    error_type = "DependencyError" if unreachable else _ERROR_TYPES[phase]
    return Check(phase, "failed", f"{head}\n{tail(result)}".strip(), line, result.exit_code, error_type=error_type)


def _unreachable(result: CommandResult) -> str:
    """The first line that says that a server could not be reached."""
    for line in [*result.stderr.splitlines(), *result.stdout.splitlines()]:
        if _UNREACHABLE.search(line):
            return line.strip()[:_LONGEST_EVIDENCE]
    return ""


def _counted(last: CommandResult) -> Tally:
    if last.stdout_truncated:
        raise ReportError("the test command printed too much for its tests to be counted")
    return count_printed(last.stdout)


def _with_tests(check: Check, count: Tally) -> Check:
    """The test check, judged by the runner's report as well as by its exit code."""
    check = check._replace(tests=count.total, tests_failed=count.failed, tests_skipped=count.skipped)
    if count.failed:
        detail = "\n".join(filter(None, (_failing(count), check.detail)))
        return check._replace(status="failed", detail=detail, error_type=_ERROR_TYPES["test"])
    if check.status == "passed" and count.ran == 0:
        return check._replace(status="failed", detail="no test ran", error_type=_ERROR_TYPES["test"])
    return check


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
