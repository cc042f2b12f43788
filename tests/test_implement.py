"""The implement station: a feature from a patch or an agent, in real repositories, with a person's work beside it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from llm_server import call, done, model_server
from mityflow_stations._changes import Base
from stationkit import tree

from mityflow.context import WorkflowContext
from mityflow.executor import WorkflowExecutor
from mityflow.log import ExecutionLog
from mityflow.registry import StationRegistry
from mityflow.station import Answer, StationResult
from mityflow.workflow import Workflow

CALC = "def add(a, b):\n    return a + b\n"
TESTS = "from calc import add\n\n\ndef test_add():\n    assert add(1, 2) == 3\n"
SUBTRACT = "\n\ndef subtract(a, b):\n    return a - b\n"
SHOWN = "from calc import subtract\n\n\ndef test_subtracts_two_numbers():\n    assert subtract(3, 2) == 1\n"
AGENT = """
    from pathlib import Path
    calc = Path("calc.py")
    calc.write_text(calc.read_text() + SUBTRACT)
    Path("tests/test_subtract.py").write_text(SHOWN)
"""


class Repo:
    """A repository with a small program, committed, and a run of the station on it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.workspace = root
        self.app_name: str | None = None
        self.guardrails: dict[str, Any] = {}
        self.inputs: dict[str, Any] = {"title": "Subtract numbers"}

    def create(self, files: Mapping[str, str]) -> None:
        for path, text in files.items():
            place = self.root / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text, encoding="utf-8")

    def git(self, *arguments: str) -> str:
        command = ["git", "-c", "user.name=U", "-c", "user.email=u@x", *arguments]
        return subprocess.run(command, cwd=self.root, capture_output=True, text=True, check=True).stdout

    def patch_of(self, files: Mapping[str, str | None]) -> str:
        """A patch that makes these files so, taken from the repository itself; outside of it."""
        for path, text in files.items():
            if text is None:
                (self.root / path).unlink()
            else:
                self.create({path: text})
        self.git("add", "--all", ":!.mity")
        patch = self.git("diff", "--cached", "--binary", "--no-renames")
        self.git("reset", "--quiet", "--hard")
        return self.kept(patch)

    def kept(self, patch: str) -> str:
        place = self.root.parent / "feature.patch"
        place.write_text(patch, encoding="utf-8")
        return str(place)

    def agent(self, program: str) -> None:
        """The agent is a program; SUBTRACT and SHOWN are known to it."""
        place = self.root.parent / "agent.py"
        place.write_text(f"SUBTRACT, SHOWN = {SUBTRACT!r}, {SHOWN!r}\n{textwrap.dedent(program)}", encoding="utf-8")
        self.guardrails["agents"] = {"implementer": {"kind": "command", "command": [sys.executable, str(place)]}}

    def start(self, **settings: Any) -> ExecutionLog:
        inputs: dict[str, dict[str, Any]] = {name: {} for name in self.inputs}
        workflow = Workflow("w", "W", inputs=inputs, guardrails=self.guardrails)
        workflow = workflow.station("implement", with_=settings)
        context = WorkflowContext(self.workspace, self.app_name, inputs=self.inputs)
        return WorkflowExecutor(StationRegistry.discover()).execute(workflow, context)

    def resume(self, log: ExecutionLog, answer: str = "", message: str = "") -> ExecutionLog:
        executor = WorkflowExecutor(StationRegistry.discover())
        return executor.resume(executor.load_log(log.path), answer=Answer(answer, message) if answer else None)

    def files(self) -> dict[str, bytes]:
        own = (".git/", ".mity/")
        return {path: data for path, data in tree(self.root).items() if not path.startswith(own)}

    def made(self, log: ExecutionLog) -> StationResult:
        result = log.results["implement"]
        assert result.success, result.message
        return result

    def failed(self, log: ExecutionLog) -> str:
        result = log.results["implement"]
        assert result.status == "failed", result
        return result.message


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repo:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    made = Repo(tmp_path / "repo")
    made.create({"calc.py": CALC, "tests/test_calc.py": TESTS, ".gitignore": "ignored/\nout\n"})
    made.git("init", "--quiet", "--initial-branch=main")
    made.git("add", "--all")
    made.git("commit", "--quiet", "--message=base")
    return made


