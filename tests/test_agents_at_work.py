"""Models and programs in the loop of healing: real runs, whose fixes are verified, remembered and played back."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from conftest import BIN
from llm_server import Silence, call, done, model_server

from mityflow.context import WorkflowContext
from mityflow.executor import WorkflowExecutor
from mityflow.log import ExecutionLog, ExecutionState
from mityflow.registry import StationRegistry
from mityflow.workflow import Workflow

MODEL = "openai-chat:gpt-4o-mini"
KEY = "sk-test-0123456789"
_CHECK = "grep -q 'a + b' calc.py || { echo 'calc.py(2,1): error TS2322: wrong type'; exit 1; }"
EDIT = call("edit_file", path="calc.py", old="a - b", new="a + b")
_PROGRAM = "p = 'calc.py'; t = open(p).read(); open(p, 'w').write(t.replace('a - b', 'a + b'))"


class Bench:
    """A workspace with a command that fails until `calc.py` adds."""

    def __init__(self, workspace: Path) -> None:
        self.workspace = workspace
        self.break_it()
        self.agent: dict[str, Any] = {}
        self.guardrails: dict[str, Any] = {}

    def break_it(self) -> None:
        (self.workspace / "calc.py").write_text("def add(a, b):\n    return a - b\n", encoding="utf-8")

    @property
    def settings(self) -> dict[str, Any]:
        return {"agents": {"implementer": self.agent}, **self.guardrails}

    def run(self) -> ExecutionLog:
        self.break_it()
        command = {"command": ["bash", "-c", _CHECK]}
        workflow = Workflow("healing", "Healing", guardrails=self.settings).station("heal", with_=command)
        return WorkflowExecutor(StationRegistry.discover()).execute(workflow, WorkflowContext(self.workspace))

    def cli(self, **more: str) -> subprocess.Popen[bytes]:
        """The same as a user runs it."""
        (self.workspace / "guardrails.yaml").write_text(json.dumps({"version": 1, **self.settings}), encoding="utf-8")
        command = [str(BIN / "mityflow"), "heal", "--guardrails", "guardrails.yaml", "--", "bash", "-c", _CHECK]
        env = {**os.environ, "OPENAI_API_KEY": KEY, **more}
        return subprocess.Popen(
            command,
            cwd=self.workspace,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
        )


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    return Bench(tmp_path)


def attempts(log: ExecutionLog) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = log.results["heal"].outputs["healing"]["actions_taken"]
    return found


def test_a_model_heals_and_what_it_cost_is_told(bench: Bench) -> None:
    with model_server(EDIT, done("add adds")) as server:
        bench.agent = {"kind": "llm", "model": MODEL, "base_url": f"{server.url}/v1"}
        log = bench.run()

    assert (log.state, log.results["heal"].message) == (ExecutionState.COMPLETED, "healed: add adds")
    (attempt,) = attempts(log)
    assert (attempt["agent"], attempt["verdict"], attempt["files"]) == (MODEL, "fixed", ["calc.py"])
    assert attempt["cost"]["input_tokens"] == 2000
    assert attempt["cost"]["usd"] == pytest.approx(0.00042)


def test_what_a_model_found_is_remembered_and_the_model_not_asked_again(bench: Bench) -> None:
    with model_server(EDIT, done("add adds")) as server:
        bench.agent = {"kind": "llm", "model": MODEL, "base_url": f"{server.url}/v1"}
        bench.run()
        asked = len(server.requests)
        log = bench.run()
        assert len(server.requests) == asked

    assert [(a["agent"], a["verdict"], a["title"]) for a in attempts(log)] == [("memory", "fixed", "add adds")]
    (file,) = (bench.workspace / ".mity" / "fixes").iterdir()
    assert json.loads(file.read_bytes())["fixes"][0]["worked"] == 2


def test_a_remembered_fix_that_no_longer_helps_gives_way_to_the_agent(bench: Bench) -> None:
    useless = call("edit_file", path="calc.py", old="a - b", new="a * b")
    bench.agent = {"kind": "command", "command": [sys.executable, "-c", _PROGRAM]}
    bench.run()
    (file,) = (bench.workspace / ".mity" / "fixes").iterdir()
    file.write_text(file.read_text(encoding="utf-8").replace("a + b", "a * b"), encoding="utf-8")
    with model_server(useless, done(), EDIT, done("add adds")) as server:
        bench.agent = {"kind": "llm", "model": MODEL, "base_url": f"{server.url}/v1"}
        log = bench.run()
    assert [(a["agent"], a["verdict"]) for a in attempts(log)] == [
        ("memory", "same"),
        (MODEL, "same"),
        (MODEL, "fixed"),
    ]
    counts = {fix["title"]: (fix["worked"], fix["failed"]) for fix in json.loads(file.read_bytes())["fixes"]}
    assert counts[f"{Path(sys.executable).name} changed calc.py"] == (1, 1)
    assert counts["add adds"] == (1, 0)


def test_a_fix_that_did_not_help_is_not_remembered(bench: Bench) -> None:
    bench.agent = {"kind": "command", "command": [sys.executable, "-c", _PROGRAM.replace("a + b", "a * b")]}
    log = bench.run()
    assert log.state is ExecutionState.WAITING
    assert not (bench.workspace / ".mity" / "fixes").exists()


def test_a_program_heals(bench: Bench) -> None:
    bench.agent = {"kind": "command", "command": [sys.executable, "-c", _PROGRAM]}
    log = bench.run()
    assert log.state is ExecutionState.COMPLETED
    (attempt,) = attempts(log)
    assert (attempt["agent"], attempt["verdict"]) == (Path(sys.executable).name, "fixed")


def test_a_cassette_heals_without_a_model(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    with model_server(call("read_file", path="calc.py"), EDIT, done("add adds")) as server:
        bench.agent = {"kind": "llm", "model": MODEL, "base_url": f"{server.url}/v1"}
        bench.guardrails = {"cassettes": {"folder": "tapes", "mode": "record"}}
        bench.run()
    (file,) = (bench.workspace / ".mity" / "fixes").iterdir()
    file.unlink()
    monkeypatch.delenv("OPENAI_API_KEY")
    monkeypatch.setenv("MITY_CASSETTES", "replay:tapes")

    log = bench.run()

    assert [(a["verdict"], a["title"], a["cost"]["usd"]) for a in attempts(log)] == [("fixed", "add adds", 0.0)]


def test_a_cassette_that_does_not_match_asks_a_person(bench: Bench) -> None:
    bench.agent = {"kind": "command", "command": ["no-such-program"]}
    bench.guardrails = {"cassettes": {"folder": "tapes"}}
    log = bench.run()
    assert log.state is ExecutionState.WAITING
    assert log.question is not None
    assert "there is no cassette" in log.question.text
    assert len(attempts(log)) == 1


def test_the_limit_of_cost_asks_a_person_and_undoes_what_was_begun(bench: Bench) -> None:
    with model_server(EDIT, call("list_files")) as server:
        bench.agent = {"kind": "llm", "model": MODEL, "base_url": f"{server.url}/v1", "max_cost_usd": 0.0005}
        log = bench.run()
    assert log.question is not None
    assert "(guardrail max_cost_usd)" in log.question.text
    assert "a - b" in (bench.workspace / "calc.py").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("agent", "told"),
    [
        ({"kind": "command", "command": ["no-such-program"]}, "there is no program 'no-such-program' on PATH"),
        ({"kind": "llm", "model": "nobody:x"}, "the agent of 'implementer' cannot use 'nobody:x'"),
    ],
)
def test_an_agent_that_cannot_be_used_fails_the_step_with_one_sentence(
    bench: Bench, agent: dict[str, Any], told: str
) -> None:
    bench.agent = agent
    process = bench.cli()
    printed, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert told in printed.decode()
    assert "Traceback" not in printed.decode()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupt_while_a_model_is_awaited_ends_the_run_and_undoes_what_was_begun(
    bench: Bench, number: signal.Signals, code: int
) -> None:
    with model_server(EDIT, Silence()) as server:
        bench.agent = {"kind": "llm", "model": MODEL, "base_url": f"{server.url}/v1"}
        process = bench.cli()
        deadline = time.monotonic() + 60
        while len(server.requests) < 2 and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(number)
        begun = time.monotonic()
        printed, _ = process.communicate(timeout=60)
        assert time.monotonic() - begun < 10
    assert process.returncode == code, printed.decode()
    assert "Traceback" not in printed.decode()
    assert "a - b" in (bench.workspace / "calc.py").read_text(encoding="utf-8")


def test_a_killed_run_leaves_no_program_behind(bench: Bench) -> None:
    started = bench.workspace / "started"
    program = f"import os, time; open({str(started)!r}, 'w').write(str(os.getpid())); time.sleep(300)"
    bench.agent = {"kind": "command", "command": [sys.executable, "-c", program]}
    process = bench.cli()
    deadline = time.monotonic() + 60
    while not (started.exists() and started.read_text(encoding="utf-8")) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.kill()
    process.communicate(timeout=60)
    number = int(started.read_text(encoding="utf-8"))
    while Path(f"/proc/{number}").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not Path(f"/proc/{number}").exists()
