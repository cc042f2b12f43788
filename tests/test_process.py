"""Real processes."""

from __future__ import annotations

import gc
import os
import random
import re
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import pytest

from mityflow.interrupts import Interrupts
from mityflow.masking import Masker
from mityflow.process import (
    Cancelled,
    CancelToken,
    CommandError,
    CommandNotFoundError,
    CommandResult,
    TimedOut,
    encoded,
    end_leftovers,
    run,
)

PYTHON = sys.executable


def sh(script: str, cwd: Path, **options: object) -> CommandResult:
    options = {"masker": Masker([]), "grace": 0.2, **options}
    return run(["bash", "-c", script], cwd=cwd, **options)  # type: ignore[arg-type]


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def until(condition: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, f"waited in vain for {what}"
        time.sleep(0.005)


def descriptors() -> set[str]:
    gc.collect()  # what other tests left would be closed at any moment
    return set(os.listdir("/proc/self/fd"))


def test_output_comes_in_the_order_of_its_arrival_and_apart(tmp_path: Path) -> None:
    seen: list[bytes] = []
    result = sh("echo out; sleep 0.05; echo err >&2; sleep 0.05; echo end", tmp_path, sink=seen.append)
    assert b"".join(seen) == b"out\nerr\nend\n"
    assert (result.stdout, result.stderr, result.exit_code) == ("out\nend\n", "err\n", 0)
    assert result.ok


@pytest.mark.parametrize(("script", "code"), [("exit 3", 3), ("kill -KILL $$", -9), ("true", 0)])
def test_exit_codes_and_signals(tmp_path: Path, script: str, code: int) -> None:
    assert sh(script, tmp_path).exit_code == code


def test_both_pipes_full_at_once_do_not_block(tmp_path: Path) -> None:
    result = sh("head -c 3000000 /dev/zero & head -c 3000000 /dev/zero >&2; wait", tmp_path)
    assert len(result.stdout) == len(result.stderr) == 65536


def test_a_flood_of_output_costs_no_memory(tmp_path: Path) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    count = [0]

    def sink(data: bytes) -> None:
        count[0] += len(data)

    result = sh("head -c 200000000 /dev/zero; printf end", tmp_path, sink=sink)
    assert count[0] == 200_000_003
    assert result.stdout.endswith("end")
    assert result.stdout_truncated
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000


def test_what_is_kept_begins_with_a_whole_character(tmp_path: Path) -> None:
    result = sh("for i in $(seq 50); do printf 'grün€'; done", tmp_path, keep=101)
    assert "�" not in result.stdout
    assert result.stdout.endswith("grün€")
    assert len(result.stdout.encode()) <= 101


def test_standard_input_is_closed_or_what_is_given(tmp_path: Path) -> None:
    assert sh("cat; echo end", tmp_path).stdout == "end\n"
    data = b"x" * 1_000_000
    assert sh("wc -c", tmp_path, stdin=data).stdout.strip() == "1000000"
    assert sh("exit 0", tmp_path, stdin=data).exit_code == 0


def test_a_background_child_neither_delays_the_end_nor_survives(tmp_path: Path) -> None:
    begun = time.monotonic()
    result = sh("sleep 300 & echo $!", tmp_path)
    assert time.monotonic() - begun < 5
    until(lambda: not alive(int(result.stdout)), "the background child to be gone")


def test_a_child_that_left_the_group_and_holds_the_pipe_does_not_hang_us(tmp_path: Path) -> None:
    begun = time.monotonic()
    result = sh("setsid sh -c 'echo $$; touch up; exec sleep 30' & until [ -e up ]; do sleep 0.01; done", tmp_path)
    assert time.monotonic() - begun < 5
    os.kill(int(result.stdout), signal.SIGKILL)


def test_the_time_limit_ends_the_whole_group_even_if_it_does_not_listen(tmp_path: Path) -> None:
    deaf = "trap '' TERM; echo $$; while :; do sleep 0.1; done"
    script = f"({deaf.replace('$$', '$BASHPID')}) & {deaf}"
    begun = time.monotonic()
    result = sh(script, tmp_path, timeout=0.5)
    assert time.monotonic() - begun < 3
    assert result.timed_out
    assert not result.ok
    pids = [int(line) for line in result.stdout.split()]
    assert len(pids) == 2
    until(lambda: not any(map(alive, pids)), "the group to be gone")


def test_a_child_that_listens_may_say_goodbye(tmp_path: Path) -> None:
    result = sh("trap 'echo goodbye; exit 7' TERM; while :; do sleep 0.05; done", tmp_path, timeout=0.3, grace=5)
    assert (result.stdout, result.exit_code, result.timed_out) == ("goodbye\n", 7, True)


def test_a_signal_that_does_not_end_the_wait_is_heard_all_the_same(tmp_path: Path) -> None:
    """The thread that waits is not the one it comes to, as if it had come just before the wait began."""
    token = CancelToken()
    before = signal.signal(signal.SIGUSR1, lambda *_: token.cancel())

    def interrupt() -> None:
        until((tmp_path / "up").exists, "the child")
        signal.raise_signal(signal.SIGUSR1)

    thread = threading.Thread(target=interrupt)
    thread.start()
    try:
        with pytest.raises(Cancelled):
            run(["sh", "-c", "touch up; sleep 300"], cwd=tmp_path, masker=Masker([]), cancel=token)
    finally:
        thread.join()
        signal.signal(signal.SIGUSR1, before)


def test_cancelling_from_another_thread(tmp_path: Path) -> None:
    token = CancelToken()
    pid_file = tmp_path / "pid"
    waiting = threading.Timer(0, lambda: (until(pid_file.exists, "the child"), token.cancel()))
    waiting.start()
    with pytest.raises(Cancelled):
        sh("echo $$ > pid; sleep 300", tmp_path, cancel=token)
    waiting.join()
    assert not alive(int(pid_file.read_text()))
    with pytest.raises(Cancelled):
        sh("touch never", tmp_path, cancel=token)
    assert not (tmp_path / "never").exists()


def test_a_second_request_does_not_wait_for_the_grace(tmp_path: Path) -> None:
    token = CancelToken()
    pid_file = tmp_path / "pid"

    def twice() -> None:
        until(pid_file.exists, "the child")
        token.cancel()
        token.cancel()

    thread = threading.Thread(target=twice)
    thread.start()
    begun = time.monotonic()
    with pytest.raises(Cancelled):
        sh("trap '' TERM; echo $$ > pid; while :; do sleep 0.05; done", tmp_path, cancel=token, grace=30)
    thread.join()
    assert time.monotonic() - begun < 10


def test_a_signal_or_a_time_limit_at_any_moment_leaves_no_child_and_no_descriptor(tmp_path: Path) -> None:
    sh("true", tmp_path)  # the watchdog is there now
    before = descriptors()
    dice = random.Random(1)
    for _ in range(60):
        with Interrupts() as interrupts:
            timer = threading.Timer(dice.uniform(0, 0.012), os.kill, (os.getpid(), signal.SIGTERM))
            timer.start()
            try:
                with interrupts.station(time.monotonic() + dice.uniform(0.001, 0.02)):
                    sh("echo x; sleep 0.006; echo y", tmp_path, cancel=interrupts.token)
            except (Cancelled, TimedOut):
                pass
            timer.join()
            del interrupts.token
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    commands = [Path(f"/proc/{c}/cmdline").read_bytes() for c in children]
    assert not [c for c in commands if b"echo x" in c or not c], "a child, or one that was never reaped"
    assert descriptors() - before == set()


class Raised(BaseException):
    """What a signal handler raises."""


def test_an_exception_raised_at_any_moment_leaves_no_child_and_no_descriptor(tmp_path: Path) -> None:
    def handler(number: int, frame: FrameType | None) -> None:
        raise Raised

    sh("true", tmp_path)  # the watchdog is there now
    before, children = descriptors(), commands_of_children()
    dice = random.Random(2)
    raised = 0
    old = signal.signal(signal.SIGALRM, handler)
    try:
        for _ in range(150):
            try:
                signal.setitimer(signal.ITIMER_REAL, dice.uniform(0.0001, 0.004))
                sh("sleep 0.002; echo y", tmp_path)
                signal.setitimer(signal.ITIMER_REAL, 0)
            except Raised:
                raised += 1
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old)
    assert raised > 20
    assert commands_of_children() == children, "a child was left, or one was never reaped"
    assert descriptors() == before


