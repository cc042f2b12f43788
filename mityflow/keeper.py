"""The keeper of one application that goes on running: ``python -m mityflow.keeper``, its order on standard input.

The first line of standard input says what to start. The application is ended when standard input
ends before it said ``keep``, and when the keeper gets SIGTERM, SIGINT or SIGHUP.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from mityflow.apps import AppFiles, mark, record_text
from mityflow.clock import iso
from mityflow.errors import MityError, StoreError
from mityflow.leftovers import kill_marked
from mityflow.lock import WorkspaceLock
from mityflow.masking import Masker
from mityflow.output import StepOutput
from mityflow.process import Cancelled, CancelToken, encoded, run
from mityflow.store import write_atomically


class Keeper:
    """Runs one application to its end, and writes down how it is."""

    def __init__(self, order: dict[str, Any]) -> None:
        self._order = order
        self._files = AppFiles.of(Path(order["workspace"]), order["name"])
        self._masker = Masker(order["secrets"])
        started_at = iso(time.time())
        self._mark = mark(os.getpid(), started_at)
        self._writing = threading.Lock()
        self._kept = False
        self._record: dict[str, Any] = {
            "name": order["name"],
            "state": "starting",
            "keeper": os.getpid(),
            "pid": None,
            "url": order["url"],
            "command": [self._masker.text(part) for part in order["argv"]],
            "folder": os.path.relpath(order["cwd"], order["workspace"]),
            "log": os.path.relpath(self._files.log, order["workspace"]),
            "run_id": order["run_id"],
            "started_at": started_at,
            "ended_at": None,
            "exit_code": None,
        }
        self.token = CancelToken()

    def work(self) -> int:
        """Keep it until its end; 0 when there was one. Raises MityError or OSError when nothing can be kept."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda *_: self.token.cancel())
        with WorkspaceLock(self._files.lock) as lock:
            lock.tell(self._order["run_id"])
            self._files.log.unlink(missing_ok=True)
            self._note()
            output = StepOutput(os.fspath(self._files.log), lambda _: None)
            threading.Thread(target=self._listen, daemon=True).start()
            try:
                exit_code = self._run(output)
            except (MityError, OSError) as error:
                _write(output, self._masker.text(f"{error}\n").encode(errors="replace"))
                exit_code = None
            finally:
                kill_marked(self._mark)
                output.close()
            self._note(state="ended", pid=None, exit_code=exit_code, ended_at=iso(time.time()))
        return 0

    def _run(self, output: StepOutput) -> int | None:
        name, _, value = self._mark.partition("=")
        try:
            result = run(
                self._order["argv"],
                cwd=self._order["cwd"],
                masker=self._masker,
                env=encoded({**self._order["env"], name: value}),
                sink=partial(_write, output),
                cancel=self.token,
                until=self._started,
            )
        except Cancelled:
            return None
        return result.exit_code

    def _started(self, pid: int) -> None:
        self._note(pid=pid)

    def _listen(self) -> None:
        if sys.stdin.readline().strip() == "keep":
            self._kept = True
            self._note()
        else:
            self.token.cancel()

    def _note(self, **changes: Any) -> None:
        with self._writing:
            self._record.update(changes)
            if self._kept and self._record["state"] == "starting":
                self._record["state"] = "running"
            write_atomically(self._files.record, record_text(self._record))


def _write(output: StepOutput, data: bytes) -> None:
    """Write what an application printed. It does not end because of a full disk: what has no room is lost."""
    with suppress(StoreError):
        output.write(data)


def main() -> int:
    """Keep the application that standard input tells of."""
    try:
        return Keeper(json.loads(sys.stdin.readline())).work()
    except MityError as error:
        reason = error.message
    except OSError as error:
        reason = f"cannot write {error.filename}: {error.strerror}"
    sys.stderr.write(f"{reason}\n")
    return 1


if __name__ == "__main__":
    raise SystemExit(main())
