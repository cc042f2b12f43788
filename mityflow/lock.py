"""One run at a time may change a workspace."""

from __future__ import annotations

import errno
import json
import os
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from mityflow.errors import LockedError, StoreError, UsageError

try:
    import fcntl
except ImportError:  # pragma: no cover - not a POSIX system
    fcntl = None  # type: ignore[assignment]

_TRIES = 5
_PAUSE = 0.01


class WorkspaceLock:
    """A lock on a file, held until :meth:`release` or the end of the process, however it ends.

    The system drops it with the process, so that no crash leaves a workspace locked; the file says
    who holds it. Children do not inherit it. Raises LockedError when another run has it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd = _open(path)
        try:
            self._acquire()
            self._write(b"")
        except BaseException:
            os.close(self._fd)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def tell(self, run_id: str) -> None:
        """Let others know which run is at work."""
        self._write(json.dumps({"run_id": run_id, "pid": os.getpid()}).encode() + b"\n")

    def release(self) -> None:
        """Give the lock back; twice does no harm."""
        if self._fd < 0:
            return
        fd, self._fd = self._fd, -1
        try:
            os.ftruncate(fd, 0)
        finally:
            os.close(fd)

    def _acquire(self) -> None:
        for attempt in range(_TRIES):
            if _try(self._fd, shared=False):
                if _same_file(self._fd, self._path):
                    return
                os.close(self._fd)  # the file was replaced while we waited: that lock guards nothing
                self._fd = _open(self._path)
            elif attempt < _TRIES - 1:
                time.sleep(_PAUSE)  # a reader that asks who is at work holds it for a moment
        owner = _read(self._fd)
        who = f"run {owner['run_id']} (process {owner['pid']})" if owner else "another run"
        raise LockedError(
            f"{who} is at work in {self._path.parent.parent}",
            hint="wait for it, stop it, or use another --workspace",
        )

    def _write(self, text: bytes) -> None:
        try:
            os.ftruncate(self._fd, 0)
            os.pwrite(self._fd, text, 0)
        except OSError as error:
            raise StoreError(f"cannot write {self._path}: {error.strerror}") from error


def holder(path: Path) -> dict[str, Any] | None:
    """Who is at work: ``run_id`` and ``pid``, empty when not yet known; None when nobody is."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        for attempt in range(_TRIES):
            if _try(fd, shared=True):
                return None
            owner = _read(fd)
            if not owner or _exists(owner["pid"]) or attempt == _TRIES - 1:
                return owner
            time.sleep(_PAUSE)  # a child of a killed holder has the lock until it executes its program
    finally:
        os.close(fd)
    return None


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise UsageError(f"{path} is a link", hint="remove it; mityflow does not follow it") from error
        raise StoreError(f"cannot write {path}: {error.strerror}") from error


def _try(fd: int, *, shared: bool) -> bool:
    if fcntl is None:  # pragma: no cover - not a POSIX system
        return not shared
    try:
        fcntl.flock(fd, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _same_file(fd: int, path: Path) -> bool:
    try:
        there = os.stat(path, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return os.path.samestat(os.fstat(fd), there)


def _read(fd: int) -> dict[str, Any]:
    try:
        data = json.loads(os.pread(fd, 4096, 0))
    except (OSError, ValueError):
        return {}
    return data if isinstance(data, dict) and "run_id" in data and isinstance(data.get("pid"), int) else {}
