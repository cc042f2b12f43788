"""Architect: a plan on what analyze found, written down; an agent's is checked, an outline says that it is one."""

from __future__ import annotations

import json
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from llm_server import Status, call, done, model_server
from mityflow_stations._naming import layout_of
from mityflow_stations.analyze import Analyze
from mityflow_stations.architect import Architect
from stationkit import context, declare_built_ins, execute, tree
from test_analyze import application, put

from mityflow.errors import UsageError
from mityflow.station import StationContext, StationResult

FEATURE = """\
# Search for items

People look for items by a part of their name.

## Acceptance Criteria

- `GET /items?name=ap` lists the items whose name has "ap" in it
- an empty name lists all items
"""
CRITERIA = ('GET /items?name=ap lists the items whose name has "ap" in it', "an empty name lists all items")
PLAN = {
    "decision": "The list takes a name.",
    "consequences": ["Every request reads all items."],
    "files": [
        {"path": "src/my_app/items.py", "action": "change", "reason": "It lists the items."},
        {"path": "tests/test_search.py", "action": "add", "reason": "The criteria."},
    ],
    "criteria": [
        {"number": 2, "file": "tests/test_search.py", "test": "test_an_empty_name"},
        {"number": 1, "file": "tests/test_search.py", "test": "test_a_part_of_a_name"},
    ],
}


