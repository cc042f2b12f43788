"""Applications that go on running after the run that launched them: ``.mity/apps``.

Each has a keeper, a process of its own that writes what the application prints, masked, and ends it
when told to. The keeper holds a lock as long as it lives, so that a record never tells of an
application that is gone.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from mityflow.clock import from_iso
from mityflow.errors import LockedError, MityError, StoreError, UsageError, nearest
from mityflow.lock import WorkspaceLock, holder
from mityflow.process import GRACE

RECORD_FORMAT = 1
_TAIL = 16 * 1024
_START_LIMIT = 30.0
_END_LIMIT = 2 * GRACE
_TELL_LIMIT = 2.0
_TICK = 0.05


class App(NamedTuple):
    """An application that was launched to stay.

    ``state`` is ``starting``, ``running`` or ``ended``; ``keeper`` and ``pid`` are the ids of its
    keeper's process and of its own; ``folder`` and ``log`` are relative to the workspace; times are UTC
    in ISO 8601. ``exit_code`` is negative for a signal, None while it runs and when nobody saw its end.
    """

    name: str
    state: str
    keeper: int
    pid: int | None
    url: str
    command: list[str]
    folder: str
    log: str
    run_id: str
    started_at: str
    ended_at: str | None
    exit_code: int | None


class AppFiles(NamedTuple):
    """Where an application's things are."""

    record: Path
    lock: Path
    log: Path

    @classmethod
    def of(cls, workspace: Path, name: str) -> AppFiles:
        """Those of the application of this name."""
        folder = workspace / ".mity" / "apps"
        return cls(folder / f"{name}.json", folder / f"{name}.lock", folder / f"{name}.log")


def running_apps(workspace: Path) -> list[App]:
    """The applications that were launched to stay and were not stopped since, by name."""
    folder = workspace / ".mity" / "apps"
    try:
        names = sorted(path.name.removesuffix(".json") for path in folder.iterdir() if path.suffix == ".json")
    except OSError:
        return []
    found = (read_app(workspace, name) for name in names if not name.startswith("."))
    return [app for app in found if app is not None]


def find_app(workspace: Path, name: str) -> App:
    """The application of this name. Raises UsageError for an unknown one."""
    app = read_app(workspace, name)
    if app is not None:
        return app
    names = [each.name for each in running_apps(workspace)]
    meant = nearest(name, names)
    raise UsageError(
        f"no application '{name}' runs here" + (f"; did you mean '{meant}'?" if meant else ""),
        hint=f"one of {', '.join(names)}" if names else "'launch' with keep_running: true leaves one running",
    )


def read_app(workspace: Path, name: str) -> App | None:
    """What is known of an application; None when there is no record of it."""
    files = AppFiles.of(workspace, name)
    try:
        data = json.loads(files.record.read_bytes())
        app = App(name=name, **{key: data[key] for key in App._fields if key != "name"})
        from_iso(app.started_at)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if not _is_sound(app):
        return None
    return app if app.state == "ended" or holder(files.lock) is not None else app._replace(state="ended", pid=None)


def _is_sound(app: App) -> bool:
    texts = (app.state, app.url, app.folder, app.log, app.run_id, app.started_at)
    numbers = (app.keeper, app.pid or 0, app.exit_code or 0)
    return (
        isinstance(app.command, list)
        and all(isinstance(text, str) for text in texts)
        and all(isinstance(number, int) for number in numbers)
    )


def stop_app(workspace: Path, app: App) -> None:
    """End an application and all it has started, and forget it. Raises MityError when it does not end."""
    from mityflow.leftovers import kill_marked

    _end(workspace, app.name)
    kill_marked(mark(app.keeper, app.started_at))  # what it had started where its keeper could not end it any more
    files = AppFiles.of(workspace, app.name)
    try:
        with WorkspaceLock(files.lock):  # or the files of one that is launched just now were taken away
            for path in files:
                path.unlink(missing_ok=True)
    except LockedError as error:
        raise MityError(f"'{app.name}' was launched again meanwhile") from error
    except OSError as error:
        raise StoreError(f"cannot remove {error.filename}: {error.strerror}") from error


def end_app(workspace: Path, name: str) -> None:
    """End the application of this name that was left running, if there is one. Raises MityError."""
    app = read_app(workspace, name)
    if app is not None:
        stop_app(workspace, app)
    else:
        _end(workspace, name)  # its record may be damaged


def mark(keeper: int, started_at: str) -> str:
    """What the environment of all that belongs to an application has."""
    return f"MITY_APP_ID={keeper}-{started_at}"


def _end(workspace: Path, name: str) -> None:
    """End the keeper of the application of this name, if it has one: the process that holds the lock.

    The record is not asked, since it may tell of an earlier keeper, whose number is a stranger's by now.
    """
    lock = AppFiles.of(workspace, name).lock
    for number in (signal.SIGTERM, signal.SIGKILL):
        keeper = _keeper(lock)
        if keeper is None:
            return
        try:
            os.kill(keeper, number)
        except ProcessLookupError:
            pass
        except PermissionError as error:
            raise MityError(f"'{name}' (process {keeper}) belongs to somebody else") from error
        _wait_for_end(lock)
    if holder(lock) is not None:
        raise MityError(f"'{name}' does not end")


