"""The ``launch`` station: does an application start, and answer as its stack says."""

from __future__ import annotations

import re
import shlex
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from mityflow.sdk import (
    Adjustments,
    CommandFailure,
    Diagnosis,
    Health,
    Launched,
    MityError,
    SelfHealingStation,
    Stack,
    StationContext,
    StationInput,
    StationOutput,
    StationResult,
    Trial,
    classify,
    end_app,
    parse_duration,
)
from mityflow_stations._checks import stack_of
from mityflow_stations._rescaffold import can_rescaffold, rescaffold
from mityflow_stations.scanners.secrets import hidden

if TYPE_CHECKING:
    from mityflow_stations._health import Answer, Prober

_SKIP_CODE = 77
"""The exit code by which a smoke command says that it cannot be done here, as Automake's tests have it."""
_TIMED_OUT = 124  # what timeout(1) answers with
_NOT_FOUND = 127  # what a shell answers with
_SHOWN = 500
_TICK = 0.05
_KEYS = ["launch_passed", "launch_url", "launch_port", "ready_after", "launch_answer"]
_KEPT = 8 * 1024 * 1024
_APP_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class Launch(SelfHealingStation):
    """Starts an application on a free port of 127.0.0.1 and waits until it answers its health request.

    An answer counts only while the process that was started is alive and it, or a descendant of it,
    listens on the port. Then it is stopped with all its children, unless ``keep_running`` is set.
    An application that does not listen is shown to work by its stack's smoke command. Where a tool is
    absent, the step is skipped. A failure is mended where it can be, and the application started again.
    """

    name: ClassVar[str] = "launch"
    description: ClassVar[str] = "Start an application, wait for its health, and stop it again"
    Params = "mityflow_stations.params:LaunchParams"

    def input(self) -> StationInput:
        """The application's name and stack, where the workflow has them."""
        return StationInput(optional=["app_name", "stack", "build_passed"])

    def output(self) -> StationOutput:
        """Whether it works; where it listened, after how many seconds it was ready, and what it answered."""
        return StationOutput(_KEYS, optional=["error_type", "healing", "launch_pid", "launch_log"])

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

    def trial(self, context: StationContext, adjustments: Adjustments) -> Trial:
        """Start it, wait for its answer, stop it."""
        stack = stack_of(context)
        found = [tool.probe(context.run) for tool in stack.tools]
        absent = [status.message for status in found if not status.found]
        if absent:
            return Trial(StationResult.skipped("; ".join(absent)))
        wrong = [status.message for status in found if not status.ok]
        if wrong:
            return _known("DependencyError", "tool-version", "; ".join(wrong))
        if stack.smoke:
            return _smoke(context, stack, adjustments)
        if stack.health and stack.run:
            return _launch(context, stack, stack.health, adjustments)
        return Trial(
            StationResult.skipped(f"stack '{stack.id}' says neither how to start nor what shows that it works")
        )


def _app_name(context: StationContext) -> str:
    return context.app_name or context.output_path.name


def _limit(context: StationContext, stack: Stack) -> float:
    timeout = context.values.get("timeout")
    return parse_duration(timeout) if timeout else stack.time_limit("launch")


