"""A workflow file together with the files of the workflows it calls."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from mityflow.errors import Fault, FaultsError, MityError, Problem, nearest
from mityflow.loader import Loaded, parse_workflow, read_bytes
from mityflow.workflow import StationCall, Workflow

MOST_DEEP = 32


class WorkflowFile(NamedTuple):
    """One file: its bytes, and what it holds, with the workflows that its calls mean attached."""

    path: Path
    data: bytes
    loaded: Loaded


KnownGood = Callable[[bytes], bool]


def load_files(
    path: Path, shown: str | None = None, workspace: Path | None = None, known_good: KnownGood = lambda _: False
) -> list[WorkflowFile]:
    """The file at ``path`` first, then those of all workflows it calls, each once.

    A called file must be in ``workspace`` (the current folder by default) or in the first file's own folder.
    What is wrong is in each ``loaded.faults``; raises UsageError when the first file cannot be read.
    """
    files = _Files(_real(workspace or Path()), _real(path).parent, known_good)
    files.load(path, shown or str(path))
    return list(reversed(files.found.values()))


def load_workflow(path: Path, shown: str | None = None, workspace: Path | None = None) -> Workflow:
    """The workflow of a file, with those it calls. Raises FaultsError with every fault of their texts."""
    files = load_files(path, shown, workspace)
    faults = faults_of(files)
    workflow = files[0].loaded.workflow
    if faults or workflow is None:
        raise FaultsError(faults)
    return workflow


class _Files:
    def __init__(self, workspace: Path, home: Path, known_good: KnownGood) -> None:
        self._roots = (workspace, home)
        self._known_good = known_good
        self._chain: list[tuple[Path, str]] = []
        self.found: dict[Path, WorkflowFile] = {}

    def load(self, path: Path, shown: str) -> Loaded:
        """Read a file, and first those it calls."""
        real = _real(path)
        if real in self.found:
            return self.found[real].loaded
        data = read_bytes(path)
        loaded = parse_workflow(data, path, shown, known_good=self._known_good(data))
        if loaded.workflow is not None:
            self._chain.append((real, shown))
            loaded = self._with_called(loaded, loaded.workflow, path, shown)
            self._chain.pop()
        self.found[real] = WorkflowFile(path, data, loaded)
        return loaded

    def _with_called(self, loaded: Loaded, workflow: Workflow, path: Path, shown: str) -> Loaded:
        problems: list[Problem] = []

        def attached(calls: tuple[StationCall, ...]) -> tuple[StationCall, ...]:
            found = []
            for call in calls:
                if call.workflow is None:
                    found.append(call)
                    continue
                where = (*call.where, "workflow")
                try:
                    sub = self._called(call.workflow, path, shown)
                except MityError as error:
                    hint = f"; {error.hint}" if error.hint and "did you mean" not in error.message else ""
                    problems.append(Problem("workflow", f"{error.message}{hint}", where))
                    continue
                if sub is not None:
                    found.append(replace(call, sub=sub))
                else:
                    problems.append(Problem("workflow", f"the workflow '{call.workflow}' has faults of its own", where))
            return tuple(found)

        if not any(call.workflow for call in workflow.calls()):
            return loaded
        workflow = replace(workflow, stations=attached(workflow.stations), finally_=attached(workflow.finally_))
        if not problems:
            return loaded._replace(workflow=workflow)
        from mityflow.filecheck import placed

        faults = [*loaded.faults, *(placed(problem, loaded.source) for problem in problems)]
        return loaded._replace(workflow=workflow, faults=faults)

    def _called(self, ref: str, path: Path, shown: str) -> Workflow | None:
        """The workflow that is meant, None when its file has faults. Raises MityError when it cannot be had."""
        place = self._find(ref, path)
        real = _real(place)
        chain = [each for each, _ in self._chain]
        if real in chain:
            ring = [name for _, name in self._chain[chain.index(real) :]]
            raise MityError(f"the workflow calls itself: {' -> '.join([*ring, ring[0]])}")
        if len(chain) >= MOST_DEEP:
            raise MityError(f"workflows call each other more than {MOST_DEEP} deep")
        relative = ref.startswith(("./", "../"))
        name = os.path.normpath(os.path.join(os.path.dirname(shown), ref)) if relative else str(place)
        loaded = self.load(place, name)
        return None if loaded.faults else loaded.workflow

    def _find(self, ref: str, path: Path) -> Path:
        if not ref.startswith(("./", "../")):
            return _named(ref)
        place = path.parent / ref
        if not any(_real(place).is_relative_to(root) for root in self._roots):
            raise MityError(f"'{ref}' is outside of the workspace")
        if not place.is_file():
            raise MityError(f"there is no file '{ref}' beside {path.name}", hint=_meant(place))
        return place


def _real(path: Path) -> Path:
    """The file itself, where links lead to one; a ring of links is found when the file is read."""
    return Path(os.path.realpath(path))


def _meant(place: Path) -> str | None:
    try:
        known = [p.name for p in place.parent.iterdir() if p.suffix in {".yaml", ".yml"}]
    except OSError:
        return None
    found = nearest(place.name, known)
    return f"did you mean '{found}'?" if found else None


def _named(ref: str) -> Path:
    from mityflow.catalog import find_named

    if "/" in ref or "\\" in ref or ref.endswith((".yaml", ".yml")):
        raise MityError(f"'{ref}' is no name of a workflow; a file is given as ./{os.path.basename(ref)}")
    return find_named(ref)


def faults_of(files: list[WorkflowFile]) -> list[Fault]:
    """Everything that is wrong with the texts of files."""
    return [fault for file in files for fault in file.loaded.faults]
