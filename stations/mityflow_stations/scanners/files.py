"""Which files of an application are its own: what git knows or would take; without git, all but what tools make."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from mityflow.sdk import CommandError, StationContext
from mityflow_stations.scanners import NotCheckedError
from mityflow_stations.scanners._tools import run_tool

_MADE = {
    ".angular", ".eggs", ".git", ".gradle", ".hypothesis", ".mity", ".mypy_cache", ".nuxt", ".pytest_cache",
    ".ruff_cache", ".tox", ".venv", "__pycache__", "bin", "bower_components", "build", "coverage", "dist",
    "node_modules", "obj", "out", "site-packages", "target", "venv",
}  # fmt: skip
_LISTING = ["git", "-c", "core.fsmonitor=", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]


def own_files(context: StationContext, root: Path) -> list[str]:
    """The paths of the application's own files below ``root``, sorted; links are none."""
    return sorted(path for path in (_known_to_git(context, root) or _walked(root)) if _is_file(root / path))


def _known_to_git(context: StationContext, root: Path) -> list[str]:
    """What git lists; nothing where there is no repository, or one that leaves the application out."""
    try:
        done = run_tool(context, [*_LISTING, "--", "."], root, timeout=60)
    except (NotCheckedError, CommandError):
        return []
    if done.exit_code != 0:
        return []
    return [path for path in done.output.split("\0") if path and ".mity" not in path.split("/")]


def _walked(root: Path) -> Iterator[str]:
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name not in _MADE]
        yield from (os.path.relpath(os.path.join(folder, name), root) for name in names)


def _is_file(place: Path) -> bool:
    return place.is_file() and not place.is_symlink()
