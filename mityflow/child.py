"""One child process, and all that must be given back after it."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from io import FileIO

from mityflow.watchdog import WATCHDOG


class Child:
    """A child that leads a session and a group of its own, with pipes for its output.

    Files are kept as objects, since these are closed once however often they are told to, and
    :meth:`end` may be called again after it was interrupted.

    ``exit_code`` is negative for a signal; None until the child is reaped, and for good when
    something else in this process has reaped it.
    """

    stdout: FileIO
    stderr: FileIO
    stdin: FileIO | None = None
    exit: FileIO | None = None  # becomes readable when the child exits, where there is such a thing

    def __init__(self) -> None:
        self.pid = 0
        self.exit_code: int | None = None
        self._files: list[FileIO] = []
        self._line = -1
        self._killed = False
        self._reaped = False

    def start(
        self,
        argv: Sequence[str],
        *,
        cwd: str | os.PathLike[str],
        env: Mapping[bytes, bytes] | None,
        with_stdin: bool,
    ) -> None:
        """Start it; ``env`` is its whole environment, ours by default.

        Raises OSError or ValueError when it cannot be started. Interrupted by an exception from a
        signal handler, it may lose what it has just made: hold signals meanwhile.
        """
        self.stdout, theirs_out = self._pipe()
        self.stderr, theirs_err = self._pipe()
        theirs_in: FileIO | int = subprocess.DEVNULL
        if with_stdin:
            theirs_in, self.stdin = self._pipe()
        pipe = os.fstat(theirs_out.fileno()).st_ino
        self._line = WATCHDOG.expect(pipe)
        self._process = subprocess.Popen(
            argv,
            executable=_found(argv[0], cwd, env),
            close_fds=False,  # ours close by themselves; looking for others takes time
            cwd=cwd,
            env=env,
            stdin=theirs_in,
            stdout=theirs_out,
            stderr=theirs_err,
            start_new_session=True,
        )
        self.pid = self._process.pid
        WATCHDOG.watch(self._line, pipe, self.pid)
        for file in (theirs_in, theirs_out, theirs_err):
            if isinstance(file, FileIO):
                file.close()
        self.exit = self._exit_file()

    def has_exited(self) -> bool:
        """True when the main process has ended; where the system can tell so, it is not reaped yet."""
        if self._reaped:
            return True
        if not hasattr(os, "waitid"):
            self._reap(os.WNOHANG)
            return self._reaped
        try:
            return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
        except ChildProcessError:
            return True

    def signal_group(self, number: int) -> None:
        """Send a signal to the whole group, whose number is ours until the child is reaped."""
        try:
            os.killpg(self.pid, number)
        except (ProcessLookupError, PermissionError):
            return

    def kill_group(self) -> None:
        """Kill the whole group, once and for all."""
        if self.pid and not self._killed:
            self.signal_group(signal.SIGKILL)
            self._killed = True

    def end(self) -> None:
        """Kill what is left of the group, reap the child, close the files."""
        self.kill_group()
        if self._line >= 0:
            WATCHDOG.release(self._line)
            self._line = -1
        if self.pid and not self._reaped:
            self._reap(0)
        for file in self._files:
            file.close()

    def _pipe(self) -> tuple[FileIO, FileIO]:
        reading, writing = os.pipe()
        files = FileIO(reading, "r"), FileIO(writing, "w")
        self._files += files
        return files

    def _exit_file(self) -> FileIO | None:
        try:
            file = FileIO(os.pidfd_open(self.pid), "r")
        except (AttributeError, OSError):
            return None
        self._files.append(file)
        return file

    def _reap(self, options: int) -> None:
        try:
            pid, status = os.waitpid(self.pid, options)
        except ChildProcessError:
            self._process.returncode = -1
            self._reaped = True
            return
        if pid:
            self.exit_code = self._process.returncode = os.waitstatus_to_exitcode(status)
            self._reaped = True


def _found(program: str, cwd: str | os.PathLike[str], env: Mapping[bytes, bytes] | None) -> str:
    """Where on PATH a program is: asking here is far quicker than trying to execute it everywhere."""
    if os.sep in program:
        return program
    folders = os.environ.get("PATH") if env is None else _text(env.get(b"PATH"))
    for folder in (os.defpath if folders is None else folders).split(os.pathsep):
        path = f"{folder or os.curdir}{os.sep}{program}"
        seen_from_here = path if path.startswith(os.sep) else os.path.join(cwd, path)
        if os.access(seen_from_here, os.X_OK) and not os.path.isdir(seen_from_here):
            return path
    return program


def _text(value: bytes | None) -> str | None:
    return None if value is None else os.fsdecode(value)
