"""Child processes: started in a group of their own, bounded in time and output, never left behind.

A command ends with its main process; what is left of its group is killed then. Its output comes
through two pipes, masked and in the order of its arrival. Whatever passes through :func:`run` - a
time limit, a cancellation, an exception raised by a signal handler - the group is ended and the
child reaped first.
"""

from __future__ import annotations

import os
import select
import signal
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from mityflow.errors import MityError

if TYPE_CHECKING:
    import subprocess

    from mityflow.masking import Masker, StreamMasker

KEEP = 64 * 1024
GRACE = 5.0
_CHUNK = 64 * 1024
_DRAIN = 0.2
_POLL = 0.02


class Cancelled(KeyboardInterrupt):
    """The run was asked to stop. Not an Exception, so that a station's own handlers let it through."""


class TimedOut(KeyboardInterrupt):
    """A step's time limit is up. Not an Exception, so that a station's own handlers let it through."""


class CommandError(MityError):
    """A command cannot be started."""


class CommandNotFoundError(CommandError):
    """There is no such program."""


class CommandResult(NamedTuple):
    """How a command ended.

    ``exit_code`` is negative for a signal. ``stdout`` and ``stderr`` are the masked ends of what it
    printed, at most ``keep`` bytes each. ``duration`` is in seconds.
    """

    argv: tuple[str, ...]
    exit_code: int
    stdout: str
    stderr: str
    duration: float
    timed_out: bool
    stdout_truncated: bool

    @property
    def ok(self) -> bool:
        """True for exit code 0 within the time limit."""
        return self.exit_code == 0 and not self.timed_out


class CancelToken:
    """Asks commands to stop, from any thread; a second request stops them at once.

    ``watched`` tells that a command is being waited for, which will end in order by itself.
    """

    def __init__(self) -> None:
        self._reading, self._writing = os.pipe()
        self.requests = 0
        self._watchers = 0
        self._lock = threading.Lock()

    def __del__(self) -> None:
        os.close(self._reading)
        os.close(self._writing)

    @property
    def cancelled(self) -> bool:
        """True once :meth:`cancel` was called."""
        return self.requests > 0

    @property
    def watched(self) -> bool:
        """True while a command is waited for."""
        return self._watchers > 0

    def cancel(self) -> None:
        """Ask to stop; safe in a signal handler."""
        self.requests += 1
        os.write(self._writing, b"x")

    def wait(self, seconds: float) -> bool:
        """Wait so long, or until a request comes; True for a request."""
        poll = select.poll()
        poll.register(self._reading, select.POLLIN)
        end = time.monotonic() + seconds
        while not self.cancelled:
            left = end - time.monotonic()
            if left <= 0:
                return False
            poll.poll(min(left, 3600.0) * 1000 + 1)
        return True

    def fileno(self) -> int:
        """A descriptor that can be read from once a request has come."""
        return self._reading

    def take(self) -> None:
        """Read one request, so that :meth:`fileno` tells of the next."""
        os.read(self._reading, 1)

    def enter(self) -> None:
        """A command is waited for."""
        with self._lock:
            self._watchers += 1

    def leave(self) -> None:
        """A command is no longer waited for."""
        with self._lock:
            self._watchers -= 1


