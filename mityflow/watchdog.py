"""Ending children when we are killed: a tiny process that outlives us for a moment."""

from __future__ import annotations

import os
import threading

# Reading standard input waits for our end, since we never write. Then standard output, open for
# reading as well, holds a line for each child that was left: the number of its output pipe, and of
# its group. A child that we had just started has no group noted, but holds the pipe.
_SCRIPT = r"""
trap '' HUP INT TERM QUIT PIPE
PATH=/usr/local/bin:/usr/bin:/bin
read -r end
pipes=
while read -r pipe group; do
  [ -z "$pipe" ] || pipes="$pipes $pipe"
  [ -z "$group" ] || kill -s KILL -- "-$group"
done <&1
[ -n "$pipes" ] || exit 0
ls -l /proc/[0-9]*/fd/[12] | while read -r line; do
  pid=${line##*/proc/}
  pid=${pid%%/*}
  for pipe in $pipes; do
    case $line in *"pipe:[$pipe]") kill -s KILL -- "$pid" "-$pid" ;; esac
  done
done
"""
_LINE = 40


class Watchdog:
    """Kills children as soon as this process is gone, however it ended.

    One shell, in a session of its own so that no signal for us reaches it. It waits for the end of a
    pipe whose other end is ours alone; which children there are stands in a file without a name that
    both share, so that it sleeps while children come and go. Where it cannot be started, everything
    else works without it.
    """

    _pid: int
    _pipe: int
    _table: int

    def __init__(self) -> None:
        self._forget()

    def expect(self, pipe: int) -> int:
        """A child is about to be started with this pipe (its inode) for output; a number for the others."""
        with self._lock:
            if not self._alive():
                self._start()
            if not self._free:
                self._free.append(self._lines)
                self._lines += 1
            line = self._free.pop()
            self._write(line, str(pipe))
            return line

    def watch(self, line: int, pipe: int, group: int) -> None:
        """The child runs, leading this group."""
        with self._lock:
            self._write(line, f"{pipe} {group}")

    def release(self, line: int) -> None:
        """The child has ended. To be called before it is reaped: its group's number is ours until then."""
        with self._lock:
            if line not in self._free:
                self._write(line, "")
                self._free.append(line)

    def _write(self, line: int, text: str) -> None:
        if self._table >= 0:
            os.pwrite(self._table, text.ljust(_LINE - 1).encode() + b"\n", line * _LINE)

    def _alive(self) -> bool:
        if not self._pid:
            return False
        try:
            return os.waitpid(self._pid, os.WNOHANG) == (0, 0)
        except ChildProcessError:
            return False

    def _start(self) -> None:
        import subprocess

        if self._pid:
            os.close(self._pipe)
            self._pid = 0
        reading, writing = os.pipe()
        try:
            if self._table < 0:
                self._table = _unnamed_file()
                os.register_at_fork(after_in_child=self._let_go)
            process = subprocess.Popen(
                ["/bin/sh", "-c", _SCRIPT],
                stdin=reading,
                stdout=self._table,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                cwd="/",
                env={},
            )
        except OSError:
            os.close(writing)
        else:
            process.returncode = 0  # it ends by itself after us, and nobody waits for it
            self._pid, self._pipe = process.pid, writing
        finally:
            os.close(reading)

    def _let_go(self) -> None:
        """In a fork of us: the children are not its own, and it must not keep the watchdog waiting."""
        if self._pid:
            os.close(self._pipe)
        if self._table >= 0:
            os.close(self._table)
        self._forget()

    def _forget(self) -> None:
        self._lock = threading.Lock()
        self._pid = 0
        self._pipe = -1
        self._table = -1
        self._lines = 0
        self._free: list[int] = []


def _unnamed_file() -> int:
    """A file that is gone when nobody has it open. Raises OSError."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("children")
    import tempfile

    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


WATCHDOG = Watchdog()
