"""Who executes steps: one after the other in this thread, or side by side in threads of their own.

Whatever a step's result leads to happens in the thread that began the run, so nothing there needs a lock.
"""

from __future__ import annotations

import ctypes
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from queue import Empty, SimpleQueue
from typing import Any, NamedTuple, Protocol

from mityflow.errors import StoreError
from mityflow.held_signals import HeldSignals
from mityflow.interpreter import Task
from mityflow.interrupts import Interrupts
from mityflow.prints import Capture, Router, captured
from mityflow.process import GRACE, LONGEST_WAIT, Cancelled, CancelToken, TimedOut
from mityflow.station import StationResult
from mityflow.workflow import format_duration

_PATIENCE = 3 * GRACE
"""Seconds for a step in a thread to end after it was told to."""
_OUTPUTS_WAITING = 256
_NOTE_LOOK = 0.5
"""Seconds after which who waits for a record looks whether anybody still listens."""

Show = Callable[[bytes], None]
Note = Callable[[Mapping[str, Any]], None]


class Channel(NamedTuple):
    """How a step that is executed speaks: what it prints, and what it wants to have recorded."""

    show: Show
    note: Note


class Guard(Protocol):
    """What asks one step to stop."""

    token: CancelToken

    @property
    def reason(self) -> str:
        """Why the run was asked to stop, as a sentence."""

    def station(self, deadline: float | None) -> AbstractContextManager[None]:
        """While the body runs, requests and the time limit reach it."""

    def cancel(self) -> None:
        """Ask the whole run to stop."""


Work = Callable[[Guard, Capture, Channel], StationResult]
"""Executes a step; raises StoreError alone."""
Done = Callable[[Task, int, StationResult], None]


class InTurn:
    """Executes a step when it is begun."""

    def __init__(
        self,
        interrupts: Interrupts,
        done: Done,
        show: Callable[[str, bytes], None],
        note: Callable[[str, Mapping[str, Any]], None],
    ) -> None:
        self._interrupts = interrupts
        self._done = done
        self._show = show
        self._note = note

    def begin(self, task: Task, attempt: int, work: Work) -> None:
        """Execute the step to its end."""

        def note(data: Mapping[str, Any]) -> None:
            with HeldSignals():
                self._note(task.id, data)

        channel = Channel(lambda data: self._show(task.id, data), note)
        self._done(task, attempt, work(self._interrupts, captured, channel))

    def wait(self, seconds: float | None) -> None:
        """Let time pass, until somebody asks to stop."""
        if seconds is None:
            raise AssertionError("nothing runs, so there is nothing to wait for")
        self._interrupts.token.wait(seconds)

    def at_work(self) -> AbstractContextManager[None]:
        """Nothing to prepare."""
        return nullcontext()


class SideBySide:
    """Executes each step in a thread of its own; :meth:`wait` hands on what they say."""

    def __init__(
        self,
        interrupts: Interrupts,
        done: Done,
        show: Callable[[str, bytes], None],
        note: Callable[[str, Mapping[str, Any]], None],
    ) -> None:
        self._interrupts = interrupts
        self._done = done
        self._show = show
        self._note = note
        self._router = Router()
        self._said: SimpleQueue[tuple[_Worker, Any] | None] = SimpleQueue()
        self._room = threading.Semaphore(_OUTPUTS_WAITING)
        self._workers: set[_Worker] = set()

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """While the body runs, steps can be begun."""
        self._interrupts.on_request = lambda: self._said.put(None)
        try:
            with self._router.installed():
                yield
        finally:
            self._interrupts.on_request = None
            for worker in self._workers:
                worker.cancel_commands()
            end = time.monotonic() + GRACE
            while any(worker.token.watched for worker in self._workers) and time.monotonic() < end:
                self._room.release()  # who waits to show something goes on, and finds its command ended
                time.sleep(0.01)

    def begin(self, task: Task, attempt: int, work: Work) -> None:
        """Start a thread for the step."""
        worker = _Worker(self._interrupts, task, attempt)
        self._workers.add(worker)

        def show(data: bytes) -> None:
            self._room.acquire()
            self._said.put((worker, data))

        def note(data: Mapping[str, Any]) -> None:
            noted = _Noted(data)
            self._said.put((worker, noted))
            while not noted.done.wait(_NOTE_LOOK):
                if worker not in self._workers:
                    raise Cancelled
            if noted.error:
                raise noted.error

        def execute() -> None:
            try:
                result: Any = work(worker, self._router.captured, Channel(show, note))
            except BaseException as error:  # noqa: BLE001 - raised again by who waits
                result = error
            self._said.put((worker, result))

        threading.Thread(target=execute, name=task.id, daemon=True).start()

    def wait(self, seconds: float | None) -> None:
        """Until a step says something or its time is up, somebody asks to stop, or so many seconds have passed."""
        now = time.monotonic()
        limits = [worker.next_look(now) for worker in self._workers]
        try:
            said = self._said.get(timeout=min([LONGEST_WAIT, *([] if seconds is None else [seconds]), *limits]))
            while said is not None:
                self._hear(*said)
                said = self._said.get_nowait()
        except Empty:
            pass
        for worker in list(self._workers):
            worker.press()
            if worker.given_up:
                self._workers.discard(worker)
                self._done(worker.task, worker.attempt, worker.given_up)

    def _hear(self, worker: _Worker, said: Any) -> None:
        if isinstance(said, bytes):
            self._room.release()
            if worker in self._workers:
                self._show(worker.task.id, said)
            return
        if isinstance(said, _Noted):
            if worker in self._workers:
                self._record(worker, said)
            return
        if worker in self._workers:
            self._workers.discard(worker)
            if isinstance(said, BaseException):
                raise said
            self._done(worker.task, worker.attempt, said)

    def _record(self, worker: _Worker, noted: _Noted) -> None:
        try:
            with HeldSignals():
                self._note(worker.task.id, noted.data)
        except StoreError as error:
            noted.error = error
        noted.done.set()


