"""The build-test station: what it says of a build rests on exit codes and on the runner's own report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from mityflow_stations.build_test import BuildTest
from stationkit import context, declare_built_ins, execute, write_stack

from mityflow.errors import UsageError
from mityflow.settings import check_settings
from mityflow.station import StationResult

_COMMANDS = {
    "install": "[[sh, -c, 'echo installed >> steps']]",
    "build": "[[sh, -c, 'echo built >> steps']]",
    "lint": "[[sh, -c, 'echo linted >> steps']]",
    "test": "[[sh, test.sh]]",
}
_REPORT = "test_report: {arguments: [report.xml], files: report.xml}\n"
_TESTS = "<testsuite><testcase name='a'/><testcase name='b'/><testcase name='c'><skipped/></testcase></testsuite>"


@pytest.fixture(autouse=True)
def _built_ins(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    declare_built_ins(monkeypatch, tmp_path_factory.mktemp("installed"))


def _build(
    workspace: Path, *, tests: str = _TESTS, code: int = 0, extra: str = _REPORT, values: Any = None, **commands: str
) -> StationResult:
    """Build an application of a stack with these commands, whose tests write this report."""
    app = workspace / "my-app"
    app.mkdir(exist_ok=True)
    (app / "test.sh").write_text(f'echo "{tests}" > "$1"; exit {code}\n', encoding="utf-8")
    phases = "".join(f"  {phase}: {text}\n" for phase, text in {**_COMMANDS, **commands}.items() if text)
    write_stack(workspace, "small", {}, f"commands:\n{phases}{extra}")
    return execute(BuildTest(), context(BuildTest(), workspace, "my-app", "small", heal=False, **(values or {})))


def test_a_good_application_is_built_in_order_and_its_tests_are_counted(tmp_path: Path) -> None:
    result = _build(tmp_path)

    assert result.success
    assert result.message == "install, build, lint, test passed; 2 tests passed, 1 skipped"
    outputs = result.outputs
    assert (outputs["build_passed"], outputs["tests_total"], outputs["tests_failed"]) == (True, 3, 0)
    assert (tmp_path / "my-app" / "steps").read_text() == "installed\nbuilt\nlinted\n"
    assert [(a.name, a.path) for a in result.artifacts] == [("test-report", "my-app/report.xml")]
    assert [check["name"] for check in outputs["build_report"]] == ["install", "build", "lint", "test"]
    assert outputs["size_mb"] == 0.0


@pytest.mark.parametrize(
    ("phase", "said", "error_type", "after"),
    [
        ("install", "ERROR: No matching distribution found for lerfpad", "DependencyError", ""),
        ("build", "src/App.tsx(3,1): error TS2322: wrong", "BuildError", "installed\n"),
        ("build", "tsconfig.json(3,1): error TS5023: wrong", "ConfigError", "installed\n"),
        ("lint", "src/app.py:3: error: wrong", "BuildError", "built\n"),
        ("lint", "no good", "Unknown", "built\n"),
    ],
)
def test_a_phase_that_fails_ends_it_and_has_the_class_of_what_it_said(
    tmp_path: Path, phase: str, said: str, error_type: str, after: str
) -> None:
    result = _build(tmp_path, **{phase: f"[[sh, -c, 'echo \"$0\"; exit 3', '{said}']]"})

    assert result.status == "failed"
    assert result.message.startswith(f"{error_type}: {phase} failed: 'sh -c ")
    assert result.message.endswith("ended with exit code 3" + ("" if error_type == "Unknown" else f": {said}"))
    assert (result.outputs["build_passed"], result.outputs["error_type"]) == (False, error_type)
    assert result.outputs["tests_total"] is None
    steps = tmp_path / "my-app" / "steps"
    assert (steps.read_text() if steps.exists() else "").endswith(after)


def test_a_failed_test_is_named_and_counted(tmp_path: Path) -> None:
    tests = "<testsuite><testcase classname='t' name='a'><failure/></testcase><testcase name='b'/></testsuite>"

    result = _build(tmp_path, tests=tests, code=1)

    assert result.message == "TestFailure: test failed: 1 of 2 tests failed: t::a"
    assert (result.outputs["tests_total"], result.outputs["tests_failed"]) == (2, 1)


def test_a_failed_test_counts_although_the_command_says_all_is_well(tmp_path: Path) -> None:
    tests = "<testsuite><testcase name='a'><failure/></testcase></testsuite>"

    assert _build(tmp_path, tests=tests).outputs["build_passed"] is False


@pytest.mark.parametrize("tests", ["<testsuite/>", "<testsuite><testcase name='a'><skipped/></testcase></testsuite>"])
def test_it_fails_when_no_test_ran(tmp_path: Path, tests: str) -> None:
    assert _build(tmp_path, tests=tests).message == "TestFailure: test failed: no test ran"


def test_it_fails_where_the_stack_has_no_tests(tmp_path: Path) -> None:
    result = _build(tmp_path, test="", extra="")

    assert result.message == "TestFailure: no test ran: stack 'small' has no test command"
    assert result.outputs["build_passed"] is False


def test_tests_without_a_report_are_not_counted(tmp_path: Path) -> None:
    result = _build(tmp_path, test="[['true']]", extra="")

    assert result.success
    assert result.outputs["tests_total"] is None
    assert result.message == "install, build, lint, test passed"


def test_where_a_tool_is_absent_it_is_skipped_and_nothing_is_run(tmp_path: Path) -> None:
    tool = 'tools: [{name: dotnet, version_command: [no-such-dotnet], minimum: "10.0", get: see the site}]\n'

    result = _build(tmp_path, extra=_REPORT + tool)

    assert (result.status, result.message) == ("skipped", "dotnet not found (needs 10.0 or newer; see the site)")
    assert not (tmp_path / "my-app" / "steps").exists()


def test_a_tool_that_is_too_old_is_a_failure(tmp_path: Path) -> None:
    tool = 'tools: [{name: dotnet, version_command: [echo, v8.0], minimum: "10.0", get: see the site}]\n'

    result = _build(tmp_path, extra=_REPORT + tool)

    assert result.message == "DependencyError: dotnet 8.0 is too old (needs 10.0 or newer; see the site)"


def test_rust_tests_are_counted_from_what_cargo_prints(tmp_path: Path) -> None:
    printed = "test result: ok. 4 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out"

    result = _build(tmp_path, test=f"[[echo, '{printed}']]", extra="test_report: {format: libtest}\n")

    assert result.outputs["tests_total"] == 5
    assert result.message.endswith("4 tests passed, 1 skipped")


def test_many_rust_tests_are_counted(tmp_path: Path) -> None:
    lines = 'yes "test a_test_of_some_length ... ok" | head -5000'
    many = f"[[sh, -c, '{lines}; echo \"test result: ok. 5000 passed; 0 failed; 0 ignored;\"']]"

    result = _build(tmp_path, test=many, extra="test_report: {format: libtest}\n")

    assert result.outputs["tests_total"] == 5000


def test_a_report_that_printed_too_much_to_be_counted_is_a_failure(tmp_path: Path) -> None:
    much = "[[sh, -c, 'seq 1 2000000; echo \"test result: ok. 4 passed; 0 failed; 1 ignored;\"']]"

    result = _build(tmp_path, test=much, extra="test_report: {format: libtest}\n")

    assert result.message == "TestFailure: test failed: the test command printed too much for its tests to be counted"


def test_a_server_that_cannot_be_reached_is_a_dependency_error_in_any_phase(tmp_path: Path) -> None:
    said = "[ERROR] Could not transfer artifact a:b:pom:1 from/to central: repo.example: Unknown host repo.example"

    result = _build(tmp_path, build=f"[[sh, -c, 'echo \"$0\"; exit 1', '{said}']]")

    assert result.message.startswith("DependencyError: build failed: ")
    assert result.message.endswith(f": {said}")


def test_without_an_application_or_a_stack_it_says_so(tmp_path: Path) -> None:
    write_stack(tmp_path, "small", {}, "")
    with pytest.raises(UsageError, match="there is no application folder"):
        execute(BuildTest(), context(BuildTest(), tmp_path, "my-app", "small"))

    (tmp_path / "my-app").mkdir()
    with pytest.raises(UsageError, match="files do not tell its stack; give it as the input 'stack'"):
        execute(BuildTest(), context(BuildTest(), tmp_path, "my-app", None))


@pytest.mark.parametrize("values", [{"timeout": "soon"}, {"stack": 1}, {"checks": ["lint"]}])
def test_wrong_settings_are_faults(values: dict[str, Any]) -> None:
    assert check_settings(BuildTest(), values)
