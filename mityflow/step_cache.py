"""Skipping work that is unchanged, for steps that ask for it with ``cache:``.

What a step depends on is its station and settings, what it reads of earlier steps, and the files and the key its author
names. While the digest of all that is the one of a success that is still on record, that success stands for it.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from mityflow import __version__
from mityflow.errors import MityError
from mityflow.expressions import ExpressionError, render_value
from mityflow.station import Artifact, StationResult
from mityflow.steps import StepRun, as_data, run_step, settings
from mityflow.store import Store, masked_values, write_atomically

_LEFT_OUT = (".git", ".mity")


class CacheUse(NamedTuple):
    """Where unchanged work is looked up; ``fresh`` is for a step that is to run whatever is known."""

    store: Store
    run_id: str
    fresh: bool


def run_cached(run: StepRun, use: CacheUse) -> StationResult:
    """Execute the step, unless its work was done before and nothing has changed since.

    Raises StoreError alone: when its output can no longer be recorded.
    """
    folder = use.store.root / "cache" / "steps"
    if run.step.call.cache is None or folder.is_symlink() or folder.parent.is_symlink():
        return run_step(run)
    try:
        path = folder / f"{_digest(run)}.json"
    except _NoFilesError as error:
        run.write(f"cache: '{error}' matches no file, so nothing is known to be unchanged\n".encode())
        return run_step(run)
    except (ExpressionError, MityError) as error:
        return StationResult.failure(f"cache: {error}")
    except OSError as error:
        return StationResult.failure(f"cache: cannot read {error.filename}: {error.strerror}")
    known = None if use.fresh else _known(path, run, use.store)
    if known:
        return known
    result = run_step(run)
    if result.status == "succeeded":
        _remember(path, result, run, use.run_id)
    return result


class _NoFilesError(Exception):
    """A pattern matches no file: there is nothing whose change would be seen."""


def _digest(run: StepRun) -> str:
    cache, station, context = run.step.call.cache, run.step.station, run.base
    scope = run.scope()
    values, script_env = settings(run)
    wanted = run.step.input
    keys = [*wanted.required, *wanted.optional, *(key for group in wanted.one_of for key in group)]
    parts = {
        "mityflow": __version__,
        "step": [run.workflow_id, run.task.id, station.name, _code(type(station))],
        "settings": [values, script_env],
        "item": run.task.item,
        "reads": {key: context.get_input(key) for key in keys},
        "context": [context.app_name, context.stack, context.iac],
        "env": sorted(run.workflow_env.items()),
        "key": render_value(cache.key, scope) if cache else None,
    }
    digest = hashlib.sha256(json.dumps(run.masker.data(parts), sort_keys=True, default=str).encode())
    for pattern in render_value(cache.paths, scope) if cache else ():
        for name, content in _files(context.workspace, str(pattern)):
            digest.update(f"\0{name}\0{content}".encode(errors="surrogateescape"))
    return digest.hexdigest()


def _code(station: type) -> str:
    """A digest of the file that defines a station, so that a changed one is another."""
    file = getattr(sys.modules.get(station.__module__), "__file__", None)
    return hashlib.sha256(Path(file).read_bytes()).hexdigest() if file else ""


def _files(workspace: Path, pattern: str) -> Iterator[tuple[str, str]]:
    """The name of each file that is meant, and what stands for its content; a folder means all in it."""
    if pattern.startswith(("/", "~")) or ".." in Path(pattern).parts or not pattern.strip():
        raise MityError(f"'{pattern}' leads out of the workspace")
    try:
        matches = workspace.glob(pattern) if Path(pattern).parts else [workspace]  # no glob takes a mere '.'
        found = {place for match in matches for place in _all_in(match)}
    except (ValueError, NotImplementedError) as error:
        raise MityError(f"'{pattern}' is no pattern: {error}") from error
    names = {place.relative_to(workspace).as_posix(): place for place in found}
    names = {name: place for name, place in names.items() if not set(_LEFT_OUT) & set(name.split("/"))}
    if not names:
        raise _NoFilesError(pattern)
    for name in sorted(names):
        yield name, _content(names[name])


def _all_in(place: Path) -> Iterator[Path]:
    if place.is_dir() and not place.is_symlink():
        for folder, _, files in os.walk(place):
            yield from (Path(folder, file) for file in files)
    else:
        yield place


def _content(place: Path) -> str:
    mode = place.lstat().st_mode
    if stat.S_ISLNK(mode):
        return f"link {os.readlink(place)}"
    if not stat.S_ISREG(mode):
        return "special"
    with open(place, "rb") as file:
        return f"{mode & 0o111:o} {hashlib.file_digest(file, 'sha256').hexdigest()}"


def _known(path: Path, run: StepRun, store: Store) -> StationResult | None:
    """The success that stands for this step, if all that it gave is still there."""
    try:
        data: Mapping[str, Any] = json.loads(path.read_bytes())
        outputs, origin = as_data(dict(data["outputs"])), str(data["run"])
        artifacts = [Artifact(**{key: str(value) for key, value in each.items()}) for each in data["artifacts"]]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    there = all((run.base.workspace / artifact.path).exists() for artifact in artifacts)
    if not there or not store.begun(origin) or any(key not in outputs for key in run.step.output.keys):
        return None
    message = f"unchanged since run {origin}"
    return StationResult(run.task.id, "cached", message, outputs=outputs, artifacts=artifacts, cached_from=origin)


def _remember(path: Path, result: StationResult, run: StepRun, run_id: str) -> None:
    """Keep a success; failing to costs no more than doing the work again."""
    data = {
        "run": run_id,
        "step": run.task.id,
        "outputs": masked_values(result.outputs, run.masker.data),
        "artifacts": [artifact._asdict() for artifact in result.artifacts],
    }
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, json.dumps(data).encode())
    except OSError:
        return
