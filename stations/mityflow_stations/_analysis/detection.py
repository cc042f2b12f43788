"""Which stack an application is of: what its manifests name, against what the stacks' files say of theirs."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple

from mityflow.sdk import Detect, Stack
from mityflow_stations._analysis.manifests import Manifest


class Found(NamedTuple):
    """A stack, and the folder of the application that is of it, ``.`` for all of it."""

    path: str
    stack: str


def detected(manifests: Sequence[Manifest], stacks: Iterable[Stack], paths: frozenset[str]) -> list[Found]:
    """The stacks that the manifests fit, by folder. Of two that fit one folder that which asks for more packages."""
    known = [(stack.id, stack.detect) for stack in stacks if stack.detect]
    best: dict[str, list[tuple[int, str]]] = {}
    for manifest in manifests:
        names = {package.name for package in manifest.packages}
        for stack, detect in known:
            if detect.ecosystem == manifest.ecosystem and _fits(detect, names):
                best.setdefault(_top(manifest, manifests, paths), []).append((len(detect.packages), stack))
    found: list[Found] = []
    for folder, fitting in sorted(best.items()):
        most = max(count for count, _ in fitting)
        best_of = sorted({stack for count, stack in fitting if count == most})
        found += [Found(folder or ".", stack) for stack in best_of]
    return found


def the_one(found: Sequence[Found]) -> str | None:
    """The stack of the application as a whole; None where none or more than one is."""
    whole = {each.stack for each in found if each.path == "."}
    return next(iter(whole)) if len(whole) == 1 else None


def _fits(detect: Detect, names: set[str]) -> bool:
    """All of its packages are there, and none of those that are of another stack."""
    return all(_any(pattern, names) for pattern in detect.packages) and not any(
        _any(pattern, names) for pattern in detect.without
    )


def _any(pattern: str, names: set[str]) -> bool:
    return any(fnmatchcase(name, pattern) for name in names)


def _top(manifest: Manifest, manifests: Sequence[Manifest], paths: frozenset[str]) -> str:
    """The folder that the application of a manifest begins in: the uppermost that has one of the same kind."""
    roots = {each.folder for each in manifests if each.ecosystem == manifest.ecosystem}
    if manifest.ecosystem == "nuget":
        roots |= {posixpath.dirname(path) for path in paths if path.endswith((".sln", ".slnx"))}
    parts = manifest.folder.split("/")
    above = ["", *("/".join(parts[:depth]) for depth in range(1, len(parts) + 1))]
    return next((folder for folder in above if folder in roots), manifest.folder)
