"""What applications depend on: their manifests, and the lock files that say which versions they got."""

from __future__ import annotations

import json
import posixpath
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple, Protocol
from xml.etree import ElementTree

import yaml

from mityflow.sdk import UsageError

_LARGEST = 20_000_000
_MOST = 200


class Package(NamedTuple):
    """What an application asks for. ``wanted`` is as the manifest says it, ``locked`` the version it gets, or empty."""

    name: str
    wanted: str
    locked: str
    development: bool
    manifest: str


class Manifest(NamedTuple):
    """One manifest. ``platform`` says what runs it, such as ``python >=3.11``."""

    path: str
    ecosystem: str
    packages: tuple[Package, ...]
    platform: tuple[str, ...] = ()
    fault: str = ""

    @property
    def folder(self) -> str:
        """Where it is, from the application on; empty for its own folder."""
        return posixpath.dirname(self.path)


class Reads(Protocol):
    """The application's files."""

    paths: frozenset[str]

    def read(self, path: str, largest: int = ...) -> bytes | None:
        """A file's content; None where there is none."""


Asked = tuple[str, str, bool]
"""Name, wanted, whether it is for development only."""


def manifests(files: Reads) -> list[Manifest]:
    """Every manifest of the application, those further up first."""
    found: list[Manifest] = []
    for path in sorted(files.paths, key=lambda path: (path.count("/"), path)):
        ecosystem = _ecosystem(path)
        if ecosystem and len(found) < _MOST:
            found.append(_manifest(path, ecosystem, files))
    return found


def _ecosystem(path: str) -> str:
    name = posixpath.basename(path)
    if name.startswith("requirements") and name.endswith(".txt"):
        return "python"
    if name.endswith(".csproj"):
        return "nuget"
    return {"pyproject.toml": "python", "package.json": "npm", "Cargo.toml": "cargo", "pom.xml": "maven"}.get(name, "")


def _manifest(path: str, ecosystem: str, files: Reads) -> Manifest:
    data = files.read(path, _LARGEST)
    if data is None:
        return Manifest(path, ecosystem, (), (), "cannot be read")
    try:
        asked, platform = _READERS[ecosystem](path, data, files)
    except (ValueError, TypeError, AttributeError, KeyError, LookupError, RecursionError) as error:
        words = " ".join(str(error).split())[:200]
        return Manifest(path, ecosystem, (), (), f"cannot be parsed: {words or type(error).__name__}")
    locked = _locked(ecosystem, posixpath.dirname(path), files)
    packages = [
        Package(name, wanted, locked.get(_plain(ecosystem, name), ""), dev, path) for name, wanted, dev in asked
    ]
    return Manifest(path, ecosystem, tuple(packages), tuple(platform))


