"""Faults put into freshly made applications, and what healing makes of them.

A fault is data (``tests/faults/<stack>.yaml``): the changes that break an application, the step that finds them,
and how healing should end. Results are kept in ``reports/faults``, and ``python tests/faultkit.py`` writes them
into ``docs/healing-faults.md``.
"""

from __future__ import annotations

import json
import os
import pwd
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import yaml

PROJECT = Path(__file__).resolve().parent.parent
FAULTS = Path(__file__).parent / "faults"
REPORTS = PROJECT / "reports" / "faults"
PAGE = PROJECT / "docs" / "healing-faults.md"
APP = "shop"
_LIMITS = {"max_healing_time_secs": 600}


class Fault(NamedTuple):
    """One way to break an application."""

    id: str
    error_type: str
    step: str
    outcome: str
    edits: Mapping[str, Any]
    env: Mapping[str, str] = {}
    run: tuple[str, ...] = ()
    hold_port: int | None = None
    command: tuple[str, ...] = ()
    agent: Mapping[str, Any] = {}
    kind: str = ""


def faults_of(stack: str) -> list[Fault]:
    """The faults of a stack."""
    data = yaml.safe_load((FAULTS / f"{stack}.yaml").read_text(encoding="utf-8"))
    return [
        Fault(name, entry["class"], entry["step"], entry["outcome"], entry.get("edits", {}), entry.get("env", {}),
              tuple(entry.get("run", ())), entry.get("hold_port"), tuple(entry.get("command", ())),
              entry.get("agent", {}), entry.get("kind", ""))
        for name, entry in data.items()
    ]  # fmt: skip


def edit(app: Path, edits: Mapping[str, Any]) -> None:
    """Change an application; each change must find what it changes."""
    for path, change in edits.items():
        place = app / path
        if change == "delete":
            shutil.rmtree(place) if place.is_dir() else place.unlink()
        elif isinstance(change, str):
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(change, encoding="utf-8")
        elif "append" in change:
            place.write_text(place.read_text(encoding="utf-8") + change["append"], encoding="utf-8")
        elif "cut" in change:
            text = place.read_text(encoding="utf-8")
            place.write_text(text[: int(len(text) * change["cut"])], encoding="utf-8")
        else:
            text = place.read_text(encoding="utf-8")
            for old, new in change.items():
                assert old in text, f"{path} does not hold {old!r}"
                text = text.replace(old, new, 1)
            place.write_text(text, encoding="utf-8")


@contextmanager
def held(port: int | None) -> Iterator[None]:
    """Somebody listens on the port."""
    if port is None:
        yield
        return
    with socket.create_server(("127.0.0.1", port)):
        yield


def workflow(fault: Fault, commands: list[list[str]], agent: Path | None) -> dict[str, Any]:
    """A workflow of the step that finds the fault, and then mends it."""
    limits: dict[str, Any] = dict(_LIMITS)
    if agent:
        who = {"kind": "command", "command": [sys.executable, str(agent), "{{ task_file }}"]}
        limits["agents"] = dict.fromkeys(("implementer", "tester", "devops", "architect", "factory"), who)
    settings: dict[str, Any] = {}
    if fault.step == "launch":
        station = "launch"
        settings = {"port": fault.hold_port, "timeout": "60s"} if fault.hold_port else {"timeout": "60s"}
    elif fault.step == "build-test":
        station = "build-test"
    else:
        station = "heal"
        command = list(fault.command) or commands[0]
        if len(commands) > 1 and not fault.command:
            raise AssertionError(f"{fault.id}: name one of the commands of {fault.step}")
        settings = {"cwd": APP, "command": command, "timeout": "10m"}
    return {
        "version": 1,
        "id": "fault",
        "inputs": {"app_name": {"default": APP}, "stack": {"type": "string"}},
        "guardrails": limits,
        "env": dict(fault.env),
        "stations": [{"station": station, "with": settings}],
    }


AGENT = """import json, sys
from pathlib import Path
sys.path.insert(0, {kit!r})
from faultkit import edit
edit(Path.cwd(), json.loads({edits!r}))
print("edited as the script says")
"""


def save(stack: str, fault: Fault, row: Mapping[str, Any]) -> None:
    """Keep a result for the page."""
    REPORTS.mkdir(parents=True, exist_ok=True)
    place = REPORTS / f"{stack}.{fault.id}.json"
    place.write_text(json.dumps({"stack": stack, **fault._asdict(), **row}, default=str) + "\n", encoding="utf-8")


def run(argv: list[str], cwd: Path, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """A command, to its end."""
    return subprocess.run(
        argv, cwd=cwd, env=dict(env), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=900, check=False
    )


def environment() -> dict[str, str]:
    """That of a person, without git's settings of this machine."""
    names = {f"GIT_{r}_{w}": "test@example.org" for r in ("AUTHOR", "COMMITTER") for w in ("NAME", "EMAIL")}
    home = Path(pwd.getpwuid(os.getuid()).pw_dir)
    bin_folder = str(Path(sys.executable).parent)
    return {
        **os.environ, **names, "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}",
        "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1",
        "HOME": str(home), "RUSTUP_HOME": os.environ.get("RUSTUP_HOME", str(home / ".rustup")),
    }  # fmt: skip


def page() -> str:
    """The results as a page."""
    rows = [json.loads(p.read_text(encoding="utf-8")) for p in sorted(REPORTS.glob("*.json"))]
    lines = [
        "# Faults, and what healing makes of them",
        "",
        "Faults are put into freshly made applications and found by their real tools:",
        "`python -m pytest -m slow tests/test_faults_for_real.py` does it again, and `python tests/faultkit.py` writes",
        "this page from its results. A fault counts as *healed* when the command passes after a fix, and the same",
        "command, run once more by the test itself, passes too; as *escalated* when a person was asked and every file",
        "was as before. *Agent* means that a scripted program, in the place of a model, made the fix.",
        "",
        "| stack | faults | healed by playbook | healed by an agent | escalated | not as it should be |",
        "|---|---|---|---|---|---|",
    ]
    by_stack: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        by_stack.setdefault(row["stack"], []).append(row)
    for stack, some in by_stack.items():
        count = {name: sum(r["result"] == name for r in some) for name in ("healed", "agent", "escalated")}
        wrong = sum(not r["as_wanted"] for r in some)
        lines.append(
            f"| {stack} | {len(some)} | {count['healed']} | {count['agent']} | {count['escalated']} | {wrong} |"
        )
    kinds = [
        r for r in rows if r["error_type"] in ("DependencyError", "ConfigError", "PortInUse") or r["kind"] == "template"
    ]
    healed = sum(r["result"] == "healed" for r in kinds)
    share = f"{healed / len(kinds):.0%}" if kinds else "none"
    lines += [
        "",
        f"Of the {len(kinds)} faults of class DependencyError, ConfigError and PortInUse and of damaged files of the",
        f"template, {healed} ({share}) were healed without a model.",
        "",
        "| stack | fault | class | found by | ended | with | seconds |",
        "|---|---|---|---|---|---|---|",
    ]
    columns = ("stack", "id", "error_type", "step", "result", "with")
    lines += [f"| {' | '.join(r[c] for c in columns)} | {r['seconds']:.0f} |" for r in rows]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    began = time.monotonic()
    PAGE.write_text(page(), encoding="utf-8")
    print(f"{PAGE.relative_to(PROJECT)} written in {time.monotonic() - began:.1f} s")