FEATURE = {"calc.py": CALC + SUBTRACT, "tests/test_subtract.py": SHOWN}


def test_a_patch_is_applied_and_nothing_is_staged(repo: Repo) -> None:
    patch = repo.patch_of(FEATURE)
    result = repo.made(repo.start(patch=patch))
    assert result.outputs["changed_files"] == ["calc.py", "tests/test_subtract.py"]
    assert result.outputs["feature_slug"] == "subtract-numbers"
    assert (repo.root / "calc.py").read_text() == CALC + SUBTRACT
    assert repo.git("diff", "--cached") == ""
    patch_file = repo.workspace / result.artifacts[0].path
    assert "+def subtract(a, b):" in patch_file.read_text()


def test_a_patch_is_found_from_the_workspace_on(repo: Repo) -> None:
    repo.patch_of(FEATURE)
    assert repo.made(repo.start(patch="../feature.patch"))


def test_a_patch_of_an_older_commit_is_merged(repo: Repo) -> None:
    patch = repo.patch_of(FEATURE)
    repo.create({"calc.py": f'"""Numbers."""\n\n\n{CALC}'})
    repo.git("commit", "--all", "--quiet", "--message=more")
    repo.made(repo.start(patch=patch))
    assert (repo.root / "calc.py").read_text() == f'"""Numbers."""\n\n\n{CALC}{SUBTRACT}'


def test_a_patch_may_delete_and_hold_bytes(repo: Repo) -> None:
    repo.create({"old.txt": "old\n"})
    repo.git("add", "--all", ":!.mity")
    repo.git("commit", "--quiet", "--message=old")
    (repo.root / "logo.bin").write_bytes(b"\0\1\2")
    patch = repo.patch_of({"old.txt": None})
    repo.made(repo.start(patch=patch))
    assert not (repo.root / "old.txt").exists()
    assert (repo.root / "logo.bin").read_bytes() == b"\0\1\2"


def test_a_patch_that_does_not_apply_changes_nothing(repo: Repo) -> None:
    patch = repo.patch_of(FEATURE)
    repo.create({"calc.py": "def add(one, two):\n    return two + one\n"})
    repo.git("commit", "--all", "--quiet", "--message=other")
    before = repo.files()
    said = repo.failed(repo.start(patch=patch))
    assert said.startswith("the patch does not apply: ")
    assert "calc.py" in said
    assert repo.files() == before
    assert repo.git("status", "--porcelain", "--", ":!.mity") == ""


@pytest.mark.parametrize(
    ("patch", "told"),
    [
        ("", "the patch is empty"),
        ("this is no patch\n", "the patch does not apply"),
        ("--- a/../../x\n+++ b/../../x\n@@ -0,0 +1 @@\n+x\n", "the patch does not apply"),
        ("--- /dev/null\n+++ b/.git/hooks/post-commit\n@@ -0,0 +1 @@\n+x\n", "the patch does not apply"),
        ("diff --git a/l b/l\nnew file mode 120000\n--- /dev/null\n+++ b/l\n@@ -0,0 +1 @@\n+/etc\n"
         "\\ No newline at end of file\n", "l is a link"),
        ("--- /dev/null\n+++ b/.env\n@@ -0,0 +1 @@\n+A=1\n", ".env: protected"),
        ("--- /dev/null\n+++ b/tests/../.env\n@@ -0,0 +1 @@\n+A=1\n", "the patch does not apply"),
    ],
)  # fmt: skip
def test_a_patch_that_is_wrong_or_hostile_is_refused(repo: Repo, patch: str, told: str) -> None:
    before = repo.files()
    assert told in repo.failed(repo.start(patch=repo.kept(patch)))
    assert repo.files() == before
    assert not (repo.root / ".git" / "hooks" / "post-commit").exists()


def test_a_patch_that_is_not_there_is_told(repo: Repo) -> None:
    assert repo.failed(repo.start(patch="none.patch")) == "cannot read the patch none.patch: No such file or directory"


def test_a_patch_whose_changes_are_there_already_is_a_failure(repo: Repo) -> None:
    patch = repo.patch_of(FEATURE)
    repo.create(FEATURE)
    repo.git("add", "--all", ":!.mity")
    repo.git("commit", "--quiet", "--message=done")
    assert "there already" in repo.failed(repo.start(patch=patch))


