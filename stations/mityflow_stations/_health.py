"""Asking a starting application whether it works, and whether it is really ours that answers."""

from __future__ import annotations

import errno
import http.client
import socket
import threading
import time
from contextlib import suppress
from typing import NamedTuple
from urllib.parse import quote

import psutil

from mityflow.sdk import Health

HOST = "127.0.0.1"
_ADDRESSES = (HOST, "0.0.0.0", "::", f"::ffff:{HOST}")  # noqa: S104 - those by which HOST is reached
_WRITTEN = "!$%&'()*+,/:;=?@[]~"  # what stands in an address as it is, besides letters and digits
_PAUSE = 0.05
_REQUEST_LIMIT = 3.0
_LONGEST_BODY = 64 * 1024
_SHOWN = 200
_SILENT = "it does not listen"


class Answer(NamedTuple):
    """A good answer to the health request: when it came, in seconds after the start, and what it was."""

    ready_after: float
    status: int
    body: str


class Prober(threading.Thread):
    """Asks again and again until the application of process ``pid`` gives a good answer, or :meth:`stop`.

    An answer counts while the process lives, and while it or one of its descendants listens on the
    port. ``answer`` is the good one; ``last`` says in words what the latest attempt met.
    """

    def __init__(self, pid: int, port: int, health: Health, begun: float) -> None:
        super().__init__(name="health", daemon=True)
        self._process = _process(pid)
        self._port = port
        self._health = health
        self._begun = begun
        self._stopped = threading.Event()
        self._family: set[psutil.Process] = set()
        self._answered = False
        self.answer: Answer | None = None
        self.last = _SILENT

    def run(self) -> None:
        """Ask until there is a good answer."""
        while not self._stopped.is_set() and self.answer is None:
            self._ask()
            self._stopped.wait(_PAUSE)

    def stop(self) -> None:
        """Ask no more."""
        self._stopped.set()

    def end_stragglers(self) -> int:
        """Kill what descends from the process and is still there after its end; how many there were."""
        self.stop()
        self.join(2 * _REQUEST_LIMIT)
        left = [process for process in self._family if _alive(process)]
        for process in left:
            try:
                process.kill()
            except psutil.Error:
                continue
        psutil.wait_procs(left, timeout=_REQUEST_LIMIT)
        return len(left)

    def _ask(self) -> None:
        self._family |= set(_descendants(self._process))
        try:
            connection = socket.create_connection((HOST, self._port), _REQUEST_LIMIT)
        except OSError:
            return
        if not self._answered and self.last == _SILENT:
            self.last = f"it does not answer {self._health.path}"
        try:
            status, body = _request(connection, self._port, self._health.path)
        except (OSError, http.client.HTTPException) as error:
            if not self._answered:
                self.last = f"the request failed: {str(error)[:_SHOWN]}"
            return
        self._answered = True
        ready = time.monotonic() - self._begun
        if not self._is_ours():
            if self._process is not None and _alive(self._process):  # else it has just ended, and that was its answer
                self.last = f"another process answers on port {self._port}"
        elif status != self._health.status:
            self.last = f"it answered {status} to {self._health.path}, not {self._health.status}"
        elif self._health.body and self._health.body not in body:
            self.last = f"its answer lacks {self._health.body!r}: {body[:_SHOWN]!r}"
        else:
            self.answer = Answer(round(ready, 3), status, body)

    def _is_ours(self) -> bool:
        """Whether the process or a descendant listens on the port."""
        if self._process is None or not _alive(self._process):
            return False
        return any(_listens(process, self._port) for process in (self._process, *_descendants(self._process)))


def free_port() -> int:
    """A port on which nothing listens now."""
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        return int(listener.getsockname()[1])


def is_taken(port: int) -> bool:
    """Whether something listens on the port already."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, port))
        except OSError as error:
            return error.errno == errno.EADDRINUSE
    return False


def who_listens(port: int) -> str:
    """The process that listens on a port, in words; empty where the system does not tell."""
    try:
        for connection in psutil.net_connections("tcp"):
            at_port = connection.laddr and connection.laddr.port == port
            if at_port and connection.status == psutil.CONN_LISTEN and connection.pid:
                return f"{psutil.Process(connection.pid).name()} (process {connection.pid})"
    except (psutil.Error, OSError):
        return ""
    return ""


def _request(connection: socket.socket, port: int, path: str) -> tuple[int, str]:
    """Ask, and read what comes within the limit: a server may go on answering for ever, byte by byte."""
    end = time.monotonic() + _REQUEST_LIMIT
    late = threading.Timer(_REQUEST_LIMIT, _break_off, [connection])
    late.daemon = True
    asking = http.client.HTTPConnection(HOST, port)
    asking.sock = connection
    late.start()
    try:
        asking.request("GET", quote(path, safe=_WRITTEN), headers={"Connection": "close"})
        response = asking.getresponse()
        body = response.read(_LONGEST_BODY)
        if time.monotonic() >= end:
            raise TimeoutError(f"the answer did not end within {_REQUEST_LIMIT:g} s")
        return response.status, body.decode("utf-8", "replace")
    finally:
        late.cancel()
        asking.close()


def _break_off(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


def _process(pid: int) -> psutil.Process | None:
    try:
        return psutil.Process(pid)
    except psutil.Error:
        return None


def _alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _descendants(process: psutil.Process | None) -> list[psutil.Process]:
    try:
        return process.children(recursive=True) if process else []
    except psutil.Error:
        return []


def _listens(process: psutil.Process, port: int) -> bool:
    try:
        connections = process.net_connections("tcp")
    except psutil.Error:
        return False
    return any(
        c.status == psutil.CONN_LISTEN and c.laddr and c.laddr.port == port and c.laddr.ip in _ADDRESSES
        for c in connections
    )
