"""What a workflow was checked against, written down: the versions and contracts of its stations.

A lock file beside a workflow and a saved plan hold it; later it is compared with what is installed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from mityflow.contract import contract_digest, contract_of
from mityflow.errors import MityError, UsageError
from mityflow.registry import StationRegistry
from mityflow.store import write_atomically
from mityflow.workflow import Workflow

FORMAT = 1
_HINT = "'mityflow lock' accepts what is installed now"


class Drift(NamedTuple):
    """How what is installed differs: ``broken`` promises, and ``newer`` or older versions that keep them."""

    broken: list[str]
    versions: list[str]


def pins(workflow: Workflow, registry: StationRegistry) -> dict[str, Any]:
    """The versions and contracts of what a workflow uses, as JSON data. Raises MityError for a broken station."""
    stations = {}
    for name in sorted(workflow.station_names()):
        origin = registry.origin(name)
        contract = contract_digest(contract_of(registry.get(name)))
        stations[name] = {"from": origin.distribution, "version": origin.version, "contract": contract}
    called = {call.workflow: call.sub for each in (workflow, *workflow.called()) for call in each.calls()}
    named = {ref: sub.digest() for ref, sub in called.items() if ref and sub and not ref.startswith(".")}
    return {"stations": stations, "workflows": dict(sorted(named.items()))}


def drift(pinned: Mapping[str, Any], workflow: Workflow, registry: StationRegistry) -> Drift:
    """What is different now. Stations that are new in the workflow, and so not pinned, are named as well."""
    broken: list[str] = []
    versions: list[str] = []
    then, now = pinned["stations"], _now(workflow, registry, broken)
    for name, was in then.items():
        if name not in now["stations"]:
            continue
        has = now["stations"][name]
        other = (was["from"], was["version"]) != (has["from"], has["version"])
        moved = f" ({_version(was)}, now {_version(has)})" if other else ""
        if was["contract"] != has["contract"]:
            broken.append(f"the contract of station '{name}'{moved} changed")
        elif other:
            versions.append(f"station '{name}'{moved} keeps its contract")
    broken += [f"station '{name}' is not pinned" for name in now["stations"] if name not in then]
    for ref, digest in now["workflows"].items():
        was_digest = pinned["workflows"].get(ref)
        if was_digest != digest:
            broken.append(f"the workflow '{ref}' " + ("is not pinned" if was_digest is None else "changed"))
    return Drift(broken, versions)


def _now(workflow: Workflow, registry: StationRegistry, broken: list[str]) -> dict[str, Any]:
    try:
        return pins(workflow, registry)
    except MityError as error:
        broken.append(error.message)
        return {"stations": {}, "workflows": {}}


def _version(station: Mapping[str, str]) -> str:
    return f"{station['from']} {station['version']}".strip() or "a program's own"


def lock_path(workflow_file: Path) -> Path:
    """The lock file of a workflow file: ``ci.yaml.lock`` beside ``ci.yaml``."""
    return workflow_file.with_name(workflow_file.name + ".lock")


def lock_text(workflow: Workflow, registry: StationRegistry) -> str:
    """What the lock file of a workflow says."""
    data = {"format": FORMAT, "workflow": workflow.id, **pins(workflow, registry)}
    return json.dumps(data, indent=2) + "\n"


def write_lock(workflow: Workflow, workflow_file: Path, registry: StationRegistry) -> Path:
    """Write the lock file of a workflow. Raises UsageError when it cannot be written."""
    path = lock_path(workflow_file)
    try:
        write_atomically(path, lock_text(workflow, registry).encode())
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from error
    return path


def read_lock(workflow_file: Path) -> dict[str, Any] | None:
    """What the lock file of a workflow file says, None without one. Raises UsageError for one that is damaged."""
    path = lock_path(workflow_file)
    if not path.exists():
        return None
    try:
        data: dict[str, Any] = json.loads(path.read_bytes())
        check_pins(data)
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UsageError(f"{path} is no lock file ({error})", hint="'mityflow lock' writes it anew") from error
    return data


def check_pins(data: Mapping[str, Any]) -> None:
    """What :func:`pins` gave, read again. Raises KeyError, TypeError or AttributeError for anything else."""
    _ = [(was["from"] + was["version"], was["contract"]) for was in data["stations"].values()]
    _ = list(data["workflows"].items())


def check_lock(workflow: Workflow, workflow_file: Path, registry: StationRegistry) -> list[str]:
    """Compare what is installed with the lock file, if there is one: versions that differ, as sentences.

    Raises UsageError for a contract that is not the one that was locked.
    """
    locked = read_lock(workflow_file)
    if locked is None:
        return []
    found = drift(locked, workflow, registry)
    if found.broken:
        raise UsageError(f"{lock_path(workflow_file)}: {'; '.join(found.broken)}", hint=_HINT)
    return found.versions
