"""What goes on while a child runs: output passed on, input fed, the clock and requests watched."""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from mityflow.child import Child
from mityflow.process import LONGEST_WAIT

if TYPE_CHECKING:
    from mityflow.masking import StreamMasker
    from mityflow.process import CancelToken

CHUNK = 64 * 1024
_DRAIN = 0.2
_DRAIN_BYTES = 2 * 1024 * 1024  # twice what a pipe may hold
_TICK = 0.02
_LOOK = 0.02


class Output:
    """One pipe of a command: masked, passed on, its end kept."""

    def __init__(self, masking: StreamMasker, sink: Callable[[bytes], None] | None, keep: int) -> None:
        self._masking = masking
        self._sink = sink
        self._keep = keep
        self._kept = bytearray()
        self.truncated = False

    def feed(self, chunk: bytes) -> None:
        """Take what the child printed."""
        self._pass_on(self._masking.feed(chunk))

    def flush(self) -> None:
        """There is no more."""
        self._pass_on(self._masking.flush())

    def end(self) -> str:
        """The kept end as text, beginning with a whole character."""
        data = self._kept[max(0, len(self._kept) - self._keep) :]
        if self.truncated:
            skip = 0
            while skip < min(3, len(data)) and data[skip] & 0xC0 == 0x80:
                skip += 1
            del data[:skip]
        return data.decode(errors="replace")

    def _pass_on(self, data: bytes) -> None:
        if not data:
            return
        self._kept += data
        if len(self._kept) > self._keep:
            self.truncated = True
            if len(self._kept) > 2 * self._keep + CHUNK:
                del self._kept[: len(self._kept) - self._keep]
        if self._sink is not None:
            self._sink(data)


class Pump:
    """Waits for a child, its output, its time limit and requests to cancel, all at once.

    ``deadline`` is a moment of :func:`time.monotonic`. When it has come, or a request to cancel, or
    ``until`` says so, the group is asked to end, and has ``grace`` seconds for it.
    """

    def __init__(
        self,
        child: Child,
        outputs: tuple[Output, Output],
        stdin: bytes,
        cancel: CancelToken | None,
        deadline: float | None,
        grace: float,
        until: Callable[[int], bool | None] | None = None,
    ) -> None:
        self._child = child
        self._until = until
        self._stdin = memoryview(stdin)
        self._deadline = deadline
        self._grace = grace
        self._kill_at: float | None = None
        self._killed = False
        self._exited = False
        self.timed_out = False
        self._poll = select.poll()
        self._react: dict[int, Callable[[], object]] = {}
        self._outputs = {child.stdout.fileno(): outputs[0], child.stderr.fileno(): outputs[1]}
        for fd in self._outputs:
            self._on(fd, partial(self._read, fd))
        if child.exit is not None:
            self._on(child.exit.fileno(), self._note_exit)
        if child.stdin is not None:
            os.set_blocking(child.stdin.fileno(), False)
            self._on(child.stdin.fileno(), self._write, select.POLLOUT)
        if cancel is not None:
            self._on(cancel.first.fileno(), partial(self._cancel, cancel.first.fileno()))
            self._on(cancel.second.fileno(), partial(self._kill, cancel.second.fileno()))

    def run(self) -> None:
        """Return when the child has exited and all that it printed is passed on."""
        while not self._over():
            for fd, _ in self._poll.poll(self._patience()):
                self._react[fd]()
            if self._child.exit is None:
                self._exited = self._child.has_exited()
            self._look_at_the_clock()
            self._ask_whether_to_end()
        self._child.kill_group()
        self._drain()

    def _over(self) -> bool:
        """The command ends with its main process.

        When it was asked to end, the others get their grace too, as long as one of them can print:
        a shell ends at once, and what it has started may have something to clean up.
        """
        return self._exited and (self._kill_at is None or not self._outputs)

    def _on(self, fd: int, react: Callable[[], object], event: int = select.POLLIN) -> None:
        self._react[fd] = react
        self._poll.register(fd, event)

    def _patience(self) -> float:
        """Milliseconds until the clock must be looked at."""
        moment = self._next_moment()
        seconds = LONGEST_WAIT if moment is None else min(LONGEST_WAIT, max(0.0, moment - time.monotonic()))
        if self._child.exit is None:
            seconds = min(seconds, _TICK)
        if self._until is not None:
            seconds = min(seconds, _LOOK)
        return seconds * 1000 + 1

    def _next_moment(self) -> float | None:
        return self._deadline if self._kill_at is None else self._kill_at

    def _look_at_the_clock(self) -> None:
        moment = self._next_moment()
        ended = self._exited and self._kill_at is None
        if ended or moment is None or time.monotonic() < moment:
            return
        if self._kill_at is None:
            self.timed_out = True
            self._ask_to_end()
        else:
            self._kill()

    def _ask_whether_to_end(self) -> None:
        if self._until is None or self._exited or self._kill_at is not None:
            return
        answer = self._until(self._child.pid)
        if answer is not False:
            self._until = None
        if answer:
            self._ask_to_end()

    def _ask_to_end(self) -> None:
        if self._kill_at is None and not self._killed:
            self._child.signal_group(signal.SIGTERM)
            self._kill_at = time.monotonic() + self._grace

    def _cancel(self, fd: int) -> None:
        self._poll.unregister(fd)
        self._ask_to_end()

    def _kill(self, fd: int | None = None) -> None:
        if fd is not None:
            self._poll.unregister(fd)
        self._child.kill_group()
        self._killed = True
        self._kill_at = self._deadline = None

    def _note_exit(self) -> None:
        assert self._child.exit is not None  # noqa: S101 - its descriptor tells so
        self._poll.unregister(self._child.exit.fileno())
        self._exited = True

    def _read(self, fd: int) -> int:
        """Read what a pipe has; how much it was."""
        chunk = os.read(fd, CHUNK)
        if chunk:
            self._outputs[fd].feed(chunk)
        else:
            self._poll.unregister(fd)
            self._outputs.pop(fd).flush()
        return len(chunk)

    def _write(self) -> None:
        """Write what standard input takes, and close it after the last byte."""
        assert self._child.stdin is not None  # noqa: S101 - its descriptor tells so
        fd = self._child.stdin.fileno()
        try:
            self._stdin = self._stdin[os.write(fd, self._stdin[:CHUNK]) :]
        except BlockingIOError:
            return
        except BrokenPipeError:  # it reads no more
            self._stdin = self._stdin[:0]
        if not self._stdin:
            self._poll.unregister(fd)
            self._child.stdin.close()

    def _drain(self) -> None:
        """What is still in the pipes; one that a stranger keeps open is not waited for.

        Neither time alone nor bytes alone will do: a slow sink must not lose output, nor a stranger
        that goes on printing keep us.
        """
        if not self._outputs:
            return
        end = time.monotonic() + _DRAIN
        left = _DRAIN_BYTES
        self._poll = select.poll()
        for fd in self._outputs:
            self._poll.register(fd, select.POLLIN)
        while self._outputs and left > 0:
            ready = self._poll.poll(max(0.0, end - time.monotonic()) * 1000)
            if not ready:
                break
            left -= sum(self._read(fd) for fd, _ in ready)
        for output in self._outputs.values():
            output.flush()
