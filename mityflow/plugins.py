"""Entry points of what is installed, read from the files beside the packages.

Nothing of a plugin is imported to find it, and ``importlib.metadata`` is not needed, which would cost
more than the rest of a start. Where a distribution is found twice, the first one on the path counts,
as it does for imports.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from mityflow.errors import MityError

_FOLDER = re.compile(r"(?P<name>.+?)(-(?P<version>\d[^-]*))?(-py\d[\d.]*)?\.(dist|egg)-info", re.IGNORECASE)
_MODULE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")
_HEADER_SIZE = 4096


class PluginError(MityError):
    """Something installed that says it belongs to mityflow cannot be used."""


class EntryPoint(NamedTuple):
    """One line of a distribution's entry points: ``name = value``."""

    name: str
    value: str
    distribution: str
    version: str

    def load(self) -> Any:
        """Import what ``value`` (``module:attribute``) stands for.

        Raises PluginError, which names the distribution and the cause, whatever goes wrong.
        """
        import importlib

        module, _, attribute = self.value.partition(":")
        try:
            found = importlib.import_module(module.strip())
            for part in filter(None, attribute.strip().split(".")):
                found = getattr(found, part)
        except (Exception, SystemExit) as error:
            raise PluginError(
                f"'{self.name}' of {self.distribution} {self.version} cannot be loaded from"
                f" '{self.value}': {type(error).__name__}: {error}",
                hint=f"update or uninstall {self.distribution}",
            ) from error
        return found

    def folder(self) -> Path | None:
        """The folder of the package that ``value`` names, found without importing it."""
        if not _MODULE.fullmatch(self.value):
            return None
        first, *rest = self.value.split(".")
        for location in _package_locations(first):
            folder = Path(location, *rest)
            if folder.is_dir():
                return folder
        return None


def entry_points(group: str, path: Sequence[str] | None = None) -> dict[str, list[EntryPoint]]:
    """The entry points of a group by name, found in the folders of ``path`` (``sys.path`` by default).

    A name that several distributions claim has several entry points, in the order of the path. What
    cannot be read, or does not have the form of an entry point, is passed over.
    """
    found: dict[str, list[EntryPoint]] = {}
    for info in _distributions(sys.path if path is None else path):
        text = _entry_points_text(info, group)
        if text:
            for entry in _entries(info, text, group):
                found.setdefault(entry.name, []).append(entry)
    return found


def _distributions(path: Sequence[str]) -> Iterator[str]:
    """The metadata folder of every distribution that is not shadowed by an earlier one."""
    seen: set[str] = set()
    for folder in dict.fromkeys(path):
        for name in _info_folders(folder):
            match = _FOLDER.fullmatch(name)
            distribution = re.sub(r"[-_.]+", "-", match["name"]).lower() if match else name
            if distribution not in seen:
                seen.add(distribution)
                yield os.path.join(folder or os.curdir, name)


def _info_folders(folder: str) -> list[str]:
    try:
        names = os.listdir(folder or os.curdir)
    except (OSError, ValueError, TypeError):
        return []
    return sorted(name for name in names if name.endswith((".dist-info", ".egg-info")))


def _entry_points_text(info: str, group: str) -> str:
    """The text of a distribution's entry points if the group may be among them."""
    try:
        with open(os.path.join(info, "entry_points.txt"), "rb") as stream:
            data = stream.read()
    except OSError:
        return ""
    return data.decode("utf-8", "replace") if group.encode() in data else ""


def _entries(info: str, text: str, group: str) -> Iterator[EntryPoint]:
    """The group's lines, without the extras an old form allows after the value."""
    distribution, version = _identity(info)
    section = ""
    for line in map(str.strip, text.splitlines()):
        if line.startswith("[") and line.endswith("]"):
            section = line[1:-1].strip()
        elif section == group and line and line[0] not in "#;":
            name, _, value = line.partition("=")
            value = value.partition("[")[0].strip()
            if name.strip() and value:
                yield EntryPoint(name.strip(), value, distribution, version)


def _identity(info: str) -> tuple[str, str]:
    """A distribution's own name and version; its folder has them too, but the name only mangled."""
    match = _FOLDER.fullmatch(os.path.basename(info))
    name, version = (match["name"], match["version"] or "") if match else ("", "")
    headers = _headers(info)
    return headers.get("name", name.replace("_", "-")), version or headers.get("version", "")


def _headers(info: str) -> dict[str, str]:
    for file in ("METADATA", "PKG-INFO"):
        try:
            with open(os.path.join(info, file), "rb") as stream:
                text = stream.read(_HEADER_SIZE).decode("utf-8", "replace")
        except OSError:
            continue
        lines = (line.partition(":") for line in text.split("\n\n")[0].splitlines())
        return {key.lower(): value.strip() for key, _, value in lines if key in ("Name", "Version")}
    return {}


def _package_locations(name: str) -> list[str]:
    """Where a top-level package lies. Every finder is asked, as editable installs bring their own."""
    for finder in sys.meta_path:
        find_spec = getattr(finder, "find_spec", None)
        spec = find_spec(name, None) if find_spec else None
        if spec is not None:
            return list(spec.submodule_search_locations or ())
    return []
