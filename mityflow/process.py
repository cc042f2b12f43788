"""Child processes: started in a group of their own, bounded in time and output, never left behind.

A command ends with its main process; what is left of its group is killed then. Its output comes
through two pipes, masked and in the order of its arrival. Whatever passes through :func:`run` - a
time limit, a cancellation, an exception raised by a signal handler - the group is ended and the
child reaped first. When this process is killed, its children are too.
"""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from mityflow.errors import MityError

if TYPE_CHECKING:
    from mityflow.masking import Masker

KEEP = 64 * 1024
GRACE = 5.0
LONGEST_WAIT = 0.5
"""Seconds. A signal that comes just before a wait begins does not end it, and its handler runs when it is over."""


class Cancelled(KeyboardInterrupt):
    """The run was asked to stop. Not an Exception, so that a station's own handlers let it through."""


class TimedOut(KeyboardInterrupt):
    """A step's time limit is up. Not an Exception, so that a station's own handlers let it through."""


class CommandError(MityError):
    """A command cannot be started, or how it ended cannot be known."""


class CommandNotFoundError(CommandError):
    """There is no such program."""


class CommandResult(NamedTuple):
    """How a command ended.

    ``exit_code`` is negative for a signal. ``stdout`` and ``stderr`` are the masked ends of what it
    printed, at most ``keep`` bytes each. ``duration`` is in seconds.
    """

    argv: tuple[str, ...]
    exit_code: int
    stdout: str
    stderr: str
    duration: float
    timed_out: bool
    stdout_truncated: bool

    @property
    def ok(self) -> bool:
        """True for exit code 0 within the time limit."""
        return self.exit_code == 0 and not self.timed_out


class Flag:
    """Raised once and for all; its descriptor can be read from then on, by any number of waiters."""

    _ends: tuple[int, ...] = ()

    def __init__(self) -> None:
        self._ends = os.pipe()
        self.raised = False

    def __del__(self) -> None:
        for end in self._ends:
            os.close(end)

    def fileno(self) -> int:
        """The descriptor."""
        return self._ends[0]

    def set(self) -> None:
        """Raise it; safe in a signal handler and from any thread."""
        if not self.raised:
            self.raised = True  # first: whoever is woken looks at it
            os.write(self._ends[1], b"x")


class CancelToken:
    """Asks commands to stop, from any thread; a second request stops them at once.

    ``watched`` tells that a command is being waited for, which will end in order by itself and
    raise Cancelled then: a signal handler calls :meth:`cancel`, and leaves the rest to the command.
    """

    def __init__(self) -> None:
        self.first = Flag()
        self.second = Flag()
        self._watchers: set[object] = set()

    @property
    def cancelled(self) -> bool:
        """True once :meth:`cancel` was called."""
        return self.first.raised

    @property
    def watched(self) -> bool:
        """True while a command is waited for."""
        return bool(self._watchers)

    def cancel(self) -> None:
        """Ask to stop; safe in a signal handler and from any thread."""
        (self.second if self.first.raised else self.first).set()

    def wait(self, seconds: float) -> bool:
        """Wait so long, or until a request comes; True for a request."""
        poll = select.poll()
        poll.register(self.first.fileno(), select.POLLIN)
        end = time.monotonic() + seconds
        while not self.cancelled:
            left = end - time.monotonic()
            if left <= 0:
                return False
            poll.poll(min(left, LONGEST_WAIT) * 1000 + 1)
        return True

    def enter(self, watcher: object) -> None:
        """A command is waited for. No lock: a signal handler may come in between."""
        self._watchers.add(watcher)

    def leave(self, watcher: object) -> None:
        """A command is no longer waited for."""
        self._watchers.discard(watcher)


def run(
    argv: Sequence[str],
    *,
    cwd: str | os.PathLike[str],
    masker: Masker,
    env: Mapping[bytes, bytes] | None = None,
    timeout: float | None = None,
    sink: Callable[[bytes], None] | None = None,
    cancel: CancelToken | None = None,
    stdin: bytes | None = None,
    keep: int = KEEP,
    grace: float = GRACE,
    until: Callable[[int], bool | None] | None = None,
) -> CommandResult:
    """Run a command to its end.

    ``env`` is its whole environment as :func:`encoded` makes it, ours by default. ``timeout`` is in
    seconds; when it is up, or a request to cancel comes, the group gets SIGTERM and after ``grace``
    seconds SIGKILL. Any exception, from ``sink`` or a signal handler, kills the group at once.
    ``until`` is called with the process's id, some fifty times a second as long as it runs, until it
    answers True, which ends the group in the same way, or None, to be asked no more. It must not block:
    output is not read meanwhile.
    ``sink`` is given all output as it comes. Raises CommandError when the command cannot be started,
    Cancelled after a request to cancel.

    With ``cancel``, a signal handler must not raise while the token is watched, but call its
    ``cancel``: an exception may come at the one moment when the child runs and is not known yet.
    Without, such handlers wait for that moment to pass, which costs a tenth of a quick command.
    """
    from mityflow.command import run_command

    return run_command(argv, cwd, masker, env, timeout, sink, cancel, stdin, keep, grace, until)


def encoded(env: Mapping[str, str]) -> dict[bytes, bytes]:
    """An environment as the system wants it. Raises CommandError for a name or value it refuses."""
    for name, value in env.items():
        if not name or "=" in name or "\0" in name or "\0" in value:
            raise CommandError(f"{name!r} cannot be an environment variable")
    return {os.fsencode(name): os.fsencode(value) for name, value in env.items()}


def end_leftovers(run_id: str) -> list[int]:
    """Kill processes of ours that a dead runner left behind, known by ``MITY_RUN_ID``; their ids.

    Neither this process nor one it descends from is among them. Only where the system shows the
    environment of processes (Linux); elsewhere nothing is done.
    """
    from mityflow.leftovers import kill_marked

    return kill_marked(f"MITY_RUN_ID={run_id}")
