"""The loop of healing, with real commands, real files and a real journal; only the specialists are a test's own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest
from stationkit import declare_distribution, tree

from mityflow.context import WorkflowContext
from mityflow.executor import WorkflowExecutor
from mityflow.healing.judge import judge
from mityflow.healing.limits import Guardrails
from mityflow.healing.session import Failure, fold
from mityflow.log import ExecutionLog, ExecutionState
from mityflow.models.guardrails import GuardrailsFile
from mityflow.registry import StationRegistry
from mityflow.sdk import Case, Diagnosis, Hands, Recipe, Specialist
from mityflow.workflow import Workflow

# The application of these tests: a file `state` with a line for each fault that is left, in the order in which the
# command stumbles over them. Tests are counted from `tests.txt`.
_COMMAND = """
count=$(( $(cat runs 2>/dev/null || echo 0) + 1 )); echo $count > runs
head -1 state; test ! -s state
"""


class Fixer(Specialist):
    """Takes the first line from `state`, as far as its own file `plan` has it."""

    name: ClassVar[str] = "fixer"

    def playbook(self) -> Sequence[Recipe]:
        return [Recipe("plan", _planned)]


def _planned(case: Case, hands: Hands) -> tuple[str, str] | None:
    plan = json.loads((case.workspace / "plan.json").read_text(encoding="utf-8"))
    for fix in plan:
        if fix["id"] not in {tried.fix for tried in case.tried}:
            for path, text in fix.get("write", {}).items():
                hands.write(path, text)
            if "env" in fix:
                hands.adjust(env=fix["env"])
            if "run" in fix:
                hands.run(fix["run"])
            return fix["id"], fix.get("title", f"applied {fix['id']}")
    return None


@pytest.fixture(autouse=True)
def _fixer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    module = Path(__file__).stem
    declare_distribution(
        monkeypatch, tmp_path / "site", "fixers", {"mityflow.specialists": {"fixer": f"{module}:Fixer"}}
    )
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path / 'site'}:{Path(__file__).parent}")


_EVERYTHING = dict.fromkeys(
    ("BuildError", "DependencyError", "TestFailure", "RuntimeError", "ConfigError", "PortInUse", "Unknown"), "fixer"
)


class Bench:
    """A workspace with a command that fails, and a plan of fixes."""

    def __init__(self, workspace: Path) -> None:
        self.workspace = workspace
        workspace.mkdir(exist_ok=True)
        self.guardrails: dict[str, Any] = {"specialists": _EVERYTHING, "agents": {"fixer": {"kind": "playbook"}}}
        self.command = ["bash", "-c", _COMMAND]
        (workspace / ".gitignore").write_text("runs*\nplan.json\nsite\n", encoding="utf-8")

    def state(self, *lines: str) -> None:
        (self.workspace / "state").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")

    def plan(self, *fixes: dict[str, Any]) -> None:
        (self.workspace / "plan.json").write_text(json.dumps(fixes), encoding="utf-8")

    @property
    def workflow(self) -> Workflow:
        settings = {"command": self.command}
        return Workflow("healing", "Healing", guardrails=self.guardrails).station("heal", with_=settings)

    def run(self) -> ExecutionLog:
        return WorkflowExecutor(StationRegistry.discover()).execute(self.workflow, WorkflowContext(self.workspace))

    def resume(self, answer: str | None = None, message: str = "") -> ExecutionLog:
        from mityflow.station import Answer

        executor = WorkflowExecutor(StationRegistry.discover())
        log = executor.load_log(self.workspace / ".mity" / "logs" / "healing.json")
        return executor.resume(log, answer=Answer(answer, message) if answer else None)

    @property
    def runs(self) -> int:
        """How often the command was run."""
        return int((self.workspace / "runs").read_text(encoding="utf-8"))

    def files(self) -> dict[str, bytes]:
        own = (".mity", "runs", "plan.json", "site")
        return {path: data for path, data in tree(self.workspace).items() if path.partition("/")[0] not in own}


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "work")


_BUILD = "src/app.ts(3,1): error TS2322: wrong type"
_OTHER = "src/app.ts(9,1): error TS2304: Cannot find name 'x'"
_CONFIG = "tsconfig.json(3,1): error TS5023: Unknown compiler option 'x'"


def _fix(name: str, **write: str) -> dict[str, Any]:
    return {"id": name, "write": {path.replace("__", "/").replace("_dot_", "."): text for path, text in write.items()}}


def _healing(log: ExecutionLog) -> dict[str, Any]:
    data: dict[str, Any] = log.results["heal"].outputs["healing"]
    return data


def _verdicts(log: ExecutionLog) -> list[str]:
    return [action["verdict"] for action in _healing(log)["actions_taken"]]


def test_a_command_that_passes_is_run_once(bench: Bench) -> None:
    bench.state()

    log = bench.run()

    assert (log.state, bench.runs) == (ExecutionState.COMPLETED, 1)
    assert "healing" not in log.results["heal"].outputs
    assert not (bench.workspace / ".mity" / "checkpoints").exists()


def test_a_fix_is_verified_by_running_the_command_again(bench: Bench) -> None:
    bench.state(_BUILD)
    bench.plan(_fix("right", state=""))

    log = bench.run()

    result = log.results["heal"]
    assert (log.state, bench.runs) == (ExecutionState.COMPLETED, 2)
    assert result.message == "healed: applied right"
    (action,) = _healing(log)["actions_taken"]
    assert (action["error_type"], action["verdict"], action["specialist"]) == ("BuildError", "fixed", "fixer")
    assert action["evidence"] == _BUILD
    assert f"-{_BUILD}" in action["diff"]
    assert _healing(log)["resolved_errors"] == [action["signature"]]


def test_faults_are_mended_one_after_another(bench: Bench) -> None:
    bench.state(_CONFIG, _BUILD)
    bench.plan(_fix("first", state=f"{_BUILD}\n"), _fix("second", state=""))

    log = bench.run()

    assert (log.state, _verdicts(log), bench.runs) == (ExecutionState.COMPLETED, ["better", "fixed"], 3)
    assert _healing(log)["attempts_by_type"] == {"ConfigError": 1, "BuildError": 1}


def test_a_fix_that_did_not_help_is_undone(bench: Bench) -> None:
    bench.state(_BUILD)
    before = bench.files()
    bench.plan(
        _fix("useless", state=f"{_BUILD}\nmore\n", new="x"),
        _fix("breaks", tsconfig_dot_json="{", new="y"),
    )
    bench.command = ["bash", "-c", f"test -e tsconfig.json && echo '{_CONFIG}' && exit 1; {_COMMAND}"]

    log = bench.run()

    assert (log.state, _verdicts(log)) == (ExecutionState.WAITING, ["same", "worse", "none"])
    assert _healing(log)["actions_taken"][1]["reason"] == "the fix broke tsconfig.json"
    assert bench.files() == before


def test_when_nobody_knows_a_fix_a_person_is_asked_and_nothing_is_changed(bench: Bench) -> None:
    bench.state(_BUILD)
    bench.plan()
    before = bench.files()

    log = bench.run()

    assert (log.state, bench.runs, bench.files()) == (ExecutionState.WAITING, 1, before)
    question = log.question
    assert question is not None
    assert question.text == (
        f"not healed: fixer (playbook) knows no further fix; nothing was tried. BuildError: {_BUILD}"
    )
    assert [option.id for option in question.options] == ["retry", "skip", "help"]
    assert log.results["heal"].outputs["error_type"] == "BuildError"


def _useless(count: int) -> list[dict[str, Any]]:
    return [_fix(f"useless-{n}", new=str(n)) for n in range(count)]


@pytest.mark.parametrize(
    ("guardrails", "runs", "attempts", "reason"),
    [
        (
            {"max_total_iterations": 4, "max_consecutive_failures": 99, "max_attempts_per_error": 99},
            4,
            3,
            "the command has been run 4 times, and 4 are allowed (guardrail max_total_iterations)",
        ),
        (
            {"max_total_iterations": 99, "max_consecutive_failures": 99, "max_attempts_per_error": 5},
            6,
            5,
            "BuildError has been attempted 5 times, and 5 are allowed (guardrail max_attempts_per_error)",
        ),
        (
            {"max_total_iterations": 99, "max_consecutive_failures": 2},
            3,
            2,
            "2 attempts in a row have made nothing better (guardrail max_consecutive_failures)",
        ),
        (
            {"max_total_iterations": 1},
            1,
            0,
            "the command has been run once, and 1 are allowed (guardrail max_total_iterations)",
        ),
        ({}, 4, 3, "3 attempts in a row have made nothing better (guardrail max_consecutive_failures)"),
    ],
)
def test_every_limit_is_exact_and_the_reason_is_the_one_that_fired(
    bench: Bench, guardrails: dict[str, Any], runs: int, attempts: int, reason: str
) -> None:
    bench.guardrails |= guardrails
    bench.state(_BUILD)
    bench.plan(*_useless(30))
    before = bench.files()

    log = bench.run()

    assert log.state is ExecutionState.WAITING
    assert log.question is not None
    assert f": {reason};" in log.question.text
    assert (bench.runs, _healing(log)["iterations"], len(_verdicts(log))) == (runs, runs, attempts)
    assert bench.files() == before


def test_fifteen_iterations_are_fifteen_runs(bench: Bench) -> None:
    bench.guardrails |= {"max_consecutive_failures": 99, "max_attempts_per_error": 99, "max_healing_time_secs": 3600}
    bench.state(_BUILD)
    bench.plan(*_useless(30))

    log = bench.run()

    assert (bench.runs, _healing(log)["iterations"]) == (15, 15)


def test_the_time_limit_interrupts_a_running_command(bench: Bench) -> None:
    bench.guardrails["max_healing_time_secs"] = 2
    bench.state(_BUILD)
    bench.plan({"id": "slow", "write": {"slow": "yes"}})
    bench.command = ["bash", "-c", f"test -e slow && sleep 300; {_COMMAND}"]
    begun = time.monotonic()

    log = bench.run()

    assert time.monotonic() - begun < 30
    assert log.question is not None
    assert "healing has taken its 2 s (guardrail max_healing_time_secs)" in log.question.text
    assert _verdicts(log) == ["interrupted"]
    assert not (bench.workspace / "slow").exists()


def test_the_time_limit_interrupts_whoever_makes_a_fix(bench: Bench) -> None:
    bench.guardrails["max_healing_time_secs"] = 2
    bench.state(_BUILD)
    bench.plan({"id": "slow", "write": {"half": "made"}, "run": ["sleep", "300"]})

    log = bench.run()

    assert _verdicts(log) == ["interrupted"]
    assert not (bench.workspace / "half").exists()


def test_a_protected_path_is_refused_and_the_rest_of_the_fix_is_undone(bench: Bench) -> None:
    bench.state(_BUILD)
    (bench.workspace / "tests").mkdir()
    (bench.workspace / "tests" / "test_a.py").write_text("def test_a(): assert 1 == 2\n", encoding="utf-8")
    before = bench.files()
    bench.plan(_fix("cheat", state="", tests__test_a_dot_py="def test_a(): pass\n"))

    log = bench.run()

    assert _verdicts(log) == ["refused", "none"]
    assert "protected" in _healing(log)["actions_taken"][0]["reason"]
    assert (bench.files(), bench.runs) == (before, 1)


def test_adjustments_hold_for_the_runs_that_follow(bench: Bench) -> None:
    bench.state(_BUILD)
    bench.command = ["bash", "-c", f'test "$WANTED" = given && exit 0; {_COMMAND}']
    bench.plan({"id": "env", "env": {"WANTED": "given"}})

    log = bench.run()

    assert (log.state, _verdicts(log)) == (ExecutionState.COMPLETED, ["fixed"])
    assert _healing(log)["actions_taken"][0]["adjustments"]["env"] == {"WANTED": "given"}


def test_a_step_can_be_told_not_to_heal(bench: Bench) -> None:
    bench.state(_BUILD)
    workflow = Workflow("healing", "Healing").station("heal", with_={"command": bench.command, "heal": False})

    log = WorkflowExecutor(StationRegistry.discover()).execute(workflow, WorkflowContext(bench.workspace))

    assert (log.state, log.error) == (ExecutionState.FAILED, "heal: 'bash' ended with exit code 1")


def test_the_limits_of_a_step_hold_over_those_of_its_workflow() -> None:
    limits = Guardrails.from_data(
        {"max_total_iterations": 3, "specialists": {"Unknown": "tester"}},
        {"max_total_iterations": 7, "specialists": {"BuildError": "devops"}},
    )

    assert limits.max_total_iterations == 7
    assert (limits.specialists["Unknown"], limits.specialists["BuildError"]) == ("tester", "devops")


def test_the_defaults_are_those_of_the_schema() -> None:
    limits, fields = Guardrails(), GuardrailsFile.model_fields
    for name in ("max_attempts_per_error", "max_total_iterations", "max_healing_time_secs", "max_consecutive_failures"):
        assert getattr(limits, name) == fields[name].default
    assert list(limits.protected_paths) == fields["protected_paths"].default


# What a person answers.


def test_retry_is_a_fresh_session(bench: Bench) -> None:
    bench.state(_BUILD)
    bench.plan()
    bench.run()
    bench.plan(_fix("right", state=""))

    log = bench.resume("retry")

    assert (log.state, _verdicts(log)) == (ExecutionState.COMPLETED, ["fixed"])
    assert _healing(log)["iterations"] == 2


def test_skip_is_skipped_and_no_success(bench: Bench) -> None:
    bench.state(_BUILD)
    bench.plan()
    bench.run()

    log = bench.resume("skip")

    result = log.results["heal"]
    assert (log.state, result.status, result.success) == (ExecutionState.COMPLETED, "skipped", False)
    assert result.message == f"skipped by a person: BuildError: {_BUILD}"
    assert bench.runs == 1


def test_help_reaches_whoever_mends(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.state(_BUILD)
    bench.plan()
    bench.run()
    heard = []

    def listens(case: Case, hands: Hands) -> tuple[str, str]:
        heard.append(case.instructions)
        hands.write("state", "")
        return "heard", "did as told"

    monkeypatch.setattr(sys.modules[Fixer.__module__], "_planned", listens)
    monkeypatch.setattr("test_healing._planned", listens, raising=False)

    log = bench.resume("help", "empty the file")

    assert (log.state, heard) == (ExecutionState.COMPLETED, ["empty the file"])


def test_the_same_question_is_asked_again_without_an_answer(bench: Bench) -> None:
    bench.state(_BUILD)
    bench.plan()
    first = bench.run().question

    again = bench.resume()

    assert again.question == first
    assert bench.runs == 1


# A crash at any moment.

_RUNNER = """
import sys
sys.path[:0] = {path!r}
from pathlib import Path
from test_healing import Bench
bench = Bench(Path({workspace!r}))
bench.guardrails.update({guardrails!r})
bench.command = {command!r}
bench.run()
"""


def _killed_at(bench: Bench, marker: Path) -> None:
    """Run in another process, and kill that once the marker is there."""
    code = _RUNNER.format(
        path=[p for p in sys.path if p],
        workspace=str(bench.workspace),
        guardrails=bench.guardrails,
        command=bench.command,
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.DEVNULL)
    end = time.monotonic() + 60
    while not marker.exists():
        assert process.poll() is None, "it ended before it could be killed"
        assert time.monotonic() < end
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()


def test_a_kill_in_the_middle_of_a_fix_leaves_no_half_of_it(bench: Bench) -> None:
    bench.state(_BUILD)
    marker = bench.workspace / "runs.marker"
    before = bench.files()
    bench.plan(
        {"id": "slow", "write": {"half": "made", "state": "broken"}, "run": ["sh", "-c", f"touch {marker}; sleep 300"]}
    )
    _killed_at(bench, marker)
    marker.unlink()
    assert bench.files() != before
    bench.plan()

    log = bench.resume()

    assert log.state is ExecutionState.WAITING
    assert bench.files() == before
    assert _verdicts(log) == ["interrupted", "none"]


def test_a_kill_while_a_fix_is_verified_goes_on_with_the_verification(bench: Bench) -> None:
    marker = bench.workspace / "runs.marker"
    bench.state(_BUILD)
    bench.plan(_fix("right", state=""))
    bench.command = ["bash", "-c", f"test -s state || test -e {marker} || {{ touch {marker}; sleep 300; }}; {_COMMAND}"]
    _killed_at(bench, marker)

    log = bench.resume()

    assert (log.state, _verdicts(log)) == (ExecutionState.COMPLETED, ["fixed"])
    assert _healing(log)["iterations"] == 2


def test_the_session_is_the_fold_of_the_journal(bench: Bench) -> None:
    bench.state(_CONFIG, _BUILD)
    bench.plan(_fix("first", state=f"{_BUILD}\n"), *_useless(3))

    log = bench.run()

    session = fold(log.notes["heal"])
    assert session.to_data() == {k: v for k, v in _healing(log).items() if k != "guardrail"}
    kinds = [note["kind"] for note in log.notes["heal"]]
    assert kinds[:6] == ["session", "failed", "fixing", "fixed", "failed", "verdict"]
    assert kinds[-1] == "asked"
    for cut in range(len(kinds)):
        fold(log.notes["heal"][:cut])  # whatever was recorded before a crash can be read


# Whether a fix helped.


def _failure(
    error_type: str = "BuildError", signature: str = "a", stage: int = 1, file: str | None = None, **more: Any
) -> Failure:
    found = Diagnosis(error_type, signature, ("line",), file, 1)
    return Failure(found, f"phase {stage}", stage, ("x",), 1, more.get("tests_failed"), "")


@pytest.mark.parametrize(
    ("after", "verdict"),
    [
        (None, "fixed"),
        (_failure(), "same"),
        (_failure(stage=2), "better"),
        (_failure(stage=0, signature="b"), "worse"),
        (_failure(signature="b"), "better"),
        (_failure(signature="seen"), "worse"),
        (_failure("ConfigError", "b", file="package.json"), "worse"),
        (_failure("ConfigError", "b", file="other.json"), "better"),
        (_failure("TestFailure", "b", file="package.json"), "better"),
    ],
)
def test_a_fix_is_judged_by_what_the_command_does_now(after: Failure | None, verdict: str) -> None:
    assert judge(_failure(), after, {"a", "seen"}, {"package.json"}).name == verdict


@pytest.mark.parametrize(("now", "verdict"), [(1, "better"), (2, "same"), (3, "worse")])
def test_failing_tests_are_counted(now: int, verdict: str) -> None:
    before = _failure("TestFailure", tests_failed=2)
    assert judge(before, _failure("TestFailure", "other", tests_failed=now), {"a"}, set()).name == verdict


# What others do wrong.


def test_a_specialist_that_raises_has_failed_and_its_changes_are_undone(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(case: Case, hands: Hands) -> tuple[str, str]:
        hands.write("half", "made")
        raise ZeroDivisionError("of a plugin")

    monkeypatch.setattr("test_healing._planned", broken)
    bench.state(_BUILD)
    before = bench.files()

    log = bench.run()

    assert _verdicts(log) == ["failed"] * 3
    assert _healing(log)["actions_taken"][0]["reason"] == "ZeroDivisionError: of a plugin"
    assert bench.files() == before


def test_a_secret_is_in_nothing_that_is_written(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_TOKEN", "s3cret-of-ours")
    bench.state(f"{_BUILD} s3cret-of-ours")
    bench.plan({"id": "leak", "write": {"new": "x"}, "title": "wrote s3cret-of-ours"})
    settings = {"command": bench.command}
    workflow = Workflow("healing", "Healing", guardrails=bench.guardrails, secrets=["API_TOKEN"])

    executor = WorkflowExecutor(StationRegistry.discover())
    executor.execute(workflow.station("heal", with_=settings), WorkflowContext(bench.workspace))

    own = {p: d for p, d in tree(bench.workspace / ".mity").items() if "checkpoints/" not in p}
    assert any(b"***" in data for data in own.values())
    assert not [path for path, data in own.items() if b"s3cret-of-ours" in data]


def test_a_secret_that_nobody_declared_is_not_in_what_is_told_of_a_fix(bench: Bench) -> None:
    key = "AKIA" + "IOSFODNN7EXAMPLQ"
    bench.state(_BUILD)
    bench.plan({"id": "leak", "write": {"settings.py": f'KEY = "{key}"\n'}})
    log = bench.run()
    assert "settings.py" in _healing(log)["actions_taken"][0]["files"]
    own = {p: d for p, d in tree(bench.workspace / ".mity").items() if "checkpoints/" not in p}
    assert any(b"KEY = " in data for data in own.values())
    assert not [path for path, data in own.items() if key.encode() in data]


def test_an_ignored_file_outlives_a_fix_that_changes_what_is_ignored(bench: Bench) -> None:
    (bench.workspace / ".gitignore").write_text("runs*\nplan.json\nsite\nprecious\n", encoding="utf-8")
    (bench.workspace / "precious").write_text("mine", encoding="utf-8")
    bench.state(_BUILD)
    bench.plan({"id": "unignores", "write": {".gitignore": "site\nruns\n"}})

    log = bench.run()

    assert _verdicts(log)[0] == "same"
    assert (bench.workspace / "precious").read_text(encoding="utf-8") == "mine"
    assert (bench.workspace / ".gitignore").read_text(encoding="utf-8").endswith("precious\n")


def test_the_question_in_finally_is_a_failure_that_says_what_was_asked(bench: Bench) -> None:
    bench.state(_BUILD)
    bench.plan()
    workflow = Workflow("healing", "Healing", guardrails=bench.guardrails).station("shell", with_={"command": ["true"]})
    workflow = workflow.finally_station("heal", with_={"command": bench.command})

    log = WorkflowExecutor(StationRegistry.discover()).execute(workflow, WorkflowContext(bench.workspace))

    assert log.state is ExecutionState.FAILED
    assert "knows no further fix" in (log.error or "")


def test_a_kill_while_files_are_put_back_is_made_good(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    from mityflow.healing.checkpoints import Checkpoints

    bench.state(_BUILD)
    before = bench.files()
    bench.plan(*_useless(1))
    restore = Checkpoints.restore

    def killed(self: Checkpoints, tree: str) -> None:
        raise SystemExit("as if it were killed")

    monkeypatch.setattr(Checkpoints, "restore", killed)
    bench.run()
    assert bench.files() != before
    monkeypatch.setattr(Checkpoints, "restore", restore)
    bench.plan()

    bench.resume()

    assert bench.files() == before


def test_a_crash_after_any_record_ends_in_the_same_question(bench: Bench) -> None:
    bench.state(_BUILD)
    bench.plan()
    before = bench.files()
    first = bench.run()
    journal = bench.workspace / ".mity" / "runs" / first.run_id / "events.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    asked = next(i for i, line in enumerate(lines) if b'"kind":"asked"' in line)
    for count in range(2, len(lines)):
        journal.write_bytes(b"".join(lines[:count]))
        runs = bench.runs

        log = bench.resume()

        assert (log.state, bench.files()) == (ExecutionState.WAITING, before)
        assert log.question == first.question
        assert bench.runs == runs + (0 if count > asked else 1)
