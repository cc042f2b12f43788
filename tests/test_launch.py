"""The launch station: ready means that our own child answered as declared, and stopped means that all of it is gone."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from mityflow_stations.launch import Launch
from stationkit import Runtime, context, declare_built_ins, execute, write_stack

from mityflow.apps import App, find_app, launch_app, read_app, running_apps, stop_app
from mityflow.errors import MityError, UsageError
from mityflow.settings import check_settings
from mityflow.station import StationContext, StationResult

_SERVER = """
import http.server, os, subprocess, sys, time

host, port, mode = sys.argv[1], int(sys.argv[2]), os.environ.get("MODE", "")
open("pid", "w").write(str(os.getpid()))
print("token", os.environ.get("TOKEN", "none"), flush=True)
if mode == "dies":
    sys.exit("no database")
if mode == "taken":
    sys.exit("OSError: [Errno 98] Address already in use")
if mode == "silent":
    time.sleep(300)
if mode == "child" and "inner" not in sys.argv:
    sys.exit(subprocess.call([sys.executable, *sys.argv, "inner"]))
if mode == "prints":
    for part in ("line without its end ", os.environ["TOKEN"][:4], os.environ["TOKEN"][4:]):
        print(part, end="", flush=True)
        time.sleep(0.1)
if mode == "strays":
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    stray = subprocess.Popen(["sleep", "300"], start_new_session=True, **quiet)
    open("stray", "w").write(str(stray.pid))

def for_ever(file, data, pause):
    while True:
        file.write(data)
        file.flush()
        time.sleep(pause)

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if mode == "trickles":
            for_ever(self.wfile, b"H", 0.05)
        if mode == "endless":
            self.send_response(200)
            self.end_headers()
            for_ever(self.wfile, b"x" * 100000, 0)
        body = b'{"status":"%s"}' % (b"down" if mode == "down" else b"ok")
        self.send_response(503 if mode == "ill" else 200)
        self.end_headers()
        self.wfile.write(body)

