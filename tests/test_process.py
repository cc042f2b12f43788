"""Real processes."""

from __future__ import annotations

import os
import random
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

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
    result = sh("setsid sleep 30 & echo $!; sleep 0.1", tmp_path)
    assert time.monotonic() - begun < 5
    subprocess.run(["pkill", "-KILL", "-f", "^sleep 30$"], check=False)
    assert result.stdout.strip().isdigit()


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


RUNNER = """
import sys
from mityflow.interrupts import Interrupts
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
    ],
)
def test_what_cannot_be_started_is_told(tmp_path: Path, argv: list[str], message: str) -> None:
    before = descriptors()
    with pytest.raises(CommandError, match=message):
        run(argv, cwd=tmp_path, masker=Masker([]))
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
