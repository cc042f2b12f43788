"""Workflows with fake stations: which steps run, in which order, what is asked, and what becomes of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from fakes import fake

from mityflow import Answer, FaultsError, StationContext, StationOutput, StationResult, UsageError, Workflow
from mityflow.testing import asks, failed, run_workflow, skipped, succeeded

Write = Callable[[str, str], Path]

BUILD = fake("build", gives=("build_dir",), output=lambda self: StationOutput(["build_dir"], artifacts=["package"]))
TEST = fake("test", needs=("build_dir",))
DEPLOY = fake("deploy", needs=("build_dir",), gives=("url",))
ALL = [BUILD, TEST, DEPLOY]
CI = """\
version: 1
id: ci
inputs:
  target: {type: string, default: staging}
secrets: [API_TOKEN]
stations:
  - build
  - {station: test, retry: {attempts: 3, delay: 1h}}
  - {station: deploy, when: inputs.target != 'none', on_failure: ask}
finally:
  - {station: shell, id: notify, with: {command: [echo, "{{ run.state }} {{ env.API_TOKEN }}"]}}
outputs:
  url: "{{ outputs.url | default('nowhere') }}"
"""


@pytest.fixture
def ci(write: Write) -> Path:
    return write("ci.yaml", CI)


def test_all_steps_run_in_their_order_and_nothing_is_really_done(ci: Path, workspace: Path) -> None:
    run = run_workflow(ci, stations=ALL, workspace=workspace)

    assert run.ran == ["build", "test", "deploy", "notify"]
    assert run.state == "completed"
    assert run.asked == []
    assert run.skipped == []
    assert run.outputs == {"url": "url of deploy"}
    assert run.results["notify"].outputs == {"exit_code": "exit_code of notify", "stdout": "stdout of notify"}
    assert [path.name for path in workspace.iterdir()] == [".mity"]
    assert run.log.path == workspace / ".mity" / "logs" / "ci.json"


def test_a_failure_stops_what_follows_but_not_finally(ci: Path) -> None:
    run = run_workflow(ci, stations=ALL, results={"test": failed("2 tests failed")})

    assert run.ran == ["build", "test", "notify"]
    assert run.state == "failed"
    assert run.error == "test: 2 tests failed"
    assert run.results["test"].attempts == 3


def test_a_list_of_results_is_for_successive_attempts_and_no_delay_is_waited_for(ci: Path) -> None:
    started = time.monotonic()
    run = run_workflow(ci, stations=ALL, results={"test": [failed("first"), failed("second"), succeeded("third")]})

    assert time.monotonic() - started < 60
    assert (run.state, run.results["test"].message, run.results["test"].attempts) == ("completed", "third", 3)


def test_no_delay_is_waited_for_either_where_steps_run_side_by_side(write: Write) -> None:
    path = write(
        "w.yaml",
        "version: 1\nid: w\nmax_parallel: 2\n"
        "stations: [build, {station: test, foreach: [1, 2, 3], retry: {attempts: 2, delay: 1h}}]\n",
    )
    started = time.monotonic()
    run = run_workflow(path, stations=ALL, results={"test": [failed("once"), succeeded("then")]})

    assert time.monotonic() - started < 60
    assert [run.results[f"test[{i}]"].message for i in range(3)] == ["then"] * 3


def test_a_question_waits_until_it_is_answered(ci: Path) -> None:
    results = {"deploy": asks("Deploy?", ["yes", "no"])}

    waiting = run_workflow(ci, stations=ALL, results=results)
    assert (waiting.state, waiting.asked, waiting.ran) == ("waiting", ["deploy"], ["build", "test", "deploy"])
    assert waiting.questions["deploy"].text == "Deploy?"

    answered = run_workflow(ci, stations=ALL, results=results, answers={"deploy": "yes"})
    assert (answered.state, answered.asked) == ("completed", ["deploy"])
    assert answered.outputs == {"url": "url of deploy"}


def test_a_station_that_always_asks_asks_its_own_question(write: Write) -> None:
    path = write(
        "w.yaml",
        """\
version: 1
id: w
stations:
  - {station: ask, id: approve, with: {text: Deploy?}}
  - station: ask
    id: where
    with: {text: Where?, form: {type: object, properties: {zone: {type: string}}, required: [zone]}}
  - {station: shell, id: deploy, when: stations.approve.outputs.answer == 'approve', with: {command: [deploy]}}
outputs:
  zone: "{{ stations.where.outputs.values.zone }}"
