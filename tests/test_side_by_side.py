"""Steps side by side: limits, interruption, failure, printing, with real threads, processes and signals."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from conftest import BIN
from fakes import fake, stations

from mityflow import (
    Answer,
    Question,
    StationContext,
    StationResult,
    Workflow,
    WorkflowContext,
    WorkflowExecutor,
)


def wait_until(what: Any, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.005)


def test_steps_that_wait_for_nothing_meet(workspace: Path) -> None:
    barrier = threading.Barrier(3, timeout=20)

    def meet(context: StationContext) -> StationResult:
        barrier.wait()
        return StationResult.success("act")

    workflow = Workflow("w", "W").with_max_parallel(3)
    for step in ("a", "b", "c"):
        workflow = workflow.station("act", id=step)
    log = WorkflowExecutor(stations(fake("act", meet))).execute(workflow, WorkflowContext(workspace))
    assert str(log.state) == "completed"


def test_never_more_than_the_limit_run_at_once(workspace: Path) -> None:
    lock, running, most = threading.Lock(), 0, 0

    def act(context: StationContext) -> StationResult:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.005)
        with lock:
            running -= 1
        return StationResult.success("act")

    workflow = Workflow("w", "W").with_max_parallel(2).station("act", foreach=list(range(12)))
    log = WorkflowExecutor(stations(fake("act", act))).execute(workflow, WorkflowContext(workspace))
    assert str(log.state) == "completed"
    assert most == 2


def test_a_failure_lets_what_runs_finish_and_starts_nothing_new(workspace: Path) -> None:
    ran: list[str] = []
    failed = threading.Event()

    def act(context: StationContext) -> StationResult:
        ran.append(context.step)
        if context.step == "bad":
            failed.set()
            return StationResult.failure("told to")
        if context.step == "long":
            assert failed.wait(20)
            journal = next(workspace.glob(".mity/runs/*/events.jsonl"))
            wait_until(lambda: b'"step.completed"' in journal.read_bytes())
        return StationResult.success("act")

    workflow = Workflow("w", "W").with_max_parallel(2)
    for step in ("long", "bad", "never"):
        workflow = workflow.station("act", id=step)
    workflow = workflow.finally_station("act", id="cleanup")
    log = WorkflowExecutor(stations(fake("act", act))).execute(workflow, WorkflowContext(workspace))
    assert str(log.state) == "failed"
    assert log.error == "bad: told to"
    assert sorted(ran) == ["bad", "cleanup", "long"]
    assert log.results["long"].status == "succeeded"
    assert "never" not in log.results


def test_of_two_failures_the_first_in_order_is_told(workspace: Path) -> None:
    barrier = threading.Barrier(2, timeout=20)

    def act(context: StationContext) -> StationResult:
        barrier.wait()
        if context.step == "a":
            journal = next(workspace.glob(".mity/runs/*/events.jsonl"))
            wait_until(lambda: b'"b fails"' in journal.read_bytes())
        return StationResult.failure(f"{context.step} fails")

    workflow = Workflow("w", "W").with_max_parallel(2).station("act", id="a").station("act", id="b")
    log = WorkflowExecutor(stations(fake("act", act))).execute(workflow, WorkflowContext(workspace))
    assert log.error == "a: a fails"
    assert list(log.results) == ["a", "b"]


def test_a_time_limit_interrupts_python_code_in_a_thread(workspace: Path) -> None:
    def act(context: StationContext) -> StationResult:
        end = time.monotonic() + 60
        while time.monotonic() < end:
            time.sleep(0.001)
        return StationResult.success("act")

    workflow = Workflow("w", "W").with_max_parallel(2).station("act", timeout="200ms").station("other")
    began = time.monotonic()
    log = WorkflowExecutor(stations(fake("act", act), fake("other"))).execute(workflow, WorkflowContext(workspace))
    assert log.results["act"].message == "timed out after 200ms"
    assert log.results["other"].status == "succeeded"
    assert time.monotonic() - began < 20


def test_what_a_station_prints_goes_to_its_own_step(workspace: Path, capsys: Any) -> None:
    barrier = threading.Barrier(2, timeout=20)

    def act(context: StationContext) -> StationResult:
        barrier.wait()
        print(f"hello from {context.step}")
        print("and to stderr", file=sys.stderr)
        barrier.wait()
        return StationResult.success("act")

    workflow = Workflow("w", "W").with_max_parallel(2).station("act", id="a").station("act", id="b")
    log = WorkflowExecutor(stations(fake("act", act))).execute(workflow, WorkflowContext(workspace))
    folder = workspace / ".mity" / "runs" / log.run_id / "stations"
    assert (folder / "01-a.log").read_text() == "hello from a\nand to stderr\n"
    assert (folder / "02-b.log").read_text() == "hello from b\nand to stderr\n"
    assert capsys.readouterr().out == ""


def test_a_question_waits_until_what_runs_is_over(workspace: Path) -> None:
    asked = threading.Event()

    def act(context: StationContext) -> StationResult:
        if context.step == "ask":
            if context.answer:
                return StationResult.success("act", message=context.answer.option)
            asked.set()
            return StationResult.needs_input(Question("q", "which?", ["this", "that"]))
        assert asked.wait(20)
        return StationResult.success("act")

    workflow = Workflow("w", "W").with_max_parallel(2).station("act", id="ask").station("act", id="long")
    workflow = workflow.station("act", id="last", needs=["ask"])
    executor = WorkflowExecutor(stations(fake("act", act)))
    log = executor.execute(workflow, WorkflowContext(workspace))
    assert str(log.state) == "waiting"
    assert log.results["long"].status == "succeeded"
    assert "last" not in log.results
    log = executor.resume(log, answer=Answer("that"))
    assert str(log.state) == "completed"
    assert log.results["ask"].message == "that"


def test_two_questions_are_answered_one_after_the_other(workspace: Path) -> None:
    def act(context: StationContext) -> StationResult:
        if context.answer:
            return StationResult.success("act", message=context.answer.option)
        return StationResult.needs_input(Question("q", f"{context.step}?", ["yes", "no"]))

    workflow = Workflow("w", "W").with_max_parallel(2).station("act", id="a").station("act", id="b")
    executor = WorkflowExecutor(stations(fake("act", act)))
    log = executor.execute(workflow, WorkflowContext(workspace))
    assert log.question
    assert log.question.text == "a?"
    log = executor.resume(log, answer=Answer("yes"))
    assert str(log.state) == "waiting"
    assert log.question
    assert log.question.text == "b?"
    log = executor.resume(log, answer=Answer("no"))
    assert str(log.state) == "completed"
    assert [r.message for r in log.results.values()] == ["yes", "no"]


def test_a_retry_waits_while_others_run(workspace: Path) -> None:
    tries: list[str] = []

    def act(context: StationContext) -> StationResult:
        tries.append(context.step)
        if context.step == "flaky" and tries.count("flaky") < 3:
            return StationResult.failure("not yet")
        return StationResult.success("act")

    workflow = (
        Workflow("w", "W")
        .with_max_parallel(2)
        .station("act", id="flaky", retry={"attempts": 3, "delay": "10ms"})
        .station("act", id="items", foreach=list(range(5)))
    )
    log = WorkflowExecutor(stations(fake("act", act))).execute(workflow, WorkflowContext(workspace))
    assert str(log.state) == "completed"
    assert log.results["flaky"].attempts == 3


SLEEPERS = """
version: 1
id: sleepers
max_parallel: 3
stations:
  - station: shell
    id: sleep
    foreach: [1, 2]
    with: {script: "echo started > started-{{ item }}; sleep 300"}