class _Noted:
    """Something a step in a thread wants to have recorded before it goes on."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.data = data
        self.done = threading.Event()
        self.error: StoreError | None = None


class _Worker:
    """A step in a thread, and what asks it to stop.

    A command it waits for is ended in order by the token or by its own limit; in the station's own code
    an exception is raised, which comes when Python code runs next.
    """

    def __init__(self, interrupts: Interrupts, task: Task, attempt: int) -> None:
        self.task = task
        self.attempt = attempt
        self.token = CancelToken()
        self.given_up: StationResult | None = None
        self._interrupts = interrupts
        self._asked = interrupts.token
        self._lock = threading.Lock()
        self._thread: int | None = None
        self._deadline: float | None = None
        self._pressed: float | None = None

    @property
    def reason(self) -> str:
        """Why the run was asked to stop, as a sentence."""
        return self._interrupts.reason

    def cancel(self) -> None:
        """Ask the whole run to stop."""
        self._interrupts.cancel()

    @contextmanager
    def station(self, deadline: float | None) -> Iterator[None]:
        """While the body runs, requests reach it; ``deadline`` is a moment of :func:`time.monotonic`."""
        if self.token.cancelled:
            raise Cancelled
        with self._lock:
            self._thread, self._deadline = threading.get_ident(), deadline
        try:
            yield
        finally:
            with self._lock:
                self._thread = None

    def next_look(self, now: float) -> float:
        """Seconds until :meth:`press` may have something to do."""
        if self._pressed is not None:
            return max(0.05, min(1.0, self._pressed + _PATIENCE - now))
        deadline = self._deadline
        return 3600.0 if deadline is None else max(0.01, deadline - now)

    def press(self) -> None:
        """Tell the step what it must know now; give it up when it does not listen."""
        if self._asked.cancelled and not self.token.cancelled:
            self.token.cancel()
        if self._asked.second.raised:
            self.token.cancel()
        now = time.monotonic()
        late = self._deadline is not None and now >= self._deadline
        if not late and not self.token.cancelled:
            return
        if self._pressed is None:
            self._pressed = now
            with self._lock:
                if self._thread is not None and not self.token.watched:
                    why = Cancelled if self.token.cancelled else TimedOut
                    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self._thread), ctypes.py_object(why))
        elif now >= self._pressed + _PATIENCE:
            self.given_up = self._result()

    def cancel_commands(self) -> None:
        """End what it still runs, at once."""
        self.token.cancel()
        self.token.cancel()

    def _result(self) -> StationResult:
        self.cancel_commands()
        if self._asked.cancelled:
            return StationResult(self.task.id, "cancelled", f"{self.reason}, and its code did not stop")
        limit = format_duration(self.task.step.call.timeout or 0)
        return StationResult.failure(f"timed out after {limit}, and its code did not stop")