""",
    )
    assert run_workflow(path).state == "waiting"

    run = run_workflow(path, answers={"approve": "approve", "where": {"zone": "eu"}})
    assert (run.ran, run.asked) == (["approve", "where", "deploy"], ["approve", "where"])
    assert (run.outputs, run.questions["approve"].text) == ({"zone": "eu"}, "Deploy?")

    refused = run_workflow(path, answers={"approve": {"option": "reject"}, "where": {"zone": "eu"}})
    assert (refused.state, refused.skipped) == ("completed", ["deploy"])

    with pytest.raises(UsageError, match="the answer for step 'approve': 'yes' is no answer"):
        run_workflow(path, answers={"approve": "yes"})

    given = {"approve": asks("Really?", ["approve", "no"]), "where": succeeded(outputs={"values": {"zone": "us"}})}
    assert run_workflow(path, answers={"approve": "approve"}, results=given).outputs == {"zone": "us"}


def test_what_to_do_after_a_failure_is_a_question_and_an_answer_is_given_once(ci: Path) -> None:
    down = {"deploy": failed("down")}

    skip = run_workflow(ci, stations=ALL, results=down, answers={"deploy": "skip"})
    assert (skip.state, skip.skipped, skip.asked, skip.outputs) == (
        "completed", ["deploy"], ["deploy"], {"url": "nowhere"},
    )  # fmt: skip

    once = run_workflow(ci, stations=ALL, results=down, answers={"deploy": "retry"})
    assert once.state == "waiting"

    twice = run_workflow(ci, stations=ALL, results=down, answers={"deploy": ["retry", Answer("stop")]})
    assert (twice.state, twice.error) == ("failed", "deploy: down")


def test_a_condition_and_a_station_can_skip_a_step(ci: Path) -> None:
    by_condition = run_workflow(ci, stations=ALL, inputs={"target": "none"})
    assert (by_condition.skipped, by_condition.ran) == (["deploy"], ["build", "test", "notify"])

    by_station = run_workflow(ci, stations=ALL, results={"deploy": skipped("nothing new")})
    assert (by_station.skipped, by_station.results["deploy"].message) == (["deploy"], "nothing new")


def test_a_function_sees_the_context_and_its_assertions_hold(ci: Path) -> None:
    def deployed(context: StationContext) -> StationResult:
        assert context.get_input("build_dir") == "dist"
        return succeeded(outputs={"url": f"https://{context.get_input('target')}"})

    run = run_workflow(
        ci, stations=ALL, results={"build": succeeded(outputs={"build_dir": "dist"}), "deploy": deployed}
    )
    assert run.outputs == {"url": "https://staging"}

    with pytest.raises(AssertionError, match="dist"):
        run_workflow(ci, stations=ALL, results={"deploy": deployed})


def test_a_function_that_raises_is_a_station_that_raises(ci: Path) -> None:
    def broken(context: StationContext) -> StationResult:
        raise OSError("disk full")

    run = run_workflow(ci, stations=ALL, results={"build": broken})
    assert (run.state, run.results["build"].message) == ("failed", "OSError: disk full")


def test_secrets_need_not_be_set_and_real_ones_are_not_read(
    ci: Path, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("API_TOKEN", "a-real-one")
    seen = []

    def notified(context: StationContext) -> StationResult:
        seen.append(context.values["command"][1])
        return succeeded()

    run_workflow(ci, stations=ALL, results={"notify": notified}, workspace=workspace)
    run_workflow(ci, stations=ALL, results={"notify": notified}, env={"API_TOKEN": "given"})
    assert seen == ["completed value-of-API_TOKEN", "completed given"]


def test_items_and_called_workflows_are_found_by_id_and_without_index(write: Write) -> None:
    write("release.yaml", "version: 1\nid: release\nstations: [{station: deploy, with: {}}]\n")
    whole = write(
        "all.yaml",
        """\
version: 1
id: all
max_parallel: 3
stations:
  - {station: build, foreach: [a, b, c]}
  - {workflow: ./release.yaml, id: release, foreach: [eu, us]}
""",
    )
    deploy = fake("deploy", gives=("url",))
    run = run_workflow(
        whole,
        stations=[BUILD, deploy],
        results={
            "build": succeeded("built"),
            "build[1]": succeeded("built the second"),
            "release/deploy": succeeded("released"),
            "release[1]/deploy": failed("no route"),
        },
    )
    messages = {step: result.message for step, result in run.results.items()}
    assert run.state == "failed"
    assert [messages[f"build[{i}]"] for i in range(3)] == ["built", "built the second", "built"]
    assert [messages[f"release[{i}]/deploy"] for i in range(2)] == ["released", "no route"]


def test_a_workflow_can_be_built_by_a_program_and_keeps_its_checks() -> None:
    workflow = Workflow("w").with_input("app_name", {"type": "string"}).station("shell", with_={"command": ["x"]})
    assert run_workflow(workflow, inputs={"app_name": "my-app"}).ran == ["shell"]

    with pytest.raises(FaultsError, match="no setting 'comand'; did you mean 'command'"):
        run_workflow(Workflow("w").station("shell", with_={"comand": ["x"]}))
    with pytest.raises(FaultsError, match="app_name"):
        run_workflow(workflow, inputs={"app_name": 7})


def test_a_fault_of_a_file_has_its_place(write: Write) -> None:
    path = write("w.yaml", "version: 1\nid: w\nstations:\n  - tets\n")
    with pytest.raises(FaultsError, match=r"w\.yaml:4:5: unknown station 'tets'"):
        run_workflow(path, stations=ALL)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"results": {"tset": failed()}}, "no step 'tset' to give a result to; did you mean 'test'"),
        ({"answers": {"tset": "yes"}}, "no step 'tset' to give an answer to; did you mean 'test'"),
        ({"results": {"test": []}}, "the list of results for step 'test' is empty"),
        ({"results": {"test": lambda context: None}}, "step 'test' is NoneType instead of a StationResult"),
        ({"results": {"build": succeeded(outputs={"dir": 1})}}, "the output 'dir', unknown to station 'build'"),
        (
            {"results": {"test": asks("?")}, "answers": {"test": "maybe"}},
            "the answer for step 'test': 'maybe' is no answer",
        ),
    ],
)
def test_a_slip_of_the_test_is_told(ci: Path, given: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        run_workflow(ci, stations=ALL, **given)  # type: ignore[arg-type]


def test_a_call_of_a_workflow_has_no_result_of_its_own(write: Write) -> None:
    write("inner.yaml", "version: 1\nid: inner\nstations: [build]\n")
    path = write("w.yaml", "version: 1\nid: w\nstations: [{workflow: ./inner.yaml, id: inner}]\n")
    with pytest.raises(UsageError, match="'inner' calls a workflow"):
        run_workflow(path, stations=ALL, results={"inner": failed()})
