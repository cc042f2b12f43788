"""Running one station by itself, on a real folder and with real processes."""

from __future__ import annotations

import os
import shutil
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from mityflow.apps import Launched, launch_app
from mityflow.context import WorkflowContext
from mityflow.masking import Masker
from mityflow.process import KEEP, CommandResult, encoded, run
from mityflow.station import Station, StationContext, StationResult

PROJECT = Path(__file__).resolve().parent.parent
BUILT_IN_STACKS = PROJECT / "stations" / "mityflow_stations" / "stacks"


class Runtime:
    """Runs commands as a step would, and keeps what they printed."""

    def __init__(self, workspace: Path) -> None:
        self.workspace = workspace
        self.output = b""
        self.commands: list[list[str]] = []
        self.notes: list[Mapping[str, Any]] = []

    def run(
        self,
        argv: Sequence[str],
        *,
        cwd: Path,
        env: Mapping[str, str],
        timeout: float | None,
        stdin: bytes | None,
        until: Callable[[int], bool | None] | None,
        keep: int | None,
    ) -> CommandResult:
        self.commands.append(list(argv))
        return run(
            argv,
            cwd=cwd,
            env=encoded({**os.environ, **env}),
            timeout=timeout,
            sink=self._keep,
            masker=Masker([]),
            cancel=None,
            stdin=stdin,
            keep=KEEP if keep is None else keep,
            until=until,
        )

    def keep(self, name: str, argv: Sequence[str], *, cwd: Path, env: Mapping[str, str], url: str) -> Launched:
        whole = {**os.environ, **env}
        return launch_app(self.workspace, name, argv, cwd=cwd, env=whole, secrets=[], url=url, run_id="test")

    def write(self, text: str) -> None:
        self._keep(text.encode())

    def note(self, note: Mapping[str, Any]) -> None:
        self.notes.append(note)

    def masked(self, text: str) -> str:
        return text

    def environment(self) -> Mapping[str, str]:
        return os.environ

    def _keep(self, data: bytes) -> None:
        self.output += data


def context(
    station: Station,
    workspace: Path,
    app_name: str | None = "my-app",
    stack: str | None = "python-fastapi",
    /,
    *,
    outputs: Mapping[str, Any] | None = None,
    **values: Any,
) -> StationContext:
    """What a step of this station would be given; ``values`` are its ``with:``."""
    base = WorkflowContext(workspace, app_name, stack)
    base.outputs.update(outputs or {})
    return StationContext.for_step(
        base, step=station.name, values=values, runtime=Runtime(workspace), params=station.Params
    )


def execute(station: Station, where: StationContext) -> StationResult:
    """Execute a station that is not asynchronous."""
    result = station.execute(where)
    assert isinstance(result, StationResult)
    return result


def declare_distribution(
    monkeypatch: pytest.MonkeyPatch, folder: Path, name: str, entry_points: Mapping[str, Mapping[str, str]]
) -> None:
    """Make a distribution known that has these entry points, before any other of its name."""
    info = folder / f"{name.replace('-', '_')}-1.0.dist-info"
    info.mkdir(parents=True)
    lines = [f"[{group}]\n" + "\n".join(f"{k} = {v}" for k, v in e.items()) for group, e in entry_points.items()]
    (info / "entry_points.txt").write_text("\n\n".join(lines) + "\n", encoding="utf-8")
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(folder))


def declare_built_ins(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Make mityflow's own entry points known, whether or not it is installed."""
    declared = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
    declare_distribution(monkeypatch, folder, "mityflow", declared["project"]["entry-points"])


def write_stack(workspace: Path, name: str, files: Mapping[str, str | bytes], extra: str = "") -> Path:
    """Put a small stack into a workspace's ``templates``; ``extra`` is further text of its stack.yaml."""
    folder = workspace / "templates" / name
    text = f"version: 1\nid: {name}\nname: {name}\ndescription: A stack of a test.\n{extra}"
    if "\ncommands:" not in f"\n{extra}":
        text += "commands: {}\n"
    (folder / "template").mkdir(parents=True, exist_ok=True)
    (folder / "stack.yaml").write_text(text, encoding="utf-8")
    for path, content in files.items():
        place = folder / "template" / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below a folder with its content, links by their target."""
    found = {}
    for place in sorted(folder.rglob("*")):
        path = place.relative_to(folder).as_posix()
        if place.is_symlink():
            found[path] = b"-> " + os.fsencode(place.readlink())
        elif place.is_file():
            found[path] = place.read_bytes()
    return found


def copy_tree(source: Path, target: Path) -> Path:
    """A copy of a folder, links and modes included."""
    shutil.copytree(source, target, symlinks=True)
    return target
