"""Real processes: killed, interrupted, out of disk."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import BIN

from mityflow.store import Store

MITYFLOW = str(BIN / "mityflow")
WAIT = 20.0


def start(workspace: Path, *args: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [MITYFLOW, *args],
        cwd=workspace,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def call(workspace: Path, *args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([MITYFLOW, *args], cwd=workspace, capture_output=True, text=True, timeout=60, check=False)


def until(condition: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + WAIT
    while not condition():
        assert time.monotonic() < end, f"waited in vain for: {what}"
        time.sleep(0.005)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def written_pids(workspace: Path, name: str) -> list[int]:
    path = workspace / name
    return [int(line) for line in path.read_text().split()] if path.exists() else []


COUNTING = """
version: 1
id: counting
stations:
{steps}
"""


def counting(workspace: Path, steps: int) -> None:
    lines = "".join(f"  - {{station: shell, id: s{i}, with: {{script: 'echo s{i} >> ran'}}}}\n" for i in range(steps))
    (workspace / "w.yaml").write_text(COUNTING.format(steps=lines))


def runs_of(workspace: Path, step: str) -> int:
    ran = workspace / "ran"
    return ran.read_text().split().count(step) if ran.exists() else 0


@pytest.mark.parametrize("seed", range(6))
def test_a_run_killed_at_a_random_moment_is_resumed_without_repeating_what_completed(
    workspace: Path, seed: int
) -> None:
    counting(workspace, 25)
    dice = random.Random(seed)
    process = start(workspace, "run", "w.yaml")
    until(lambda: (workspace / ".mity" / "runs").is_dir() or process.poll() is not None, "the run to start")
    time.sleep(dice.uniform(0, 0.08))  # the random moment is what is tested
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    store = Store(workspace)
    for _ in range(3):
        if not any(map(store.begun, store.run_ids())):
            return
        log = store.load(store.find(None))
        assert str(log.head()["state"]) != "running"
        if not log.can_resume():
            break
        done = {step: runs_of(workspace, step) for step, result in log.results.items() if result.success}
        again = start(workspace, "resume")
        time.sleep(dice.uniform(0.05, 0.3))
        os.killpg(again.pid, signal.SIGKILL)
        again.communicate()
        assert all(runs_of(workspace, step) == times for step, times in done.items())
    resumed = call(workspace, "resume")
    shown = json.loads(call(workspace, "show", "--json").stdout)
    assert shown["state"] == "completed", resumed.stdout + resumed.stderr
    assert set((workspace / "ran").read_text().split()) == {f"s{i}" for i in range(25)}


def test_a_killed_run_shows_as_failed_everywhere_and_leaves_no_child(workspace: Path) -> None:
    script = "sh -c 'echo $$ >> pids; exec sleep 300' & echo $$ >> pids; sleep 300"
    (workspace / "w.yaml").write_text(
        f'version: 1\nid: slow\nstations:\n  - {{station: shell, with: {{script: "{script}"}}}}\n'
    )
    process = start(workspace, "run", "w.yaml")
    until(lambda: len(written_pids(workspace, "pids")) == 2, "the children to start")
    assert json.loads(call(workspace, "show", "--json").stdout)["state"] == "running"
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    until(lambda: not any(map(alive, written_pids(workspace, "pids"))), "the children to be gone")
    shown = json.loads(call(workspace, "show", "--json").stdout)
    assert shown["state"] == "failed"
    assert "ended during 'shell' without recording how" in shown["error"]
    assert json.loads((workspace / ".mity" / "logs" / "slow.json").read_text())["state"] == "failed"
    assert json.loads(call(workspace, "runs", "--json").stdout)[0]["state"] == "failed"


@pytest.mark.parametrize(
    ("number", "code", "name"),
    [(signal.SIGINT, 130, "SIGINT"), (signal.SIGTERM, 143, "SIGTERM"), (signal.SIGHUP, 143, "SIGHUP")],
)
def test_a_signal_ends_children_and_grandchildren_runs_finally_and_can_be_resumed(
    workspace: Path, number: int, code: int, name: str
) -> None:
    (workspace / "w.yaml").write_text(
        """
version: 1
id: slow
stations:
  - {station: shell, id: first, with: {script: "echo first >> ran"}}
  - station: shell
    id: slow
    with:
      script: |
        echo slow >> ran
        test -e quick || { sh -c 'echo $$ >> pids; exec sleep 300' & echo $$ >> pids; sleep 300; }
  - {station: shell, id: last, with: {script: "echo last >> ran"}}
finally:
  - {station: shell, id: tidy, with: {script: "echo tidy {{ run.state }} >> ran"}}
