"""A plan in a file: ``plan -o FILE`` writes it, ``run --plan FILE`` runs exactly that or refuses."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from mityflow import __version__
from mityflow.errors import UsageError
from mityflow.pins import check_pins, drift, pins
from mityflow.plan import Plan
from mityflow.recipe import Source, changed_parts
from mityflow.registry import StationRegistry
from mityflow.store import write_atomically
from mityflow.workflow import Workflow

FORMAT = 1
_KIND = "mityflow plan"
_HINT = "look at the difference, and save the plan anew"


class SavedPlan(NamedTuple):
    """What a plan file holds: the workflow, the input values, and what it was checked against."""

    workflow: Workflow
    source: Source
    inputs: Mapping[str, Any]
    order: list[str]
    pinned: Mapping[str, Any]


def save_plan(plan: Plan, source: Source, inputs: Mapping[str, Any], registry: StationRegistry, path: Path) -> None:
    """Write a plan. Raises UsageError when it cannot be written."""
    data = {
        "kind": _KIND,
        "format": FORMAT,
        "mityflow": __version__,
        "workflow_file": str(source.path),
        "workflow_text": source.text,
        "workflow": plan.workflow.to_data(),
        "inputs": inputs,
        "order": plan.step_ids(),
        "pinned": pins(plan.workflow, registry),
    }
    data["digest"] = _digest(data)
    try:
        write_atomically(path, (json.dumps(data, indent=2) + "\n").encode())
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from error


def read_plan(path: Path) -> SavedPlan:
    """Read a plan. Raises UsageError for a file that is none, or was changed by hand."""
    try:
        data = json.loads(path.read_bytes())
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, RecursionError):
        data = None
    if not isinstance(data, dict) or data.get("kind") != _KIND:
        raise UsageError(f"{path} is no saved plan", hint="'mityflow plan WORKFLOW -o FILE' writes one")
    if data.get("format") != FORMAT:
        raise UsageError(f"{path} has the format {data.get('format')}; this mityflow reads {FORMAT}")
    if _digest(data) != data.get("digest"):
        raise UsageError(f"{path} was changed after it was saved", hint="save the plan anew")
    from mityflow.shapes import check_workflow

    try:
        check_workflow(data["workflow"])
        source = Source(Path(data["workflow_file"]), data["workflow_text"])
        workflow = Workflow.from_data(data["workflow"], source.path)
        saved = SavedPlan(workflow, source, dict(data["inputs"]), list(data["order"]), data["pinned"])
        check_pins(saved.pinned)
    except (KeyError, TypeError, ValueError, AttributeError, UsageError) as error:
        raise UsageError(f"{path} is damaged: {error!r}", hint="save the plan anew") from error
    return saved


def _digest(data: Mapping[str, Any]) -> str:
    """A fingerprint of everything else in the file."""
    whole = {key: value for key, value in data.items() if key != "digest"}
    return hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()


def refuse_drift(saved: SavedPlan, present: Workflow | None, plan: Plan, registry: StationRegistry) -> None:
    """Compare a saved plan with the workflow's file as it is (None when it is gone) and with what is installed.

    Raises UsageError with all that differs.
    """
    found = drift(saved.pinned, saved.workflow, registry)
    different = found.broken + found.versions
    if present is not None and present.digest() != saved.workflow.digest():
        parts = changed_parts(saved.workflow, present)
        different.append(f"{saved.source.path} changed since" + (f" ({parts})" if parts else ""))
    if plan.step_ids() != saved.order:
        different.append("the steps come in another order now")
    if different:
        raise UsageError(f"the plan cannot be kept: {'; '.join(different)}", hint=_HINT)
