"""Finding processes by a mark in their environment."""

from __future__ import annotations

import os
import signal

_ROUNDS = 20


def kill_marked(mark: str) -> list[int]:
    """Kill every process of ours with this ``NAME=VALUE`` in its environment; their ids.

    Looks again until nothing new is found, since a process may start others meanwhile.
    """
    killed: list[int] = []
    spared = _ourselves()
    for _ in range(_ROUNDS):
        found = [pid for pid in _processes() if pid not in spared and _has_mark(pid, os.fsencode(mark))]
        if not found:
            break
        for pid in found:
            spared.add(pid)
            try:
                os.kill(pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                continue
            killed.append(pid)
    return killed


def _processes() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()] if os.path.isdir("/proc/self") else []


def _ourselves() -> set[int]:
    """This process and all it descends from."""
    pids: set[int] = set()
    pid = os.getpid()
    while pid > 0 and pid not in pids:
        pids.add(pid)
        pid = _parent(pid)
    return pids


def _parent(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return int(file.read().rpartition(b")")[2].split()[1])
    except OSError:
        return 0


def _has_mark(pid: int, mark: bytes) -> bool:
    try:
        if os.stat(f"/proc/{pid}").st_uid != os.getuid():
            return False
        with open(f"/proc/{pid}/environ", "rb") as file:
            return mark in file.read().split(b"\0")
    except OSError:
        return False