"""
    )
    process = start(workspace, "run", "w.yaml")
    until(lambda: len(written_pids(workspace, "pids")) == 2, "the children to start")
    os.kill(process.pid, number)
    out, err = process.communicate(timeout=WAIT)
    assert process.returncode == code, out + err
    until(lambda: not any(map(alive, written_pids(workspace, "pids"))), "the children to be gone")
    log = json.loads((workspace / ".mity" / "logs" / "slow.json").read_text())
    assert log["state"] == "cancelled"
    assert name in log["error"]
    assert [r["result"]["status"] for r in log["results"]] == ["succeeded", "cancelled", "succeeded"]
    (workspace / "quick").touch()
    resumed = call(workspace, "resume")
    assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    ran = (workspace / "ran").read_text().splitlines()
    assert ran == ["first", "slow", "tidy cancelled", "slow", "last", "tidy completed"]


def test_a_second_interrupt_stops_at_once(workspace: Path) -> None:
    (workspace / "w.yaml").write_text(
        """
version: 1
id: stubborn
stations:
  - {station: shell, with: {script: "trap '' INT TERM; echo $$ >> pids; while true; do sleep 0.1; done"}}
finally:
  - {station: shell, id: tidy, with: {script: "echo tidy >> ran"}}
"""
    )
    process = start(workspace, "run", "w.yaml")
    until(lambda: len(written_pids(workspace, "pids")) == 1, "the child to start")
    os.kill(process.pid, signal.SIGINT)
    time.sleep(0.3)  # long enough for the first to be seen, far shorter than the grace it gives
    os.kill(process.pid, signal.SIGINT)
    begun = time.monotonic()
    process.communicate(timeout=WAIT)
    assert time.monotonic() - begun < 3
    assert process.returncode == 130
    until(lambda: not any(map(alive, written_pids(workspace, "pids"))), "the children to be gone")
    assert not (workspace / "ran").exists()
    assert json.loads((workspace / ".mity" / "logs" / "stubborn.json").read_text())["state"] == "cancelled"


def test_a_second_run_in_a_workspace_is_refused_with_exit_4(workspace: Path) -> None:
    (workspace / "w.yaml").write_text(
        "version: 1\nid: slow\nstations:\n  - {station: shell, with: {script: 'touch started; sleep 300'}}\n"
    )
    process = start(workspace, "run", "w.yaml")
    until(lambda: (workspace / "started").exists(), "the run to start")
    second = call(workspace, "run", "w.yaml")
    resumed = call(workspace, "resume")
    os.kill(process.pid, signal.SIGTERM)
    process.communicate(timeout=WAIT)
    assert second.returncode == 4
    assert "is at work in" in second.stderr
    assert resumed.returncode in (2, 4)
    assert len(Store(workspace).run_ids()) == 1


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of half a MiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(folder)], check=False)
    if mounted.returncode:
        pytest.skip("a file system cannot be mounted here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_is_exit_1_naming_the_path_and_no_further_station_starts(small_disk: Path, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    (small_disk / "w.yaml").write_text(
        f"""
version: 1
id: full
stations:
  - {{station: shell, id: fill, with: {{script: "echo fill >> {ran}; cat /dev/zero > filler || true"}}}}
  - {{station: shell, id: after, with: {{script: "echo after >> {ran}"}}}}
"""
    )
    done = call(small_disk, "run", "w.yaml")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "No space left on device" in done.stderr
    assert ".mity" in done.stderr
    assert ran.read_text().split() == ["fill"]
    assert "Traceback" not in done.stderr
    (small_disk / "filler").unlink()
    resumed = call(small_disk, "resume")
    assert resumed.returncode in (0, 1)
    assert "Traceback" not in resumed.stderr


def test_a_read_only_workspace_is_exit_1_naming_the_path(small_disk: Path) -> None:
    (small_disk / "w.yaml").write_text(
        "version: 1\nid: w\nstations:\n  - {station: shell, with: {command: ['true']}}\n"
    )
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    done = call(small_disk, "run", "w.yaml")
    assert done.returncode == 1
    assert f"cannot write {small_disk}" in done.stderr


@pytest.mark.parametrize("make", [lambda p: p.write_text("x"), lambda p: p.symlink_to("/tmp")], ids=["file", "link"])
def test_a_mity_that_is_no_folder_is_refused(workspace: Path, make: Callable[[Path], object]) -> None:
    make(workspace / ".mity")
    (workspace / "w.yaml").write_text("version: 1\nid: w\nstations:\n  - {station: shell, with: {command: ['true']}}\n")
    done = call(workspace, "run", "w.yaml")
    assert done.returncode == 2
    assert ".mity is not a folder" in done.stderr


@pytest.mark.parametrize("target", ["/dev/full", "closed"])
def test_output_that_cannot_be_written_changes_no_result(workspace: Path, target: str) -> None:
    (workspace / "w.yaml").write_text(
        "version: 1\nid: w\nstations:\n  - {station: shell, with: {command: [echo, hi]}}\n"
    )
    close = ">&-" if target == "closed" else f"> {target}"
    done = subprocess.run(
        ["bash", "-c", f"{MITYFLOW} run w.yaml {close}"], cwd=workspace, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    assert json.loads((workspace / ".mity" / "logs" / "w.json").read_text())["state"] == "completed"