def _smoke(context: StationContext, stack: Stack, adjustments: Adjustments) -> Trial:
    """An application that does not listen: its smoke command tells."""
    assert stack.smoke is not None  # noqa: S101 - asked before
    if context.values.get("keep_running"):
        return _hopeless(
            "ConfigError", f"an application of stack '{stack.id}' does not listen: it cannot be kept running"
        )
    argv, limit = stack.smoke_command(_app_name(context)), _limit(context, stack)
    line, env = shlex.join(argv), {**stack.env, **adjustments.env}
    try:
        result = context.run(argv, cwd=context.output_path, env=env, timeout=limit, keep=_KEPT)
    except MityError as error:
        return _failed(stack, argv, error.message, error.message, _NOT_FOUND)
    printed = f"{result.stdout}\n{result.stderr}"
    if result.exit_code == _SKIP_CODE and not result.timed_out:
        lines = [text.strip() for text in (result.stderr or result.stdout).splitlines() if text.strip()]
        return Trial(StationResult.skipped(lines[-1] if lines else f"'{line}' cannot be done here"))
    if result.timed_out:
        why = f"took longer than {limit:g} s"
    elif result.exit_code != 0:
        why = f"ended with exit code {result.exit_code}"
    elif stack.smoke.output not in printed:
        why = f"did not print {stack.smoke.output!r}"
    else:
        answer = {"exit_code": 0, "output": stack.smoke.output}
        outputs = dict.fromkeys(_KEYS) | {"launch_passed": True, "ready_after": round(result.duration, 3)}
        message = f"works: printed {stack.smoke.output!r} after {result.duration:.1f} s"
        return Trial(StationResult.success(outputs={**outputs, "launch_answer": answer}, message=message))
    exit_code = _TIMED_OUT if result.timed_out else result.exit_code
    return _failed(stack, argv, f"'{line}' {why}", printed, exit_code)


def _launch(context: StationContext, stack: Stack, health: Health, adjustments: Adjustments) -> Trial:
    from mityflow_stations._health import HOST, free_port, is_taken, who_listens

    keep = context.values.get("keep_running")
    if keep:
        name = _app_name(context)
        if not _APP_NAME.fullmatch(name):
            return _hopeless("ConfigError", f"an application of the name {name!r} cannot be kept running")
        end_app(context.workspace, name)  # the port may be its own
    port = adjustments.port or context.values.get("port") or free_port()
    if is_taken(port):
        owner = who_listens(port)
        reason = f"port {port} is taken" + (f" by {owner}" if owner else "")
        return _known("PortInUse", "port-taken", f"{reason}; leave 'port' out and a free one is used", port=str(port))
    attempt = _Attempt(context, stack, health, HOST, port, adjustments)
    return attempt.keep() if keep else attempt.run()