def run(
    argv: Sequence[str],
    *,
    cwd: str | os.PathLike[str],
    masker: Masker,
    env: Mapping[bytes, bytes] | None = None,
    timeout: float | None = None,
    sink: Callable[[bytes], None] | None = None,
    cancel: CancelToken | None = None,
    stdin: bytes | None = None,
    keep: int = KEEP,
    grace: float = GRACE,
) -> CommandResult:
    """Run a command to its end.

    ``env`` is its whole environment as :func:`encoded` makes it, ours by default. ``timeout`` is in
    seconds; when it is up, or a request to cancel comes, the group gets SIGTERM and after ``grace``
    seconds SIGKILL. ``sink`` is given all output as it comes. Raises CommandError when the command
    cannot be started, Cancelled
    after a request to cancel.
    """
    if cancel is not None and cancel.cancelled:
        raise Cancelled
    begun = time.monotonic()
    command = _Command(argv, cwd, env, masker, sink, keep, stdin)
    if cancel is not None:
        cancel.enter()
    try:
        command.start()
        ended = _Wait(command, cancel, None if timeout is None else begun + timeout, grace).until_ended()
    finally:
        try:
            command.close()
        finally:
            if cancel is not None:
                cancel.leave()
    if ended == "cancelled":
        raise Cancelled
    stdout, stderr = command.outputs
    return CommandResult(
        tuple(argv),
        command.exit_code,
        stdout.end(),
        stderr.end(),
        time.monotonic() - begun,
        ended == "timed out",
        stdout.truncated,
    )


class _Output:
    """One pipe of a command: masked, passed on, its end kept."""

    def __init__(self, masking: StreamMasker, sink: Callable[[bytes], None] | None, keep: int) -> None:
        self._masking = masking
        self._sink = sink
        self._keep = keep
        self._kept = bytearray()
        self.truncated = False

    def feed(self, chunk: bytes) -> None:
        self._pass_on(self._masking.feed(chunk))

    def flush(self) -> None:
        self._pass_on(self._masking.flush())

    def end(self) -> str:
        """The kept end as text, beginning with a whole character."""
        data = bytes(self._kept[-self._keep :])
        if self.truncated:
            skip = 0
            while skip < min(3, len(data)) and data[skip] & 0xC0 == 0x80:
                skip += 1
            data = data[skip:]
        return data.decode(errors="replace")

    def _pass_on(self, data: bytes) -> None:
        if not data:
            return
        self._kept += data
        if len(self._kept) > self._keep:
            self.truncated = True
            if len(self._kept) > 2 * self._keep + _CHUNK:
                del self._kept[: -self._keep]
        if self._sink is not None:
            self._sink(data)


