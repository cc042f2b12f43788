"""A stack's template, rendered in memory. Nothing is written here, and nothing outside the template read."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from mityflow.sdk import fill

if TYPE_CHECKING:
    from jinja2.sandbox import SandboxedEnvironment

_OPENING = re.compile(r"\{[{%#]")
_FOLDERS = re.compile(r"_folders *\}\}")
_FORBIDDEN_FOLDERS = {".git", ".mity", "git~1"}
_WINDOWS_NAME = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?|.*[. ]|[a-z]:.*", re.IGNORECASE)
_BAD_CHARACTER = re.compile(r"[/\\\x00-\x1f\x7f]")
_TEMPLATE_NAME = "<template>"


class TemplateError(Exception):
    """A template cannot be rendered; ``problems`` says everything that is wrong with it."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


class RenderedFile(NamedTuple):
    """A file of the application: its path (with slashes, relative to its folder) and its content."""

    path: str
    data: bytes
    executable: bool


class Template(Protocol):
    """A folder of files to render, such as a stack's; of some, patterns say that they are not as the others."""

    @property
    def template(self) -> Path:
        """The folder."""

    @property
    def copy_without_rendering(self) -> tuple[str, ...]:
        """Files that are taken as they are."""

    @property
    def literal_braces(self) -> tuple[str, ...]:
        """Files that may have double braces when they are rendered."""


def render(template: Template, values: Mapping[str, Any]) -> list[RenderedFile]:
    """Every file of a template, sorted by path. Raises TemplateError."""
    renderer = _Renderer(template, values)
    problems: list[str] = []
    files: list[RenderedFile] = []
    for found in _walk(os.fspath(template.template), ""):
        try:
            files.append(renderer.file(found))
        except _ProblemError as problem:
            problems.append(str(problem))
    problems += _clashes(files)
    if problems:
        raise TemplateError(problems)
    return sorted(files)


class _ProblemError(Exception):
    """One thing wrong in a template."""


class _Found(NamedTuple):
    path: str
    location: str
    mode: int


def _walk(folder: str, prefix: str) -> Iterator[_Found]:
    """All that is in a template, but for what Python and file managers leave in any folder."""
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda e: e.name):
            if entry.name in ("__pycache__", ".DS_Store") or entry.name.endswith(".pyc"):
                continue
            path = prefix + entry.name
            if entry.is_dir(follow_symlinks=False):
                yield from _walk(entry.path, path + "/")
            else:
                yield _Found(path, entry.path, entry.stat(follow_symlinks=False).st_mode)


