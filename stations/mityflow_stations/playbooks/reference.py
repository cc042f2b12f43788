"""What an application's files should be like: as they were committed last, else as their template makes them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from functools import cached_property

from mityflow.sdk import Case, MityError
from mityflow_stations._placing import rendered_from
from mityflow_stations._rendering import TemplateError, render

_OWN_LINES = 3
"""So many lines of somebody's own a damaged file may have: they are lost when it is restored."""
_SETTINGS = re.compile(r"(^|/)[\w.-]*(rc|config|conf)[\w.-]*\.\w+$|\.(json|toml|ya?ml|ini|cfg|properties|xml)$")
_CONFLICT = re.compile(r"^(<{7} |={7}$|>{7} )", re.MULTILINE)


class Reference:
    """The sound versions of an application's files."""

    def __init__(self, case: Case) -> None:
        self._case = case

    @cached_property
    def template(self) -> dict[str, str]:
        """The files of the template that made the application, empty where that is not known."""
        case = self._case
        made = rendered_from(case.workspace, case.app_name)
        if made is None or case.stack is None or made.stack != case.stack.id:
            return {}
        if case.root.resolve() != (case.workspace / case.app_name).resolve():
            return {}
        try:
            files = render(case.stack, case.stack.template_values(case.app_name, made.variables))
        except (TemplateError, MityError):
            return {}
        found = {}
        for file in files:
            try:
                found[file.path] = file.data.decode("utf-8")
            except UnicodeDecodeError:
                continue
        return found

    def text(self, path: str) -> str | None:
        """The sound text of a file; None where none is known."""
        committed = self._committed(path)
        return self.template.get(path) if committed is None else committed

    def source(self, path: str) -> str:
        """Where :meth:`text` has it from, in words."""
        return "as it was committed" if self._committed(path) is not None else "from the template"

    def path_of(self, file: str) -> str | None:
        """The path in the application of a file as a tool named it."""
        plain = file.replace("\\", "/")
        root = str(self._case.root.resolve()).replace("\\", "/") + "/"
        if plain.startswith(root):
            return plain[len(root) :]
        plain = plain.removeprefix("./")
        if not plain.startswith("/") and ((self._case.root / plain).is_file() or plain in self.template):
            return plain
        ends = [path for path in self.template if path == plain or plain.endswith("/" + path)]
        ends = ends or [path for path in self.template if path.rpartition("/")[2] == plain.rpartition("/")[2]]
        return ends[0] if len(ends) == 1 else None

    def lost_configuration(self) -> list[str]:
        """Configuration files of the template that are not there."""
        return [path for path in self.template if is_settings(path) and not (self._case.root / path).exists()]

    def lost(self, words: Iterable[str]) -> list[str]:
        """Files of the template that are not there, and that one of these lines speaks of."""
        said = "\n".join(words)
        gone = [path for path in self.template if not (self._case.root / path).exists()]
        return [path for path in gone if path.rpartition("/")[2] in said or _stem(path) in re.split(r"[^\w.-]+", said)]

    def _committed(self, path: str) -> str | None:
        """A file's text in the last commit of the user's own repository, which is only read."""
        try:
            from git import Repo
            from git.exc import GitError
        except ImportError:
            return None
        try:
            with Repo(self._case.root, search_parent_directories=True) as repo:
                top = repo.working_tree_dir
                if top is None:
                    return None
                place = (self._case.root / path).resolve().relative_to(str(top)).as_posix()
                data = (repo.head.commit.tree / place).data_stream.read()
            return str(data.decode("utf-8"))
        except (GitError, ValueError, KeyError, OSError, TypeError):
            return None


def is_settings(path: str) -> bool:
    """Whether a file holds configuration, by its name."""
    return _SETTINGS.search(path) is not None


def cut_off(current: str | None, sound: str) -> bool:
    """Whether a file is gone, empty, only the beginning of what it was, or holds the marks of a merge.

    Nothing of anybody's own is lost where it is restored.
    """
    if current is None or not current.strip() or _CONFLICT.search(current):
        return True
    return current != sound and sound.startswith(current.rstrip())


def only_lost(current: str | None, sound: str) -> bool:
    """Whether it is cut off, or lacks lines and has none of anybody's own."""
    return cut_off(current, sound) or (current is not None and current != sound and not _own(current, sound))


def changed_little(current: str | None, sound: str) -> bool:
    """Whether it is cut off, or has next to no lines of anybody's own: those are lost where it is restored."""
    if cut_off(current, sound) or current is None:
        return True
    return current != sound and _own(current, sound) <= _OWN_LINES


def _own(current: str, sound: str) -> int:
    """How many lines are not in the sound version; a comma at the end makes no difference."""
    own = Counter(line.strip().rstrip(",") for line in current.splitlines())
    own -= Counter(line.strip().rstrip(",") for line in sound.splitlines())
    own.pop("", None)
    return sum(own.values())


def _stem(path: str) -> str:
    return path.rpartition("/")[2].partition(".")[0]