@pytest.fixture(autouse=True)
def _built_ins(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    declare_built_ins(monkeypatch, tmp_path_factory.mktemp("installed"))


class Desk:
    """A workspace with an application that was analyzed, and a feature."""

    def __init__(self, workspace: Path, stack: str = "python-fastapi") -> None:
        self.workspace = workspace
        self.root = application(workspace, stack)
        (workspace / "search.md").write_text(FEATURE, encoding="utf-8")
        self.inputs: dict[str, Any] = {"feature": "search.md"}
        self.guardrails: dict[str, Any] = {}
        self.notes: list[Mapping[str, Any]] = []
        self.analyze()

    def analyze(self) -> None:
        given = execute(Analyze(), context(Analyze(), self.workspace, "my-app", None)).outputs
        self.analysis = given["analysis"]

    def agent(self, script: str) -> None:
        """Let a program be the architect: it is started in a copy of the application."""
        place = self.workspace / "agent"
        place.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        place.chmod(place.stat().st_mode | stat.S_IXUSR)
        self.guardrails = {"agents": {"architect": {"kind": "command", "command": [str(place), "{{ task_file }}"]}}}

    def answers(self, *plans: object) -> None:
        """Let the program answer this, one after another."""
        for number, plan in enumerate(plans):
            (self.workspace / f"answer-{number}").write_text(json.dumps(plan), encoding="utf-8")
        self.agent(
            f'n=$(ls {self.workspace} | grep -c "^asked-"); cat "$1" > {self.workspace}/asked-$n\n'
            f"cp {self.workspace}/answer-$n mityflow-answer.json"
        )

    def context(self, **values: Any) -> StationContext:
        where = context(
            Architect(), self.workspace, "my-app", None, outputs={"analysis": self.analysis, **self.inputs}, **values
        )
        where.guardrails, where.notes = self.guardrails, tuple(self.notes)
        return where

    def plan(self, **values: Any) -> StationResult:
        where = self.context(**values)
        done = execute(Architect(), where)
        self.notes = list(where.notes)
        return done

    @property
    def records(self) -> list[str]:
        return sorted(path.name for path in (self.root / "docs" / "adr").glob("*"))


@pytest.fixture
def desk(workspace: Path) -> Desk:
    return Desk(workspace)


# Without an agent.


def test_without_an_agent_there_is_an_outline_that_says_it_is_one(desk: Desk) -> None:
    done = desk.plan()

    plan = done.outputs["work_plan"]
    assert done.message.startswith("an outline, not a decision: 3 files to touch, 2 criteria with a test to be")
    assert (plan["by"], plan["decision"]) == ("outline", "")
    assert [(file["action"], file["path"]) for file in plan["files"]] == [
        ("change", "src/my_app/items.py"),
        ("change", "src/my_app/main.py"),
        ("add", "tests/test_search_for_items.py"),
    ]
    assert "'item'" in plan["files"][0]["reason"]
    assert plan["criteria"] == [
        {
            "criterion": CRITERIA[0],
            "file": "tests/test_search_for_items.py",
            "test": "test_get_items_name_ap_lists_the_items_whose_name_has_ap_in",
        },
        {
            "criterion": CRITERIA[1],
            "file": "tests/test_search_for_items.py",
            "test": "test_an_empty_name_lists_all_items",
        },
    ]
    assert plan["places"] == {"modules": "src/my_app", "tests": "tests"}
    assert done.outputs["changed_files"] == ["docs/adr/0001-search-for-items.md"]


def test_the_record_holds_what_is_known_and_no_more(desk: Desk) -> None:
    done = desk.plan()

    text = (desk.root / done.outputs["adr"]).read_text(encoding="utf-8")
    assert text.startswith("# 1. Search for items\n\n- Status: proposed\n- Date: 20")
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == ["Context", "Decision", "Consequences"]
    assert "as an outline: no agent was asked, and nobody has decided anything yet" in text
    assert "> People look for items by a part of their name." in text
    assert f"1. {CRITERIA[0]}" in text
    assert "6 modules, 6 routes or pages and 3 files of tests" in text
    assert "Not taken yet." in text
    assert "`src/my_app/items.py` is imported by `src/my_app/main.py`" in text
    assert "is not known before somebody decides" in text


@pytest.mark.parametrize(
    ("stack", "modules", "file", "test"),
    [
        ("rust-api", "src", "tests/search_for_items.rs", "an_empty_name_lists_all_items"),
        (
            "java-springboot",
            "src/main/java/com/example/myapp",
            "src/test/java/com/example/myapp/SearchForItemsTest.java",
            "anEmptyNameListsAllItems",
        ),
        (
            "java-quarkus",
            "src/main/java/com/example/myapp",
            "src/test/java/com/example/myapp/SearchForItemsTest.java",
            "anEmptyNameListsAllItems",
        ),
        ("dotnet-webapi", "src/MyApp", "tests/MyApp.Tests/SearchForItemsTests.cs", "AnEmptyNameListsAllItems"),
        ("frontend-react", "src", "tests/search-for-items.test.ts", "an empty name lists all items"),
        ("frontend-vue", "src", "tests/search-for-items.test.ts", "an empty name lists all items"),
        (
            "frontend-angular",
            "src/app/items",
            "src/app/items/search-for-items.spec.ts",
            "an empty name lists all items",
        ),
        ("electron-app", "src/renderer", "tests/renderer/search-for-items.test.ts", "an empty name lists all items"),
    ],
)
def test_tests_are_named_and_placed_as_those_of_the_stack(
    workspace: Path, stack: str, modules: str, file: str, test: str
) -> None:
    plan = Desk(workspace, stack).plan().outputs["work_plan"]

    assert plan["places"]["modules"] == modules
    assert plan["criteria"][1] == {"criterion": CRITERIA[1], "file": file, "test": test}
    assert {"path": file, "action": "add", "reason": "2 tests of the acceptance criteria"} in plan["files"]


def test_criteria_of_the_same_or_of_foreign_words_have_names_of_their_own(desk: Desk) -> None:
    desk.inputs = {"title": "検索", "criteria": ["it works!", "it works?", "日本語", "9 lives"]}

    plan = desk.plan().outputs["work_plan"]

    assert [shown["test"] for shown in plan["criteria"]] == [
        "test_it_works", "test_it_works_2", "test_criterion_3", "test_9_lives",
    ]  # fmt: skip
    assert [file["path"] for file in plan["files"]] == ["tests/test_feature_1b6b1a6f.py"]
    assert layout_of({**desk.analysis, "stack": "rust-api"}).test_names(["9 lives"]) == ["criterion_9_lives"]


def test_a_feature_without_criteria_plans_no_test_and_says_so(desk: Desk) -> None:
    desk.inputs = {"title": "Search for items"}

    done = desk.plan()

    assert "no acceptance criteria" in done.message
    assert done.outputs["work_plan"]["criteria"] == []
    assert "No acceptance criteria are given." in (desk.root / done.outputs["adr"]).read_text(encoding="utf-8")


def test_an_application_without_anything_gets_a_plan_all_the_same(workspace: Path) -> None:
    desk = Desk(workspace)
    desk.analysis |= {"stack": None, "modules": [], "routes": [], "tests": []}

    plan = desk.plan().outputs["work_plan"]

    assert [file["path"] for file in plan["files"]] == ["tests/search-for-items.test.ts"]
    assert "No file" not in str(plan)


def test_what_was_changed_before_stays_among_the_changed_files(desk: Desk) -> None:
    desk.inputs["changed_files"] = ["src/a.py"]

    assert desk.plan().outputs["changed_files"] == ["docs/adr/0001-search-for-items.md", "src/a.py"]


def test_with_adr_false_no_file_is_written(desk: Desk) -> None:
    before = tree(desk.root)

    done = desk.plan(adr=False)

    assert done.success
    assert done.outputs["changed_files"] == []
    assert tree(desk.root) == before


# The records.


def test_the_next_free_number_is_taken_and_no_record_is_overwritten(desk: Desk) -> None:
    put(desk.root, "docs/adr/0007-choose.md", "# 7. Choose\n")
    put(desk.root, "docs/adr/0009-search-for-items.md", "# Somebody's\n")
    put(desk.root, "docs/adr/README.md", "")

    assert desk.plan().outputs["adr"] == "docs/adr/0010-search-for-items.md"
    assert (desk.root / "docs/adr/0009-search-for-items.md").read_text() == "# Somebody's\n"


def test_records_go_where_the_application_has_its_own(desk: Desk) -> None:
    put(desk.root, "docs/decisions/0001-choose.md", "# Choose\n")

    assert desk.plan().outputs["adr"] == "docs/decisions/0002-search-for-items.md"


def test_the_same_plan_is_not_recorded_twice_whatever_the_day(desk: Desk) -> None:
    path = desk.root / desk.plan().outputs["adr"]
    path.write_text(re.sub(r"- Date: .*", "- Date: 2001-01-01", path.read_text(encoding="utf-8")), encoding="utf-8")
    desk.notes = []

    done = desk.plan()

    assert done.outputs["adr"] == "docs/adr/0001-search-for-items.md"
    assert desk.records == ["0001-search-for-items.md"]


def test_what_a_step_wrote_before_it_was_cut_short_is_written_anew(desk: Desk) -> None:
    desk.answers(PLAN, {**PLAN, "decision": "Another one."})
    desk.plan()
    desk.plan()  # the notes say that it was written, and by whom

    assert desk.records == ["0001-search-for-items.md"]
    assert "Another one." in (desk.root / "docs/adr/0001-search-for-items.md").read_text(encoding="utf-8")


def test_a_record_that_a_person_has_changed_since_stays(desk: Desk) -> None:
    path = desk.root / desk.plan().outputs["adr"]
    path.write_text("# Mine\n", encoding="utf-8")

    assert desk.plan().outputs["adr"] == "docs/adr/0002-search-for-items.md"
    assert path.read_text(encoding="utf-8") == "# Mine\n"


@pytest.mark.parametrize("name", ["docs", "docs/adr"])
def test_a_record_is_not_written_through_a_link(desk: Desk, tmp_path: Path, name: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (desk.root / name).parent.mkdir(exist_ok=True)
    (desk.root / name).symlink_to(outside, target_is_directory=True)

    done = desk.plan()

    assert not done.success
    assert "is a link" in done.message
    assert list(outside.iterdir()) == []


def test_where_a_file_is_in_the_way_it_is_said(desk: Desk) -> None:
    put(desk.root, "docs", "a file\n")

    done = desk.plan()

    assert not done.success
    assert done.message == "cannot write to docs/adr: docs is no folder"


# With an agent.


def test_an_agents_plan_is_taken_over_and_told_as_its_own(desk: Desk) -> None:
    desk.answers(PLAN)
    before = tree(desk.root)

    done = desk.plan()

    plan = done.outputs["work_plan"]
    assert done.message.startswith("planned by agent: 2 files to touch, 2 criteria")
    assert (plan["by"], plan["decision"]) == ("agent", "The list takes a name.")
    assert plan["criteria"] == [
        {"criterion": CRITERIA[0], "file": "tests/test_search.py", "test": "test_a_part_of_a_name"},
        {"criterion": CRITERIA[1], "file": "tests/test_search.py", "test": "test_an_empty_name"},
    ]
    text = (desk.root / done.outputs["adr"]).read_text(encoding="utf-8")
    assert "Decision and plan by agent" in text
    assert "\nThe list takes a name.\n" in text
    assert "- Every request reads all items." in text
    assert "outline" not in text
    assert {path for path in tree(desk.root) if path not in before} == {"docs/adr/0001-search-for-items.md"}
    asked = (desk.workspace / "asked-0").read_text(encoding="utf-8")
    assert "GET /items/{item_id} -> get_item (src/my_app/items.py)" in asked
    assert f"1. {CRITERIA[0]}" in asked


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"files": []}, "'files' is empty"),
        ({"files": "all"}, "'files' is no list"),
        ({"files": ["src/my_app/items.py"]}, "an entry of 'files' is no object"),
        ({"files": [{**PLAN["files"][0], "path": "../x.py"}]}, "'../x.py' is no path inside of the application"),
        ({"files": [{**PLAN["files"][0], "path": "/etc/passwd"}]}, "is no path inside of the application"),
        ({"files": [{**PLAN["files"][0], "path": ".git/config"}]}, "is no path inside of the application"),
        ({"files": [{**PLAN["files"][0], "path": "a\nb"}]}, "is no path inside of the application"),
        ({"files": [{**PLAN["files"][0], "path": "src/none.py"}]}, "there is no file src/none.py to change"),
        ({"files": [{**PLAN["files"][0], "path": "src/my_app"}]}, "src/my_app is no plain file"),
        ({"files": [{**PLAN["files"][0], "action": "add"}]}, "cannot be added: it is there"),
        ({"files": [{**PLAN["files"][0], "action": "burn"}]}, "the 'action' of src/my_app/items.py is 'burn'"),
        ({"files": [{**PLAN["files"][0], "reason": " "}]}, "the 'reason' of src/my_app/items.py is no text"),
        ({"files": [*PLAN["files"], PLAN["files"][0]]}, "lists src/my_app/items.py twice"),
        ({"criteria": PLAN["criteria"][:1]}, "'criteria' has no test for criterion 1"),
        ({"criteria": [{**PLAN["criteria"][0], "number": 3}]}, "names the criterion 3; each of 1 to 2 once"),
        ({"criteria": [{**PLAN["criteria"][0], "number": True}]}, "names the criterion True"),
        ({"criteria": PLAN["criteria"] * 2}, "names the criterion 2; each of 1 to 2 once"),
        ({"criteria": [{**PLAN["criteria"][0], "file": "tests/other.py"}]}, "which is not among 'files'"),
        (
            {"criteria": [{**PLAN["criteria"][0], "file": "src/my_app/items.py"}]},
            "which is no file of tests by its name",
        ),
        ({"criteria": [{**PLAN["criteria"][0], "test": ""}]}, "the 'test' of criterion 2 is no text"),
        ({"criteria": None}, "'criteria' is no list"),
        ({"decision": None}, "'decision' is no text"),
        ({"decision": "x" * 5_001}, "'decision' is no text"),
        ({"consequences": [1]}, "a consequence is no text"),
    ],
)
def test_a_plan_that_cannot_be_is_refused_and_fails(desk: Desk, change: Mapping[str, Any], told: str) -> None:
    wrong = {**PLAN, **change}
    desk.answers(wrong, wrong)

    done = desk.plan()

    assert not done.success
    assert "work_plan" not in done.outputs
    assert done.message.startswith("there is no plan: agent: ")
    assert told in done.message
    assert not (desk.root / "docs").exists()


