"""Ending children when we are killed: a tiny process that outlives us for a moment."""

from __future__ import annotations

import atexit
import os
import subprocess
import threading

MARK = b"MITY_RUNNER"

# Reads lines: +GROUP, -GROUP, and a full stop from one who ends in order. When the pipe ends without
# that, its writer was killed: kill the groups, and whoever bears the writer's mark. That is looked
# for twice, since a program that is just being started bears it only then.
_SCRIPT = """
trap '' HUP INT TERM QUIT PIPE
groups=' '
while read -r line; do
  group=${line#?}
  case $line in
    +*) groups="$groups$group " ;;
    -*) groups="${groups%% "$group" *} ${groups#* "$group" }" ;;
    .) ended=1 ;;
  esac
done
for group in $groups; do kill -s KILL -- "-$group" 2>/dev/null; done
test "$ended" && exit
for pause in 0.1 0; do
  for folder in /proc/[0-9]*; do
    if tr '\\0' '\\n' <"$folder/environ" 2>/dev/null | grep -qxF "$1"; then
      kill -s KILL "${folder#/proc/}" 2>/dev/null
    fi
  done
  sleep "$pause"
done
"""


class Watchdog:
    """Kills the process groups it was told of as soon as this process is gone, however it ended.

    One shell, in a session of its own so that no signal for us reaches it, reading a pipe whose
    other end is ours alone. Where it cannot be started, everything else works without it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pid = 0
        self._pipe = -1
        self._mark = b""

    def mark(self) -> bytes:
        """The value of the environment variable :data:`MARK` for children; starts the watchdog."""
        if self._pid != os.getpid():
            with self._lock:
                if self._pid != os.getpid():
                    self._start()
        return self._mark

    def watch(self, group: int) -> None:
        """Kill this group if we are gone before :meth:`forget`."""
        self._tell(f"+{group}\n")

    def forget(self, group: int) -> None:
        """The group has ended."""
        self._tell(f"-{group}\n")

    def _tell(self, line: str) -> None:
        with self._lock:
            if self._pipe >= 0 and self._pid == os.getpid():
                try:
                    os.write(self._pipe, line.encode())
                except OSError:
                    os.close(self._pipe)
                    self._pipe = -1

    def _start(self) -> None:
        """Start the shell, which a fork of us does not share."""
        self._mark = f"{os.getpid()}-{os.urandom(8).hex()}".encode()
        self._pipe = -1
        reading, writing = os.pipe()
        try:
            subprocess.Popen(
                ["/bin/sh", "-c", _SCRIPT, "watchdog", MARK + b"=" + self._mark],
                stdin=reading,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                cwd="/",
            ).returncode = 0  # it ends by itself after us, and nobody waits for it
        except OSError:
            os.close(writing)
        else:
            self._pipe = writing
            atexit.register(self._tell, ".\n")
        finally:
            os.close(reading)
            self._pid = os.getpid()


WATCHDOG = Watchdog()