# A person's own work.


def test_other_uncommitted_work_stays_as_it_is(repo: Repo) -> None:
    patch = repo.patch_of(FEATURE)
    repo.create({"notes.txt": "mine\n", "staged.txt": "mine too\n"})
    repo.git("add", "staged.txt")
    result = repo.made(repo.start(patch=patch))
    assert result.outputs["changed_files"] == ["calc.py", "tests/test_subtract.py"]
    assert (repo.root / "notes.txt").read_text() == "mine\n"
    assert repo.git("diff", "--cached", "--name-only").split() == ["staged.txt"]


@pytest.mark.parametrize("path", ["calc.py", "tests/test_subtract.py"])
def test_a_file_that_a_person_is_at_work_on_is_not_touched(repo: Repo, path: str) -> None:
    patch = repo.patch_of(FEATURE)
    repo.create({path: "# mine\n"})
    before = repo.files()
    said = repo.failed(repo.start(patch=patch))
    assert said == f"{path}: not committed yet, and the feature would change it; commit or stash it first"
    assert repo.files() == before


def test_after_the_work_is_put_aside_the_run_goes_on(repo: Repo) -> None:
    patch = repo.patch_of(FEATURE)
    repo.create({"calc.py": "# mine\n"})
    log = repo.start(patch=patch)
    repo.failed(log)
    repo.git("stash")
    repo.made(repo.resume(log))


def test_a_file_that_git_ignores_is_not_overwritten(repo: Repo) -> None:
    repo.create({"ignored/cache.txt": "mine\n"})
    patch = "--- /dev/null\n+++ b/ignored/cache.txt\n@@ -0,0 +1 @@\n+theirs\n"
    assert "git ignores it" in repo.failed(repo.start(patch=repo.kept(patch)))
    assert (repo.root / "ignored" / "cache.txt").read_text() == "mine\n"


def test_nothing_is_written_through_a_link(repo: Repo, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (repo.root / "out").symlink_to(tmp_path / "outside")
    patch = "--- /dev/null\n+++ b/out/x.txt\n@@ -0,0 +1 @@\n+x\n"
    assert "leads through a link" in repo.failed(repo.start(patch=repo.kept(patch)))
    assert list((tmp_path / "outside").iterdir()) == []


def test_an_application_in_a_folder_of_the_repository(repo: Repo) -> None:
    repo.create({"shop/calc.py": CALC, "shop/tests/test_calc.py": TESTS})
    repo.git("add", "--all")
    repo.git("commit", "--quiet", "--message=shop")
    whole = repo.patch_of({"shop/calc.py": CALC + SUBTRACT})
    repo.app_name = "shop"
    assert repo.made(repo.start(patch=whole)).outputs["changed_files"] == ["calc.py"]
    repo.git("checkout", "--quiet", "shop")
    relative = repo.kept(Path(whole).read_text().replace("shop/", ""))
    assert repo.made(repo.start(patch=relative)).outputs["changed_files"] == ["calc.py"]
    assert (repo.root / "calc.py").read_text() == CALC


@pytest.mark.parametrize(("prepare", "told"), [("none", "is no git repository"), ("empty", "has no commit")])
def test_without_a_commit_nothing_is_changed(tmp_path: Path, prepare: str, told: str) -> None:
    repo = Repo(tmp_path / "repo")
    repo.create({"calc.py": CALC})
    if prepare == "empty":
        repo.git("init", "--quiet")
    assert told in repo.failed(repo.start(patch=repo.kept("x")))


# Tests and protected paths.


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"tests/test_calc.py": TESTS.replace("== 3", "== 4")}, "tests/test_calc.py: protected"),
        ({"tests/test_calc.py": None}, "tests/test_calc.py: protected"),
        ({"calc_test.py": "@pytest.mark.skip\ndef test_x():\n    assert add(1, 2) == 3\n"}, "tests got weaker"),
    ],
)
def test_tests_are_added_and_not_changed(repo: Repo, files: dict[str, str | None], told: str) -> None:
    patch = repo.patch_of({**FEATURE, **files})
    before = repo.files()
    assert told in repo.failed(repo.start(patch=patch))
    assert repo.files() == before


