"""Terraform's modules: each folder with files of its own is one, and may call others."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from mityflow.sdk import Finding, Severity
from mityflow_stations.iac.hcl import LARGEST, Argument, Block, HclError, Place, parse

TOOL = "mityflow"
LANGUAGE = ".tf"
_VALUES = (".tfvars",)
_UNREAD = (".tf.json", ".tfvars.json", ".tofu")
_NOT_OURS = ("node_modules",)


class Module(NamedTuple):
    """A folder of Terraform's files; its ``path`` and those in it are from the application's folder on.

    ``values`` are its files of variables' values, by path. It is ``whole`` where every file of it could be read; of
    another one nobody knows what it declares.
    """

    path: str
    blocks: tuple[Block, ...]
    values: Mapping[str, Block]
    whole: bool = True

    def of(self, kind: str) -> list[Block]:
        """The blocks of a kind, such as ``variable``."""
        return [block for block in self.blocks if block.type == kind]

    @property
    def resources(self) -> list[Block]:
        """The resources and data sources that have a type and a name."""
        return [block for block in self.blocks if block.type in ("resource", "data") and len(block.labels) == 2]

    def called(self, block: Block, modules: Mapping[str, Module]) -> Module | None:
        """The module that a call of this one means, where its source is a folder that is checked too."""
        source = block.arguments.get("source")
        if source is None or not is_folder(source):
            return None
        path = os.path.normpath(os.path.join(self.path, source.text or ""))
        return modules.get("" if path == "." else path)


class Read(NamedTuple):
    """The modules, what is wrong with files that cannot be read, and files in forms that are not read here."""

    modules: Mapping[str, Module]
    findings: list[Finding]
    unread: list[str]
    files: list[str]

    @property
    def roots(self) -> list[str]:
        """The paths of the modules that none of the others calls."""
        called = {
            found.path
            for module in self.modules.values()
            for block in module.of("module")
            if (found := module.called(block, self.modules))
        }
        return [path for path in self.modules if path not in called]


def read(root: Path, path: str) -> Read:
    """Every module below a path of an application. Links out of it, to folders, and hidden folders are not followed.

    Raises OSError, ImportError.
    """
    found = Read({}, [], [], [])
    modules: dict[str, Module] = {}
    for folder in folders(root / path):
        module = _module(folder, root, found)
        if module:
            modules[module.path] = module
    return found._replace(modules=modules)


def folders(root: Path) -> Iterator[Path]:
    """The folder and those below it, sorted; links, and what is hidden or installed, are left out."""
    for place, names, _ in os.walk(root):
        names[:] = sorted(name for name in names if not name.startswith(".") and name not in _NOT_OURS)
        yield Path(place)


def is_inside(file: Path, root: Path) -> bool:
    """Whether it is a file, and in a folder, also where it is a link."""
    return file.is_file() and (not file.is_symlink() or file.resolve().is_relative_to(root.resolve()))


def _module(folder: Path, root: Path, found: Read) -> Module | None:
    """The module of a folder; None where it has no files of one."""
    relative = folder.relative_to(root).as_posix()
    prefix = "" if relative == "." else f"{relative}/"
    blocks: list[Block] = []
    overriding: list[Block] = []
    values: dict[str, Block] = {}
    whole = True
    suffixes = (LANGUAGE, *_VALUES, *_UNREAD)
    names = sorted(name for name in os.listdir(folder) if name.endswith(suffixes) and not name.startswith("."))
    if not names:
        return None
    for name in names:
        path = prefix + name
        if name.endswith(_UNREAD) or not is_inside(folder / name, root):
            found.unread.append(path)
            whole = False
            continue
        found.files.append(path)
        try:
            file = _parsed(folder / name, path)
        except HclError as error:
            place = Place(path, error.line, error.column)
            found.findings.append(finding("syntax", "critical", str(error), place))
            whole = False
            continue
        if name.endswith(_VALUES):
            values[path] = file
        else:
            (overriding if _overrides(name) else blocks).extend(file.blocks)
            stray = (*file.arguments.values(), *file.again)
            found.findings.extend(map(_stray, stray))
    return Module(prefix.rstrip("/"), _merged(blocks, overriding), values, whole)


def _parsed(file: Path, path: str) -> Block:
    """Raises HclError."""
    try:
        with file.open(encoding="utf-8") as stream:
            text = stream.read(LARGEST + 1)
    except UnicodeDecodeError as error:
        raise HclError("it is no text in UTF-8", path) from error
    except OSError as error:
        raise HclError(f"it cannot be read: {error.strerror}", path) from error
    return parse(text, path)


def _overrides(name: str) -> bool:
    """Whether Terraform merges what is in a file into what is in the others."""
    return name == "override.tf" or name.endswith("_override.tf")


def _merged(blocks: list[Block], overriding: list[Block]) -> tuple[Block, ...]:
    """The blocks, each with what others of its kind and name say in addition, or instead."""
    merged = list(blocks)
    places = {block[:2]: at for at, block in reversed(list(enumerate(merged)))}
    for over in overriding:
        at = places.get(over[:2])
        if at is None:
            merged.append(over)
        else:
            inner = [block for block in merged[at].blocks if block.type not in {b.type for b in over.blocks}]
            arguments = merged[at].arguments | over.arguments
            merged[at] = merged[at]._replace(arguments=arguments, blocks=(*inner, *over.blocks))
    return tuple(merged)


def _stray(argument: Argument) -> Finding:
    told = f"the argument '{argument.name}' stands outside of any block"
    return finding("unknown-argument", "high", told, argument.place)


def is_folder(source: Argument) -> bool:
    """Whether the source of a module is a folder, and no registry or repository."""
    return source.text is not None and source.text.startswith(("./", "../"))


def finding(rule: str, severity: Severity, message: str, place: Place) -> Finding:
    """Something wrong at a place of a file."""
    return Finding(rule, severity, message, TOOL, "infrastructure", place.path, place.line, place.column)
