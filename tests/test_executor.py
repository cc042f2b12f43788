"""The Python API, as a program uses it."""

from __future__ import annotations

import asyncio
import json
import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from conftest import StoppedClock
from fakes import fake, stations
from pydantic import BaseModel

from mityflow import (
    Answer,
    Artifact,
    ExecutionState,
    FaultsError,
    IacConfig,
    Option,
    Question,
    ResumeError,
    StackType,
    Station,
    StationContext,
    StationInput,
    StationOutput,
    StationResult,
    UsageError,
    Workflow,
    WorkflowContext,
    WorkflowExecutor,
)
from mityflow.store import Store


def run(act: Any, workspace: Path, **options: Any) -> Any:
    """A run of one station that does this; the log."""
    call = options.pop("call", {})
    registry = stations(fake("act", act, **options))
    return WorkflowExecutor(registry).execute(Workflow("w", "W").station("act", **call), WorkflowContext(workspace))


def result_of(log: Any, step: str = "act") -> StationResult:
    found: StationResult = log.results[step]
    return found


def test_the_chained_builders_and_the_log_work_as_the_contract_says(workspace: Path) -> None:
    seen: dict[str, Any] = {}

    def look(context: StationContext) -> StationResult:
        seen.update(
            stack=context.stack,
            iac=context.iac,
            path=context.output_path,
            templates=context.templates_path,
            team=context.metadata["team"],
            key=context.env["API_KEY"],
        )
        return StationResult.success("look", outputs={"k": 1}, message="seen")

    registry = stations(fake("look", look, gives=("k",)), fake("next"))
    workflow = Workflow("create-app", "Create Application").with_description("...").station("look").station("next")
    context = (
        WorkflowContext(workspace, "my-app", StackType.PYTHON_FASTAPI)
        .with_iac(IacConfig.terraform("azure"))
        .with_env("API_KEY", "very-secret")
        .with_metadata("team", {"id": 7})
    )
    executor = WorkflowExecutor(registry)
    log = executor.execute(workflow, context)
    assert log.state is ExecutionState.COMPLETED
    assert not log.can_resume()
    assert seen == {
        "stack": "python-fastapi",
        "iac": IacConfig("terraform", "azure"),
        "path": workspace / "my-app",
        "templates": workspace / "templates",
        "team": {"id": 7},
        "key": "very-secret",
    }
    assert executor.load_log(log.path).to_data() == log.to_data()
    assert json.loads(Path(log.path).read_text()) == log.to_data()
    assert not [p for p in workspace.rglob("*") if p.is_file() and b"very-secret" in p.read_bytes()]


def test_a_failed_run_is_resumed_from_its_loaded_log(workspace: Path) -> None:
    tries: list[str] = []

    def flaky(context: StationContext) -> StationResult:
        tries.append(context.get_output("x"))
        return StationResult.success("flaky") if len(tries) > 1 else StationResult.failure("not yet")

    registry = stations(fake("first", gives=("x",)), fake("flaky", flaky, needs=("x",)))
    workflow = Workflow("w", "W").station("first").station("flaky")
    executor = WorkflowExecutor(registry)
    log = executor.execute(workflow, WorkflowContext(workspace))
    assert log.state is ExecutionState.FAILED
    assert log.error == "flaky: not yet"
    assert log.current_station_index == 1
    assert log.can_resume()
    again = WorkflowExecutor(registry).resume(executor.load_log(log.path))
    assert again.state is ExecutionState.COMPLETED
    assert again.current_station_index == 2
    assert tries == ["x of first"] * 2
    with pytest.raises(ResumeError, match="is completed"):
        executor.resume(again)


def test_environment_values_must_be_given_again_to_resume(workspace: Path) -> None:
    log = run(lambda _: StationResult.failure("no"), workspace)
    registry = stations(fake("act", lambda c: StationResult.failure(f"it is {c.env['KEY']}")))
    context = WorkflowContext(workspace).with_env("KEY", "hush-hush")
    log = WorkflowExecutor(registry).execute(Workflow("w", "W").station("act"), context)
    assert log.error == "act: it is ***"
    with pytest.raises(ResumeError, match="KEY is not stored"):
        WorkflowExecutor(registry).resume(log)
    again = WorkflowExecutor(registry).resume(log, env={"KEY": "hush-hush"})
    assert again.error == "act: it is ***"