def test_lines_may_be_added_to_a_test_file(repo: Repo) -> None:
    more = TESTS.replace("import add", "import add") + "\n\ndef test_more():\n    assert add(0, 0) == 0\n"
    repo.made(repo.start(patch=repo.patch_of({"tests/test_calc.py": more})))


# Agents.


def test_an_agent_makes_it(repo: Repo) -> None:
    repo.agent(AGENT)
    result = repo.made(repo.start())
    assert result.outputs["changed_files"] == ["calc.py", "tests/test_subtract.py"]
    assert [a["verdict"] for a in result.outputs["healing"]["actions_taken"]] == ["fixed"]
    assert (repo.root / "tests" / "test_subtract.py").read_text() == SHOWN


def test_an_agent_is_told_what_is_to_be_made(repo: Repo) -> None:
    repo.inputs |= {"text": "A calculator.", "criteria": ["subtracts two numbers"]}
    copy = f"import shutil, sys\nshutil.copy(sys.argv[1], {str(repo.root.parent / 'told')!r})\n"
    repo.agent(copy + textwrap.dedent(AGENT))
    repo.guardrails["agents"]["implementer"]["command"].append("{{ task_file }}")
    repo.made(repo.start())
    told = (repo.root.parent / "told").read_text()
    assert "## The task: Subtract numbers" in told
    assert "1. subtracts two numbers" in told
    assert "Add tests; do not delete" in told
    assert "has failed" not in told


@pytest.mark.parametrize(
    ("program", "told"),
    [
        ("pass", "it was not made: python changed nothing"),
        ("raise SystemExit(3)", "ended with exit code 3"),
        ("import pathlib; pathlib.Path('tests/test_calc.py').write_text('')", "protected"),
        ("import pathlib; pathlib.Path('.env').write_text('A=1')", "protected"),
        ("import pathlib; pathlib.Path('notes.txt').write_text('theirs')", "protected"),
    ],
)
def test_an_agent_that_makes_nothing_that_may_stay_is_a_failure(repo: Repo, program: str, told: str) -> None:
    repo.create({"notes.txt": "mine\n"})
    repo.agent(program)
    repo.guardrails["max_consecutive_failures"] = 1
    before = repo.files()
    assert told in repo.failed(repo.start())
    assert repo.files() == before


def test_an_agent_that_repeats_itself_is_told_with_what_was_refused(repo: Repo) -> None:
    repo.agent("import pathlib; pathlib.Path('tests/test_calc.py').write_text('')")
    told = repo.failed(repo.start())
    assert "made nothing better: tests/test_calc.py: protected, so no fix may touch it" in told
    assert "a change that was tried before" in told


def test_without_an_agent_or_a_patch_the_failure_says_what_to_give(repo: Repo) -> None:
    assert "give a patch" in repo.failed(repo.start())


def test_a_feature_that_is_not_named_is_told(repo: Repo) -> None:
    repo.inputs = {}
    assert "there is no feature to add" in repo.failed(repo.start())


# Models.


def _model(repo: Repo, url: str, specialist: str = "implementer") -> None:
    settings = {"kind": "llm", "model": "openai-chat:gpt-4o-mini", "base_url": f"{url}/v1"}
    repo.guardrails["agents"] = {specialist: settings}


MAKES = (
    call("read_file", path="calc.py"),
    call("edit_file", path="calc.py", old="    return a + b\n", new=f"    return a + b\n{SUBTRACT}"),
    call("create_file", path="tests/test_subtract.py", text=SHOWN),
    done("it can subtract"),
)


