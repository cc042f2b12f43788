"""What a step's commands print: kept in a file of the run, shown to whoever watches."""

from __future__ import annotations

import os
from collections.abc import Callable

from mityflow.errors import StoreError
from mityflow.journal import write_all

LIMIT = 64 * 1024 * 1024


class StepOutput:
    """The captured output of one step, appended to a file that is made with the first byte.

    At most :data:`LIMIT` bytes are kept: beyond, the older half is dropped and the file says so.
    Raises StoreError when it cannot be written.
    """

    def __init__(self, path: str, show: Callable[[bytes], None], limit: int = LIMIT) -> None:
        self.path = path
        self._show = show
        self._limit = limit
        self._fd = -1
        self._size = 0

    def write(self, data: bytes) -> None:
        """Add output, already masked."""
        if not data:
            return
        try:
            self._append(data)
        except OSError as error:
            raise StoreError(f"cannot write {self.path}: {error.strerror}") from error
        self._show(data)

    def close(self) -> None:
        """Close the file."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _append(self, data: bytes) -> None:
        if self._fd < 0:
            flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
            self._fd = os.open(self.path, flags, 0o644)
            self._size = os.fstat(self._fd).st_size
        if self._size + len(data) > self._limit:
            self._drop_older()
        write_all(self._fd, data)
        self._size += len(data)

    def _drop_older(self) -> None:
        kept = os.pread(self._fd, self._limit // 2, max(0, self._size - self._limit // 2))
        note = f"[the first {self._size - len(kept)} bytes were dropped]\n".encode()
        os.ftruncate(self._fd, 0)
        write_all(self._fd, note + kept)
        self._size = len(note) + len(kept)