def _plain(ecosystem: str, name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-") if ecosystem == "python" else name


def _locked(ecosystem: str, folder: str, files: Reads) -> dict[str, str]:
    """Versions by package, from the nearest lock file, of the folder itself or one above it."""
    while True:
        for name, read in _LOCKS.get(ecosystem, {}).items():
            data = files.read(posixpath.join(folder, name), _LARGEST)
            if data is None:
                continue
            try:
                return {_plain(ecosystem, package): version for package, version in read(data)}
            except (ValueError, TypeError, AttributeError, KeyError, LookupError, RecursionError, yaml.YAMLError):
                return {}
        if not folder:
            return {}
        folder = posixpath.dirname(folder)


# Python


def _python(path: str, data: bytes, files: Reads) -> tuple[list[Asked], list[str]]:  # noqa: ARG001 - as all of them
    if path.endswith(".txt"):
        return [
            (*asked, "dev" in posixpath.basename(path)) for asked in _requirements(data.decode("utf-8", "replace"))
        ], []
    whole = tomllib.loads(data.decode("utf-8"))
    project = whole.get("project", {})
    asked = [(*each, False) for line in project.get("dependencies", ()) for each in _requirements(line)]
    for group in (project.get("optional-dependencies", {}), whole.get("dependency-groups", {})):
        lines = [line for listed in group.values() for line in listed if isinstance(line, str)]
        asked += [(*each, True) for line in lines for each in _requirements(line)]
    poetry = whole.get("tool", {}).get("poetry", {})
    groups = [(poetry.get("dependencies", {}), False)]
    groups += [(group.get("dependencies", {}), True) for group in poetry.get("group", {}).values()]
    for listed, development in groups:
        asked += [(name, _wanted(value), development) for name, value in listed.items() if name != "python"]
    wanted = project.get("requires-python") or poetry.get("dependencies", {}).get("python")
    return asked, [f"python {wanted}"] if wanted else []


def _requirements(text: str) -> Iterator[tuple[str, str]]:
    """Each requirement of a file such as pip reads it; options and links are left out."""
    try:
        from packaging.requirements import InvalidRequirement, Requirement
    except ImportError as error:
        raise UsageError(
            f"to read Python's requirements a library is needed: {error}", hint="pip install 'mityflow[analyze]'"
        ) from error
    for line in text.splitlines():
        try:
            requirement = Requirement(line.partition(" #")[0].partition(" --")[0].rstrip("\\ "))
        except InvalidRequirement:
            continue
        yield requirement.name, str(requirement.specifier)


def _pinned(data: bytes) -> Iterator[tuple[str, str]]:
    for name, wanted in _requirements(data.decode("utf-8", "replace")):
        if wanted.startswith("==") and "," not in wanted:
            yield name, wanted.lstrip("=")


def _locked_toml(data: bytes) -> Iterator[tuple[str, str]]:
    for package in tomllib.loads(data.decode("utf-8")).get("package", ()):
        if isinstance(package.get("version"), str):
            yield str(package["name"]), package["version"]


def _wanted(value: Any) -> str:
    """What a table of TOML asks for: text, or the version in a table."""
    if isinstance(value, Mapping):
        return str(value.get("version") or ("workspace" if value.get("workspace") else value.get("path", "")))
    return str(value)


# JavaScript


def _npm(path: str, data: bytes, files: Reads) -> tuple[list[Asked], list[str]]:  # noqa: ARG001 - as all of them
    whole = json.loads(data)
    asked: list[Asked] = []
    for key, development in (("dependencies", False), ("devDependencies", True), ("peerDependencies", False)):
        asked += [(str(name), str(wanted), development) for name, wanted in (whole.get(key) or {}).items()]
    return asked, [f"{name} {wanted}" for name, wanted in (whole.get("engines") or {}).items()]


def _npm_lock(data: bytes) -> Iterator[tuple[str, str]]:
    for place, package in json.loads(data).get("packages", {}).items():
        before, _, name = place.rpartition("node_modules/")
        if name and not before and "version" in package:
            yield name, str(package["version"])


def _pnpm_lock(data: bytes) -> Iterator[tuple[str, str]]:
    whole = yaml.load(data, getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both are safe
    for importer in [whole, *whole.get("importers", {}).values()]:
        for key in ("dependencies", "devDependencies"):
            for name, value in (importer.get(key) or {}).items():
                version = value["version"] if isinstance(value, Mapping) else value
                yield name, str(version).partition("(")[0]


# Rust


def _cargo(path: str, data: bytes, files: Reads) -> tuple[list[Asked], list[str]]:  # noqa: ARG001 - as all of them
    whole = tomllib.loads(data.decode("utf-8"))
    package = whole.get("package", {})
    asked: list[Asked] = []
    tables = [whole, whole.get("workspace", {}), *whole.get("target", {}).values()]
    for table in tables:
        for key, development in (("dependencies", False), ("dev-dependencies", True), ("build-dependencies", True)):
            asked += [(name, _wanted(value), development) for name, value in table.get(key, {}).items()]
    keys = {"edition": "edition", "rust-version": "rust"}
    return asked, [f"{word} {package[key]}" for key, word in keys.items() if isinstance(package.get(key), str)]


# Java


def _maven(path: str, data: bytes, files: Reads) -> tuple[list[Asked], list[str]]:  # noqa: ARG001 - as all of them
    root = _xml(data)
    values = {f"project.{_tag(each)}": _text(each) for each in root}
    values |= {_tag(each): _text(each) for each in _child(root, "properties")}
    asked: list[Asked] = []
    parent = _fields(_child(root, "parent"))
    if parent:
        asked.append((f"{parent.get('groupId')}:{parent.get('artifactId')}", parent.get("version", ""), False))
    managed = {}
    for each in _child(_child(root, "dependencyManagement"), "dependencies"):
        fields = _fields(each)
        name = f"{fields.get('groupId')}:{fields.get('artifactId')}"
        managed[name] = _filled(fields.get("version", ""), values)
        if fields.get("scope") == "import":
            asked.append((name, managed[name], False))
    for each in _child(root, "dependencies"):
        fields = _fields(each)
        name = f"{_filled(fields.get('groupId', ''), values)}:{_filled(fields.get('artifactId', ''), values)}"
        wanted = _filled(fields.get("version", ""), values) or managed.get(name, "")
        asked.append((name, wanted, fields.get("scope") == "test"))
    java = next(
        (values[key] for key in ("java.version", "maven.compiler.release", "maven.compiler.source") if key in values),
        "",
    )
    return asked, [f"java {java}"] if java else []


def _filled(text: str, values: Mapping[str, str]) -> str:
    """A version with the values of ``${...}``."""
    for name, value in values.items():
        text = text.replace(f"${{{name}}}", value)
    return text


# .NET


def _nuget(path: str, data: bytes, files: Reads) -> tuple[list[Asked], list[str]]:
    root = _xml(data)
    central = {
        each.get("Include", ""): each.get("Version", "")
        for each in _above(path, "Directory.Packages.props", "PackageVersion", files)
    }
    tests = any(_tag(each) == "IsTestProject" and _text(each).lower() == "true" for each in root.iter())
    asked: list[Asked] = []
    sdk = root.get("Sdk")
    if sdk:
        asked.append((f"sdk:{sdk.partition('/')[0]}", sdk.partition("/")[2], tests))
    for each in root.iter():
        if _tag(each) == "PackageReference" and each.get("Include"):
            name = each.get("Include", "")
            wanted = each.get("Version") or next((_text(child) for child in each if _tag(child) == "Version"), "")
            asked.append((name, wanted or central.get(name, ""), tests))
    frameworks = [*root.iter(), *_above(path, "Directory.Build.props", "TargetFramework", files)]
    return asked, [_text(each) for each in frameworks if _tag(each) in ("TargetFramework", "TargetFrameworks")][:1]


def _above(path: str, name: str, tag: str, files: Reads) -> list[ElementTree.Element]:
    """The elements of this tag in the nearest file of this name."""
    folder = posixpath.dirname(path)
    while True:
        data = files.read(posixpath.join(folder, name), _LARGEST)
        if data is not None:
            return [each for each in _xml(data).iter() if _tag(each) == tag]
        if not folder:
            return []
        folder = posixpath.dirname(folder)


def _nuget_lock(data: bytes) -> Iterator[tuple[str, str]]:
    for framework in json.loads(data).get("dependencies", {}).values():
        for name, package in framework.items():
            if "resolved" in package:
                yield name, str(package["resolved"])


# XML


def _xml(data: bytes) -> ElementTree.Element:
    """The root of a document. Raises ValueError for one that declares a type, which could name entities."""
    if b"<!DOCTYPE" in data:
        raise ValueError("it declares a document type")
    try:
        return ElementTree.fromstring(data)  # noqa: S314 - without a document type there are no entities
    except ElementTree.ParseError as error:
        raise ValueError(str(error)) from error


def _tag(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _text(element: ElementTree.Element) -> str:
    return (element.text or "").strip()


def _child(element: Iterable[ElementTree.Element], tag: str) -> Iterable[ElementTree.Element]:
    return next((each for each in element if _tag(each) == tag), ())


def _fields(element: Iterable[ElementTree.Element]) -> dict[str, str]:
    return {_tag(each): _text(each) for each in element}


_READERS: dict[str, Callable[[str, bytes, Reads], tuple[list[Asked], list[str]]]] = {
    "python": _python,
    "npm": _npm,
    "cargo": _cargo,
    "maven": _maven,
    "nuget": _nuget,
}
_LOCKS: dict[str, dict[str, Callable[[bytes], Iterator[tuple[str, str]]]]] = {
    "python": {
        "uv.lock": _locked_toml,
        "poetry.lock": _locked_toml,
        "pdm.lock": _locked_toml,
        "constraints.txt": _pinned,
        "requirements.txt": _pinned,
    },
    "npm": {"package-lock.json": _npm_lock, "pnpm-lock.yaml": _pnpm_lock},
    "cargo": {"Cargo.lock": _locked_toml},
    "nuget": {"packages.lock.json": _nuget_lock},
}