def test_a_station_may_be_asynchronous(workspace: Path) -> None:
    class Later(Station):
        name = "later"

        async def execute(self, context: StationContext) -> StationResult:  # type: ignore[override]
            await asyncio.sleep(0)
            context.set_output("x", 1)
            return StationResult.success("later", outputs={"y": 2})

        def output(self) -> StationOutput:
            return StationOutput(["x", "y"])

    log = WorkflowExecutor(stations(Later)).execute(Workflow("w", "W").station("later"), WorkflowContext(workspace))
    assert result_of(log, "later").outputs == {"x": 1, "y": 2}


def test_an_exception_is_a_failure_with_its_cause(workspace: Path) -> None:
    def broken(_: StationContext) -> StationResult:
        raise ValueError("deep trouble")

    log = run(broken, workspace)
    error = result_of(log).error
    assert log.state is ExecutionState.FAILED
    assert error is not None
    assert (error["type"], error["message"]) == ("ValueError", "deep trouble")
    assert "in broken" in error["traceback"]
    output = (Store(workspace).run_folder(log.run_id) / "stations" / "01-act.log").read_text()
    assert "ValueError: deep trouble" in output


@pytest.mark.parametrize("raised", [SystemExit(3), RecursionError("deep"), GeneratorExit()])
def test_no_exception_of_a_station_ends_the_run_unrecorded(workspace: Path, raised: BaseException) -> None:
    def act(_: StationContext) -> StationResult:
        raise raised

    log = run(act, workspace)
    assert log.state is ExecutionState.FAILED
    assert type(raised).__name__ in result_of(log).message


@pytest.mark.parametrize("answer", [None, True, "done", {"success": True}])
def test_an_answer_that_is_no_result_is_a_failure(workspace: Path, answer: Any) -> None:
    assert "instead of a StationResult" in result_of(run(lambda _: answer, workspace)).message


@pytest.mark.parametrize("value", [{1, 2}, object(), float("nan"), {1: "x"}, b"bytes"])
def test_outputs_that_are_no_data_are_a_failure(workspace: Path, value: Any) -> None:
    log = run(lambda _: StationResult.success("act", outputs={"x": value}), workspace)
    assert "outputs are not data" in result_of(log).message


def test_paths_and_tuples_become_data(workspace: Path) -> None:
    log = run(lambda _: StationResult.success("act", outputs={"x": (Path("a"), StackType.RUST_API)}), workspace)
    assert result_of(log).outputs == {"x": ["a", "rust-api"]}


def test_a_success_without_its_declared_output_is_a_failure(workspace: Path) -> None:
    log = run(lambda _: StationResult.success("act"), workspace, gives=("x",))
    assert "did not produce its output 'x'" in result_of(log).message


def test_a_success_whose_artifact_is_missing_is_a_failure(workspace: Path) -> None:
    log = run(lambda _: StationResult.success("act", artifacts=[Artifact("report", "report.html")]), workspace)
    assert "artifact 'report' is not there" in result_of(log).message
    (workspace / "report.html").touch()
    log = run(lambda _: StationResult.success("act", artifacts=[Artifact("report", "report.html")]), workspace)
    assert result_of(log).success


def test_a_time_limit_ends_python_code_too(workspace: Path) -> None:
    begun = time.monotonic()
    log = run(lambda _: time.sleep(60), workspace, call={"timeout": "200ms"})
    assert time.monotonic() - begun < 10
    assert result_of(log).message == "timed out after 200ms"


def test_a_time_limit_ends_asynchronous_code_too(workspace: Path) -> None:
    async def act(_: StationContext) -> StationResult:
        await asyncio.sleep(60)
        return StationResult.success("act")

    log = run(act, workspace, call={"timeout": "200ms"})
    assert result_of(log).message == "timed out after 200ms"


