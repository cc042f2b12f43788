"""The validate station: nothing passes that was not run, and no test counts that no report shows."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from mityflow_stations.validate import Validate
from stationkit import Runtime, context, declare_built_ins, execute, write_stack

from mityflow.settings import check_settings
from mityflow.station import StationContext, StationResult

_PASSING = """\
commands:
  install: [[sh, -c, "echo installed >> steps"]]
  lint: [[sh, -c, "echo linted >> steps"], [sh, -c, "echo typed >> steps"]]
  test: [[sh, test.sh]]
test_report: {arguments: [out/junit.xml], files: "out/*.xml"}
env: {MARK: from-stack}
required_files: [README.md, "src/{{ app_name_snake }}.txt"]
config_files: [a.json, b.toml, c.yaml, d.xml]
"""
_REPORT = '<testsuites><testsuite name="s"><testcase classname="c" name="one"/>{more}</testsuite></testsuites>'
_SCRIPT = """mkdir -p out; cat > "$1" <<'END'\n{report}\nEND\necho "$MARK"; exit {code}\n"""
_FILES = {
    "README.md": "read me",
    "src/my_app.txt": "x",
    "a.json": '{"a": [1]}',
    "b.toml": "a = 1",
    "c.yaml": "a: !reset [1]\n---\nb: 2\n",
    "d.xml": "<a><b/></a>",
    "test.sh": _SCRIPT.format(report=_REPORT.format(more=""), code=0),
}


@pytest.fixture(autouse=True)
def _built_ins(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    declare_built_ins(monkeypatch, tmp_path_factory.mktemp("installed"))


def _application(workspace: Path, **files: str | None) -> Path:
    """An application that passes, but for these files; None leaves one out."""
    app = workspace / "my-app"
    for path, text in {**_FILES, **files}.items():
        if text is not None:
            (app / path).parent.mkdir(parents=True, exist_ok=True)
            (app / path).write_text(text, encoding="utf-8")
    return app


def _context(workspace: Path, extra: str = _PASSING, **values: Any) -> StationContext:
    write_stack(workspace, "small", {}, extra)
    return context(Validate(), workspace, "my-app", "small", **values)


def _validate(workspace: Path, extra: str = _PASSING, **values: Any) -> StationResult:
    return execute(Validate(), _context(workspace, extra, **values))


def _report(result: StationResult) -> dict[str, dict[str, Any]]:
    return {check["name"]: check for check in result.outputs["validation_report"]}


def _statuses(result: StationResult) -> dict[str, str]:
    return {name: check["status"] for name, check in _report(result).items()}


def _with_script(workspace: Path, more: str = "", code: int = 0, report: str = _REPORT) -> StationResult:
    """Validate an application whose test command writes this report."""
    script = _SCRIPT.format(report=report.format(more=more), code=code)
    _application(workspace, **{"test.sh": script})
    return _validate(workspace)


# A pass


def test_a_good_application_passes_with_the_evidence_listed(tmp_path: Path) -> None:
    app = _application(tmp_path)
    where = _context(tmp_path)

    result = execute(Validate(), where)

    assert result.success
    assert result.message == "5 checks passed, 1 test passed"
    assert result.outputs["validation_passed"] is True
    assert list(_statuses(result).items()) == [
        (name, "passed") for name in ("files", "config", "install", "lint", "test")
    ]
    assert (app / "steps").read_text(encoding="utf-8") == "installed\nlinted\ntyped\n"
    test = _report(result)["test"]
    assert (test["command"], test["exit_code"], test["tests"], test["tests_failed"]) == (
        "sh test.sh out/junit.xml",
        0,
        1,
        0,
    )
    assert test["seconds"] > 0
    assert _report(result)["files"]["command"] is None


def test_commands_get_the_environment_of_the_stack(tmp_path: Path) -> None:
    _application(tmp_path)
    where = _context(tmp_path)

    execute(Validate(), where)

    runtime = where._runtime
    assert isinstance(runtime, Runtime)
    assert b"from-stack\n" in runtime.output


def test_only_the_wanted_checks_run_in_their_own_order(tmp_path: Path) -> None:
    app = _application(tmp_path)

    result = _validate(tmp_path, checks=["lint", "files"])

    assert list(_statuses(result)) == ["files", "lint"]
    assert (app / "steps").read_text(encoding="utf-8") == "linted\ntyped\n"


def test_a_phase_the_stack_does_not_have_is_skipped_and_said_to_be(tmp_path: Path) -> None:
    _application(tmp_path)

    result = _validate(tmp_path, "required_files: [README.md]\ncommands: {install: [['true']]}\n")

    assert result.success
    assert result.message == "3 checks passed; skipped: lint, test"
    assert _report(result)["lint"]["detail"] == "stack 'small' has no lint command"


def test_when_nothing_can_be_run_it_is_no_success(tmp_path: Path) -> None:
    _application(tmp_path)

    result = _validate(tmp_path, checks=["lint", "test"], extra="commands: {}\n")

    assert result.status == "skipped"
    assert not result.success


# Failures


def test_a_missing_application_or_stack_says_so(tmp_path: Path) -> None:
    result = _validate(tmp_path)
    assert "there is no application folder" in result.message
    assert result.outputs == {"validation_passed": False, "validation_report": []}

    _application(tmp_path)
    result = execute(Validate(), context(Validate(), tmp_path, "my-app", None))
    assert result.message == "the application's files do not tell its stack; give it as the input 'stack'"


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"README.md": None}, "README.md is missing"),
        ({"README.md": ""}, "README.md is empty"),
        ({"README.md": "a\nb {{ app_name }}"}, "README.md:2: a placeholder is left over"),
        ({"src/my_app.txt": "{% if %}"}, "src/my_app.txt:1: a placeholder is left over"),
    ],
)
def test_a_required_file_that_is_not_as_it_must_be_fails_and_ends_it(
    tmp_path: Path, files: dict[str, str | None], message: str
) -> None:
    app = _application(tmp_path, **files)

    result = _validate(tmp_path)

    assert result.status == "failed"
    assert result.message == f"files failed: {message}"
    assert result.outputs["validation_passed"] is False
    assert list(_statuses(result).values()) == ["failed", "skipped", "skipped", "skipped", "skipped"]
    assert _report(result)["test"]["detail"] == "not run because files failed"
    assert not (app / "steps").exists()


def test_files_that_may_hold_braces_are_not_searched_for_them(tmp_path: Path) -> None:
    _application(tmp_path, **{"README.md": "{{ x }}", "src/my_app.txt": "{{ y }}"})

    result = _validate(tmp_path, _PASSING + 'literal_braces: ["*.md"]\ncopy_without_rendering: ["src/*"]\n')

    assert _statuses(result)["files"] == "passed"


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.json", "{'a': 1}"),
        ("a.json", ""),
        ("b.toml", "a = "),
        ("c.yaml", "a: [1"),
        ("d.xml", "<a><b></a>"),
        ("d.xml", '<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>'),
        ("b.toml", None),
    ],
)
def test_a_configuration_file_that_does_not_parse_fails(tmp_path: Path, path: str, text: str | None) -> None:
    _application(tmp_path, **{path: text})

    result = _validate(tmp_path)

    assert result.message.startswith(f"config failed: {path} ")
    assert _statuses(result)["install"] == "skipped"


@pytest.mark.parametrize("phase", ["install", "lint"])
def test_a_command_that_fails_ends_it_with_its_last_words(tmp_path: Path, phase: str) -> None:
    _application(tmp_path)
    commands = {"install": "[['true']]", "lint": "[['true']]", "test": "[['true']]"}
    commands[phase] = "[['true'], [sh, -c, 'seq 1 100; echo no good >&2; exit 7'], [touch, never]]"

    result = _validate(tmp_path, "commands: {" + ", ".join(f"{k}: {v}" for k, v in commands.items()) + "}\n")

    check = _report(result)[phase]
    assert result.message == f"{phase} failed: 'sh -c 'seq 1 100; echo no good >&2; exit 7'' ended with exit code 7"
    assert (check["status"], check["exit_code"]) == ("failed", 7)
    assert {"no good", "100"} <= set(check["detail"].splitlines())
    assert "50" not in check["detail"].splitlines()
    assert _statuses(result)["test"] == "skipped"
    assert not (tmp_path / "my-app" / "never").exists()


def test_a_phase_that_takes_too_long_is_stopped(tmp_path: Path) -> None:
    _application(tmp_path)

    result = _validate(tmp_path, "commands: {lint: [[sleep, '300']]}\n", timeout="200ms")

    assert result.message == "lint failed: 'sleep 300' took longer than 0.2 s"


def test_the_time_limit_is_one_for_all_commands_of_a_phase(tmp_path: Path) -> None:
    _application(tmp_path)
    commands = "commands: {lint: [[sleep, '0.3'], [sleep, '0.3'], [sleep, '300']]}\ntime_limits: {lint: 900ms}\n"

    assert "'sleep 300' took longer than 0.9 s" in _validate(tmp_path, commands).message


def test_a_command_that_cannot_be_started_fails(tmp_path: Path) -> None:
    _application(tmp_path)

    result = _validate(tmp_path, "commands: {install: [[no-such-program-here]]}\n")

    assert result.status == "failed"
    assert "no-such-program-here" in result.message
    assert _statuses(result)["install"] == "failed"


# Tools


def _tool(command: str, minimum: str = "1.0") -> str:
    return f'tools: [{{name: Tool, version_command: {command}, minimum: "{minimum}", get: get it from a shop}}]\n'


def test_where_a_tool_is_missing_it_is_skipped_and_says_how_to_get_it(tmp_path: Path) -> None:
    app = _application(tmp_path)

    result = _validate(tmp_path, _tool("[no-such-tool-here, --version]") + _PASSING)

    assert result.status == "skipped"
    assert result.message == "Tool not found (needs 1.0 or newer; get it from a shop); files and config passed"
    assert not (app / "steps").exists()


def test_where_a_tool_is_missing_wrong_files_are_still_a_failure(tmp_path: Path) -> None:
    _application(tmp_path, **{"a.json": "{"})

    assert _validate(tmp_path, _tool("[no-such-tool-here, --version]") + _PASSING).status == "failed"


def test_a_build_is_part_of_it_where_the_stack_has_one(tmp_path: Path) -> None:
    app = _application(tmp_path)

    result = _validate(tmp_path, _PASSING.replace("  lint:", '  build: [[sh, -c, "echo built >> steps"]]\n  lint:'))

    assert _statuses(result)["build"] == "passed"
    assert (app / "steps").read_text(encoding="utf-8") == "installed\nbuilt\nlinted\ntyped\n"


@pytest.mark.parametrize(
    ("phase", "printed", "error_type"),
    [
        ("install", "ERROR: No matching distribution found for x", "DependencyError"),
        ("build", "src/a.c:3:1: error: expected a semicolon", "BuildError"),
        ("build", "Could not transfer artifact a:b:1", "DependencyError"),
        ("lint", "src/a.py:1: F401 unused import", "BuildError"),
        ("test", "1 failed", "TestFailure"),
    ],
)
def test_a_failed_phase_has_the_class_of_its_error(tmp_path: Path, phase: str, printed: str, error_type: str) -> None:
    _application(tmp_path)

    result = _validate(tmp_path, f"commands: {{{phase}: [[sh, -c, \"echo '{printed}'; exit 1\"]]}}\n", checks=[phase])

    assert _report(result)[phase]["error_type"] == error_type


def test_a_server_that_cannot_be_reached_is_named_in_the_reason(tmp_path: Path) -> None:
    _application(tmp_path)

    result = _validate(
        tmp_path,
        "commands: {install: [[sh, -c, 'echo npm error network getaddrinfo ENOTFOUND r.example >&2; exit 1']]}\n",
    )

    assert result.message.endswith("ended with exit code 1: npm error network getaddrinfo ENOTFOUND r.example")


def test_a_tool_that_is_too_old_is_a_failure(tmp_path: Path) -> None:
    _application(tmp_path)

    result = _validate(tmp_path, _tool("[echo, tool 1.9]", "2.0") + _PASSING)

    assert result.message == "Tool 1.9 is too old (needs 2.0 or newer; get it from a shop)"


def test_tools_are_only_asked_for_when_a_command_needs_them(tmp_path: Path) -> None:
    _application(tmp_path)
    extra = _tool("[no-such-tool-here, --version]") + _PASSING

    assert _validate(tmp_path, extra, checks=["files", "config"]).success


def test_the_versions_found_are_part_of_the_report(tmp_path: Path) -> None:
    _application(tmp_path)

    assert _report(_validate(tmp_path, _tool("[echo, v1.9]") + _PASSING))["tools"]["detail"] == "Tool 1.9"


# The test report


def test_a_test_command_that_only_says_it_passed_does_not_pass(tmp_path: Path) -> None:
    _application(tmp_path, **{"test.sh": "echo 5 passed\n"})

    result = _validate(tmp_path)

    assert result.message == "test failed: the test runner wrote no report (out/*.xml)"


def test_a_report_of_an_earlier_run_does_not_count(tmp_path: Path) -> None:
    _application(tmp_path, **{"test.sh": "true\n", "out/old.xml": _REPORT.format(more="")})

    assert "wrote no report" in _validate(tmp_path).message


def test_a_run_without_a_test_does_not_pass(tmp_path: Path) -> None:
    result = _with_script(tmp_path, report="<testsuite tests='9'/>")

    assert result.message == "test failed: no test ran"
    assert _report(result)["test"]["tests"] == 0


def test_a_run_that_skipped_every_test_does_not_pass(tmp_path: Path) -> None:
    result = _with_script(tmp_path, report="<testsuite><testcase name='a'><skipped/></testcase></testsuite>")

    assert result.message == "test failed: no test ran"


@pytest.mark.parametrize("code", [0, 1])
def test_a_failed_test_fails_whatever_the_exit_code(tmp_path: Path, code: int) -> None:
    more = "<testcase classname='c' name='two'><failure/></testcase><testcase name='three'><error/></testcase>"

    result = _with_script(tmp_path, more, code)

    assert result.message == "test failed: 2 of 3 tests failed: c::two, three"
    test = _report(result)["test"]
    assert (test["tests"], test["tests_failed"]) == (3, 2)


def test_a_bad_exit_code_fails_although_the_report_is_good(tmp_path: Path) -> None:
    result = _with_script(tmp_path, code=3)

    assert result.message == "test failed: 'sh test.sh out/junit.xml' ended with exit code 3"


def test_skipped_tests_do_not_count_as_passed(tmp_path: Path) -> None:
    result = _with_script(tmp_path, "<testcase name='two'><skipped/></testcase>")

    assert result.message == "5 checks passed, 1 test passed"
    assert _report(result)["test"]["tests_skipped"] == 1


def test_tests_of_several_reports_are_added(tmp_path: Path) -> None:
    script = _FILES["test.sh"] + "cp out/junit.xml out/second.xml\n"
    _application(tmp_path, **{"test.sh": script.replace("exit 0\n", "")})

    assert "2 tests passed" in _validate(tmp_path).message


@pytest.mark.parametrize(
    "report", ["not xml", "<open>", '<!DOCTYPE a [<!ENTITY x "xx">]><testsuite><testcase name="&x;"/></testsuite>']
)
def test_a_report_that_cannot_be_read_does_not_pass(tmp_path: Path, report: str) -> None:
    assert "the test report out/junit.xml cannot be read" in _with_script(tmp_path, report=report).message


def test_a_stack_without_a_report_rests_on_the_exit_code(tmp_path: Path) -> None:
    _application(tmp_path)

    result = _validate(tmp_path, "commands: {test: [['true']]}\n", checks=["test"])

    assert result.message == "1 check passed"
    assert _report(result)["test"]["tests"] is None


def test_the_report_is_plain_data(tmp_path: Path) -> None:
    import json

    _application(tmp_path)

    outputs = _validate(tmp_path).outputs

    assert json.loads(json.dumps(outputs)) == outputs


def test_a_workspace_that_is_the_application_can_be_validated(tmp_path: Path) -> None:
    app = _application(tmp_path)
    write_stack(app, "small", {}, "commands: {test: [[echo, '{{ app_name }}', '{{ python }}']]}\n")

    result = execute(Validate(), context(Validate(), app, None, "small"))

    assert _report(result)["test"]["command"] == f"echo my-app {sys.executable}"


@pytest.mark.parametrize(
    "values",
    [
        {"checks": []},
        {"checks": ["launch"]},
        {"checks": "test"},
        {"timeout": 10},
        {"timeout": "0s"},
        {"timeout": "soon"},
        {"x": 1},
    ],
)
def test_wrong_settings_are_faults(values: dict[str, Any]) -> None:
    assert check_settings(Validate(), values)
