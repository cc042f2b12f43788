"""Questions on a real terminal, answered by typing."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import BIN

from mityflow import ExecutionState, WorkflowExecutor
from mityflow.registry import StationRegistry
from mityflow.store import Store

PATIENCE = 30.0
FORM = """\
version: 1
id: where
stations:
  - station: ask
    with:
      text: Where to?
      form:
        type: object
        required: [region, name]
        properties:
          region: {enum: [eu, us], description: Where it runs}
          replicas: {type: integer, minimum: 1, default: 2}
          name: {type: string, pattern: "^[a-z]+$"}
          notify: {type: boolean, default: true}
          tags: {type: array, items: {type: string}}
        if: {properties: {region: {const: us}}, required: [region]}
        then: {properties: {replicas: {minimum: 3}}}
"""
CHOICE = """\
version: 1
id: approve
stations:
  - station: ask
    with:
      text: Deploy?
      options: [approve, {id: reject, label: Not now, takes_message: true}]
"""


class Terminal:
    """A program on a terminal of its own: what it prints is waited for, what it reads is typed."""

    def __init__(self, folder: Path, *words: str) -> None:
        self._main, side = pty.openpty()
        self.modes = termios.tcgetattr(side)
        self._side = side
        self.process = subprocess.Popen(
            [BIN / words[0], *words[1:]],
            cwd=folder,
            stdin=side,
            stdout=side,
            stderr=side,
            start_new_session=True,
            preexec_fn=lambda: _controlling(side),
            env={**os.environ, "TERM": "dumb", "NO_COLOR": "1"},
        )
        self.seen = ""
        self._read_to = 0

    def expect(self, text: str) -> None:
        """Wait until this was printed, after what was waited for before."""
        end = time.monotonic() + PATIENCE
        while self.seen.find(text, self._read_to) < 0:
            assert time.monotonic() < end, f"{text!r} never came after {self.seen!r}"
            assert self._more(end), f"it ended without {text!r}: {self.seen!r}"
        self._read_to = self.seen.find(text, self._read_to) + len(text)

    def type(self, text: str) -> None:
        """Type a line."""
        os.write(self._main, text.encode() + b"\n")

    def end(self) -> int:
        """Wait until it has ended; its exit code. The terminal must be as it was."""
        code = self.process.wait(PATIENCE)
        assert termios.tcgetattr(self._side) == self.modes
        return code

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self._main)
        os.close(self._side)

    def _more(self, end: float) -> bool:
        ready, _, _ = select.select([self._main], [], [], min(0.5, max(0.0, end - time.monotonic())))
        if ready:
            self.seen += os.read(self._main, 4096).decode(errors="replace").replace("\r\n", "\n")
        return bool(ready) or self.process.poll() is None


def _controlling(side: int) -> None:
    import fcntl

    fcntl.ioctl(side, termios.TIOCSCTTY, 0)


Start = Callable[[str], Terminal]


@pytest.fixture
def start(workspace: Path) -> Iterator[Start]:
    """Run a workflow on a terminal."""
    terminals = []

    def run(text: str) -> Terminal:
        (workspace / "w.yaml").write_text(text)
        terminals.append(Terminal(workspace, "mityflow", "run", "w.yaml"))
        return terminals[-1]

    yield run
    for terminal in terminals:
        terminal.close()


def outputs(workspace: Path) -> dict[str, Any]:
    store = Store(workspace)
    return store.load(store.find(None)).results["ask"].outputs


def test_a_form_is_filled_in_field_by_field(start: Start, workspace: Path) -> None:
    terminal = start(FORM)
    terminal.expect("ask: Where to?\n")
    terminal.expect("region (Where it runs)\n  1) eu\n  2) us\n1-2 or a name: ")
    terminal.type("3")
    terminal.expect("field 'region': \"3\" is not one of eu, us\n1-2 or a name: ")
    terminal.type("1")
    terminal.expect("replicas (a whole number; may be left out)\nvalue [2]: ")
    terminal.type("many")
    terminal.expect("field 'replicas': \"many\" is not of type integer\nvalue [2]: ")
    terminal.type("0")
    terminal.expect("field 'replicas': 0 is less than the minimum of 1\nvalue [2]: ")
    terminal.type("")
    terminal.expect("name (text)\nvalue: ")
    terminal.type("")
    terminal.expect("'name' needs a value\nvalue: ")
    terminal.type("shop")
    terminal.expect("notify (true or false; may be left out)\ntrue or false [true]: ")
    terminal.type("n")
    terminal.expect("tags (a list, as JSON; may be left out)\nvalue: ")
    terminal.type('["a"]')
    terminal.expect("completed in")
    assert terminal.end() == 0
    values = {"region": "eu", "replicas": 2, "name": "shop", "notify": False, "tags": ["a"]}
    assert outputs(workspace)["values"] == values


def test_what_does_not_fit_together_is_asked_again(start: Start, workspace: Path) -> None:
    terminal = start(FORM)
    terminal.expect("region")
    terminal.type("us")
    terminal.expect("value [2]: ")
    terminal.type("")
    terminal.expect("name (text)\nvalue: ")
    terminal.type("shop")
    terminal.expect("[true]: ")
    terminal.type("")
    terminal.expect("tags")
    terminal.type("")
    terminal.expect("field 'replicas': 2 is less than the minimum of 3\nreplicas")
    terminal.type("4")
    terminal.expect("completed in")
    assert terminal.end() == 0
    assert outputs(workspace)["values"] == {"region": "us", "replicas": 4, "name": "shop", "notify": True}


def test_an_option_is_chosen_with_its_message(start: Start, workspace: Path) -> None:
    terminal = start(CHOICE)
    terminal.expect("ask: Deploy?\n  1) approve\n  2) reject  Not now\n1-2 or a name: ")
    terminal.type("0")
    terminal.expect("'0' is none of them\n1-2 or a name: ")
    terminal.type("reject")
    terminal.expect("message: ")
    terminal.type("after the weekend")
    terminal.expect("ask  ok")
    assert terminal.end() == 0
    assert outputs(workspace)["answer"] == "reject"
    assert outputs(workspace)["message"] == "after the weekend"


def test_bytes_that_are_no_text_are_an_answer_like_any(start: Start) -> None:
    terminal = start(CHOICE)
    terminal.expect("1-2 or a name: ")
    os.write(terminal._main, b"\xff\xfe\n")
    terminal.expect("is none of them\n1-2 or a name: ")
    terminal.type("approve")
    terminal.expect("completed in")
    assert terminal.end() == 0


@pytest.mark.parametrize(("text", "before"), [(CHOICE, "1-2 or a name: "), (FORM, "1-2 or a name: ")])
def test_an_interrupt_leaves_the_question_open(start: Start, workspace: Path, text: str, before: str) -> None:
    terminal = start(text)
    terminal.expect(before)
    os.write(terminal._main, b"\x03")
    terminal.expect("the question stays open; 'mityflow resume' asks it again")
    assert terminal.end() == 130
    store = Store(workspace)
    assert store.load(store.find(None)).state is ExecutionState.WAITING


def test_the_end_of_the_input_leaves_the_question_open(start: Start, workspace: Path) -> None:
    terminal = start(CHOICE)
    terminal.expect("1-2 or a name: ")
    os.write(terminal._main, b"\x04")
    terminal.expect("the question stays open")
    assert terminal.end() == 130
    store = Store(workspace)
    assert store.load(store.find(None)).state is ExecutionState.WAITING


@pytest.mark.parametrize(
    ("then", "said", "code"),
    [
        ("fail", "ask  FAILED  .*nobody answered within 1s", 1),
        ("skip", "ask  skipped  nobody answered within 1s", 0),
        ("approve", "ask  ok  .*approve \\(nobody answered in time\\)", 0),
    ],
)
def test_a_prompt_ends_when_the_time_is_over(start: Start, then: str, said: str, code: int) -> None:
    terminal = start(CHOICE + f"      timeout: 1s\n      on_timeout: {then}\n")
    terminal.expect(f"to be answered within 1s; then: {then}\n")
    terminal.expect("ask: nobody answered within 1s\n")
    terminal.expect("completed in" if code == 0 else "details: ")
    assert terminal.end() == code
    assert re.search(said, terminal.seen)


def test_a_question_left_open_is_asked_again_by_resume(start: Start, workspace: Path) -> None:
    first = start(CHOICE)
    first.expect("1-2 or a name: ")
    first.process.send_signal(signal.SIGINT)
    assert first.end() == 130
    again = Terminal(workspace, "mityflow", "resume")
    try:
        again.expect("1-2 or a name: ")
        again.type("1")
        again.expect("completed in")
        assert again.end() == 0
    finally:
        again.close()
    log = WorkflowExecutor(StationRegistry.discover()).load_log(workspace / ".mity" / "logs" / "approve.json")
    assert log.outputs["answer"] == "approve"
