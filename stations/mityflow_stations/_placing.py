"""Putting rendered files where they belong, without touching what somebody else wrote.

What scaffold wrote is known from a manifest in the workspace, ``.mity/scaffold/<folder>.json``: the
digest of every content it has put at a path. It is saved before a file is replaced, so that a run
which was killed half way is simply repeated. As with any tool that fills a work tree, a file is not
synced to the disk by itself: that would cost more than all the rest.
"""

from __future__ import annotations

import itertools
import json
import os
import stat
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from mityflow_stations._rendering import RenderedFile, parents

_SHOWN = 20


class PlacingError(Exception):
    """The files cannot be put there; nothing was written."""


class ConflictError(PlacingError):
    """What somebody else wrote, or has changed, is in the way."""


class Placed(NamedTuple):
    """What was done: paths that are now as rendered, how many of them were written, what was left alone.

    ``kept_path`` is where an old folder was moved.
    """

    files: list[str]
    written: int
    kept: list[str]
    kept_path: Path | None


class Conflict(NamedTuple):
    """Something in the way. ``passable``: it can stay, and only its own file is left out."""

    path: str
    reason: str
    passable: bool


class _Comparison(NamedTuple):
    to_write: list[RenderedFile]
    same: list[RenderedFile]
    conflicts: list[Conflict]


class _Manifest(NamedTuple):
    """What scaffold wrote: the stack it came from, and for each path the digests of its contents.

    ``variables`` are those that the template was rendered with.
    """

    stack: str
    digests: Mapping[str, Sequence[str]]
    variables: Mapping[str, Any] = {}

    @classmethod
    def read(cls, record: Path) -> _Manifest:
        """The manifest saved there; an empty one where it is missing or damaged, so all is foreign."""
        try:
            data = json.loads(record.read_bytes())
            digests = {str(path): list(known) for path, known in data["files"].items()}
            return cls(str(data["stack"]), digests, dict(data.get("variables", {})))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return cls("", {})

    def lacks(self, files: Iterable[RenderedFile]) -> bool:
        """Whether it does not know one of these contents."""
        return any(digest(file.data) not in self.digests.get(file.path, ()) for file in files)

    def with_files(self, stack: str, files: Iterable[RenderedFile], variables: Mapping[str, Any]) -> _Manifest:
        """A manifest that knows these contents too."""
        known = dict(self.digests)
        for file in files:
            new = digest(file.data)
            known[file.path] = [new, *(old for old in known.get(file.path, ()) if old != new)]
        return _Manifest(stack, known, variables)

    def text(self) -> str:
        """The manifest as JSON."""
        data = {"format": 1, "stack": self.stack, "files": self.digests, "variables": self.variables}
        return json.dumps(data, sort_keys=True) + "\n"


class RenderedFrom(NamedTuple):
    """What an application was made from."""

    stack: str
    variables: Mapping[str, Any]


def rendered_from(workspace: Path, app_name: str) -> RenderedFrom | None:
    """The stack and the variables that scaffold made an application from; None where it did not."""
    manifest = _Manifest.read(workspace / ".mity" / "scaffold" / f"{app_name}.json")
    return RenderedFrom(manifest.stack, manifest.variables) if manifest.stack else None