def test_should_run_skips(workspace: Path) -> None:
    log = run(None, workspace, should_run=lambda self, context: False)
    assert result_of(log).status == "skipped"
    assert log.state is ExecutionState.COMPLETED


def test_inputs_are_outputs_of_earlier_stations_then_workflow_inputs(workspace: Path) -> None:
    seen: list[Any] = []

    def look(context: StationContext) -> StationResult:
        seen.extend([context.get_input("x"), context.get_input("y"), context.get_input("z", "none")])
        return StationResult.success("look")

    workflow = (
        Workflow("w", "W")
        .with_input("x", {"type": "string", "default": "given"})
        .with_input("y", {"type": "integer", "default": 3})
        .station("first")
        .station("look")
    )
    registry = stations(fake("first", gives=("x",)), fake("look", look, needs=("x", "y")))
    WorkflowExecutor(registry).execute(workflow, WorkflowContext(workspace))
    assert seen == ["x of first", 3, "none"]


def test_a_plan_with_problems_is_refused_before_anything_is_written(workspace: Path) -> None:
    registry = stations(fake("needs-x", needs=("x",)), fake("gives-x", gives=("x",)), fake("b", depends=("gives-x",)))
    workflow = Workflow("w", "W").station("needs-x").station("b").station("nope")
    with pytest.raises(FaultsError) as caught:
        WorkflowExecutor(registry).execute(workflow, WorkflowContext(workspace))
    assert "unknown station 'nope'" in str(caught.value)
    assert not (workspace / ".mity").exists()
    with pytest.raises(FaultsError) as caught:
        WorkflowExecutor(registry).execute(Workflow("w").station("needs-x").station("b"), WorkflowContext(workspace))
    text = str(caught.value)
    assert "station 'needs-x' needs 'x'; nothing before it produces it; 'gives-x' does [" in text
    assert "depends on station 'gives-x', which is not in the workflow; add it to the stations [" in text


def test_a_dependency_that_comes_too_late_is_moved(workspace: Path) -> None:
    registry = stations(fake("a", depends=("b",)), fake("b"), fake("c"))
    log = WorkflowExecutor(registry).execute(
        Workflow("w").station("c").station("a").station("b"), WorkflowContext(workspace)
    )
    assert list(log.results) == ["c", "b", "a"]


def test_one_of_several_keys_is_enough(workspace: Path) -> None:
    one_of = {"input": lambda self: StationInput(one_of=[("x", "y")])}
    registry = stations(fake("gives", gives=("y",)), fake("wants", **one_of))
    log = WorkflowExecutor(registry).execute(
        Workflow("w").station("gives").station("wants"), WorkflowContext(workspace)
    )
    assert log.state is ExecutionState.COMPLETED


def test_a_station_asks_is_answered_and_asks_again(workspace: Path) -> None:
    answers: list[Answer | None] = []

    def ask(context: StationContext) -> StationResult:
        answers.append(context.answer)
        if context.answer and context.answer.option == "yes":
            return StationResult.success("ask", message=context.answer.message)
        options = [Option("yes", "Yes", takes_message=True), Option("again", "Ask again")]
        return StationResult.needs_input(Question("sure", "Are you sure?", options))

    registry = stations(fake("ask", ask), fake("after"))
    executor = WorkflowExecutor(registry)
    log = executor.execute(Workflow("w").station("ask").station("after"), WorkflowContext(workspace))
    assert log.state is ExecutionState.WAITING
    assert log.question is not None
    assert log.question.text == "Are you sure?"
    with pytest.raises(UsageError, match="is no answer"):
        executor.resume(log, answer=Answer("maybe"))
    log = executor.resume(log, answer=Answer("again"))
    assert log.state is ExecutionState.WAITING
    log = executor.resume(log, answer=Answer("yes", "go"))
    assert log.state is ExecutionState.COMPLETED
    assert result_of(log, "ask").message == "go"
    assert [answer and (answer.option, answer.message) for answer in answers] == [None, ("again", ""), ("yes", "go")]
    events = Store(workspace).journal(log.run_id).events
    answered = [e for e in events if e["event"] == "step.answered"]
    assert answered[-1]["answer"] == {"option": "yes", "message": "go"}
    assert answered[-1]["by"]