http.server.HTTPServer((host, port), Handler).serve_forever()
"""
_STACK = """\
commands: {run: ["{{ python }}", server.py, "{{ host }}", "{{ port }}"]}
port: {default: 8000}
health: {path: /health, body: '"status":"ok"'}
time_limits: {launch: 20s}
"""


@pytest.fixture(autouse=True)
def _built_ins(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    declare_built_ins(monkeypatch, tmp_path_factory.mktemp("installed"))


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Path]:
    """A workspace whose applications are stopped at the end."""
    (tmp_path / "my-app").mkdir()
    (tmp_path / "my-app" / "server.py").write_text(_SERVER)
    yield tmp_path
    for app in running_apps(tmp_path):
        stop_app(tmp_path, app)


def _context(workspace: Path, mode: str = "", stack: str = _STACK, **values: Any) -> StationContext:
    write_stack(workspace, "small", {}, stack + f"env: {{MODE: '{mode}'}}\n")
    return context(Launch(), workspace, "my-app", "small", heal=False, **values)


def _launch(workspace: Path, mode: str = "", stack: str = _STACK, **values: Any) -> StationResult:
    return execute(Launch(), _context(workspace, mode, stack, **values))


def _pid(workspace: Path, name: str = "pid") -> int:
    return int((workspace / "my-app" / name).read_text())


def _lives(pid: int) -> bool:
    """Whether it runs; one that nobody has reaped yet does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _wait_until(what: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not what():
        assert time.monotonic() < end
        time.sleep(0.02)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.mark.parametrize("mode", ["", "child"])
def test_an_application_that_answers_is_ready_and_stopped_afterwards(workspace: Path, mode: str) -> None:
    result = _launch(workspace, mode)

    assert result.success, result.message
    outputs = result.outputs
    assert outputs["launch_answer"] == {"status": 200, "body": '{"status":"ok"}'}
    assert outputs["launch_url"] == f"http://127.0.0.1:{outputs['launch_port']}"
    assert 0 < outputs["ready_after"] < 20
    assert not _lives(_pid(workspace))


def test_what_it_started_elsewhere_is_ended_too(workspace: Path) -> None:
    where = _context(workspace, "strays")

    result = execute(Launch(), where)

    assert result.success
    _wait_until(lambda: not _lives(_pid(workspace, "stray")))
    assert isinstance(where._runtime, Runtime)
    assert b"1 of its processes had to be killed" in where._runtime.output


_ENDS = "ended with exit code 1 before it answered"
_LATE = "was not ready after 3 s: "


@pytest.mark.slow
@pytest.mark.parametrize(
    ("mode", "keep", "error_type", "reason"),
    [
        ("dies", False, "Unknown", _ENDS),
        ("dies", True, "Unknown", _ENDS),
        ("taken", False, "PortInUse", _ENDS),
        ("taken", True, "PortInUse", _ENDS),
        ("silent", False, "RuntimeError", _LATE + "it does not listen"),
        ("trickles", False, "RuntimeError", _LATE + "it does not answer /health"),
        ("endless", False, "RuntimeError", f"""{_LATE}its answer lacks '"status":"ok"': '{"x" * 200}'"""),
        ("ill", False, "RuntimeError", _LATE + "it answered 503 to /health, not 200"),
        ("down", True, "RuntimeError", _LATE + """its answer lacks '"status":"ok"': '{"status":"down"}'"""),
    ],
)
def test_an_application_that_does_not_get_ready_is_a_failure(
    workspace: Path, mode: str, keep: bool, error_type: str, reason: str
) -> None:
    result = _launch(workspace, mode, timeout="3s", keep_running=keep)

    assert result.status == "failed"
    assert result.message.startswith(f"{error_type}: '")
    assert result.message.endswith(reason)
    assert (result.outputs["launch_passed"], result.outputs["error_type"]) == (False, error_type)
    assert not _lives(_pid(workspace))
    assert running_apps(workspace) == []


@pytest.mark.slow
def test_an_answer_of_another_process_does_not_count(workspace: Path) -> None:
    port = _free_port()
    write_stack(workspace, "small", {}, _STACK + "env: {MODE: silent}\n")
    begun = threading.Event()

    def impostor() -> None:
        _wait_until((workspace / "my-app" / "pid").exists)
        other = subprocess.Popen(
            [sys.executable, "server.py", "127.0.0.1", str(port)],
            cwd=workspace / "my-app",
            env={**os.environ, "MODE": ""},
        )
        begun.set()
        other.wait(20)

    threading.Thread(target=impostor, daemon=True).start()
    result = execute(Launch(), context(Launch(), workspace, "my-app", "small", port=port, timeout="3s", heal=False))

    assert begun.is_set()
    psutil.Process(_pid(workspace)).kill()
    assert result.status == "failed"
    assert f"another process answers on port {port}" in result.message


def test_a_port_that_is_taken_is_told_with_who_has_it(workspace: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        result = _launch(workspace, port=port)

    assert result.message.startswith(f"PortInUse: port {port} is taken by ")
    assert f"(process {os.getpid()})" in result.message
    assert not (workspace / "my-app" / "pid").exists()


def test_a_given_port_is_the_one_that_is_used(workspace: Path) -> None:
    port = _free_port()

    assert _launch(workspace, port=port).outputs["launch_port"] == port


@pytest.mark.parametrize("keep", [False, True])
def test_an_application_that_was_not_installed_says_what_to_do(workspace: Path, keep: bool) -> None:
    result = _launch(workspace, stack=_STACK.replace("{{ python }}", "bin/no-such"), keep_running=keep)

    assert "'bin/no-such' is not found" in result.message
    assert "as 'build-test' does" in result.message


def test_the_path_of_the_request_may_have_any_letters(workspace: Path) -> None:
    result = _launch(workspace, stack=_STACK.replace("/health", '"/gesund heit/ä?x=%20"'))

    assert result.success, result.message


# Applications that go on running


def test_one_that_is_kept_running_answers_and_is_listed_until_it_is_stopped(workspace: Path) -> None:
    result = _launch(workspace, keep_running=True)

    assert result.success, result.message
    [app] = running_apps(workspace)
    assert (app.name, app.state, app.url, app.pid) == (
        "my-app",
        "running",
        result.outputs["launch_url"],
        _pid(workspace),
    )
    with urllib.request.urlopen(app.url, timeout=5) as answer:
        assert answer.status == 200
    stop_app(workspace, app)
    assert not _lives(_pid(workspace))
    _wait_until(lambda: not _lives(app.keeper))
    assert running_apps(workspace) == []


def test_one_that_is_launched_again_takes_the_place_of_the_first(workspace: Path) -> None:
    _launch(workspace, keep_running=True)
    first = _pid(workspace)

    assert _launch(workspace, keep_running=True).success

    assert not _lives(first)
    assert len(running_apps(workspace)) == 1


def test_one_that_is_launched_again_may_have_the_same_port(workspace: Path) -> None:
    port = _free_port()
    _launch(workspace, keep_running=True, port=port)
    first = _pid(workspace)

    result = _launch(workspace, keep_running=True, port=port)

    assert result.success, result.message
    assert not _lives(first)


def test_one_whose_record_is_damaged_is_ended_all_the_same(workspace: Path) -> None:
    _launch(workspace, keep_running=True)
    first = _pid(workspace)
    (workspace / ".mity" / "apps" / "my-app.json").write_text("{")

    assert _launch(workspace, keep_running=True).success
    assert not _lives(first)


def test_no_stranger_is_ended_because_of_a_record(workspace: Path) -> None:
    _launch(workspace, keep_running=True)
    app = find_app(workspace, "my-app")
    stranger = subprocess.Popen(["sleep", "300"])
    try:
        stop_app(workspace, app._replace(keeper=stranger.pid))
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()
    assert not _lives(app.keeper)


def test_a_keeper_sleeps_while_its_application_has_nothing_to_say(workspace: Path) -> None:
    _launch(workspace, keep_running=True)
    keeper = psutil.Process(find_app(workspace, "my-app").keeper)

    before = keeper.num_ctx_switches().voluntary
    time.sleep(1)
    assert keeper.is_running(), (find_app(workspace, "my-app"), (workspace / ".mity/apps/my-app.log").read_text())
    assert keeper.num_ctx_switches().voluntary - before < 20


def test_a_folder_that_cannot_be_written_is_told(workspace: Path) -> None:
    lock = workspace / ".mity" / "apps" / "my-app.lock"
    lock.mkdir(parents=True)

    with pytest.raises(MityError, match=f"^cannot write {lock}: Is a directory$"):
        _launch(workspace, keep_running=True)
    assert not (workspace / "my-app" / "pid").exists()


def test_what_a_kept_application_prints_is_masked_though_no_line_ends(workspace: Path) -> None:
    env = {**os.environ, "MODE": "prints", "TOKEN": "hunter2hunter2"}
    argv = [sys.executable, "server.py", "127.0.0.1", str(_free_port())]
    launched = launch_app(
        workspace,
        "my-app",
        argv,
        cwd=workspace / "my-app",
        env=env,
        secrets=["hunter2hunter2"],
        url="",
        run_id="test",
    )
    launched.started()
    launched.keep()

    _wait_until(lambda: launched.printed() == "token ***\nline without its end ***")


def test_one_that_ends_by_itself_is_listed_with_its_exit_code(workspace: Path) -> None:
    _launch(workspace, keep_running=True)

    psutil.Process(_pid(workspace)).kill()

    _wait_until(lambda: find_app(workspace, "my-app").state == "ended")
    assert find_app(workspace, "my-app").exit_code == -9


def test_one_whose_keeper_is_killed_ends_with_it(workspace: Path) -> None:
    _launch(workspace, keep_running=True)
    app = find_app(workspace, "my-app")

    psutil.Process(app.keeper).kill()

    _wait_until(lambda: not _lives(_pid(workspace)))
    assert find_app(workspace, "my-app")[:2] == ("my-app", "ended")


def test_what_it_started_elsewhere_ends_too_when_its_keeper_was_killed(workspace: Path) -> None:
    _launch(workspace, "strays", keep_running=True)
    app = find_app(workspace, "my-app")
    psutil.Process(app.keeper).kill()
    _wait_until(lambda: find_app(workspace, "my-app").state == "ended")

    stop_app(workspace, app)

    _wait_until(lambda: not _lives(_pid(workspace, "stray")))


def test_what_it_started_elsewhere_ends_with_it(workspace: Path) -> None:
    _launch(workspace, "strays", keep_running=True)

    stop_app(workspace, find_app(workspace, "my-app"))

    _wait_until(lambda: not _lives(_pid(workspace, "stray")))


def test_an_unknown_application_is_told_with_the_nearest(workspace: Path) -> None:
    _launch(workspace, keep_running=True)

    with pytest.raises(UsageError, match="did you mean 'my-app'"):
        find_app(workspace, "my-ap")


@pytest.mark.parametrize("change", [{}, {"keeper": "1"}, {"started_at": "soon"}, {"started_at": 5}, {"command": 7}])
def test_a_damaged_record_is_no_application(workspace: Path, change: dict[str, Any]) -> None:
    folder = workspace / ".mity" / "apps"
    folder.mkdir(parents=True)
    sound = App("x", "ended", 7, None, "", [], "x", "x.log", "r", "2026-11-22T08:30:00.000001Z", None, 0)._asdict()
    (folder / "x.json").write_text(json.dumps(sound))
    assert read_app(workspace, "x") is not None
    (folder / "x.json").write_text(json.dumps(sound | change) if change else "{")

    assert read_app(workspace, "x") is None
    assert running_apps(workspace) == []


# Applications that do not listen

_SMOKE = 'commands: {}\nsmoke: {command: [sh, -c, "%s"], output: it works}\n'


@pytest.mark.parametrize(
    ("script", "status", "message"),
    [
        ("echo yes, it works", "succeeded", "works: printed 'it works' after "),
        ("echo yes", "failed", "did not print 'it works'"),
        ("echo it works; exit 3", "failed", "ended with exit code 3"),
        ("echo x; echo no runtime here; exit 77", "skipped", "no runtime here"),
        ("exit 77", "skipped", "cannot be done here"),
        ("sleep 300", "failed", "took longer than 1 s"),
    ],
)
def test_an_application_that_does_not_listen_is_judged_by_what_it_prints(
    workspace: Path, script: str, status: str, message: str
) -> None:
    result = _launch(workspace, stack=_SMOKE % script, timeout="1s")

    assert result.status == status
    assert message in result.message


def test_an_application_that_does_not_listen_cannot_be_kept(workspace: Path) -> None:
    assert "cannot be kept running" in _launch(workspace, stack=_SMOKE % "true", keep_running=True).message


def test_where_a_tool_is_absent_it_is_skipped(workspace: Path) -> None:
    tool = 'tools: [{name: dotnet, version_command: [no-such-dotnet], minimum: "10.0", get: see the site}]\n'

    result = _launch(workspace, stack=_STACK + tool)

    assert (result.status, result.message) == ("skipped", "dotnet not found (needs 10.0 or newer; see the site)")


def test_a_stack_that_says_nothing_about_it_is_skipped(workspace: Path) -> None:
    assert _launch(workspace, stack="commands: {}\n").status == "skipped"


@pytest.mark.parametrize("values", [{"port": 0}, {"port": 70000}, {"timeout": "soon"}, {"keep_runing": True}])
def test_wrong_settings_are_faults(values: dict[str, Any]) -> None:
    assert check_settings(Launch(), values)