class Placing:
    """A folder of a workspace, such as an application's, and the record of what scaffold put there.

    ``folder`` is its path in the workspace, with slashes.
    """

    def __init__(self, workspace: Path, folder: str, stack: str, variables: Mapping[str, Any] | None = None) -> None:
        self._root = workspace / folder
        self._folder = folder
        self._above = [workspace / above for above in parents(folder)]
        self._own = workspace / ".mity"
        self._record = self._own / "scaffold" / f"{folder}.json"
        self._stage = self._own / "scaffold" / f"{folder}.new"
        self._stack = stack
        self._variables = variables or {}

    def place(self, files: list[RenderedFile], conflict: str) -> Placed:
        """Bring the folder to the rendered state. ``conflict`` is ``fail``, ``keep`` or ``overwrite``.

        Raises PlacingError, or OSError where the system refuses.
        """
        manifest = _Manifest.read(self._record)
        found = self._compare(files, manifest)
        if found.conflicts and conflict == "overwrite":
            return self._replace(files)
        if found.conflicts and conflict == "fail":
            raise ConflictError(_conflict_message(self._folder, found.conflicts))
        _refuse_impassable(found.conflicts)
        return self._update(found, manifest)

    def _compare(self, files: list[RenderedFile], manifest: _Manifest) -> _Comparison:
        for above in self._above:
            if _kind(above) not in ("absent", "folder"):
                raise PlacingError(f"{above} is a {_kind(above)}; scaffold writes into real folders only")
        root = _kind(self._root)
        if root == "link":
            raise PlacingError(f"{self._root} is a link; scaffold writes into real folders only")
        if root not in ("absent", "folder"):
            return _Comparison([], [], [Conflict(self._folder, "is no folder", passable=False)])
        to_write, same, conflicts = [], [], []
        if root == "folder" and manifest.stack not in ("", self._stack) and any(self._root.iterdir()):
            conflicts.append(Conflict(".", f"was made from the stack '{manifest.stack}'", passable=True))
        blocked: dict[str, Conflict | None] = {}
        for file in files:
            obstacle = self._obstacle(file, manifest.digests, blocked)
            if obstacle == "same":
                same.append(file)
            elif isinstance(obstacle, Conflict):
                conflicts.append(obstacle)
            else:
                to_write.append(file)
        return _Comparison(to_write, same, list(dict.fromkeys(conflicts)))

    def _obstacle(
        self, file: RenderedFile, known: Mapping[str, Sequence[str]], blocked: dict[str, Conflict | None]
    ) -> Conflict | str | None:
        """What stands at the file's place: a conflict, the ``same`` content, or None for nothing of worth."""
        for folder in parents(file.path):
            if folder not in blocked:
                blocked[folder] = _folder_conflict(self._root / folder, folder)
            if blocked[folder]:
                return blocked[folder]
        place = self._root / file.path
        kind = _kind(place)
        if kind == "absent":
            return None
        if kind != "file":
            return Conflict(file.path, f"is a {kind}", passable=True)
        data = place.read_bytes()
        if data == file.data:
            return "same"
        if digest(data) in known.get(file.path, ()):
            return None
        changed = "was changed since scaffold wrote it" if file.path in known else "was not written by scaffold"
        return Conflict(file.path, changed, passable=True)

    def _update(self, found: _Comparison, manifest: _Manifest) -> Placed:
        """Write what is not as rendered; into a folder that holds nothing yet, all at once."""
        files = sorted([*found.to_write, *found.same])
        if found.to_write and _is_free(self._root):
            with self._staging():
                self._stage_tree(found.to_write)
                self._save_manifest(files, manifest)
                self._root.parent.mkdir(parents=True, exist_ok=True)
                os.rename(self._stage, self._root)
        elif self._is_news(found.to_write, files, manifest):
            with self._staging():
                staged = self._stage_flat(found.to_write)
                self._save_manifest(files, manifest)
                self._move_in(staged)
        self._check_sizes(files)
        kept = [c.path for c in found.conflicts if c.path != "."]
        return Placed([f.path for f in files], len(found.to_write), kept, None)

    def _is_news(self, to_write: Sequence[RenderedFile], files: list[RenderedFile], manifest: _Manifest) -> bool:
        known = not manifest.lacks(files) and manifest.variables == self._variables
        return bool(to_write) or not known or _kind(self._stage) != "absent"

    def _replace(self, files: list[RenderedFile]) -> Placed:
        """Move the whole old folder aside, then write a new one."""
        with self._staging():
            self._stage_tree(files)
            kept = self._free_kept_path()
            self._save_manifest(files, _Manifest("", {}))
            os.rename(self._root, kept)
            os.rename(self._stage, self._root)
        self._check_sizes(files)
        return Placed([f.path for f in files], len(files), [], kept)

    def _free_kept_path(self) -> Path:
        folder = self._own / "kept"
        folder.mkdir(exist_ok=True)
        first = f"{self._root.name}-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}"
        names = itertools.chain([first], (f"{first}-{n}" for n in itertools.count(2)))
        return next(folder / name for name in names if _kind(folder / name) == "absent")

    @contextmanager
    def _staging(self) -> Iterator[None]:
        """Have mityflow's own folders and an empty place to write in, which is gone afterwards."""
        for folder in (self._own, self._record.parent, self._own / "kept"):
            if _kind(folder) not in ("absent", "folder"):
                raise PlacingError(f"{folder} is a {_kind(folder)}; it must be a folder of mityflow's own")
        self._record.parent.mkdir(parents=True, exist_ok=True)
        self._remove_stage()
        self._stage.mkdir()
        try:
            yield
        finally:
            self._remove_stage()

    def _remove_stage(self) -> None:
        if _kind(self._stage) != "absent":
            import shutil

            shutil.rmtree(self._stage)

    def _stage_tree(self, files: Iterable[RenderedFile]) -> None:
        """Write files as they are to lie, so that one rename puts all in place."""
        made = set()
        for file in files:
            for folder in parents(file.path):
                if folder not in made:
                    (self._stage / folder).mkdir()
                    made.add(folder)
            _write(os.path.join(self._stage, file.path), file)

    def _stage_flat(self, files: Iterable[RenderedFile]) -> list[tuple[Path, Path]]:
        """Write files beside each other, to be moved in one by one."""
        staged = []
        for number, file in enumerate(files):
            place = self._stage / str(number)
            _write(os.fspath(place), file)
            staged.append((place, self._root / file.path))
        return staged

    def _move_in(self, staged: Iterable[tuple[Path, Path]]) -> None:
        for place, final in staged:
            final.parent.mkdir(parents=True, exist_ok=True)
            os.replace(place, final)
        self._stage.rmdir()

    def _check_sizes(self, files: Iterable[RenderedFile]) -> None:
        for file in files:
            size = (self._root / file.path).lstat().st_size
            if size != len(file.data):
                raise OSError(f"{file.path} has {size} bytes where {len(file.data)} were written")

    def _save_manifest(self, files: Iterable[RenderedFile], manifest: _Manifest) -> None:
        text = manifest.with_files(self._stack, files, self._variables).text()
        temporary = self._record.with_suffix(".tmp")
        temporary.write_text(text, encoding="utf-8")
        os.replace(temporary, self._record)