def commands_of_children() -> list[bytes]:
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    return [Path(f"/proc/{child}/cmdline").read_bytes().partition(b"\0")[0] for child in children]


def test_a_handler_that_waited_for_the_start_is_called_after_it(tmp_path: Path) -> None:
    came: list[int] = []
    old = signal.signal(signal.SIGUSR1, lambda number, frame: came.append(number))
    try:
        sh(f"kill -USR1 {os.getpid()}", tmp_path)
    finally:
        now = signal.signal(signal.SIGUSR1, old)
    assert came == [signal.SIGUSR1]
    assert now is not old, "the handler that was there is back"


def test_a_sink_that_fails_ends_the_command(tmp_path: Path) -> None:
    def sink(data: bytes) -> None:
        raise OSError(28, "No space left on device")

    sh("true", tmp_path)
    before = descriptors()
    with pytest.raises(OSError, match="No space left"):
        sh("echo $$ > pid; echo hi; sleep 300", tmp_path, sink=sink)
    assert not alive(int((tmp_path / "pid").read_text()))
    assert descriptors() == before


def test_a_slow_sink_loses_nothing(tmp_path: Path) -> None:
    count = [0]

    def sink(data: bytes) -> None:
        count[0] += len(data)
        time.sleep(0.15)  # with two chunks, longer than the wait for a pipe that stays open

    sh("head -c 150000 /dev/zero; head -c 60000 /dev/zero >&2", tmp_path, sink=sink)
    assert count[0] == 210_000