class _Renderer:
    """Renders names and contents with one set of values."""

    def __init__(self, template: Template, values: Mapping[str, Any]) -> None:
        self._template = template
        self._values = values
        self._harmless = _without_braces(values)
        self._environment: SandboxedEnvironment | None = None

    def file(self, found: _Found) -> RenderedFile:
        if stat.S_ISLNK(found.mode):
            raise _ProblemError(f"{found.path} is a link; a template holds only files and folders")
        if not stat.S_ISREG(found.mode):
            raise _ProblemError(f"{found.path} is neither a file nor a folder")
        path = "/".join(name for part in found.path.split("/") for name in self._names(part, found.path))
        try:
            with open(found.location, "rb") as stream:
                data = stream.read()
        except OSError as error:
            raise _ProblemError(f"{found.path} cannot be read: {error.strerror}") from error
        return RenderedFile(path, self._content(found.path, path, data), bool(found.mode & 0o111))

    def _names(self, part: str, path: str) -> list[str]:
        """What a part of a path becomes: one name, or as many as a value for folders holds."""
        rendered = self._text(part, path, self._values)
        names = rendered.split("/") if _FOLDERS.search(part) else [rendered]
        for name in names:
            problem = _name_problem(name)
            if problem:
                raise _ProblemError(f"{path} becomes a name that {problem}: {name!r}")
        return names

    def _content(self, template_path: str, path: str, data: bytes) -> bytes:
        """A text file rendered, anything else as it is."""
        if b"\0" in data or _matches(template_path, self._template.copy_without_rendering):
            return data
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError:
            return data
        if not _OPENING.search(text):
            return data
        rendered = self._text(text, template_path, self._values)
        if not _matches(template_path, self._template.literal_braces):
            self._check_leftover(text, template_path, path, rendered)
        return rendered.encode("utf-8")

    def _check_leftover(self, text: str, template_path: str, path: str, rendered: str) -> None:
        """Braces that came in with a value are data; any others were forgotten."""
        if _OPENING.search(rendered) and self._harmless != self._values:
            rendered = self._text(text, template_path, self._harmless)
        left = _OPENING.search(rendered)
        if left:
            line = rendered.count("\n", 0, left.start()) + 1
            raise _ProblemError(f"{path}:{line}: a placeholder is left over: {_excerpt(rendered, left.start())}")

    def _text(self, text: str, path: str, values: Mapping[str, Any]) -> str:
        """Plain names are filled in directly, which spares most templates Jinja's start-up and compiler."""
        filled = fill(text, values)
        return self._jinja(text, path, values) if filled is None else filled

    def _jinja(self, text: str, path: str, values: Mapping[str, Any]) -> str:
        from jinja2 import TemplateSyntaxError

        if self._environment is None:
            self._environment = _environment()
        try:
            rendered = self._environment.from_string(text).render(values)
        except TemplateSyntaxError as error:
            raise _ProblemError(f"{path}:{error.lineno}: {error.message}") from error
        except Exception as error:  # an expression in a template may raise anything
            raise _ProblemError(f"{path}:{_line_of(error)}: {error}") from error
        # Jinja makes all line ends the same.
        return rendered.replace("\n", "\r\n") if "\r\n" in text else rendered


def _environment() -> SandboxedEnvironment:
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    return ImmutableSandboxedEnvironment(undefined=StrictUndefined, keep_trailing_newline=True)


def _line_of(error: Exception) -> int:
    """The line of the template that was being rendered."""
    line, trace = 1, error.__traceback__
    while trace:
        if trace.tb_frame.f_code.co_filename == _TEMPLATE_NAME:
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


def _without_braces(value: Any) -> Any:
    """The same data with its texts free of anything that looks like a placeholder."""
    if isinstance(value, str):
        return _OPENING.sub("((", value)
    if isinstance(value, Mapping):
        return {key: _without_braces(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_without_braces(part) for part in value]
    return value


def _matches(path: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(path, pattern) for pattern in patterns)


def _excerpt(text: str, at: int) -> str:
    return text[at : at + 40].partition("\n")[0]


def _name_problem(name: str) -> str | None:
    """Why a rendered name must not be written, also not on another system that gets the files."""
    if not name or name in (".", ".."):
        return "is no file name"
    if _BAD_CHARACTER.search(name):
        return "holds a slash, a backslash or a control character"
    if name.lower() in _FORBIDDEN_FOLDERS:
        return "belongs to git or mityflow"
    if _WINDOWS_NAME.fullmatch(name):
        return "Windows does not allow"
    if len(name.encode("utf-8", "surrogateescape")) > 255:
        return "is too long"
    if not name.isprintable():
        return "is not printable text"
    return None


def _clashes(files: list[RenderedFile]) -> Iterator[str]:
    """Paths that are the same, or differ in case only, or are a file here and a folder there."""
    seen: dict[str, str] = {}
    folders = {folder.lower() for file in files for folder in parents(file.path)}
    for file in files:
        other = seen.setdefault(file.path.lower(), file.path)
        if other is not file.path:
            yield f"two files become {file.path}" + ("" if other == file.path else f" (or {other})")
        if file.path.lower() in folders:
            yield f"{file.path} becomes both a file and a folder"


def parents(path: str) -> list[str]:
    """The folders a relative path lies in, the outermost first."""
    parts = path.split("/")[:-1]
    return ["/".join(parts[:n]) for n in range(1, len(parts) + 1)]
