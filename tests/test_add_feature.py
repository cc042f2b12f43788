"""The workflow add-feature as a whole: on a small stack how it ends, and on real ones that it gets there."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import BIN
from faultkit import AGENT, edit, environment
from stationkit import PROJECT, write_stack

FEATURES = PROJECT / "tests" / "features"
SMALL = """\
tools: []
commands:
  install: [[sh, -c, "true"]]
  lint: [[sh, -c, "! grep -n BAD *.py"]]
  test: [[sh, tests/run.sh]]
test_report: {arguments: [report.xml], files: report.xml}
"""
RUN = """\
echo '<testsuite>' > "$1"
for name in $(cat tests/*.cases); do
  echo "<testcase classname=\\"small\\" name=\\"$name\\"/>" >> "$1"
done
if grep -q BROKEN *.py; then echo '<testcase name="it_works"><failure/></testcase>' >> "$1"; code=1; fi
echo '</testsuite>' >> "$1"
exit ${code:-0}
"""
FEATURE = """\
# Greet by name

Says hello to somebody.

## Acceptance Criteria

- The greeting holds the name
- An empty name is refused
"""
GOOD = {
    "greet.py": "def greet(name):\n    return f'hello {name}'\n",
    "tests/greet.cases": "the_greeting_holds_the_name\n",
}
KEY = "AKIA" + "QWERTYUIOPASDFGH"


class App:
    """An application under version control, and runs of add-feature on it by the command line."""

    def __init__(self, workspace: Path, name: str = "shop") -> None:
        self.workspace = workspace
        self.root = workspace / name

    def git(self, *arguments: str) -> str:
        command = ["git", "-c", "user.name=U", "-c", "user.email=u@x", *arguments]
        env = {**environment()}
        return subprocess.run(command, cwd=self.root, env=env, capture_output=True, text=True, check=True).stdout

    def patch_of(self, edits: Mapping[str, Any], name: str = "feature.patch") -> str:
        edit(self.root, edits)
        self.git("add", "--all")
        (self.workspace / name).write_text(self.git("diff", "--cached", "--binary"), encoding="utf-8")
        self.git("reset", "--quiet", "--hard")
        return name

    def run(self, *arguments: str, env: Mapping[str, str] | None = None) -> tuple[int, str]:
        return self._mityflow("run", "add-feature", "-i", f"app_name={self.root.name}", *arguments, env=env)

    def resume(self, *arguments: str) -> tuple[int, str]:
        return self._mityflow("resume", *arguments)

    def _mityflow(self, *arguments: str, env: Mapping[str, str] | None = None) -> tuple[int, str]:
        done = subprocess.run(
            [BIN / "mityflow", *arguments], cwd=self.workspace, env={**environment(), **(env or {})},
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=900, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout + done.stderr

    @property
    def log(self) -> dict[str, Any]:
        log: dict[str, Any] = json.loads((self.workspace / ".mity" / "logs" / "add-feature.json").read_text("utf-8"))
        return log

    def outputs(self, step: str) -> dict[str, Any]:
        found: dict[str, Any] = next(r["result"]["outputs"] for r in self.log["results"] if r["station"] == step)
        return found

    def status(self) -> list[str]:
        return self.git("status", "--porcelain", "--untracked-files=all").splitlines()

    def again(self) -> None:
        """As it was before any feature."""
        self.git("switch", "--quiet", "--force", "main")
        for branch in self.git("branch", "--format=%(refname:short)", "--list", "feature/*").split():
            self.git("branch", "--quiet", "-D", branch)
        self.git("clean", "--force", "-d", "--quiet")


@pytest.fixture
def app(tmp_path: Path) -> App:
    write_stack(tmp_path, "small", {}, SMALL)
    made = App(tmp_path)
    made.root.mkdir()
    edit(
        made.root,
        {"tests/run.sh": RUN, "tests/base.cases": "it_starts\n", "main.py": "x = 1\n", ".gitignore": "report.xml\n"},
    )
    made.git("init", "--quiet", "--initial-branch=main")
    made.git("add", "--all")
    made.git("commit", "--quiet", "--message=base")
    (tmp_path / "feature.md").write_text(FEATURE, encoding="utf-8")
    return made


SMALL_RUN = ("-i", "stack=small", "-i", "feature=feature.md")


def test_a_feature_is_planned_made_tested_reviewed_and_committed(app: App) -> None:
    code, said = app.run(*SMALL_RUN, "-i", f"patch={app.patch_of(GOOD)}")
    assert code == 0, said
    assert app.git("branch", "--show-current").strip() == "feature/greet-by-name"
    assert app.git("log", "-1", "--format=%s").strip() == "feat: Greet by name"
    changed = app.git("show", "--format=", "--name-only").split()
    assert changed == ["docs/adr/0001-greet-by-name.md", "greet.py", "tests/greet.cases"]
    assert app.status() == []
    assert [entry["test"] for entry in app.log["outputs"]["criteria"]] == ["small::the_greeting_holds_the_name", None]
    assert "no test shows: An empty name is refused" in said


def test_a_persons_work_is_named_at_the_start_and_left_alone(app: App) -> None:
    patch = app.patch_of(GOOD)
    edit(app.root, {"main.py": "x = 2\n", "notes.txt": "mine\n"})
    app.git("add", "notes.txt")
    code, said = app.run(*SMALL_RUN, "-i", f"patch={patch}")
    assert code == 0, said
    first = said.index("2 files have uncommitted changes, which are left alone: main.py, notes.txt")
    assert first < said.index("2/6 architect")
    assert sorted(app.status()) == [" M main.py", "A  notes.txt"]


def _ended(app: App, edits: Mapping[str, Any], *more: str) -> str:
    """Run it to a failure; what was said. The branch is the one before, and nothing is committed."""
    head = app.git("rev-parse", "HEAD")
    code, said = app.run(*SMALL_RUN, "-i", f"patch={app.patch_of(edits)}", *more)
    assert code == 1, said
    assert app.git("branch", "--show-current").strip() == "main"
    assert app.git("rev-parse", "HEAD") == head
    return said


def test_a_secret_in_the_difference_ends_it(app: App) -> None:
    said = _ended(app, {**GOOD, "settings.py": f'KEY = "{KEY}"\n'})
    assert "AWS Access Key in the file" in said
    assert KEY not in said
    assert all(KEY.encode() not in p.read_bytes() for p in (app.workspace / ".mity").rglob("*") if p.is_file())


def test_a_review_over_the_threshold_ends_it(app: App) -> None:
    said = _ended(app, {**GOOD, "more.py": "# TODO\n"}, "-i", "fail_at=low")
    assert "to-do" in said


def test_tests_that_fail_end_it_in_a_question(app: App) -> None:
    code, said = app.run(*SMALL_RUN, "-i", f"patch={app.patch_of({**GOOD, 'more.py': '# BROKEN'})}")
    assert code == 3, said
    assert "TestFailure" in said
    assert app.git("branch", "--show-current").strip() == "main"


def test_a_patch_that_does_not_apply_ends_it(app: App) -> None:
    patch = app.patch_of({"main.py": "x = 3\n"})
    edit(app.root, {"main.py": "y = 4\n"})
    app.git("commit", "--all", "--quiet", "--message=meanwhile")
    code, said = app.run(*SMALL_RUN, "-i", f"patch={patch}")
    assert code == 1
    assert "the patch does not apply: " in said


def test_a_dirty_file_that_the_feature_changes_ends_it(app: App) -> None:
    patch = app.patch_of({"main.py": "x = 3\n"})
    edit(app.root, {"main.py": "x = 9\n"})
    code, said = app.run(*SMALL_RUN, "-i", f"patch={patch}")
    assert code == 1
    assert "main.py: not committed yet, and the feature would change it; commit or stash it first" in said
    app.git("stash")
    code, said = app.resume()
    assert code == 0, said


def test_with_approve_a_person_is_asked_twice(app: App) -> None:
    code, said = app.run(*SMALL_RUN, "-i", f"patch={app.patch_of(GOOD)}", "-i", "approve=true")
    assert code == 3
    assert "  +def greet(name):\n" in said
    code, said = app.resume("--answer", "approve")
    assert code == 3
    assert "commit docs/adr/0001-greet-by-name.md, greet.py, tests/greet.cases to feature/greet-by-name?" in said
    assert app.git("branch", "--show-current").strip() == "main"
    assert app.resume("--answer", "approve")[0] == 0
    assert app.git("branch", "--show-current").strip() == "feature/greet-by-name"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "there is no feature to add"),
        (("-i", "feature=none.md"), "cannot read the feature none.md"),
        (("-i", "feature=feature.md", "-i", "title=x"), "given twice"),
    ],
)
def test_a_feature_that_is_not_said_is_told_before_anything_is_changed(
    app: App, arguments: tuple[str, ...], told: str
) -> None:
    code, said = app.run("-i", "stack=small", *arguments)
    assert code == 1
    assert told in said
    assert app.status() == []


@pytest.mark.parametrize("lacking", ["stack", "repository"])
def test_what_cannot_be_changed_is_told_before_anything_is_written(app: App, lacking: str) -> None:
    patch = app.patch_of(GOOD)
    if lacking == "repository":
        shutil.rmtree(app.root / ".git")
    before = sorted(app.root.rglob("*"))
    run_it = SMALL_RUN if lacking == "repository" else SMALL_RUN[2:]
    code, said = app.run(*run_it, "-i", f"patch={patch}")
    assert code == 1
    assert "1/6 analyze  FAILED" in said
    told = "is no git repository" if lacking == "repository" else "files do not tell its stack"
    assert told in said
    assert sorted(app.root.rglob("*")) == before


def test_an_application_that_is_the_workspace_itself(app: App) -> None:
    shutil.move(app.workspace / "templates", app.root / "templates")
    app.git("add", "templates")
    app.git("commit", "--quiet", "--message=stack")
    patch = app.workspace / app.patch_of(GOOD)
    inputs = ("-i", "stack=small", "-i", "feature=../feature.md", "-i", f"patch={patch}")
    done = subprocess.run(
        [BIN / "mityflow", "run", "add-feature", *inputs],
        cwd=app.root, env=environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    assert app.status() == []


def test_a_feature_that_is_said_in_inputs(app: App) -> None:
    inputs = ("-i", "title=Greet by name", "-i", 'criteria=["The greeting holds the name", "An empty name is refused"]')
    code, said = app.run("-i", "stack=small", *inputs, "-i", f"patch={app.patch_of(GOOD)}")
    assert code == 0, said
    assert [entry["test"] for entry in app.log["outputs"]["criteria"]] == ["small::the_greeting_holds_the_name", None]
    assert "no test shows: An empty name is refused" in said
    assert "2. An empty name is refused" in (app.root / "docs/adr/0001-greet-by-name.md").read_text()


# Real stacks.

STACKS = tuple(sorted(folder.name for folder in FEATURES.iterdir()))
WITH_AN_AGENT = ("python-fastapi", "rust-api", "frontend-react")
_made: dict[str, App] = {}


@pytest.fixture
def real(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> App:
    """An application made by create-app, and built once; as it was, for each test."""
    stack = request.param
    if stack not in _made:
        workspace = tmp_path_factory.mktemp(stack)
        made = App(workspace)
        code, said = made._mityflow("run", "create-app", "-i", "app_name=shop", "-i", f"stack={stack}")
        if "not found (needs" in said:
            pytest.skip(f"the tools of {stack} are not installed")
        assert code == 0, said
        made.git("branch", "--move", "--force", "main")
        shutil.copy(FEATURES / stack / "feature.md", workspace)
        _made[stack] = made
    _made[stack].again()
    return _made[stack]


def _edits(stack: str) -> Any:
    return yaml.safe_load((FEATURES / stack / "edits.yaml").read_text(encoding="utf-8"))


def _agent(app: App, stack: str) -> Path:
    """Guardrails with a program that makes the feature as a coding agent would."""
    program = app.workspace / "agent.py"
    kit = str(Path(__file__).parent)
    program.write_text(AGENT.format(kit=kit, edits=json.dumps(_edits(stack))), encoding="utf-8")
    guardrails = app.workspace / "guardrails.yaml"
    settings = {"version": 1, "agents": {"implementer": {"kind": "command", "command": [sys.executable, str(program)]}}}
    guardrails.write_text(yaml.safe_dump(settings), encoding="utf-8")
    return guardrails


def _added(app: App, said: str) -> None:
    assert app.git("log", "-1", "--format=%s").startswith("feat: Search"), said
    criteria = app.log["outputs"]["criteria"]
    assert [entry["test"] is not None for entry in criteria] == [True, True, True, False], criteria
    assert app.outputs("test")["tests_failed"] == 0
    assert app.status() == []


def _real_cases(stacks: Iterable[str]) -> list[Any]:
    return [
        pytest.param(s, s, id=s, marks=[pytest.mark.slow, pytest.mark.xdist_group(f"add-feature-{s}")]) for s in stacks
    ]


@pytest.mark.parametrize(("stack", "real"), _real_cases(STACKS), indirect=["real"])
def test_a_patch_adds_a_feature(stack: str, real: App) -> None:
    code, said = real.run("-i", "feature=feature.md", "-i", f"patch={real.patch_of(_edits(stack))}")
    assert code == 0, said
    _added(real, said)


@pytest.mark.parametrize(("stack", "real"), _real_cases(WITH_AN_AGENT), indirect=["real"])
def test_an_agent_adds_a_feature_and_its_cassette_does_so_again(stack: str, real: App) -> None:
    guardrails = _agent(real, stack)
    arguments = ("-i", "feature=feature.md", "--guardrails", str(guardrails))
    shutil.rmtree(real.workspace / "cassettes", ignore_errors=True)
    code, said = real.run(*arguments, env={"MITY_CASSETTES": "record:cassettes"})
    assert code == 0, said
    _added(real, said)
    made = real.git("rev-parse", "HEAD^{tree}")

    real.again()
    (real.workspace / "agent.py").unlink()
    code, said = real.run(*arguments, env={"MITY_CASSETTES": "replay:cassettes"})
    assert code == 0, said
    _added(real, said)
    assert real.git("rev-parse", "HEAD^{tree}") == made


@pytest.mark.parametrize(("stack", "real"), _real_cases(["python-fastapi"]), indirect=["real"])
def test_a_fault_in_a_feature_is_mended_and_committed_with_it(stack: str, real: App) -> None:
    """A style fault: the stack's own fixer mends it."""
    patch = real.patch_of(_edits(stack))
    place = real.workspace / patch
    place.write_text(
        place.read_text().replace('+    assert names(client, "plum") == []', '+    assert names( client,"plum" ) == []')
    )
    code, said = real.run("-i", "feature=feature.md", "-i", f"patch={patch}")
    assert code == 0, said
    assert "healed: the stack's own fixer was run" in said
    _added(real, said)
    assert 'names(client, "plum")' in (real.root / "tests" / "test_search.py").read_text()