class _Command:
    """A child and its pipes."""

    def __init__(
        self,
        argv: Sequence[str],
        cwd: str | os.PathLike[str],
        env: Mapping[bytes, bytes] | None,
        masker: Masker,
        sink: Callable[[bytes], None] | None,
        keep: int,
        stdin: bytes | None,
    ) -> None:
        self._argv = list(argv)
        self._cwd = cwd
        self._env = env
        self._stdin = stdin or b""
        self._wants_stdin = stdin is not None
        self._child: subprocess.Popen[bytes] | None = None
        self.outputs = (_Output(masker.stream(), sink, keep), _Output(masker.stream(), sink, keep))
        self.open: dict[int, _Output] = {}
        self.writing = -1
        self.exit_code = 0

    @property
    def pid(self) -> int:
        assert self._child is not None  # noqa: S101 - started before anybody asks
        return self._child.pid

    def start(self) -> None:
        """Start it. Raises CommandError."""
        import subprocess

        from mityflow.watchdog import MARK, WATCHDOG

        env = {**(os.environb if self._env is None else self._env), MARK: WATCHDOG.mark()}
        try:
            self._child = subprocess.Popen(
                self._argv,
                executable=_found(self._argv[0], env),
                close_fds=False,  # ours close on exec by themselves; looking for others costs time
                cwd=self._cwd,
                env=env,
                stdin=subprocess.PIPE if self._wants_stdin else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                start_new_session=True,
            )
        except (OSError, ValueError, IndexError) as error:
            raise _not_started(self._argv, self._cwd, error) from error
        WATCHDOG.watch(self._child.pid)
        pipes = (self._child.stdout, self._child.stderr)
        for pipe, output in zip(pipes, self.outputs, strict=True):
            assert pipe is not None  # noqa: S101 - asked for above
            os.set_blocking(pipe.fileno(), False)
            self.open[pipe.fileno()] = output
        if self._child.stdin is not None:
            self.writing = self._child.stdin.fileno()
            os.set_blocking(self.writing, False)

    def read(self, fd: int) -> bool:
        """Read what a pipe has; False once it has ended."""
        try:
            chunk = os.read(fd, _CHUNK)
        except BlockingIOError:
            return True
        if chunk:
            self.open[fd].feed(chunk)
            return True
        self.open.pop(fd).flush()
        return False

    def write(self) -> bool:
        """Write what standard input takes; False once all is written."""
        try:
            self._stdin = self._stdin[os.write(self.writing, self._stdin[:_CHUNK]) :] if self._stdin else b""
        except BlockingIOError:
            return True
        except BrokenPipeError:
            self._stdin = b""
        if self._stdin:
            return True
        assert self._child is not None  # noqa: S101 - started
        assert self._child.stdin is not None  # noqa: S101 - asked for
        self._child.stdin.close()
        self.writing = -1
        return False

    def signal(self, number: int) -> None:
        """Send a signal to the whole group."""
        try:
            os.killpg(self.pid, number)
        except (ProcessLookupError, PermissionError):
            return

    def close(self) -> None:
        """End whatever is left of the group, read the rest of the output, reap the child."""
        if self._child is None:
            return
        from mityflow.watchdog import WATCHDOG

        try:
            self.signal(signal.SIGKILL)  # the leader is not reaped yet, so the group is ours
            self.exit_code = self._child.wait()
            self._drain()
        finally:
            WATCHDOG.forget(self._child.pid)
            for pipe in (self._child.stdin, self._child.stdout, self._child.stderr):
                if pipe is not None:
                    pipe.close()
            self._child = None

    def _drain(self) -> None:
        """What is still in the pipes; one that a stranger keeps open is not waited for."""
        end = time.monotonic() + _DRAIN
        poll = select.poll()
        for fd in self.open:
            poll.register(fd, select.POLLIN)
        while self.open and time.monotonic() < end:
            for fd, _ in poll.poll(_DRAIN * 1000):
                if not self.read(fd):
                    poll.unregister(fd)
        for output in self.open.values():
            output.flush()
        self.open.clear()


class _Wait:
    """Waits for a command, its time limit and requests to cancel, all at once."""

    def __init__(self, command: _Command, cancel: CancelToken | None, deadline: float | None, grace: float) -> None:
        self._command = command
        self._cancel = cancel
        self._deadline = deadline
        self._grace = grace
        self._ending = ""
        self._kill_at: float | None = None
        self._poll = select.poll()

    def until_ended(self) -> str:
        """Wait; how it ended: ``""`` by itself, ``"timed out"`` or ``"cancelled"``."""
        command = self._command
        for fd in command.open:
            self._poll.register(fd, select.POLLIN)
        if command.writing >= 0:
            self._poll.register(command.writing, select.POLLOUT)
        cancelling = -1
        if self._cancel is not None:
            cancelling = self._cancel.fileno()
            self._poll.register(cancelling, select.POLLIN)
        exited = _exit_descriptor(command.pid)
        try:
            if exited >= 0:
                self._poll.register(exited, select.POLLIN)
            while True:
                for fd, _ in self._poll.poll(self._patience(exited)):
                    if fd == exited:
                        return self._ending
                    self._handle(fd, cancelling)
                if exited < 0 and _has_exited(command.pid):
                    return self._ending
                self._look_at_the_clock()
        finally:
            if exited >= 0:
                os.close(exited)

    def _handle(self, fd: int, cancelling: int) -> None:
        command = self._command
        if fd == cancelling:
            assert self._cancel is not None  # noqa: S101 - its descriptor says so
            self._cancel.take()
            self._end("cancelled", at_once=self._ending == "cancelled" or self._cancel.requests > 1)
        elif fd == command.writing:
            if not command.write():
                self._poll.unregister(fd)
        elif not command.read(fd):
            self._poll.unregister(fd)

    def _patience(self, exited: int) -> float | None:
        """Milliseconds until the clock must be looked at; None for as long as it takes."""
        moments = [m for m in (self._kill_at, None if self._ending else self._deadline) if m is not None]
        waits = [max(0.0, moment - time.monotonic()) for moment in moments]
        if exited < 0:
            waits.append(_POLL)
        return min(min(waits), 3600.0) * 1000 + 1 if waits else None

    def _look_at_the_clock(self) -> None:
        now = time.monotonic()
        if self._kill_at is not None and now >= self._kill_at:
            self._command.signal(signal.SIGKILL)
            self._kill_at = None
        elif not self._ending and self._deadline is not None and now >= self._deadline:
            self._end("timed out", at_once=False)

    def _end(self, why: str, *, at_once: bool) -> None:
        """Ask the group to end, and see to it that it does."""
        if not self._ending or why == "cancelled":
            self._ending = why
        if at_once:
            self._command.signal(signal.SIGKILL)
            self._kill_at = None
        else:
            self._command.signal(signal.SIGTERM)
            self._kill_at = time.monotonic() + self._grace