def digest(data: bytes) -> str:
    """The content's SHA-256."""
    import hashlib

    return hashlib.sha256(data).hexdigest()


def _write(path: str, file: RenderedFile) -> None:
    mode = 0o777 if file.executable else 0o666
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
    try:
        view = memoryview(file.data)
        while view:
            view = view[os.write(descriptor, view) :]
    finally:
        os.close(descriptor)


def _kind(path: Path) -> str:
    """``absent``, ``file``, ``folder``, ``link`` or ``special file``; links are not followed."""
    try:
        mode = path.lstat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return "absent"
    if stat.S_ISLNK(mode):
        return "link"
    if stat.S_ISDIR(mode):
        return "folder"
    return "file" if stat.S_ISREG(mode) else "special file"


def _is_free(root: Path) -> bool:
    """Whether a folder can be renamed to this place."""
    return _kind(root) == "absent" or not any(root.iterdir())


def _folder_conflict(place: Path, path: str) -> Conflict | None:
    kind = _kind(place)
    if kind in ("absent", "folder"):
        return None
    return Conflict(path, f"is a {kind} where a folder must be", passable=False)


def _refuse_impassable(conflicts: Iterable[Conflict]) -> None:
    impassable = [c for c in conflicts if not c.passable]
    if impassable:
        raise PlacingError("; ".join(f"{c.path} {c.reason}" for c in impassable[:_SHOWN]))


def _conflict_message(folder: str, conflicts: list[Conflict]) -> str:
    lines = [f"  {c.path} {c.reason}" for c in conflicts[:_SHOWN]]
    if len(conflicts) > _SHOWN:
        lines.append(f"  and {len(conflicts) - _SHOWN} more")
    count = "1 conflict" if len(conflicts) == 1 else f"{len(conflicts)} conflicts"
    head = f"{count} in {folder}; nothing was written"
    hint = "  set 'conflict: keep' to leave them, or 'conflict: overwrite' to move the folder aside"
    return "\n".join([head, *lines, hint])