def test_an_agent_is_told_what_is_wrong_and_asked_once_more(desk: Desk) -> None:
    desk.answers({**PLAN, "files": []}, PLAN)

    assert desk.plan().outputs["work_plan"]["by"] == "agent"
    assert "'files' is empty" in (desk.workspace / "asked-1").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "script", ["exit 1", "true", "echo nonsense > mityflow-answer.json", "echo '[]' > mityflow-answer.json"]
)
def test_an_agent_without_an_answer_is_a_failure_and_no_outline(desk: Desk, script: str) -> None:
    desk.agent(script)

    done = desk.plan()

    assert not done.success
    assert "there is no plan" in done.message
    assert not (desk.root / "docs").exists()


def _llm(url: str, **settings: Any) -> dict[str, Any]:
    """Guardrails whose architect is a model."""
    architect = {"kind": "llm", "model": "openai-chat:gpt-4o-mini", "base_url": f"{url}/v1", **settings}
    return {"agents": {"architect": architect}}


@pytest.fixture
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test-0123456789")


@pytest.mark.usefixtures("_key")
def test_a_model_looks_at_files_and_plans_and_can_write_nothing_but_its_answer(desk: Desk) -> None:
    before = tree(desk.root)
    answers = (
        call("read_file", path="src/my_app/items.py"),
        call("edit_file", path="src/my_app/items.py", old="class ItemStore", new="class Evil"),
        call("create_file", path="tests/test_search.py", text="evil"),
        call("create_file", path="mityflow-answer.json", text=json.dumps(PLAN)),
        done("planned"),
    )
    with model_server(*answers) as server:
        desk.guardrails = _llm(server.url)
        made = desk.plan()
        asked, read, *refused = (server.sent(number) for number in range(4))

    assert "GET /items/{item_id} -> get_item (src/my_app/items.py)" in asked
    assert f"1. {CRITERIA[0]}\n2. {CRITERIA[1]}\n" in asked
    assert "class ItemStore" in read
    assert all("is not to be changed" in each for each in refused)
    plan = made.outputs["work_plan"]
    assert made.message.startswith("planned by openai-chat:gpt-4o-mini: 2 files to touch, 2 criteria with a test to be")
    assert (plan["by"], plan["decision"]) == ("openai-chat:gpt-4o-mini", PLAN["decision"])
    assert plan["files"] == PLAN["files"]
    assert [(each["criterion"], each["test"]) for each in plan["criteria"]] == [
        (CRITERIA[0], "test_a_part_of_a_name"), (CRITERIA[1], "test_an_empty_name"),
    ]  # fmt: skip
    text = (desk.root / made.outputs["adr"]).read_text(encoding="utf-8")
    assert "- Decision and plan by openai-chat:gpt-4o-mini; what is said of the application as it is was read" in text
    assert "## Decision\n\nThe list takes a name.\n\n- change `src/my_app/items.py`: It lists the items.\n" in text
    assert "1. `test_a_part_of_a_name` in `tests/test_search.py`\n2. `test_an_empty_name` in" in text
    assert "## Consequences\n\n- Every request reads all items.\n- `src/my_app/items.py` is imported by" in text
    after = tree(desk.root)
    assert {path: after[path] for path in before} == before
    assert after.keys() - before.keys() == {"docs/adr/0001-search-for-items.md"}