def encoded(env: Mapping[str, str]) -> dict[bytes, bytes]:
    """An environment as the system wants it. Raises CommandError for a name or value it refuses."""
    for name, value in env.items():
        if not name or "=" in name or "\0" in name or "\0" in value:
            raise CommandError(f"{name!r} cannot be an environment variable")
    return {os.fsencode(name): os.fsencode(value) for name, value in env.items()}


def _found(program: str, env: Mapping[bytes, bytes]) -> str:
    """Where on PATH a program is: asking here is far quicker than trying to execute it everywhere."""
    if os.sep not in program:
        for folder in os.fsdecode(env.get(b"PATH", os.fsencode(os.defpath))).split(os.pathsep):
            path = f"{folder or os.curdir}{os.sep}{program}"
            if os.access(path, os.X_OK) and not os.path.isdir(path):
                return path
    return program


def _exit_descriptor(pid: int) -> int:
    """A descriptor that becomes readable when the child has exited; -1 where there is no such thing."""
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):
        return -1


def _has_exited(pid: int) -> bool:
    """True when the child has exited; it stays unreaped, so that its group keeps its id."""
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _not_started(argv: Sequence[str], cwd: str | os.PathLike[str], error: Exception) -> CommandError:
    program = argv[0] if argv else ""
    if not argv:
        return CommandError("the command is empty")
    if isinstance(error, ValueError):
        return CommandError(f"'{program}' cannot be started: {error}")
    if not Path(cwd).is_dir():
        return CommandError(f"'{program}' cannot be started in {os.fspath(cwd)}: there is no such folder")
    if isinstance(error, FileNotFoundError):
        return CommandNotFoundError(f"'{program}' is not found", hint="is it installed, and on PATH?")
    reason = error.strerror if isinstance(error, OSError) else str(error)
    return CommandError(f"'{program}' cannot be started: {reason}")


def end_leftovers(run_id: str) -> list[int]:
    """Kill processes of ours that a dead runner left behind, known by ``MITY_RUN_ID``; their ids.

    Only where the system shows the environment of processes (Linux); elsewhere nothing is done.
    """
    mark = f"MITY_RUN_ID={run_id}".encode()
    ended = []
    for name in os.listdir("/proc") if os.path.isdir("/proc/self") else ():
        if name.isdigit() and int(name) not in (os.getpid(), os.getppid()) and _has_mark(name, mark):
            try:
                os.kill(int(name), signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                continue
            ended.append(int(name))
    return ended


def _has_mark(pid: str, mark: bytes) -> bool:
    try:
        if os.stat(f"/proc/{pid}").st_uid != os.getuid():
            return False
        with open(f"/proc/{pid}/environ", "rb") as file:
            return mark in file.read().split(b"\0")
    except OSError:
        return False
