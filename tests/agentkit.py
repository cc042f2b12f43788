"""An application with a fault, and agents at work on it, without the loop around them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from mityflow.healing.agents import Agent, AgentSettings, Means, make_agent
from mityflow.healing.case import Case, Cost, Tried
from mityflow.healing.checkpoints import Checkpoints
from mityflow.healing.diagnosis import Diagnosis
from mityflow.healing.hands import Hands
from mityflow.healing.specialists import Specialist
from mityflow.masking import Masker
from mityflow.process import CommandResult, encoded, run

SOURCE = "def add(a, b):\n    return a - b\n"
MENDED = "def add(a, b):\n    return a + b\n"
KEY = "sk-test-0123456789"
SECRET = "hunter2-password"


class Tester(Specialist):
    name: ClassVar[str] = "tester"
    instructions: ClassVar[str] = "You find out why tests fail."


class Desk:
    """A workspace with an application in it; what a step would lend an agent."""

    def __init__(self, workspace: Path) -> None:
        self.workspace = workspace
        self.root = workspace / "app"
        (self.root / "tests").mkdir(parents=True)
        (self.root / "calc.py").write_text(SOURCE, encoding="utf-8")
        (self.root / "tests" / "test_calc.py").write_text("def test_add(): assert add(1, 2) == 3\n", encoding="utf-8")
        (self.root / ".env").write_text(f"PASSWORD={SECRET}\n", encoding="utf-8")
        self.env = {**os.environ, "OPENAI_API_KEY": KEY, "ANTHROPIC_API_KEY": KEY}
        self.guardrails: dict[str, Any] = {}
        self.output = "E       assert -1 == 3\n1 failed\n"
        self.printed = b""
        self.seconds = 20.0
        self.spent = Cost()
        self.tried: tuple[Tried, ...] = ()
        self.instructions = ""
        self.signature = "TestFailure assertion test_calc.py assert -<n> == <n>"
        self.masker = Masker([SECRET])

    @property
    def case(self) -> Case:
        found = Diagnosis("TestFailure", self.signature, ("E       assert -1 == 3",), "calc.py", 2)
        return Case(
            found,
            self.output,
            1,
            ("pytest", "-q"),
            "test",
            None,
            "app",
            self.root,
            self.workspace,
            instructions=self.instructions,
            tried=self.tried,
            seconds_left=self.seconds,
            spent=self.spent,
            protected=(".git/**", "tests/**"),
        )

    def hands(self) -> Hands:
        tree = Checkpoints(self.root, self.workspace / ".mity" / "checkpoints" / "app.git")
        return Hands(self.root, tree, self.case.protected, self._run, self.workspace / ".mity" / "work")

    def means(self) -> Means:
        return Means.of(self.masker.text, self.env, self.workspace, self.guardrails)

    def agent(self, kind: str, **settings: Any) -> Agent:
        return make_agent(AgentSettings.from_data({"kind": kind, **settings}), Tester(), self.means())

    @property
    def source(self) -> str:
        return (self.root / "calc.py").read_text(encoding="utf-8")

    def _run(self, argv: list[str], *, cwd: Path, timeout: float, env: Mapping[str, str]) -> CommandResult:
        environment = encoded({**self.env, **env})
        return run(argv, cwd=cwd, env=environment, timeout=timeout, masker=self.masker, sink=self._keep, grace=0.5)

    def _keep(self, data: bytes) -> None:
        self.printed += data


def processes_with(mark: str) -> list[str]:
    """The processes whose command line holds this."""
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True)
    return [line for line in listed.stdout.splitlines() if mark in line and not line.startswith("ps ")]
