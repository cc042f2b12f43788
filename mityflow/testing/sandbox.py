"""A place to try a station in, where what it writes beside its workspace is seen.

The home folder, the folder for temporary files and the current folder are the sandbox's own, and are
compared before and after. Beyond them, what Python code of this process opens for writing, makes, moves or
removes is heard of from the interpreter. What another program writes there is not seen.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

Tree = Mapping[str, str]
"""What there is below a folder: for each path a fingerprint of what it is and holds."""

_OWN = ("HOME", "TMPDIR", "TMP", "TEMP", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME")
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_PATHS_OF = {
    "os.chmod": (0,),
    "os.link": (1,),
    "os.mkdir": (0,),
    "os.remove": (0,),
    "os.rename": (0, 1),
    "os.rmdir": (0,),
    "os.symlink": (1,),
    "os.truncate": (0,),
    "shutil.rmtree": (0,),
}
_FREE = ("/dev/", "/proc/")


class Sandbox:
    """A folder with a ``workspace``, and with a ``home``, a ``tmp`` and a ``current`` folder around it."""

    def __init__(self, root: Path) -> None:
        self.root = Path(os.path.realpath(root))
        self.workspace = self.root / "workspace"
        self._around = [self.root / name for name in ("home", "tmp", "current")]
        for folder in (self.workspace, *self._around):
            folder.mkdir()

    @contextmanager
    def entered(self, env: Mapping[str, str]) -> Iterator[set[str]]:
        """While the body runs, this is where the process lives, and ``env`` is in its environment.

        What is written elsewhere is added to the set.
        """
        home, tmp, current = self._around
        before = dict(os.environ)
        folder, temporary, bytecode = _current_folder(), tempfile.tempdir, sys.dont_write_bytecode
        elsewhere: set[str] = set()
        for name in _OWN:
            os.environ.pop(name, None)
        os.environ.update({"HOME": str(home), "TMPDIR": str(tmp), **env})
        tempfile.tempdir, sys.dont_write_bytecode = None, True
        os.chdir(current)
        try:
            with _heard(self.root, elsewhere):
                yield elsewhere
        finally:
            with suppress(OSError):
                os.chdir(folder)
            tempfile.tempdir, sys.dont_write_bytecode = temporary, bytecode
            os.environ.clear()
            os.environ.update(before)

    def inside(self) -> Tree:
        """What is in the workspace."""
        return tree(self.workspace)

    def around(self) -> Tree:
        """What is in the folders around it."""
        return {f"{folder.name}/{path}": what for folder in self._around for path, what in tree(folder).items()}


@contextmanager
def sandbox() -> Iterator[Sandbox]:
    """A new sandbox, removed at the end."""
    with tempfile.TemporaryDirectory(prefix="mityflow-", ignore_cleanup_errors=True) as root:
        yield Sandbox(Path(root))


def tree(folder: Path) -> Tree:
    """Everything below a folder. What cannot be read is known by its size and time."""
    found = {}
    for parent, folders, files in os.walk(folder):
        for name in [*folders, *files]:
            path = os.path.join(parent, name)
            found[os.path.relpath(path, folder)] = _fingerprint(path)
    return found


def differences(before: Tree, after: Tree) -> list[tuple[str, str]]:
    """The paths that are not what they were, each with what became of it."""
    made = [(path, "was made") for path in after if path not in before]
    changed = [(path, "was changed") for path in after if path in before and before[path] != after[path]]
    return sorted(made + changed + [(path, "was removed") for path in before if path not in after])


def _fingerprint(path: str) -> str:
    info = os.lstat(path)
    kind = f"{info.st_mode:o}"
    if os.path.islink(path):
        return f"{kind} {os.readlink(path)}"
    if not os.path.isfile(path):
        return kind
    try:
        with open(path, "rb") as file:
            return f"{kind} {hashlib.file_digest(file, 'sha256').hexdigest()}"
    except OSError:
        return f"{kind} {info.st_size} {info.st_mtime_ns}"


def _current_folder() -> str:
    try:
        return os.getcwd()
    except FileNotFoundError:
        return os.sep


class _Ear:
    """Hears of what this process writes; the interpreter keeps a hook for ever, so there is one."""

    def __init__(self) -> None:
        self.root = ""
        self.heard: set[str] | None = None
        self.hooked = False

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        """The hook."""
        if self.heard is None:
            return
        if event == "open":
            path, _, flags = arguments
            paths = [path] if isinstance(flags, int) and flags & _WRITING else []
        else:
            paths = [arguments[i] for i in _PATHS_OF.get(event, ())]
        for path in paths:
            if isinstance(path, str | bytes | os.PathLike):
                self._note(os.fsdecode(path))

    def _note(self, path: str) -> None:
        heard, self.heard = self.heard, None  # looking at a path makes events of its own
        try:
            folder, name = os.path.split(os.path.abspath(path))
            real = os.path.join(os.path.realpath(folder), name)
            if heard is not None and not real.startswith((self.root, *_FREE)):
                heard.add(real)
        except OSError:
            pass
        finally:
            self.heard = heard


_ear = _Ear()


@contextmanager
def _heard(root: Path, elsewhere: set[str]) -> Iterator[None]:
    if not _ear.hooked:
        sys.addaudithook(_ear)
        _ear.hooked = True
    _ear.root, _ear.heard = f"{root}{os.sep}", elsewhere
    try:
        yield
    finally:
        _ear.heard = None