class _Attempt:
    """One start of an application that listens."""

    def __init__(
        self, context: StationContext, stack: Stack, health: Health, host: str, port: int, adjustments: Adjustments
    ) -> None:
        self._context = context
        self._stack = stack
        self._health = health
        self._port = port
        self._limit = _limit(context, stack)
        self._url = f"http://{host}:{port}"
        self._argv, place = stack.launch(_app_name(context), host, port)
        self._env = {**stack.env, **adjustments.env, **place}
        self._prober: Prober | None = None
        self._answer: Answer | None = None
        self._met = "it did not start"
        self._started = 0.0

    def run(self) -> Trial:
        """Start it, and stop it once it has answered."""
        self._started = time.monotonic()
        try:
            result = self._context.run(
                self._argv,
                cwd=self._context.output_path,
                env=self._env,
                timeout=self._limit,
                until=self._look,
                keep=_KEPT,
            )
        except MityError as error:
            return self._cannot_start(error.message)
        finally:
            left = self._prober.end_stragglers() if self._prober else 0
        if left:
            self._context.say(f"{left} of its processes had to be killed")
        if self._answer and not result.timed_out:
            return Trial(self._success(self._answer))
        printed = f"{result.stdout}\n{result.stderr}"
        return self._not_ready(result.exit_code if not result.timed_out else None, printed)

    def keep(self) -> Trial:
        """Start it, and leave it running once it has answered."""
        name = _app_name(self._context)
        self._started = time.monotonic()
        launched = self._context.keep(name, self._argv, cwd=self._context.output_path, env=self._env, url=self._url)
        kept = False
        try:
            app = launched.started()
            answer = self._wait(launched, app.pid) if app.pid else None
            if answer is not None:
                launched.keep()
            app = launched.app or app
            if answer is None or app.state == "ended":
                ended, printed = app.state == "ended", launched.printed().strip()
                self._context.say(printed)
                if ended and app.exit_code is None and self._prober is None:
                    return self._cannot_start(printed)
                return self._not_ready(app.exit_code, printed, ended=ended)
            kept = True
        finally:
            if not kept:
                launched.end()
            if self._prober:
                self._prober.stop()
        result = self._success(answer)
        result.outputs = {**result.outputs, "launch_pid": app.pid, "launch_log": app.log}
        result.message += f"; it goes on running: 'mityflow stop {name}' ends it"
        return Trial(result)

    def _look(self, pid: int) -> bool:
        """Whether the wait is over; asked while the application runs, so that one which has ended is never ready."""
        if self._prober is None:
            self._probe(pid)
        if self._prober:
            self._answer, self._met = self._prober.answer, self._prober.last
        return self._answer is not None

    def _probe(self, pid: int) -> None:
        from mityflow_stations._health import Prober

        self._prober = Prober(pid, self._port, self._health, self._started)
        self._prober.start()

    def _wait(self, launched: Launched, pid: int) -> Answer | None:
        left = self._context.time_left()
        limit = self._limit if left is None else min(self._limit, left)
        while time.monotonic() < self._started + limit:
            app = launched.app
            if app is None or app.state == "ended":
                return None
            if self._look(pid):
                return self._answer
            time.sleep(_TICK)
        return None

    def _success(self, answer: Answer) -> StationResult:
        outputs = {
            "launch_passed": True,
            "launch_url": self._url,
            "launch_port": self._port,
            "ready_after": answer.ready_after,
            "launch_answer": {"status": answer.status, "body": answer.body[:_SHOWN]},
        }
        message = f"{self._health.path} answered {answer.status} after {answer.ready_after:.1f} s"
        return StationResult.success(outputs=outputs, message=message)

    def _not_ready(self, exit_code: int | None, printed: str, *, ended: bool = True) -> Trial:
        line = shlex.join(self._argv)
        if exit_code is not None and ended:
            reason = f"'{line}' ended with exit code {exit_code} before it answered"
            return _failed(self._stack, self._argv, reason, printed, exit_code)
        reason = f"'{line}' was not ready after {self._limit:g} s: {self._met}"
        return _failed(self._stack, self._argv, reason, printed, None)

    def _cannot_start(self, reason: str) -> Trial:
        hint = "was it installed and built, as 'build-test' does?"
        return _failed(self._stack, self._argv, f"{reason}; {hint}", reason, _NOT_FOUND)


def _failed(stack: Stack, argv: Sequence[str], reason: str, printed: str, exit_code: int | None) -> Trial:
    """A failure whose class is read from what was printed; an application that merely does not answer fails at run."""
    line = shlex.join(argv)
    found = classify(printed, exit_code=exit_code, phase="launch", stack=stack.id, command=line)
    if found.error_type == "Unknown" and exit_code is None:
        found = Diagnosis("RuntimeError", "launch: not ready", (reason,), rule="not-ready")
    failure = CommandFailure(printed, exit_code, tuple(argv), "launch", 0, found)
    return Trial(_failure(found.error_type, reason), failure)


def _known(error_type: str, rule: str, reason: str, **details: str) -> Trial:
    """A failure whose cause the station has found itself."""
    found = Diagnosis(error_type, rule, (reason,), rule=rule, details=details)
    return Trial(_failure(error_type, reason), CommandFailure(reason, phase="launch", diagnosis=found))


def _hopeless(error_type: str, reason: str) -> Trial:
    """A failure that no fix of the application could mend."""
    return Trial(_failure(error_type, reason))


def _failure(error_type: str, reason: str) -> StationResult:
    outputs = dict.fromkeys(_KEYS) | {"launch_passed": False, "error_type": error_type}
    return StationResult.failure(f"{error_type}: {reason}", outputs=outputs)
