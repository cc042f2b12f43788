"""A moment in which no signal handler interrupts."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any

# Those that a program handles by raising an exception.
_NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGALRM", "SIGUSR1", "SIGUSR2", "SIGQUIT")
_NUMBERS = tuple(int(getattr(signal, name)) for name in _NAMES if hasattr(signal, name))


class HeldSignals:
    """While the body runs, Python's signal handlers wait; afterwards they get what came.

    A handler may raise an exception between any two steps, such as between starting a child and
    noting its number. Handlers run in the main thread alone, so that nothing is done elsewhere.
    Blocking the signals would not do: a child inherits that.
    """

    def __init__(self) -> None:
        self._handlers: dict[int, Any] = {}
        self._came: list[int] = []

    def __enter__(self) -> None:
        if threading.get_ident() != threading.main_thread().ident:
            return
        try:
            for number in _NUMBERS:
                handler = signal.getsignal(number)
                if callable(handler):
                    self._handlers[number] = handler
                    signal.signal(number, self._note)
        except BaseException:
            self._give_back()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._give_back()
        except BaseException:  # from a handler that is back already
            self._give_back()
            raise
        finally:
            _send(self._came)

    def _give_back(self) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - a handler's signature
        self._came.append(number)


def _send(numbers: list[int]) -> None:
    """Send ourselves the signals again, all of them although the first may raise."""
    if numbers:
        try:
            signal.raise_signal(numbers.pop(0))
        finally:
            _send(numbers)
