"""Ending children when we are killed: a tiny process that outlives us for a moment."""

from __future__ import annotations

import os
import subprocess
import threading

# Reads lines +GROUP and -GROUP. When the pipe ends, whoever wrote them is gone: kill what is left.
_SCRIPT = """
trap '' HUP INT TERM QUIT PIPE
groups=' '
while read -r line; do
  group=${line#?}
  case $line in
    +*) groups="$groups$group " ;;
    -*) groups="${groups%% "$group" *} ${groups#* "$group" }" ;;
  esac
done
for group in $groups; do kill -s KILL -- "-$group" 2>/dev/null; done
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

    def watch(self, group: int) -> None:
        """Kill this group if we are gone before :meth:`forget`."""
        self._tell(f"+{group}\n")

    def forget(self, group: int) -> None:
        """The group has ended."""
        self._tell(f"-{group}\n")

    def _tell(self, line: str) -> None:
        with self._lock:
            if self._pid != os.getpid():
                self._start()
            if self._pipe >= 0:
                try:
                    os.write(self._pipe, line.encode())
                except OSError:
                    os.close(self._pipe)
                    self._pipe = -1

    def _start(self) -> None:
        """Start the shell, which a fork of us does not share."""
        self._pid = os.getpid()
        self._pipe = -1
        reading, writing = os.pipe()
        try:
            subprocess.Popen(
                ["/bin/sh", "-c", _SCRIPT],
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
        finally:
            os.close(reading)


WATCHDOG = Watchdog()
