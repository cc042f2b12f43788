"""Who gets what a station prints from Python: its own step, also where several run side by side."""

from __future__ import annotations

import io
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, redirect_stderr, redirect_stdout
from typing import TextIO

Write = Callable[[str], None]
Capture = Callable[[Write], AbstractContextManager[None]]
"""While its body runs, what is printed goes to the function."""


class captured:  # noqa: N801 - a context manager, and as quick as can be: every step has one
    """Everything that is printed goes to ``write``."""

    def __init__(self, write: Write) -> None:
        self._printed = _Printed(write)

    def __enter__(self) -> None:
        self._before = sys.stdout, sys.stderr
        sys.stdout = sys.stderr = self._printed

    def __exit__(self, *error: object) -> None:
        sys.stdout, sys.stderr = self._before


class _Printed(io.TextIOBase):
    def __init__(self, write: Write) -> None:
        self._write = write

    def write(self, text: str) -> int:
        """Hand it on."""
        self._write(text)
        return len(text)


class Router:
    """Hands on what each thread prints: to the step it runs, else to where it would have gone.

    A thread that a station started prints for the only step there is; where there are several, nobody can tell.
    """

    def __init__(self) -> None:
        self._steps: dict[int, Write] = {}
        self._watcher = threading.get_ident()

    @contextmanager
    def installed(self) -> Iterator[None]:
        """In place of standard output and standard error."""
        with ExitStack() as stack:
            stack.enter_context(redirect_stdout(_Routed(self, sys.stdout)))
            stack.enter_context(redirect_stderr(_Routed(self, sys.stderr)))
            yield

    @contextmanager
    def captured(self, write: Write) -> Iterator[None]:
        """What this thread prints goes to ``write``."""
        self._steps[threading.get_ident()] = write
        try:
            yield
        finally:
            del self._steps[threading.get_ident()]

    def target(self) -> Write | None:
        """Who gets what this thread prints."""
        thread, steps = threading.get_ident(), dict(self._steps)
        if thread in steps or thread == self._watcher or len(steps) != 1:
            return steps.get(thread)
        return next(iter(steps.values()))


class _Routed(io.TextIOBase):
    def __init__(self, router: Router, otherwise: TextIO) -> None:
        self._router = router
        self._otherwise = otherwise

    def write(self, text: str) -> int:
        """Hand it on."""
        target = self._router.target()
        if target is None:
            return self._otherwise.write(text)
        target(text)
        return len(text)

    def flush(self) -> None:
        """Nothing is kept back here."""
        self._otherwise.flush()

    def isatty(self) -> bool:
        """As where it would have gone."""
        return self._otherwise.isatty()

    def fileno(self) -> int:
        """As where it would have gone."""
        return self._otherwise.fileno()
