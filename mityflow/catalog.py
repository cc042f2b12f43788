"""Which workflows there are by name: the predefined ones and those of plugins."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from mityflow.errors import UsageError, nearest
from mityflow.plugins import entry_points
from mityflow.resources import workflows_folder
from mityflow.workflow import Workflow

GROUP = "mityflow.workflows"


class NamedWorkflow(NamedTuple):
    """A workflow that can be run by its name; ``origin`` is the distribution it comes with."""

    name: str
    path: Path
    origin: str


class Workflows:
    """The workflows that come with mityflow and with plugins."""

    @staticmethod
    def names() -> list[str]:
        """Their names."""
        return sorted({w.name for w in named_workflows()})

    @staticmethod
    def get(name: str) -> Workflow:
        """One of them. Raises UsageError for an unknown name, FaultsError for a broken file."""
        from mityflow.workflow_files import load_workflow

        return load_workflow(find_named(name))


def named_workflows() -> list[NamedWorkflow]:
    """All workflows with a name; nothing of a plugin is imported."""
    found = [NamedWorkflow(p.stem, p, "mityflow") for p in sorted(workflows_folder().glob("*.yaml"))]
    for name, entries in sorted(entry_points(GROUP).items()):
        for entry in entries:
            folder = entry.folder()
            found.append(NamedWorkflow(name, (folder or Path("?")) / f"{name}.yaml", entry.distribution))
    return found


def find_workflow(ref: str) -> Path:
    """The file that is meant: a path, or the name of a workflow. Raises UsageError if there is none."""
    path = Path(ref)
    if path.is_file() or path.suffix in {".yaml", ".yml"} or path.name != ref:
        return path
    return find_named(ref)


def find_named(name: str) -> Path:
    """The file of a workflow that has this name. Raises UsageError if there is none."""
    workflows = named_workflows()
    found = [w for w in workflows if w.name == name]
    if not found:
        known = sorted({w.name for w in workflows})
        meant = nearest(name, known)
        raise UsageError(
            f"there is no workflow and no file '{name}'" + (f"; did you mean '{meant}'?" if meant else ""),
            hint=f"a file, or one of {', '.join(known)}" if known else "give a file",
        )
    if len(found) > 1:
        owners = " and ".join(w.origin for w in found)
        raise UsageError(f"the workflow '{name}' is provided by {owners}", hint="uninstall one of them")
    if not found[0].path.is_file():
        raise UsageError(f"the workflow '{name}' of {found[0].origin} has no file", hint=f"update {found[0].origin}")
    return found[0].path