def test_a_stranger_that_floods_the_pipe_does_not_hold_us(tmp_path: Path) -> None:
    begun = time.monotonic()
    sh("setsid sh -c 'echo $$ > pid; exec yes' & until [ -s pid ]; do sleep 0.01; done", tmp_path)
    stranger = int((tmp_path / "pid").read_text())
    assert time.monotonic() - begun < 5
    until(lambda: not alive(stranger), "the stranger to find its pipe closed")


def test_output_is_seen_while_the_command_runs(tmp_path: Path) -> None:
    """It goes on only when what it printed has been seen."""

    def sink(data: bytes) -> None:
        if b"ready" in data:
            (tmp_path / "seen").touch()

    script = "printf 'ready? '; until [ -e seen ]; do sleep 0.01; done; echo yes"
    assert sh(script, tmp_path, sink=sink, timeout=10, masker=Masker(["secret"])).stdout == "ready? yes\n"


def test_a_child_that_closes_its_output_is_waited_for(tmp_path: Path) -> None:
    assert sh("exec >&- 2>&-; sleep 0.1; exit 5", tmp_path).exit_code == 5


def test_output_is_streamed_and_the_limit_kept_while_it_floods(tmp_path: Path) -> None:
    begun = time.monotonic()
    result = sh("trap '' TERM; yes", tmp_path, timeout=0.2, grace=0.1)
    assert result.timed_out
    assert time.monotonic() - begun < 3
    assert result.stdout.startswith("y\n") or result.stdout.startswith("\ny")


def test_what_a_shell_started_has_its_grace_too(tmp_path: Path) -> None:
    """The shell ends at the first signal; its child has something to put away."""
    child = 'trap "sleep 0.2; echo cleaned; exit" TERM; echo ready; while :; do sleep 0.02; done'
    result = sh(f"bash -c '{child}'; echo never", tmp_path, timeout=0.4, grace=10)
    assert result.stdout == "ready\ncleaned\n"