@pytest.mark.usefixtures("_key")
def test_a_model_is_told_what_is_wrong_with_its_plan_and_asked_once_more(desk: Desk) -> None:
    def answer(plan: object) -> tuple[Any, Any]:
        return call("create_file", path="mityflow-answer.json", text=json.dumps(plan)), done("planned")

    wrong = {**PLAN, "criteria": PLAN["criteria"][:1]}
    with model_server(*answer(wrong), *answer(PLAN)) as server:
        desk.guardrails = _llm(server.url)
        made = desk.plan()
        again = server.sent(2)

    assert made.success
    assert "'criteria' has no test for criterion 1" in again


@pytest.mark.usefixtures("_key")
@pytest.mark.parametrize("answer", [done("planned"), Status(401)])
def test_a_model_without_a_plan_is_a_failure_and_no_outline(desk: Desk, answer: Any) -> None:
    with model_server(answer) as server:
        desk.guardrails = _llm(server.url)
        made = desk.plan()

    assert not made.success
    assert made.message.startswith("there is no plan: openai-chat:gpt-4o-mini")
    assert not (desk.root / "docs").exists()


# What is wrong before.


def test_an_analysis_of_another_form_and_a_feature_that_is_none_are_faults(desk: Desk) -> None:
    desk.inputs = {}
    with pytest.raises(UsageError, match="there is no feature to add"):
        desk.plan()
    desk.analysis = {"format": 99}
    with pytest.raises(UsageError, match="'analysis' is not what 'analyze' gives"):
        desk.plan()


def test_a_secret_in_the_feature_is_not_written(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.inputs = {"title": "Log in", "text": "The password is hunter2-password."}
    where = desk.context()
    monkeypatch.setattr(where._runtime, "masked", lambda text: text.replace("hunter2-password", "***"))

    done = execute(Architect(), where)

    assert "hunter2" not in (desk.root / done.outputs["adr"]).read_text(encoding="utf-8")
