"""The review station: what speaks against a change, and what was not looked at; and the tests of criteria."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from llm_server import call, done, model_server
from mityflow_stations._added import added_lines, leftovers, new_packages
from mityflow_stations._criteria import criteria_with_tests, untested
from mityflow_stations.scanners.secrets import hidden
from test_implement import Repo, repo  # noqa: F401 - a fixture

from mityflow.context import WorkflowContext
from mityflow.executor import WorkflowExecutor
from mityflow.registry import StationRegistry
from mityflow.station import StationResult
from mityflow.workflow import Workflow

KEY = "AKIA" + "QWERTYUIOPASDFGH"
MANIFEST = '[project]\nname = "calc"\nversion = "1"\ndependencies = [%s]\n'


def reviewed(repo: Repo, files: dict[str, str], **settings: Any) -> StationResult:  # noqa: F811
    """What review says of these files, which are written and not committed."""
    repo.create(files)
    changed = sorted(files)
    inputs: dict[str, Any] = {"changed_files": changed, **repo.inputs}
    schemas: dict[str, dict[str, Any]] = {name: {} for name in inputs}
    workflow = Workflow("w", "W", inputs=schemas, guardrails=repo.guardrails).station("review", with_=settings)
    log = WorkflowExecutor(StationRegistry.discover()).execute(workflow, WorkflowContext(repo.root, inputs=inputs))
    return log.results["review"]


def rules(result: StationResult) -> list[str]:
    return [finding["rule"] for finding in result.outputs["findings"]]


def test_a_small_change_has_no_finding(repo: Repo) -> None:  # noqa: F811
    result = reviewed(repo, {"calc.py": "def add(a, b):\n    return b + a\n"})
    assert result.success
    assert result.outputs["findings"] == []
    assert result.outputs["not_checked"] == [
        "lint: the stack is not known",
        "criteria: no test was run",
        "agent: the guardrails name no agent for 'reviewer'",
    ]
    assert result.message.startswith("nothing found in calc.py (+1 -1)")


STACK = """\
version: 1
id: small
name: Small
description: A stack whose linters are shells.
commands:
  lint:
    - [sh, -c, "cat complaints; test ! -s complaints"]
    - [sh, -c, "exit 0"]
  run: [sh, run]