def _keeper(lock: Path) -> int | None:
    """The process that holds the lock; None when there is none. It may take a moment until it tells."""
    end = time.monotonic() + _TELL_LIMIT
    while (owner := holder(lock)) is not None:
        if owner.get("pid", 0) > 1:
            return int(owner["pid"])
        if time.monotonic() > end:
            raise MityError(f"{lock} is held by a process that does not tell its number")
        time.sleep(_TICK)
    return None


def _wait_for_end(lock: Path) -> None:
    end = time.monotonic() + _END_LIMIT
    while holder(lock) is not None and time.monotonic() < end:
        time.sleep(_TICK)


class Launched:
    """An application that is being launched to stay: ended by its keeper unless :meth:`keep` is called."""

    def __init__(self, workspace: Path, name: str, keeper: subprocess.Popen[bytes]) -> None:
        self.name = name
        self._workspace = workspace
        self._keeper = keeper

    @property
    def app(self) -> App | None:
        """What is known of it; None until it was started."""
        app = read_app(self._workspace, self.name)
        return app if app is not None and app.keeper == self._keeper.pid else None

    def started(self) -> App:
        """Wait until its process runs, or it turns out that it cannot. Raises MityError."""
        end = time.monotonic() + _START_LIMIT
        while time.monotonic() < end:
            app = self.app
            if app is not None and (app.pid is not None or app.state == "ended"):
                return app
            if self._keeper.poll() is not None:
                if self.app is not None:
                    continue  # it was just written down how it ended
                raise MityError(self._why() or f"the keeper of '{self.name}' ended at once")
            time.sleep(_TICK)
        raise MityError(f"the keeper of '{self.name}' did not start it within {_START_LIMIT:g} s")

    def printed(self) -> str:
        """The end of what it printed, masked."""
        try:
            with open(AppFiles.of(self._workspace, self.name).log, "rb") as file:
                file.seek(max(0, os.fstat(file.fileno()).st_size - _TAIL))
                return file.read().decode(errors="replace")
        except OSError:
            return ""

    def keep(self) -> None:
        """Let it go on after this process. Raises MityError when its keeper is gone."""
        try:
            self._tell(b"keep\n")
        except OSError as error:
            raise MityError(f"the keeper of '{self.name}' is gone") from error
        self._close()
        threading.Thread(target=self._keeper.wait, daemon=True).start()  # or it stays a zombie once it has ended
        end = time.monotonic() + _START_LIMIT
        while (app := self.app) and app.state == "starting" and time.monotonic() < end:
            time.sleep(_TICK)

    def end(self) -> None:
        """End it, and wait until it has."""
        app = self.app
        if self._keeper.stdin and not self._keeper.stdin.closed:
            self._keeper.stdin.close()
        if app is not None:
            stop_app(self._workspace, app)
        try:
            self._keeper.wait(_END_LIMIT)
        except subprocess.TimeoutExpired:
            self._keeper.kill()
            self._keeper.wait()
        self._close()

    def _why(self) -> str:
        """What the keeper said at its end, where it could not even begin."""
        text = self._keeper.stderr.read().decode(errors="replace") if self._keeper.stderr else ""
        return text.strip().rpartition("\n")[2]

    def _close(self) -> None:
        if self._keeper.stderr:
            self._keeper.stderr.close()

    def _tell(self, line: bytes) -> None:
        assert self._keeper.stdin is not None  # noqa: S101 - it was started with a pipe
        self._keeper.stdin.write(line)
        self._keeper.stdin.close()


def launch_app(
    workspace: Path,
    name: str,
    argv: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    secrets: Sequence[str],
    url: str,
    run_id: str,
) -> Launched:
    """Start an application under a keeper. ``env`` is its whole environment; ``secrets`` are masked in its output.

    One of the same name that runs already is ended first. Raises MityError.
    """
    files = AppFiles.of(workspace, name)
    _make_folder(files.record.parent)
    end_app(workspace, name)
    order = {
        "workspace": os.fspath(workspace),
        "name": name,
        "argv": list(argv),
        "cwd": os.fspath(cwd),
        "env": dict(env),
        "secrets": list(secrets),
        "url": url,
        "run_id": run_id,
    }
    try:
        keeper = subprocess.Popen(
            [sys.executable, "-P", "-m", "mityflow.keeper"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
            cwd="/",
            env=_keepers_env(),
        )
        launched = Launched(workspace, name, keeper)
        assert keeper.stdin is not None  # noqa: S101 - it was asked for
        keeper.stdin.write(json.dumps(order).encode(errors="surrogateescape") + b"\n")
        keeper.stdin.flush()
    except OSError as error:
        raise MityError(f"the keeper of '{name}' cannot be started: {error.strerror}") from error
    return launched


def _keepers_env() -> dict[str, str]:
    """Ours, with what Python finds mityflow by, and without the mark of a run, whose processes end with it."""
    env = {key: value for key, value in os.environ.items() if key != "MITY_RUN_ID"}
    package = os.fspath(Path(__file__).resolve().parent.parent)
    return {**env, "PYTHONPATH": os.pathsep.join(filter(None, (env.get("PYTHONPATH"), package)))}


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"cannot write {folder}: {error.strerror}") from error
    if folder.is_symlink():
        raise UsageError(f"{folder} is a link", hint="remove it; mityflow does not follow it")


def record_text(data: Mapping[str, Any]) -> bytes:
    """A record as its file holds it."""
    return json.dumps({"format": RECORD_FORMAT, **data}, indent=2).encode() + b"\n"
