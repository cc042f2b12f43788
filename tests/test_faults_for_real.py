"""Faults in freshly made applications, found and mended with real tools: never a success that is none."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from faultkit import AGENT, APP, FAULTS, Fault, edit, environment, faults_of, held, run, save, workflow
from stationkit import BUILT_IN_STACKS

from mityflow.healing.checkpoints import Checkpoints
from mityflow.stackfile import read_stack
from mityflow.stacks import Stack

pytestmark = [pytest.mark.slow]
STACKS = sorted(path.stem for path in FAULTS.glob("*.yaml"))


class Made(NamedTuple):
    """A sound application, installed, and the checkpoint it is put back to."""

    stack: Stack
    workspace: Path
    checkpoints: Checkpoints
    sound: str

    @property
    def app(self) -> Path:
        return self.workspace / APP

    def files(self) -> dict[str, bytes]:
        return {
            path: (self.app / path).read_bytes() for path in self.checkpoints.files() if (self.app / path).is_file()
        }


_made: dict[str, Made | str] = {}


def _make(name: str, top: Path) -> Made | str:
    stack = read_stack(BUILT_IN_STACKS / name, "mityflow")
    workspace, env = top / "work", environment()
    workspace.mkdir()
    made = {"version": 1, "id": "make", "inputs": {"app_name": {"default": APP}, "stack": {"default": name}}}
    (top / "make.yaml").write_text(yaml.safe_dump({**made, "stations": ["scaffold"]}), encoding="utf-8")
    done = run(["mityflow", "run", str(top / "make.yaml"), "-w", str(workspace)], top, env)
    assert done.returncode == 0, done.stdout + done.stderr
    for tool in stack.tools:
        found = tool.probe(lambda argv, *, timeout: _probe(argv, workspace, timeout))
        if not found.ok:
            return found.message
    for phase in ("install", "build", "test"):
        for argv in stack.command_lines(phase, APP):
            done = run(argv, workspace / APP, {**env, **stack.env})
            assert done.returncode == 0, f"{argv}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
    checkpoints = Checkpoints(workspace / APP, top / "sound.git")
    return Made(stack, workspace, checkpoints, checkpoints.take())


def _probe(argv: Any, workspace: Path, timeout: float | None) -> Any:
    from mityflow.masking import Masker
    from mityflow.process import encoded
    from mityflow.process import run as run_process

    return run_process(argv, cwd=workspace, masker=Masker(()), env=encoded(environment()), timeout=timeout)


def _cases() -> list[Any]:
    return [
        pytest.param(stack, fault, id=f"{stack}-{fault.id}", marks=pytest.mark.xdist_group(f"faults-{stack}"))
        for stack in STACKS
        for fault in faults_of(stack)
    ]


@pytest.mark.parametrize(("name", "fault"), _cases())
def test_a_fault_is_healed_or_told_and_never_hidden(
    name: str, fault: Fault, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    if name not in _made:
        _made[name] = _make(name, tmp_path_factory.mktemp(f"faults-{name}"))
    made = _made[name]
    if isinstance(made, str):
        pytest.skip(made)
    made.checkpoints.restore(made.sound)
    shutil.rmtree(made.workspace / ".mity" / "fixes", ignore_errors=True)  # of other faults
    edit(made.app, fault.edits)
    env = environment()
    if fault.run:
        done = run(list(fault.run), made.app, {**env, **made.stack.env})
        assert done.returncode == 0, done.stdout + done.stderr
    before = made.files()
    agent = None
    if fault.agent:
        agent = tmp_path / "agent.py"
        agent.write_text(AGENT.format(kit=str(Path(__file__).parent), edits=json.dumps(fault.agent)), encoding="utf-8")
    commands = made.stack.command_lines(fault.step, APP)
    file = tmp_path / "fault.yaml"
    file.write_text(yaml.safe_dump(workflow(fault, commands, agent), sort_keys=False), encoding="utf-8")
    began = time.monotonic()
    with held(fault.hold_port):
        done = run(["mityflow", "run", str(file), "-i", f"stack={name}", "-w", str(made.workspace)], tmp_path, env)
    seconds = time.monotonic() - began
    said = f"{done.stdout}\n{done.stderr}"
    log = json.loads((made.workspace / ".mity" / "logs" / "fault.json").read_text(encoding="utf-8"))
    result = log["results"][0]["result"]
    healing = result["outputs"].get("healing") or {"actions_taken": []}
    actions = [a for a in healing["actions_taken"] if a["verdict"] in ("fixed", "better")]
    if result["status"] == "succeeded":
        ended = "agent" if any(a["agent"] not in ("playbook", "memory") for a in actions) else "healed"
    else:
        ended = "escalated"
    found = (
        healing["actions_taken"][0]["error_type"] if healing["actions_taken"] else result["outputs"].get("error_type")
    )
    titles = "; ".join(a["title"] for a in actions) or (healing.get("guardrail") or "")
    row = {"result": ended, "as_wanted": ended == fault.outcome and found == fault.error_type, "seconds": seconds}
    save(name, fault, {**row, "with": titles, "found": found})

    assert result["status"] in ("succeeded", "waiting"), said
    if result["status"] == "succeeded":
        assert actions, f"it passed without a fix: there was no fault\n{said}"
        _passes_indeed(made, fault, commands, actions, env)
    else:
        assert made.files() == before
    assert ended == fault.outcome, said
    assert found == fault.error_type, said


def _passes_indeed(
    made: Made, fault: Fault, commands: list[list[str]], actions: list[dict[str, Any]], env: dict[str, str]
) -> None:
    """The command passes for us too, with the adjustments that were told."""
    if fault.step in ("launch", "build-test"):
        return  # the station's own evidence is an answer, and a report of tests
    adjusted: dict[str, str] = {}
    for adjustments in (action["adjustments"] for action in actions):
        adjusted |= adjustments["env"]
        if adjustments["port"] is not None:
            adjusted["PORT"] = str(adjustments["port"])
    argv = list(fault.command) or commands[0]
    with held(fault.hold_port):
        done = run(argv, made.app, {**env, **fault.env, **adjusted})
    assert done.returncode == 0, done.stdout + done.stderr