finally:
  - station: shell
    id: tidy
    with: {script: "echo {{ run.state }} > tidied"}
"""


def start_sleepers(workspace: Path) -> subprocess.Popen[str]:
    (workspace / "w.yaml").write_text(SLEEPERS)
    running = subprocess.Popen(
        [BIN / "mityflow", "run", "w.yaml"],
        cwd=workspace,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    wait_until(lambda: all((workspace / f"started-{i}").exists() for i in (1, 2)))
    return running


def nobody_is_left(workspace: Path) -> bool:
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and os.readlink(entry / "cwd") == str(workspace.resolve()):
                return False
        except OSError:
            continue
    return True


def test_an_interrupt_ends_all_commands_and_cleans_up(workspace: Path) -> None:
    running = start_sleepers(workspace)
    running.send_signal(signal.SIGINT)
    output, _ = running.communicate(timeout=60)
    assert running.returncode == 130, output
    assert (workspace / "tidied").read_text() == "cancelled\n"
    assert output.count("cancelled") >= 2
    wait_until(lambda: nobody_is_left(workspace))


def test_a_killed_runner_leaves_no_command_behind(workspace: Path) -> None:
    running = start_sleepers(workspace)
    running.kill()
    running.communicate(timeout=60)
    wait_until(lambda: nobody_is_left(workspace))


def test_an_interrupt_that_does_not_end_the_wait_is_heard_all_the_same(workspace: Path) -> None:
    """The thread that waits is not the one it comes to, as if it had come just before the wait began."""

    def act(context: StationContext) -> StationResult:
        signal.raise_signal(signal.SIGINT)
        context.run(["sleep", "300"])
        return StationResult.success("act")

    workflow = Workflow("w", "W").with_max_parallel(2).station("act")
    log = WorkflowExecutor(stations(fake("act", act))).execute(workflow, WorkflowContext(workspace))
    assert str(log.state) == "cancelled"


def test_a_second_interrupt_stops_at_once(workspace: Path) -> None:
    def act(context: StationContext) -> StationResult:
        context.run(["sh", "-c", "trap '' TERM; touch up; sleep 300"])
        return StationResult.success("act")

    workflow = Workflow("w", "W").with_max_parallel(2).station("act").finally_station("tidy")
    executor = WorkflowExecutor(stations(fake("act", act), fake("tidy")))

    def interrupt() -> None:
        wait_until((workspace / "up").exists)
        executor.cancel()
        executor.cancel()

    threading.Thread(target=interrupt).start()
    log = executor.execute(workflow, WorkflowContext(workspace))
    assert str(log.state) == "cancelled"
    assert "tidy" not in log.results