def test_a_model_makes_it_and_its_cassette_does_so_again(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test-0123456789")
    repo.guardrails["cassettes"] = {"folder": "../tapes", "mode": "record"}
    with model_server(*MAKES) as server:
        _model(repo, server.url)
        result = repo.made(repo.start())
        asked = json.dumps(server.requests[0])
    assert "The task: Subtract numbers" in asked
    assert result.outputs["changed_files"] == ["calc.py", "tests/test_subtract.py"]
    assert result.outputs["healing"]["actions_taken"][0]["title"] == "it can subtract"
    made = repo.files()
    repo.git("checkout", "--quiet", ".")
    repo.git("clean", "--quiet", "--force", "-d", "tests")
    repo.guardrails["cassettes"]["mode"] = "replay"
    monkeypatch.delenv("OPENAI_API_KEY")
    repo.made(repo.start())
    assert repo.files() == made


def test_a_model_may_not_change_a_test_that_is_there(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test-0123456789")
    repo.guardrails["max_consecutive_failures"] = 1
    before = repo.files()
    with model_server(call("edit_file", path="tests/test_calc.py", old="== 3", new="> 0"), done("easy")) as server:
        _model(repo, server.url)
        assert "tests/test_calc.py: protected" in repo.failed(repo.start())
    assert repo.files() == before


# Approval.


@pytest.mark.parametrize("by", ["patch", "agent"])
def test_a_person_sees_the_difference_before_a_file_is_changed(repo: Repo, by: str) -> None:
    settings = {"patch": repo.patch_of(FEATURE)} if by == "patch" else {}
    repo.agent(AGENT)
    before = repo.files()
    asked = repo.start(approve=True, **settings)
    assert asked.question is not None
    assert "+def subtract(a, b):" in asked.question.text
    assert repo.files() == before
    assert repo.resume(asked).question is not None, "asked again"
    assert repo.files() == before
    repo.made(repo.resume(asked, answer="approve"))
    assert (repo.root / "calc.py").read_text() == CALC + SUBTRACT


def test_what_a_person_does_not_approve_is_not_made(repo: Repo) -> None:
    repo.agent(AGENT)
    before = repo.files()
    asked = repo.start(approve=True)
    said = repo.failed(repo.resume(asked, answer="reject", message="not so"))
    assert said == "a person did not approve it: not so"
    assert repo.files() == before


def test_what_was_approved_is_made_although_the_patch_was_changed_since(repo: Repo) -> None:
    patch = repo.patch_of(FEATURE)
    asked = repo.start(approve=True, patch=patch)
    Path(patch).write_text(Path(patch).read_text().replace("subtract", "evil"), encoding="utf-8")
    repo.made(repo.resume(asked, answer="approve"))
    assert "evil" not in (repo.root / "calc.py").read_text()


def test_work_that_was_begun_while_it_was_asked_is_not_lost(repo: Repo) -> None:
    asked = repo.start(approve=True, patch=repo.patch_of(FEATURE))
    repo.create({"calc.py": "# mine\n"})
    assert "not committed yet" in repo.failed(repo.resume(asked, answer="approve"))
    assert (repo.root / "calc.py").read_text() == "# mine\n"


def test_commits_that_were_made_while_it_was_asked_are_kept(repo: Repo) -> None:
    asked = repo.start(approve=True, patch=repo.patch_of(FEATURE))
    repo.create({"calc.py": f'"""Numbers."""\n\n\n{CALC}', "other.py": "x = 1\n"})
    repo.git("add", "calc.py", "other.py")
    repo.git("commit", "--quiet", "--message=meanwhile")
    repo.made(repo.resume(asked, answer="approve"))
    assert (repo.root / "calc.py").read_text() == f'"""Numbers."""\n\n\n{CALC}{SUBTRACT}'
    assert (repo.root / "other.py").read_text() == "x = 1\n"


# Crashes.


@pytest.mark.parametrize("approve", [False, True])
@pytest.mark.parametrize("moment", range(4))
def test_a_crash_while_files_are_written_is_made_good(
    repo: Repo, monkeypatch: pytest.MonkeyPatch, moment: int, approve: bool
) -> None:
    """Before, or after, the first or second time that files are written: taken back, then made."""
    repo.agent(AGENT)
    write = Base.write
    count = 0

    def crashing(self: Base, tree: str, files: list[str]) -> None:
        nonlocal count
        count += 1
        if count * 2 - 2 == moment:
            raise KeyboardInterrupt
        write(self, tree, files)
        if count * 2 - 1 == moment:
            raise KeyboardInterrupt

    monkeypatch.setattr(Base, "write", crashing)
    log = repo.start(approve=approve)
    if log.question is not None:
        log = repo.resume(log, answer="approve")
    monkeypatch.setattr(Base, "write", write)
    assert not log.results.get("implement") or not log.results["implement"].success
    log = repo.resume(log)
    if log.question is not None:
        log = repo.resume(log, answer="approve")
    repo.made(log)
    assert repo.git("status", "--porcelain", "--", ":!.mity").splitlines() == [
        " M calc.py",
        "?? tests/test_subtract.py",
    ]