def test_cancel_from_another_thread_ends_the_run_in_order(workspace: Path) -> None:
    def act(context: StationContext) -> StationResult:
        (workspace / "started").touch()
        context.run(["sleep", "60"])
        return StationResult.success("act")

    executor = WorkflowExecutor(stations(fake("act", act), fake("tidy")))

    def cancel() -> None:
        while not (workspace / "started").exists():
            time.sleep(0.01)
        executor.cancel()

    thread = threading.Thread(target=cancel)
    thread.start()
    workflow = Workflow("w").station("act").finally_station("tidy")
    log = executor.execute(workflow, WorkflowContext(workspace))
    thread.join()
    assert log.state is ExecutionState.CANCELLED
    assert log.can_resume()
    assert result_of(log, "tidy").success


def test_params_are_checked_and_typed(workspace: Path) -> None:
    class Settings(BaseModel):
        count: int
        name: str = "none"

    seen: list[Any] = []

    def act(context: StationContext) -> StationResult:
        seen.append(context.params)
        return StationResult.success("act")

    log = run(act, workspace, Params=Settings, call={"with_": {"count": 2}})
    assert log.state is ExecutionState.COMPLETED
    assert seen == [Settings(count=2)]
    with pytest.raises(FaultsError, match="has no setting 'cuont'; did you mean 'count'"):
        run(act, workspace, Params=Settings, call={"with_": {"cuont": 2}})
    with pytest.raises(FaultsError, match="'count'"):
        run(act, workspace, Params=Settings, call={"with_": {"count": "many"}})
    with pytest.raises(FaultsError, match="takes no settings"):
        run(act, workspace, call={"with_": {"count": 2}})


def test_values_of_expressions_are_checked_once_they_are_known(workspace: Path) -> None:
    class Settings(BaseModel):
        count: int

    registry = stations(fake("act", Params=Settings))
    workflow = Workflow("w").with_input("n", {}).station("act", with_={"count": "{{ inputs.n }}"})
    executor = WorkflowExecutor(registry)
    good = executor.execute(workflow, WorkflowContext(workspace, inputs={"n": 2}))
    assert good.state is ExecutionState.COMPLETED
    bad = executor.execute(workflow, WorkflowContext(workspace, inputs={"n": "many"}))
    assert "'count'" in result_of(bad).message


def test_run_ids_grow_also_when_the_clock_is_set_back(workspace: Path, clock: StoppedClock) -> None:
    executor = WorkflowExecutor(stations(fake("act")), clock=clock)
    workflow = Workflow("w").station("act")
    ids = []
    for step in (0, 0, -86400, 1):
        clock.time += step
        ids.append(executor.execute(workflow, WorkflowContext(workspace)).run_id)
    assert ids == sorted(set(ids))
    assert Store(workspace).find(None) == ids[-1]
    assert Store(workspace).find("w") == ids[-1]


def test_a_step_logs_into_its_own_file_and_into_no_other_run(workspace: Path) -> None:
    def act(context: StationContext) -> StationResult:
        context.say(f"pid {os.getpid()}")
        return StationResult.success("act")

    first, second = run(act, workspace), run(act, workspace)
    files = [Store(workspace).run_folder(log.run_id) / "stations" / "01-act.log" for log in (first, second)]
    assert [f.read_text() for f in files] == [f"pid {os.getpid()}\n"] * 2


@pytest.mark.parametrize("name", ["../up", "a/b", "", ".", "..", ".git", ".mity", "a\0b", "x" * 300])
def test_an_app_name_that_is_no_plain_folder_name_is_refused(workspace: Path, name: str) -> None:
    with pytest.raises(UsageError, match="not a plain folder name"):
        WorkflowContext(workspace, name)


