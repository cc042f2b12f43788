"""The ids of steps in a run: ``build``, ``build[2]`` for an item of ``foreach``, ``deploy/build`` in a called workflow.

A *path* names a workflow at work: ``""`` the run's own, else the id of the step that called it.
"""

from __future__ import annotations

import re
from collections.abc import Collection

_PART = re.compile(r"[a-z][a-z0-9_-]{0,62}(\[[0-9]{1,6}\])?")
_LONGEST_NAME = 200


def joined(path: str, local: str) -> str:
    """The id of a step that is called ``local`` in the workflow at ``path``."""
    return f"{path}/{local}" if path else local


def path_of(step: str) -> str:
    """The path of the workflow a step belongs to."""
    return step.rpartition("/")[0]


def call_of(step: str) -> str:
    """The id without the index of its last part: the call that a step is an item of."""
    return step[: step.rindex("[")] if step.endswith("]") else step


def local_of(step: str) -> str:
    """The last part, without an index: the ``id`` in the file."""
    return call_of(step).rpartition("/")[2]


def index_of(step: str) -> int | None:
    """The index of an item of ``foreach``, None for a step that is none."""
    return int(step[step.rindex("[") + 1 : -1]) if step.endswith("]") else None


def item_id(call: str, index: int) -> str:
    """The id of an item's step."""
    return f"{call}[{index}]"


def below(step: str, call: str) -> bool:
    """True for ``call`` itself, its items, and the steps of what they call."""
    return step.startswith(call) and step[len(call) : len(call) + 1] in ("", "[", "/")


def within(step: str, steps: Collection[str]) -> bool:
    """True when the step is one of ``steps``, an item of one, or called by one."""
    while step:
        if step in steps or call_of(step) in steps:
            return True
        step = path_of(step)
    return False


def is_step_id(text: str) -> bool:
    """True for what can be the id of a step in a run."""
    return all(_PART.fullmatch(part) for part in text.split("/"))


def file_name(step: str) -> str:
    """The id as part of a file's name, cut where systems would refuse it."""
    name = step.replace("/", ".")
    if len(name) <= _LONGEST_NAME:
        return name
    import hashlib

    return f"{name[:_LONGEST_NAME]}~{hashlib.sha256(step.encode()).hexdigest()[:16]}"
