"""From a file to a plan that can be run: what ``check``, ``plan`` and ``run`` have in common."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from mityflow import __version__
from mityflow.checks import check_plan
from mityflow.errors import Fault, FaultsError
from mityflow.loader import Loaded
from mityflow.plan import Given, Plan, Planned
from mityflow.registry import StationRegistry
from mityflow.resources import schema_text
from mityflow.workflow import Workflow
from mityflow.workflow_files import load_files

_KEPT = 200


class Prepared(NamedTuple):
    """A checked workflow file; ``text`` is what it said."""

    workflow: Workflow
    plan: Plan
    path: Path
    text: str


def check_file(
    path: Path, registry: StationRegistry, shown: str | None = None, workspace: Path | None = None
) -> list[Fault]:
    """Every fault of a workflow file and of those it calls, in the order of their places."""
    faults: list[Fault] = []
    for file in load_files(path, shown, workspace):
        own = list(file.loaded.faults)
        if file.loaded.workflow is not None:
            places = {(f.line, f.column) for f in own if not f.rule.startswith("missing")}
            found = _plan(file.loaded, file.loaded.workflow, registry, frozenset())[1]
            own += [f for f in found if (f.line, f.column) not in places]
        faults += own
    return list(FaultsError(dict.fromkeys(faults)).faults)


def prepare(
    path: Path,
    registry: StationRegistry,
    cache: CheckCache | None = None,
    shown: str | None = None,
    workspace: Path | None = None,
) -> Prepared:
    """Read, check and plan a workflow file and those it calls. Raises FaultsError with every fault.

    A ``cache`` spares the checks that need nothing but the file's text, where it has passed them before.
    """
    known: dict[bytes, Checked | None] = {}

    def known_good(data: bytes) -> bool:
        known[data] = cache.look_up(data) if cache else None
        return known[data] is not None

    files = load_files(path, shown, workspace, known_good)
    plans: list[tuple[Workflow, Plan]] = []
    for file in files:
        checked = known[file.data]
        settings = checked.settings(registry) if checked else frozenset[str]()
        if file.loaded.workflow is None or file.loaded.faults:
            raise FaultsError(check_file(path, registry, shown, workspace))
        planned, faults = _plan(file.loaded, file.loaded.workflow, registry, settings)
        if faults:
            raise FaultsError(check_file(path, registry, shown, workspace))
        plans.append((file.loaded.workflow, planned.plan))
        if cache:
            cache.passed(file.data, planned.plan)
    return Prepared(*plans[0], path, files[0].loaded.source.text)


def _plan(
    loaded: Loaded, workflow: Workflow, registry: StationRegistry, settings: frozenset[str]
) -> tuple[Planned, list[Fault]]:
    planned = check_plan(
        workflow,
        registry,
        Given.of(workflow),
        partial=loaded.partial,
        settings_checked=settings,
        incomplete=loaded.incomplete,
    )
    if not planned.problems:
        return planned, []
    from mityflow.filecheck import placed

    return planned, [placed(problem, loaded.source) for problem in planned.problems]


class Checked(NamedTuple):
    """That a text passed its checks; ``modules`` are fingerprints of the models its settings passed."""

    modules: Mapping[str, str]

    def settings(self, registry: StationRegistry) -> frozenset[str]:
        """The stations whose settings need no new check, since their model is what it was."""
        found = set()
        for name, fingerprint in self.modules.items():
            params = registry.get(name).Params if name in registry else None
            if isinstance(params, str) and _fingerprint(params) == fingerprint:
                found.add(name)
        return frozenset(found)


class CheckCache:
    """Remembers, in a workspace's ``.mity/cache``, which texts have passed their checks.

    The key is the text, the schema and mityflow's version; it is always safe to delete, and says
    nothing about a workflow but that its text was found right. Nothing is written before
    :meth:`save`, which does not make the folder ``.mity``.
    """

    def __init__(self, mity_folder: Path) -> None:
        self._root = mity_folder
        self._folder = mity_folder / "cache"
        self._new: dict[Path, bytes] = {}

    def look_up(self, data: bytes) -> Checked | None:
        """What is known of a text, None when it has not been checked."""
        try:
            entry = json.loads(self._path(data).read_bytes())
            return Checked(dict(entry["modules"]))
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None

    def passed(self, data: bytes, plan: Plan) -> None:
        """Remember that a text has passed."""
        params = {s.call.station: s.station.Params for s in plan.steps.values() if s.sub is None}
        modules = {name: _fingerprint(p) for name, p in params.items() if isinstance(p, str)}
        self._new[self._path(data)] = json.dumps({"modules": modules}).encode()

    def save(self) -> None:
        """Write what is new, if the workspace has a ``.mity``; failing to is no error."""
        new = {path: data for path, data in self._new.items() if not path.exists()}
        if not new or not self._root.is_dir() or self._folder.is_symlink():
            return
        from mityflow.store import write_atomically

        try:
            self._folder.mkdir(exist_ok=True)
            old = sorted(self._folder.glob("*.json"), key=lambda p: p.stat().st_mtime)
            for entry in old[: max(0, len(old) - _KEPT)]:
                entry.unlink(missing_ok=True)
            for path, data in new.items():
                write_atomically(path, data)
        except OSError:
            return

    def _path(self, data: bytes) -> Path:
        key = hashlib.sha256(b"\0".join((__version__.encode(), schema_text("workflow").encode(), data)))
        return self._folder / f"{key.hexdigest()}.json"


def _fingerprint(params: str) -> str:
    """A digest of the file that defines a model given as ``module:Class``, found without importing it."""
    import sys

    module = params.partition(":")[0]
    package, _, name = module.rpartition(".")
    folders = getattr(sys.modules.get(package), "__path__", ()) if package else ()
    for folder in folders:
        try:
            with open(os.path.join(folder, f"{name}.py"), "rb") as file:
                return hashlib.sha256(file.read()).hexdigest()
        except OSError:
            continue
    return "unknown"
