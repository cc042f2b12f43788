"""The ``launch`` station: does an application start, and answer as its stack says."""

from __future__ import annotations

import re
import shlex
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from mityflow.sdk import (
    Health,
    Launched,
    MityError,
    Stack,
    Station,
    StationContext,
    StationInput,
    StationOutput,
    StationResult,
    end_app,
    parse_duration,
)
from mityflow_stations._checks import stack_of, tail

if TYPE_CHECKING:
    from mityflow_stations._health import Answer, Prober

_SKIP_CODE = 77
"""The exit code by which a smoke command says that it cannot be done here, as Automake's tests have it."""
_SHOWN = 500
_TICK = 0.05
_KEYS = ["launch_passed", "launch_url", "launch_port", "ready_after", "launch_answer"]
_PORT_TAKEN = re.compile(
    r"EADDRINUSE|address (is )?already in use|address in use|only one usage of each"
    r"|port \S+ (is|was|seems to be) (already )?in use",
    re.IGNORECASE,
)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class Launch(Station):
    """Starts an application on a free port of 127.0.0.1 and waits until it answers its health request.

    An answer counts only while the process that was started is alive and it, or a descendant of it,
    listens on the port. Then it is stopped with all its children, unless ``keep_running`` is set.
    An application that does not listen is shown to work by its stack's smoke command. Where a tool is
    absent, the step is skipped.
    """

    name: ClassVar[str] = "launch"
    description: ClassVar[str] = "Start an application, wait for its health, and stop it again"
    Params = "mityflow_stations.params:LaunchParams"

    def input(self) -> StationInput:
        """The application's name and stack, where the workflow has them."""
        return StationInput(optional=["app_name", "stack", "build_passed"])

    def output(self) -> StationOutput:
        """Whether it works; where it listened, after how many seconds it was ready, and what it answered."""
        return StationOutput(_KEYS, optional=["error_type", "launch_pid", "launch_log"])

    def may_skip(self, values: Mapping[str, Any]) -> bool:  # noqa: ARG002 - the contract's signature
        """Where a tool of the stack is not installed, or the application cannot be started here."""
        return True

    def execute(self, context: StationContext) -> StationResult:
        """Start it, wait for its answer, stop it."""
        stack = stack_of(context)
        found = [tool.probe(context.run) for tool in stack.tools]
        absent = [status.message for status in found if not status.found]
        if absent:
            return StationResult.skipped("; ".join(absent))
        wrong = [status.message for status in found if not status.ok]
        if wrong:
            return _failure("DependencyError", "; ".join(wrong))
        if stack.smoke:
            return _smoke(context, stack)
        if stack.health and stack.run:
            return _launch(context, stack, stack.health)
        return StationResult.skipped(f"stack '{stack.id}' says neither how to start nor what shows that it works")


def _app_name(context: StationContext) -> str:
    return context.app_name or context.output_path.name


def _limit(context: StationContext, stack: Stack) -> float:
    timeout = context.values.get("timeout")
    return parse_duration(timeout) if timeout else stack.time_limit("launch")


def _smoke(context: StationContext, stack: Stack) -> StationResult:
    """An application that does not listen: its smoke command tells."""
    assert stack.smoke is not None  # noqa: S101 - asked before
    if context.values.get("keep_running"):
        return _failure(
            "ConfigError", f"an application of stack '{stack.id}' does not listen: it cannot be kept running"
        )
    argv, limit = stack.smoke_command(_app_name(context)), _limit(context, stack)
    line = shlex.join(argv)
    try:
        result = context.run(argv, cwd=context.output_path, env=stack.env, timeout=limit)
    except MityError as error:
        return _failure("RuntimeError", error.message)
    printed = f"{result.stdout}\n{result.stderr}"
    if result.timed_out:
        return _failure("RuntimeError", f"'{line}' took longer than {limit:g} s")
    if result.exit_code == _SKIP_CODE:
        lines = [text.strip() for text in (result.stderr or result.stdout).splitlines() if text.strip()]
        return StationResult.skipped(lines[-1] if lines else f"'{line}' cannot be done here")
    if result.exit_code != 0:
        return _failure("RuntimeError", f"'{line}' ended with exit code {result.exit_code}")
    if stack.smoke.output not in printed:
        return _failure("RuntimeError", f"'{line}' did not print {stack.smoke.output!r}")
    answer = {"exit_code": 0, "output": stack.smoke.output}
    outputs = dict.fromkeys(_KEYS) | {"launch_passed": True, "ready_after": round(result.duration, 3)}
    message = f"works: printed {stack.smoke.output!r} after {result.duration:.1f} s"
    return StationResult.success(outputs={**outputs, "launch_answer": answer}, message=message)


def _launch(context: StationContext, stack: Stack, health: Health) -> StationResult:
    from mityflow_stations._health import HOST, free_port, is_taken, who_listens

    keep = context.values.get("keep_running")
    if keep:
        name = _app_name(context)
        if not _NAME.fullmatch(name):
            return _failure("ConfigError", f"an application of the name {name!r} cannot be kept running")
        end_app(context.workspace, name)  # the port may be its own
    port = context.values.get("port") or free_port()
    if is_taken(port):
        owner = who_listens(port)
        reason = f"port {port} is taken" + (f" by {owner}" if owner else "")
        return _failure("PortInUse", f"{reason}; leave 'port' out and a free one is used")
    attempt = _Attempt(context, stack, health, HOST, port)
    return attempt.keep() if keep else attempt.run()


class _Attempt:
    """One start of an application that listens."""

    def __init__(self, context: StationContext, stack: Stack, health: Health, host: str, port: int) -> None:
        self._context = context
        self._health = health
        self._port = port
        self._limit = _limit(context, stack)
        self._url = f"http://{host}:{port}"
        self._argv, place = stack.launch(_app_name(context), host, port)
        self._env = {**stack.env, **place}
        self._prober: Prober | None = None
        self._answer: Answer | None = None
        self._met = "it did not start"
        self._started = 0.0

    def run(self) -> StationResult:
        """Start it, and stop it once it has answered."""
        self._started = time.monotonic()
        try:
            result = self._context.run(
                self._argv, cwd=self._context.output_path, env=self._env, timeout=self._limit, until=self._look
            )
        except MityError as error:
            return _cannot_start(error.message)
        finally:
            left = self._prober.end_stragglers() if self._prober else 0
        if left:
            self._context.say(f"{left} of its processes had to be killed")
        if self._answer and not result.timed_out:
            return self._success(self._answer)
        return self._not_ready(result.exit_code if not result.timed_out else None, tail(result))

    def keep(self) -> StationResult:
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
                    return _cannot_start(printed)
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
        return result

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
        while time.monotonic() < self._started + self._limit:
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

    def _not_ready(self, exit_code: int | None, printed: str, *, ended: bool = True) -> StationResult:
        line = shlex.join(self._argv)
        if exit_code is not None and ended:
            kind = "PortInUse" if _PORT_TAKEN.search(printed) else "RuntimeError"
            return _failure(kind, f"'{line}' ended with exit code {exit_code} before it answered")
        return _failure("RuntimeError", f"'{line}' was not ready after {self._limit:g} s: {self._met}")


def _cannot_start(reason: str) -> StationResult:
    return _failure("RuntimeError", f"{reason}; was it installed and built, as 'build-test' does?")


def _failure(error_type: str, reason: str) -> StationResult:
    outputs = dict.fromkeys(_KEYS) | {"launch_passed": False, "error_type": error_type}
    return StationResult.failure(f"{error_type}: {reason}", outputs=outputs)