@pytest.mark.parametrize("secret", ["secret", "2026", "failed", "step", "message", "first", "tmp", "at", "1", "run"])
def test_a_secret_that_is_a_common_word_spoils_no_record(workspace: Path, secret: str) -> None:
    tries: list[str] = []

    def act(context: StationContext) -> StationResult:
        tries.append(context.env["KEY"])
        return StationResult.success("act") if len(tries) > 1 else StationResult.failure(f"saw {secret} here")

    registry = stations(fake("act", act), fake("first"))
    workflow = Workflow("w").station("first").station("act")
    executor = WorkflowExecutor(registry)
    log = executor.execute(workflow, WorkflowContext(workspace).with_env("KEY", secret))
    assert log.error == "act: saw *** here"
    again = executor.resume(executor.load_log(log.path), env={"KEY": secret})
    assert again.state is ExecutionState.COMPLETED
    assert tries == [secret, secret]


def test_a_failure_in_finally_is_not_forgotten_after_a_crash(workspace: Path) -> None:
    registry = stations(fake("act"), fake("bad", lambda _: StationResult.failure("no")))
    executor = WorkflowExecutor(registry)
    log = executor.execute(Workflow("w").station("act").finally_station("bad"), WorkflowContext(workspace))
    assert log.state is ExecutionState.FAILED
    journal = Store(workspace).run_folder(log.run_id) / "events.jsonl"
    journal.write_bytes(b"".join(journal.read_bytes().splitlines(keepends=True)[:-1]))
    dead = executor.load_log(log.path)
    assert dead.state is ExecutionState.FAILED
    assert executor.resume(dead).state is ExecutionState.FAILED


def test_a_cancelled_task_of_a_station_is_a_failure(workspace: Path) -> None:
    async def act(_: StationContext) -> StationResult:
        raise asyncio.CancelledError

    assert "CancelledError" in result_of(run(act, workspace)).message


def test_an_asynchronous_station_works_where_a_loop_is_running(workspace: Path) -> None:
    async def act(_: StationContext) -> StationResult:
        await asyncio.sleep(0)
        return StationResult.success("act")

    async def main() -> Any:
        return run(act, workspace)

    assert asyncio.run(main()).state is ExecutionState.COMPLETED


def test_what_a_station_changes_in_place_changes_nothing_for_others(workspace: Path) -> None:
    def spoil(context: StationContext) -> StationResult:
        context.get_input("k").append(99)
        context.inputs["cfg"]["x"] = 1
        return StationResult.success("spoil")

    seen: list[Any] = []

    def look(context: StationContext) -> StationResult:
        seen.extend([context.get_input("k"), context.inputs["cfg"]])
        return StationResult.success("look")

    gives = fake("gives", lambda _: StationResult.success("gives", outputs={"k": [1]}), gives=("k",))
    workflow = Workflow("w").with_input("cfg", {"default": {}}).station("gives").station("spoil").station("look")
    WorkflowExecutor(stations(gives, fake("spoil", spoil), fake("look", look))).execute(
        workflow, WorkflowContext(workspace)
    )
    assert seen == [[1], {}]


@pytest.mark.parametrize("message", [ValueError("z"), 5, None, b"x"])
def test_a_message_becomes_text(workspace: Path, message: Any) -> None:
    assert result_of(run(lambda _: StationResult.failure(message), workspace)).message == str(message)


@pytest.mark.parametrize(
    "call", [{"retry": {"attempts": "2"}}, {"retry": {"atempts": 2}}, {"timeout": 5}, {"needs": "a"}, {"whne": "x"}]
)
def test_a_wrong_setting_of_a_call_is_refused(call: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        Workflow("w").station("a", **call)


def test_what_a_station_prints_goes_into_its_log_masked(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def act(_: StationContext) -> StationResult:
        print("hello hush-hush")
        return StationResult.success("act")

    context = WorkflowContext(workspace).with_env("KEY", "hush-hush")
    log = WorkflowExecutor(stations(fake("act", act))).execute(Workflow("w").station("act"), context)
    output = Store(workspace).run_folder(log.run_id) / "stations" / "01-act.log"
    assert output.read_text() == "hello ***\n"
    assert capsys.readouterr().out == ""
