"""Signals and time limits, turned into a request that a run can answer in order."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any, Self

from mityflow.process import Cancelled, CancelToken, TimedOut

_REARM = 0.2


class Interrupts:
    """What asks a run to stop: a signal, :meth:`cancel`, or a step's time limit.

    While a station's own code runs, the request is raised there, as Cancelled or TimedOut; while it
    waits for a command, the command is ended first, in order. A second request stops at once:
    ``hurry`` is set, and what is in ``finally`` is not run any more.

    ``on_request`` is called with each request, and may come in a signal handler. Signals are taken
    over only in the main thread, and given back at the end.
    """

    def __init__(self) -> None:
        self.token = CancelToken()
        self.signal: int | None = None
        self.requested = False
        self.hurry = False
        self.on_request: Callable[[], None] | None = None
        self._in_station = False
        self._deadline: float | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for name in ("SIGINT", "SIGTERM", "SIGHUP"):
                number = getattr(signal, name, None)
                if number is not None:
                    self._before[number] = signal.signal(number, self._on_signal)
            if hasattr(signal, "SIGALRM"):
                self._before[signal.SIGALRM] = signal.signal(signal.SIGALRM, self._on_alarm)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)
        self._before = {}

    @property
    def reason(self) -> str:
        """Why the run was asked to stop, as a sentence."""
        if self.signal is None:
            return "cancelled"
        return f"interrupted by {signal.Signals(self.signal).name}"

    def cancel(self) -> None:
        """Ask the run to stop; from any thread."""
        self.hurry = self.hurry or self.requested
        self.requested = True
        self.token.cancel()
        if self.on_request:
            self.on_request()

    def renew(self) -> None:
        """Let the steps of ``finally`` run although the run was asked to stop."""
        if self.token.cancelled and not self.hurry:
            self.token = CancelToken()

    @contextmanager
    def station(self, deadline: float | None) -> Iterator[None]:
        """While the body runs, requests reach it; ``deadline`` is a moment of :func:`time.monotonic`."""
        armed = deadline is not None and signal.SIGALRM in self._before
        self._deadline = deadline
        self._in_station = True
        try:
            if self.token.cancelled:
                raise Cancelled
            if armed and deadline is not None:
                signal.setitimer(signal.ITIMER_REAL, max(0.001, deadline - time.monotonic()))
            yield
        finally:
            self._in_station = False
            if armed:
                signal.setitimer(signal.ITIMER_REAL, 0)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - a handler's signature
        if self.signal is None:
            self.signal = number
        self.cancel()
        if self._in_station and not self.token.watched:
            raise Cancelled

    def _on_alarm(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - a handler's signature
        if not self._in_station:
            return
        if self.token.watched:  # the command that is waited for has the same limit, and is ended in order
            signal.setitimer(signal.ITIMER_REAL, _REARM)
            return
        raise TimedOut
