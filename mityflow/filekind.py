"""Which kind of file a file is, told by its keys, and its faults as a file of that kind."""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal

from mityflow.errors import Fault, FaultsError, nearest
from mityflow.loader import load_guardrails, read_bytes
from mityflow.policyfile import check_policies
from mityflow.prepare import check_file
from mityflow.registry import StationRegistry
from mityflow.resources import schema_text
from mityflow.rulesfile import check_rules
from mityflow.source import parse
from mityflow.stackfile import check_stack

Kind = Literal["workflow", "guardrails", "stack", "rules", "policy"]

_KINDS: tuple[Kind, ...] = ("workflow", "guardrails", "stack", "rules", "policy")
_NAMES: Mapping[str, Kind] = {
    "stack.yaml": "stack",
    "*guardrails*.yaml": "guardrails",
    "*guardrails*.yml": "guardrails",
    "rules.yaml": "rules",
    "*.rules.yaml": "rules",
    "*.rules.yml": "rules",
    "policy.yaml": "policy",
    "policies.yaml": "policy",
    "*.policy.yaml": "policy",
    "*.policy.yml": "policy",
}
_RULES_KEYS = frozenset({"rules", "stacks"})
_UNKNOWN = "; the file was checked as a workflow, for none of its keys tells what it is"


def check_any_file(path: Path, registry: StationRegistry) -> list[Fault]:
    """Every fault of a workflow, guardrails, stack, rules or policy file, in the order of their places.

    Raises UsageError when the file cannot be read.
    """
    data = read_bytes(path)
    root = parse(data, str(path)).root
    tree = root.data() if root is not None else None
    kind = kind_of(tree, path.name)
    if kind == "stack":
        return check_stack(data, path)
    if kind == "guardrails":
        return _guardrails_faults(path)
    if kind == "rules":
        return check_rules(data, str(path))
    if kind == "policy":
        return check_policies(data, str(path))
    faults = check_file(path, registry)
    if kind is None and tree and faults:
        faults[0] = faults[0]._replace(message=faults[0].message + _UNKNOWN)
    return faults


def kind_of(tree: Any, name: str) -> Kind | None:
    """What a file of this name is that holds this data; None when neither tells.

    Keys that only one kind of file has decide, then the name, then keys that are nearly such a key.
    """
    keys = [str(key) for key in tree] if isinstance(tree, Mapping) else []
    if "stations" in keys:
        return "workflow"
    by_name = next((kind for pattern, kind in _NAMES.items() if fnmatch.fnmatchcase(name, pattern)), None)
    exact = {kind: sum(key in own for key in keys) for kind, own in _own_keys().items()}
    near = {kind: sum(nearest(key, own) is not None for key in keys) for kind, own in _own_keys().items()}
    if _most(exact) is None and by_name is None and keys and set(keys) <= _RULES_KEYS:
        return "rules"
    return _most(exact) or by_name or _most(near)


def _most(counts: Mapping[Kind, int]) -> Kind | None:
    """The kind with the highest count; None when there is no such one."""
    best = [kind for kind, count in counts.items() if count and count == max(counts.values())]
    return best[0] if len(best) == 1 else None


@cache
def _own_keys() -> dict[Kind, frozenset[str]]:
    """For each kind the keys that no other kind has, from the schemas."""
    keys = {kind: frozenset(json.loads(schema_text(kind))["properties"]) for kind in _KINDS}
    return {kind: own.difference(*(keys[k] for k in _KINDS if k != kind)) for kind, own in keys.items()}


def _guardrails_faults(path: Path) -> list[Fault]:
    try:
        load_guardrails(path)
    except FaultsError as error:
        return list(dict.fromkeys(error.faults))
    return []
