"""Running one command: :func:`mityflow.process.run` without what a start-up can do without."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING

from mityflow.child import Child
from mityflow.held_signals import HeldSignals
from mityflow.process import Cancelled, CancelToken, CommandError, CommandNotFoundError, CommandResult
from mityflow.pump import Output, Pump

if TYPE_CHECKING:
    from mityflow.masking import Masker

_LOST = "{!r} has ended, but not how: this process is not told of the end of its children"


def run_command(
    argv: Sequence[str],
    cwd: str | os.PathLike[str],
    masker: Masker,
    env: Mapping[bytes, bytes] | None,
    timeout: float | None,
    sink: Callable[[bytes], None] | None,
    cancel: CancelToken | None,
    stdin: bytes | None,
    keep: int,
    grace: float,
    until: Callable[[int], bool | None] | None = None,
) -> CommandResult:
    """See :func:`mityflow.process.run`."""
    if cancel is not None and cancel.cancelled:
        raise Cancelled
    begun = time.monotonic()
    deadline = None if timeout is None else begun + timeout
    child = Child()
    stdout = Output(masker.stream(), sink, keep)
    stderr = Output(masker.stream(), sink, keep)
    try:
        if cancel is not None:
            cancel.enter(child)
        with HeldSignals() if cancel is None else nullcontext():
            _start(child, argv, cwd, env, masker, with_stdin=stdin is not None)
        pump = Pump(child, (stdout, stderr), stdin or b"", cancel, deadline, grace, until)
        pump.run()
        child.end()
    except BaseException:
        with HeldSignals():
            child.end()
        raise
    finally:
        if cancel is not None:
            cancel.leave(child)
    if cancel is not None and cancel.cancelled:
        raise Cancelled
    if child.exit_code is None:
        raise CommandError(
            masker.text(_LOST.format(argv[0])),
            hint="it was started with SIGCHLD ignored, or a station waits for children that are not its own",
        )
    duration = time.monotonic() - begun
    return CommandResult(
        tuple(argv), child.exit_code, stdout.end(), stderr.end(), duration, pump.timed_out, stdout.truncated
    )


def _start(
    child: Child,
    argv: Sequence[str],
    cwd: str | os.PathLike[str],
    env: Mapping[bytes, bytes] | None,
    masker: Masker,
    *,
    with_stdin: bool,
) -> None:
    if not argv:
        raise CommandError("the command is empty")
    if any("\0" in argument for argument in argv):
        raise CommandError(masker.text(f"{argv[0]!r} cannot be started: embedded null byte"))
    try:
        child.start(argv, cwd=cwd, env=env, with_stdin=with_stdin)
    except (OSError, ValueError) as error:
        kind = CommandNotFoundError if _not_found(argv[0], cwd, error) else CommandError
        reason, hint = _reason(argv[0], cwd, error)
        raise kind(masker.text(reason), hint=hint) from error


def _not_found(program: str, cwd: str | os.PathLike[str], error: Exception) -> bool:
    there = os.sep in program and os.path.exists(os.path.join(cwd, program))
    return isinstance(error, FileNotFoundError) and os.path.isdir(cwd) and not there


def _reason(program: str, cwd: str | os.PathLike[str], error: Exception) -> tuple[str, str | None]:
    """Why it was not started, and what to do about it."""
    if isinstance(error, OSError) and not os.path.isdir(cwd):
        return f"{program!r} cannot be started in {os.fspath(cwd)}: there is no such folder", None
    if _not_found(program, cwd, error):
        return f"{program!r} is not found", "is it installed, and on PATH?"
    if isinstance(error, FileNotFoundError):
        return f"{program!r} cannot be started: the program its first line names is not there", None
    reason = error.strerror if isinstance(error, OSError) else str(error)
    return f"{program!r} cannot be started: {reason}", None