"""


def linted(repo: Repo, complaints: str) -> StationResult:  # noqa: F811
    folder = repo.root / "templates" / "small"
    (folder / "template").mkdir(parents=True)
    (folder / "stack.yaml").write_text(STACK, encoding="utf-8")
    (repo.root / "complaints").write_text(complaints, encoding="utf-8")
    return reviewed(repo, {"calc.py": "def add(a, b):\n    return b + a\n"}, stack="small", checks=["lint"])


def test_each_complaint_of_a_linter_is_a_finding_at_its_place(repo: Repo) -> None:  # noqa: F811
    outside = "/etc/passwd.d:1:1: F401 outside\ngone.py:1:1: F401 not there\n"
    result = linted(repo, f"calc.py:1:5: E741 ambiguous\n{repo.root}/calc.py:2: error: no [attr-defined]\n{outside}")
    assert result.status == "failed"
    found = [(f["rule"], f["severity"], f["path"], f["line"], f["column"]) for f in result.outputs["findings"]]
    assert found == [("E741", "high", "calc.py", 1, 5), ("attr-defined", "high", "calc.py", 2, 0)]
    assert result.outputs["not_checked"] == ["lint: not run after a failure: sh -c 'exit 0'"]


def test_a_linter_that_fails_without_a_complaint_is_a_finding_of_its_own(repo: Repo) -> None:  # noqa: F811
    result = linted(repo, "calc.py:1:5: warning: hm\nit broke\n")
    assert [(f["rule"], f["severity"], f["path"]) for f in result.outputs["findings"]] == [
        ("lint", "high", ""),
        ("lint", "low", "calc.py"),
    ]


def test_linters_without_complaints_find_nothing(repo: Repo) -> None:  # noqa: F811
    result = linted(repo, "")
    assert result.success
    assert result.outputs["findings"] == result.outputs["not_checked"] == []


def test_a_secret_on_an_added_line_fails_it_and_is_shown_nowhere(repo: Repo) -> None:  # noqa: F811
    result = reviewed(repo, {"settings.py": f'KEY = "{KEY}"\n'})
    assert result.status == "failed"
    assert "aws-access-key" in rules(result)
    assert result.outputs["findings"][0]["line"] == 1
    written = [place.read_text(errors="replace") for place in (repo.root / ".mity").rglob("*") if place.is_file()]
    assert written
    assert not any(KEY in text for text in written)
    assert KEY not in result.message


def test_a_secret_that_was_there_before_is_not_the_changes(repo: Repo) -> None:  # noqa: F811
    repo.create({"settings.py": f'KEY = "{KEY}"\n'})
    repo.git("add", "settings.py")
    repo.git("commit", "--quiet", "--message=oh")
    assert rules(reviewed(repo, {"settings.py": f'KEY = "{KEY}"\nDEBUG = False\n'})) == []


def test_tests_that_got_weaker_fail_it(repo: Repo) -> None:  # noqa: F811
    weak = "from calc import add\n\n\ndef test_add():\n    assert add(1, 2)\n"
    result = reviewed(repo, {"tests/test_calc.py": weak})
    assert result.status == "failed"
    assert rules(result) == ["tests-weaker"]
    assert result.outputs["findings"][0]["path"] == "tests/test_calc.py"


@pytest.mark.parametrize(
    ("path", "line", "rule"),
    [
        ("a.py", "<<<<<<< HEAD", "conflict-marker"),
        ("a.txt", ">>>>>>> theirs", "conflict-marker"),
        ("a.py", "    breakpoint()", "debugger"),
        ("a.py", "import pdb; pdb.set_trace()", "debugger"),
        ("a.ts", "  debugger;", "debugger"),
        ("a.vue", "console.log(x)", "print"),
        ("a.rs", "let x = dbg!(y);", "debugger"),
        ("a.rs", "    todo!()", "debugger"),
        ("a.rs", 'println!("x")', "print"),
        ("A.java", "System.out.println(x);", "print"),
        ("A.cs", "Console.WriteLine(x);", "print"),
        ("a.py", "x = 1  # TODO later", "to-do"),
    ],
)
def test_leftovers_are_found(path: str, line: str, rule: str) -> None:
    assert [finding.rule for finding in leftovers(path, {7: line})] == [rule]


@pytest.mark.parametrize(
    ("path", "line"),
    [("a.md", "print(x)"), ("a.py", "sprint(x)"), ("a.txt", "======="), ("a.py", "todo = []")],
)
def test_what_only_looks_like_a_leftover_is_none(path: str, line: str) -> None:
    assert list(leftovers(path, {1: line})) == []


def test_added_lines_have_their_numbers() -> None:
    diff = (
        "diff --git a/x.py b/x.py\n--- a/x.py\n+++ b/x.py\n@@ -1,3 +1,4 @@\n a\n-b\n+B\n+--- not a name\n c\n"
        "@@ -9 +10 @@\n-z\n+Z\n\\ No newline at end of file\n"
        'diff --git "a/\\303\\274.py" "b/\\303\\274.py"\n--- /dev/null\n+++ "b/\\303\\274.py"\n@@ -0,0 +1 @@\n+new\n'
    )
    assert added_lines(diff) == {"x.py": {2: "B", 3: "--- not a name", 10: "Z"}, "ü.py": {1: "new"}}


def test_a_change_that_is_too_large_is_told(repo: Repo) -> None:  # noqa: F811
    result = reviewed(repo, {"long.py": "x = 1\n" * 30}, max_lines=20)
    assert result.success
    assert rules(result) == ["large-change"]


def test_the_threshold_is_a_setting(repo: Repo) -> None:  # noqa: F811
    files = {"calc.py": "# TODO\n"}
    assert reviewed(repo, files, fail_at="medium").success
    assert reviewed(repo, files, fail_at="low").status == "failed"


def test_new_packages_are_told_with_their_licence(repo: Repo) -> None:  # noqa: F811
    repo.create({"pyproject.toml": MANIFEST % '"click"'})
    repo.git("add", "pyproject.toml")
    repo.git("commit", "--quiet", "--message=manifest")
    for name, licence in (("good", "MIT"), ("bad", "AGPL-3.0-only"), ("silent", "")):
        info = repo.root / f".venv/lib/python3.11/site-packages/{name}-1.0.dist-info/METADATA"
        told = f"License-Expression: {licence}\n" if licence else ""
        repo.create({str(info.relative_to(repo.root)): f"Metadata-Version: 2.4\nName: {name}\nVersion: 1.0\n{told}"})
    files = {"pyproject.toml": MANIFEST % '"click", "good>1", "bad", "silent", "absent"'}
    result = reviewed(repo, files, deny_licences=["AGPL"])
    found = {finding["message"]: finding["severity"] for finding in result.outputs["findings"]}
    assert found == {
        "bad 1.0 is new, and has a licence that is denied: AGPL-3.0-only": "high",
        "absent is new, and not installed, so its licence is not known": "medium",
        "silent 1.0 is new, and names no licence": "medium",
        "good 1.0 is new; its licence: MIT": "info",
    }


@pytest.mark.parametrize(
    ("path", "before", "after", "new"),
    [
        ("package.json", '{"dependencies": {"a": "1"}}', '{"dependencies": {"a": "2", "b": "1"}}', "b"),
        ("package.json", "{}", '{"devDependencies": {"b": "1"}}', "b"),
        ("Cargo.toml", "[dependencies]\na = '1'\n", "[dependencies]\na = '1'\nx = {package = 'b'}\n", "b"),
        ("pom.xml", None, "<p><dependency><groupId>g</groupId><artifactId>a</artifactId></dependency></p>", "g:a"),
        ("web/package.json", "{}", '{"dependencies": {"b": "1"}}', "b"),
    ],
)  # fmt: skip
def test_new_packages_of_manifests(path: str, before: str | None, after: str, new: str) -> None:
    assert new_packages({path: before}, {path: after}) == {new: path}


def test_a_manifest_that_does_not_parse_has_no_packages() -> None:
    assert new_packages({"package.json": "{"}, {"package.json": "[]"}) == {}


# Agents.


@pytest.fixture
def reviewer(repo: Repo) -> Iterator[Any]:  # noqa: F811
    """Sets what the reviewer answers, in turn."""

    def answers(*texts: str) -> None:
        place = repo.root.parent / "reviewer.py"
        for number, text in enumerate(texts):
            (repo.root.parent / f"answer{number}").write_text(text, encoding="utf-8")
        place.write_text(
            "import pathlib, shutil, sys\n"
            f"top = pathlib.Path({str(repo.root.parent)!r})\n"
            "shutil.copy(sys.argv[1], top / 'task.md')\n"
            "n = next(n for n in range(9) if not (top / f'given{n}').exists())\n"
            "(top / f'given{n}').touch()\n"
            "pathlib.Path('mityflow-answer.json').write_text((top / f'answer{n}').read_text())\n",
            encoding="utf-8",
        )
        command = [sys.executable, str(place), "{{ task_file }}"]
        repo.guardrails["agents"] = {"reviewer": {"kind": "command", "command": command}}

    return answers  # type: ignore[return-value]


def test_an_agents_findings_are_among_the_others(repo: Repo, reviewer: Any) -> None:  # noqa: F811
    found = {"severity": "high", "message": "it loses the sign", "path": "calc.py", "line": 2}
    reviewer(json.dumps({"findings": [found]}))
    result = reviewed(repo, {"calc.py": "def add(a, b):\n    return abs(a + b)\n"})
    assert result.status == "failed"
    assert "calc.py:2: high: it loses the sign [reviewer: review]" in result.message
    task = (repo.root.parent / "task.md").read_text()
    assert "+    return abs(a + b)" in task
    assert "Subtract numbers" in task
    assert not (repo.root / "mityflow-answer.json").exists()


def test_an_answer_that_cannot_be_used_is_asked_for_once_more(repo: Repo, reviewer: Any) -> None:  # noqa: F811
    reviewer('{"findings": [{"severity": "bad", "message": "x"}]}', '{"findings": []}')
    assert reviewed(repo, {"calc.py": "x = 1\n"}).success
    assert "Your last answer could not be used" in (repo.root.parent / "task.md").read_text()


@pytest.mark.parametrize(
    "answer",
    ["", "[]", "{}", '{"findings": [1]}', '{"findings": [{"severity": "low", "message": "x", "path": "/etc/passwd"}]}',
     '{"findings": [{"severity": "low", "message": "x", "line": "one"}]}', "[" * 100_000],
)  # fmt: skip
def test_a_review_that_is_not_whole_is_no_success(repo: Repo, reviewer: Any, answer: str) -> None:  # noqa: F811
    reviewer(answer, answer)
    result = reviewed(repo, {"calc.py": "x = 1\n"})
    assert result.status == "failed"
    assert "the review is not whole" in result.message


def test_a_reviewer_that_changes_files_changes_none(repo: Repo) -> None:  # noqa: F811
    program = "for path in ('calc.py', 'mityflow-answer.json'): open(path, 'w').write('{}')"
    repo.guardrails["agents"] = {"reviewer": {"kind": "command", "command": [sys.executable, "-c", program]}}
    result = reviewed(repo, {"calc.py": "x = 1\n"})
    assert result.status == "failed"
    assert (repo.root / "calc.py").read_text() == "x = 1\n"


def test_a_model_reviews_and_can_write_nothing_but_its_answer(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test-0123456789")
    found = {"findings": [{"severity": "low", "message": "the name says little", "path": "calc.py", "line": 1}]}
    answers = (
        call("edit_file", path="calc.py", old="x", new="evil"),
        call("create_file", path="mityflow-answer.json", text=json.dumps(found)),
        done("reviewed"),
    )
    with model_server(*answers) as server:
        settings = {"kind": "llm", "model": "openai-chat:gpt-4o-mini", "base_url": f"{server.url}/v1"}
        repo.guardrails["agents"] = {"reviewer": settings}
        result = reviewed(repo, {"calc.py": "x = 1\n"})
        refused = json.dumps(server.requests[1])
    assert result.success
    assert "the name says little" in result.message
    assert "is not to be changed" in refused
    assert (repo.root / "calc.py").read_text() == "x = 1\n"


def test_nothing_to_review_is_a_failure(repo: Repo) -> None:  # noqa: F811
    assert reviewed(repo, {}).status == "failed"


def test_its_report_is_sarif(repo: Repo) -> None:  # noqa: F811
    result = reviewed(repo, {"calc.py": "# TODO\n"})
    log = json.loads((repo.root / result.artifacts[0].path).read_text())
    assert log["version"] == "2.1.0"
    assert log["runs"][0]["results"][0]["ruleId"] == "mityflow/to-do"
    assert os.path.commonpath([repo.root / ".mity", repo.root / result.artifacts[0].path]) == str(repo.root / ".mity")


def test_a_difference_is_written_down_without_its_secrets() -> None:
    key = "-----BEGIN RSA PRIVATE KEY-----\n+MIIEpAIBAAKCAQ\n+-----END RSA PRIVATE KEY-----"
    head = "diff --git a/x.py b/x.py\n--- a/x.py\n+++ b/x.py\n"
    diff = f'{head}@@ -1 +1,6 @@\n-old = "{KEY}"\n+KEY = "{KEY}"\n+name = "apple pie"\n+{key}\n+x = 1\n'
    clean = diff.replace(f'+KEY = "{KEY}"', '+KEY = "***"').replace("+MIIEpAIBAAKCAQ", "+***")
    assert hidden(diff) == clean


# Criteria.


@pytest.mark.parametrize(
    ("criterion", "tests", "test", "by"),
    [
        ("Items are found by part of their name", ["t::test_items_are_found_by_part_of_their_name"], 0, "words"),
        ("Upper and lower case make no difference", ["upperAndLowerCaseMakeNoDifference()"], 0, "words"),
        ("The answer is 404", ["test_other", "test_ac_1_unknown"], 1, "number"),
        ("It is refused", ["test_ac_12"], None, None),
        ("A text that is too long is refused", ["test_without_a_match_the_list_is_empty"], None, None),
        ("Works", ["test_works"], None, None),
    ],
)
def test_the_test_of_a_criterion(criterion: str, tests: list[str], test: int | None, by: str | None) -> None:
    wanted = {"criterion": criterion, "test": None if test is None else tests[test], "by": by}
    assert criteria_with_tests([criterion], tests, []) == [wanted]


def test_the_plan_goes_before_all() -> None:
    plan = [{"criterion": "it adds", "test": "test_sum"}]
    found = criteria_with_tests(["it adds", "it subtracts"], ["m::test_sum", "m::test_it_adds"], plan)
    assert [(entry["test"], entry["by"]) for entry in found] == [("m::test_sum", "plan"), (None, None)]
    assert untested(found) == ["it subtracts"]