def test_one_request_cancels_all_commands_that_wait(tmp_path: Path) -> None:
    token = CancelToken()
    ended: list[type[BaseException]] = []

    def work(name: str) -> None:
        try:
            sh(f"touch {name}; sleep 300", tmp_path, cancel=token)
        except Cancelled as error:
            ended.append(type(error))

    threads = [threading.Thread(target=work, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    until(lambda: all((tmp_path / name).exists() for name in "abc"), "the commands to start")
    assert token.watched
    token.cancel()
    for thread in threads:
        thread.join(10)
    assert ended == [Cancelled] * 3
    assert not token.watched


def test_a_request_that_comes_as_the_command_ends_is_not_lost(tmp_path: Path) -> None:
    token = CancelToken()
    with pytest.raises(Cancelled):
        sh("echo end", tmp_path, cancel=token, sink=lambda data: token.cancel())


def test_a_token_gives_its_descriptors_back() -> None:
    before = descriptors()
    CancelToken().cancel()
    assert descriptors() == before


def test_an_exit_code_that_is_lost_is_no_success(tmp_path: Path) -> None:
    old = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        with pytest.raises(CommandError, match="not told of the end of its children"):
            sh("exit 1", tmp_path)
    finally:
        signal.signal(signal.SIGCHLD, old)


def test_without_descriptors_for_processes_the_end_is_noticed_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "pidfd_open")
    assert sh("echo hi; sleep 300 & exit 3", tmp_path).exit_code == 3
    assert sh("sleep 300", tmp_path, timeout=0.1).timed_out
    monkeypatch.delattr(os, "waitid")
    result = sh("sleep 300 & echo $!; exit 3", tmp_path)
    assert result.exit_code == 3
    until(lambda: not alive(int(result.stdout)), "the group to be gone")


RUNNER = """
import sys
from mityflow.masking import Masker
from mityflow.process import run
run(["bash", "-c", sys.argv[1]], cwd=".", masker=Masker([]))
"""


@pytest.mark.parametrize("whole_group", [False, True])
def test_children_and_grandchildren_die_with_a_killed_runner(tmp_path: Path, whole_group: bool) -> None:
    script = "bash -c 'echo $$ > two; exec sleep 300' & echo $$ > one; sleep 300"
    runner = subprocess.Popen([PYTHON, "-c", RUNNER, script], cwd=tmp_path, start_new_session=True)
    until(lambda: all((tmp_path / n).exists() and (tmp_path / n).read_text() for n in ("one", "two")), "the children")
    pids = [int((tmp_path / n).read_text()) for n in ("one", "two")]
    if whole_group:
        os.killpg(runner.pid, signal.SIGKILL)
    else:
        runner.kill()
    runner.wait()
    until(lambda: not any(map(alive, pids)), "the children to be gone")


STARTING = """
import sys
from mityflow.masking import Masker
from mityflow.process import run
run(["true"], cwd=".", masker=Masker([]))
print("ready", flush=True)
run(["bash", "-c", "exec -a " + sys.argv[1] + " sleep 300"], cwd=".", masker=Masker([]))
"""


def test_a_runner_killed_while_it_starts_a_command_leaves_none(tmp_path: Path) -> None:
    dice = random.Random(4)
    name = f"left-over-{os.getpid()}"
    for _ in range(15):
        runner = subprocess.Popen([PYTHON, "-c", STARTING, name], cwd=tmp_path, stdout=subprocess.PIPE)
        assert runner.stdout is not None
        runner.stdout.readline()
        end = time.perf_counter() + dice.uniform(0, 0.0015)  # starting takes a third of a millisecond
        while time.perf_counter() < end:
            pass
        runner.kill()
        runner.wait()
        runner.stdout.close()
    until(lambda: not named(name), "the commands to be gone")


def named(name: str) -> list[int]:
    """Processes whose command line has this name in it."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if name.encode() in Path(f"/proc/{pid}/cmdline").read_bytes():
                found.append(int(pid))
        except OSError:
            continue
    return found


def test_the_watchdog_outlives_signals_and_is_replaced_when_it_was_killed(tmp_path: Path) -> None:
    sh("true", tmp_path)
    (first,) = watchdogs()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        os.kill(first, number)
    sh("true", tmp_path)
    assert watchdogs() == [first]
    os.kill(first, signal.SIGKILL)
    until(lambda: not alive(first), "the watchdog to be gone")
    sh("true", tmp_path)
    (second,) = watchdogs()
    assert second != first
    assert "mityflow" not in Path(f"/proc/{second}/cmdline").read_text()
    for fd in ("1", "2"):
        assert os.readlink(f"/proc/{second}/fd/{fd}") != os.readlink(f"/proc/self/fd/{fd}")


def watchdogs() -> list[int]:
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    return [int(c) for c in children if Path(f"/proc/{c}/cmdline").read_bytes().startswith(b"/bin/sh\0-c\0")]


def test_a_fork_has_a_watchdog_of_its_own(tmp_path: Path) -> None:
    """A fork that lives on neither delays the end of our children nor shares their list."""
    code = """
import os, sys, time
from mityflow.masking import Masker
from mityflow.process import run
def sleeper(name):
    run(["bash", "-c", f"echo $$ > {name}; sleep 300"], cwd=".", masker=Masker([]))
run(["true"], cwd=".", masker=Masker([]))
sleeper("two") if os.fork() == 0 else sleeper("one")
"""
    runner = subprocess.Popen([PYTHON, "-c", code], cwd=tmp_path, start_new_session=True)
    files = [tmp_path / "one", tmp_path / "two"]
    until(lambda: all(f.exists() and f.read_text() for f in files), "the children")
    one, two = (int(f.read_text()) for f in files)
    runner.kill()
    runner.wait()
    until(lambda: not alive(one), "the runner's child to be gone")
    assert alive(two)
    os.killpg(runner.pid, signal.SIGKILL)
    until(lambda: not alive(two), "the fork's child to be gone")


def test_the_watchdog_ends_with_a_runner_that_ends_by_itself(tmp_path: Path) -> None:
    code = RUNNER + "import os\nprint(open(f'/proc/self/task/{os.getpid()}/children').read())"
    done = subprocess.run([PYTHON, "-c", code, "true"], cwd=tmp_path, capture_output=True, text=True, check=True)
    pids = [int(p) for p in done.stdout.split()]
    assert pids
    until(lambda: not any(map(alive, pids)), "the watchdog to be gone")


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["no-such-program"], "'no-such-program' is not found"),
        (["a\0b"], "cannot be started: embedded null byte"),
        ([], "the command is empty"),
        (["/"], "'/' cannot be started: Permission denied"),
        (["./absent"], "'./absent' is not found"),
        (["./script"], "the program its first line names is not there"),
        (["x" * 200_000], "File name too long|Argument list too long"),
        (["secret-program"], re.escape("'***' is not found")),
    ],
)
def test_what_cannot_be_started_is_told(tmp_path: Path, argv: list[str], message: str) -> None:
    (tmp_path / "script").write_text("#!/no/such/program\n")
    (tmp_path / "script").chmod(0o755)
    sh("true", tmp_path)
    before = descriptors()
    with pytest.raises(CommandError, match=message):
        run(argv, cwd=tmp_path, masker=Masker(["secret-program"]))
    assert descriptors() == before


def test_a_missing_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="there is no such folder"):
        run(["true"], cwd=tmp_path / "nope", masker=Masker([]))


def test_a_program_is_looked_for_on_the_path_of_its_own_environment(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("#!/bin/sh\necho mine\n")
    (tmp_path / "mine").chmod(0o755)
    result = run(["mine"], cwd=tmp_path, env=encoded({"PATH": str(tmp_path)}), masker=Masker([]))
    assert result.stdout == "mine\n"
    with pytest.raises(CommandNotFoundError):
        run(["mine"], cwd=tmp_path, masker=Masker([]))


@pytest.mark.parametrize("env", [{"A=B": "x"}, {"": "x"}, {"A": "a\0b"}])
def test_an_environment_that_cannot_be_is_told(env: dict[str, str]) -> None:
    with pytest.raises(CommandError):
        encoded(env)


def test_a_secret_written_byte_by_byte_is_masked(tmp_path: Path) -> None:
    script = "for c in h u s h m e; do printf $c; sleep 0.01; done; echo; echo done"
    seen: list[bytes] = []
    result = sh(script, tmp_path, masker=Masker(["hushme"]), sink=seen.append)
    assert b"".join(seen) == b"***\ndone\n"
    assert result.stdout == "***\ndone\n"


def test_leftovers_of_a_dead_runner_are_found_by_their_mark(tmp_path: Path) -> None:
    env = {**os.environ, "MITY_RUN_ID": "the-run"}
    left = subprocess.Popen(["sleep", "300"], env=env, start_new_session=True)
    other = subprocess.Popen(["sleep", "300"], env={**env, "MITY_RUN_ID": "the-run-2"})
    try:
        assert end_leftovers("the-run") == [left.pid]
        assert left.wait(10) == -signal.SIGKILL
        assert alive(other.pid)
    finally:
        other.kill()
        other.wait()


def test_a_process_does_not_end_itself_or_what_it_descends_from(tmp_path: Path) -> None:
    code = "from mityflow.process import end_leftovers; print(end_leftovers('this-run'))"
    script = 'sleep 300 & echo $! && "$1" -c "$2"; echo "alive $?"'
    env = {**os.environ, "MITY_RUN_ID": "this-run"}
    argv = ["bash", "-c", script, "bash", PYTHON, code]
    done = subprocess.run(argv, cwd=tmp_path, env=env, capture_output=True, text=True, check=True)
    sleeper, killed, end = done.stdout.splitlines()
    assert killed == f"[{sleeper}]"
    assert end == "alive 0"


def test_many_commands_leave_nothing(tmp_path: Path) -> None:
    sh("true", tmp_path)
    before = descriptors()
    for _ in range(100):
        sh("echo hi", tmp_path)
    assert descriptors() == before


def test_commands_run_side_by_side_in_threads(tmp_path: Path) -> None:
    results: list[CommandResult] = []
    threads = [threading.Thread(target=lambda: results.append(sh("echo hi; exit 4", tmp_path))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [(r.stdout, r.exit_code) for r in results] == [("hi\n", 4)] * 8
