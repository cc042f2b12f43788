"""Making what an author begins with: a workflow, a plugin, another station of a plugin. Nothing is ever overwritten."""

from __future__ import annotations

import keyword
import os
import re
import shutil
import sys
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from mityflow import __version__
from mityflow.errors import UsageError
from mityflow.store import write_atomically

_TEMPLATES = Path(__file__).parent / "new_templates"
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_LONGEST = 40
_TAKEN = {"mityflow", "mityflow_stations", "test", "tests"}
_STATIONS = "mityflow.stations"
_CONTRACTS = "mityflow.contracts"
_VALUE = re.compile(r"([A-Za-z_]\w*)(?:\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")
_SCHEMAS = ("workflow.schema.json", "schemas/workflow.schema.json", "../schemas/workflow.schema.json")
_IN_TEMPLATES = {
    *("Field", "Params", "Path", "Station", "StationContext", "StationContract", "StationOutput", "StationRegistry"),
    *("StationResult", "Workflow", "WorkflowContext", "WorkflowExecutor"),
}
"""Names that the templates import, so that no station's class may have one of them."""


def new_workflow(name: str, folder: Path) -> list[Path]:
    """Write ``NAME.yaml``, a workflow that runs at once. Raises UsageError for a wrong name or a file that is there."""
    _check(name, "workflow")
    path = folder / f"{name}.yaml"
    schema = next((s for s in _SCHEMAS if (folder / s).is_file()), "")
    title = name.replace("-", " ").capitalize()
    values = {"name": _scalar(name), "title": _scalar(title), "file": path.name, "schema": schema}
    with _written({path: _rendered("workflow/workflow.yaml.j2", values)}):
        return [path]


def new_plugin(name: str, folder: Path) -> list[Path]:
    """Write the project of a plugin into the new folder ``NAME``: all of it, or nothing.

    Raises UsageError for a wrong name, or a folder that is there.
    """
    _check(name, "plugin")
    root = folder / name
    if os.path.lexists(root):
        raise UsageError(f"{root} is there already", hint="choose another name, or another folder with --into")
    values = _station_values(f"{name}-todos", name.replace("-", "_"))
    values |= {"name": name, "workflow": f"{name}-check", "mityflow": __version__, "module": "todos", "class": "Todos"}
    building = folder / f".{name}.{os.getpid()}.tmp"
    with _undone() as made:
        _make_folder(folder, made)
        try:
            for template in sorted((_TEMPLATES / "plugin").rglob("*.j2")):
                place = template.relative_to(_TEMPLATES / "plugin").as_posix().removesuffix(".j2")
                path = building / _filled(place, values)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(_rendered(template.relative_to(_TEMPLATES).as_posix(), values), encoding="utf-8")
            building.rename(root)
        finally:
            shutil.rmtree(building, ignore_errors=True)
    return sorted(path for path in root.rglob("*") if path.is_file())


def new_station(name: str, project: Path) -> list[Path]:
    """Add a station with its contract and its test to the plugin in ``project``, and declare it.

    Raises UsageError for a wrong name, a folder that holds no plugin, a station or a file that is there.
    """
    _check(name, "station")
    path = project / "pyproject.toml"
    before, text = _read_project(path)
    stations = before["project"]["entry-points"][_STATIONS]
    if name in stations:
        raise UsageError(f"the plugin has a station '{name}' already")
    _check_free(name, str(before["project"].get("name")))
    package = _VALUE.fullmatch(next(iter(stations.values())))[1]  # type: ignore[index]  # _read_project looked
    source = next((p for p in (project / "src" / package, project / package) if p.is_dir()), None)
    if source is None:
        raise UsageError(f"the package '{package}' is neither in {project / 'src'} nor in {project}")
    values = _station_values(name, package)
    module, cls = values["module"], values["class"]
    text = _declared(text, _STATIONS, f'{name} = "{package}.{module}:{cls}"')
    text = _declared(text, _CONTRACTS, f'{name} = "{package}.{module}_contract:{cls}Contract"')
    _check_declared(before, text, name)
    for folder in (source / module, source / f"{module}_contract"):
        if os.path.lexists(folder):
            raise UsageError(f"{folder} is there already", hint="nothing was written; choose another name")
    files = {
        source / f"{module}.py": _rendered("station/station.py.j2", values),
        source / f"{module}_contract.py": _rendered("station/contract.py.j2", values),
        project / "tests" / f"test_{module}.py": _rendered("station/test.py.j2", values),
    }
    with _written(files):
        write_atomically(path.resolve(), text.encode())
    return [*files, path]


def _read_project(path: Path) -> tuple[dict[str, Any], str]:
    """What the file declares, with stations in the form of entry points, and its text as it is."""
    hint = "'mityflow new plugin NAME' makes one"
    try:
        text = path.read_bytes().decode()
        data = tomllib.loads(text)
    except (FileNotFoundError, NotADirectoryError):
        raise UsageError(f"{path.parent} holds no plugin: there is no pyproject.toml", hint=hint) from None
    except (OSError, ValueError) as error:
        raise UsageError(f"cannot read {path}: {error}") from error
    stations: Any = data
    for key in ("project", "entry-points", _STATIONS):
        stations = stations.get(key) if isinstance(stations, dict) else None
    if not isinstance(stations, dict) or not stations:
        raise UsageError(f"{path} declares no station of mityflow, so {path.parent} holds no plugin", hint=hint)
    for name, value in stations.items():
        if not isinstance(value, str) or not _VALUE.fullmatch(value):
            raise UsageError(f"{path} declares the station '{name}' as {value!r}", hint="write 'package.module:Class'")
    return data, text


def _declared(text: str, group: str, line: str) -> str:
    """The text of a pyproject.toml with one more line in the table of a group, at the table's beginning."""
    end = "\r\n" if "\r\n" in text else "\n"
    words = r"\s*\.\s*".join(("project", "entry-points", f"[\"']{re.escape(group)}[\"']"))
    table = re.search(rf"^[ \t]*\[\s*{words}\s*\][ \t]*(?:#[^\r\n]*)?(?:\r?\n|\Z)", text, re.MULTILINE)
    if table is None:
        gap = "" if text.endswith("\n") else end
        return f'{text}{gap}{end}[project.entry-points."{group}"]{end}{line}{end}'
    gap = "" if table[0].endswith("\n") else end
    return f"{text[: table.end()]}{gap}{line}{end}{text[table.end() :]}"


def _check_declared(before: Mapping[str, Any], text: str, name: str) -> None:
    """The text must say what it said, and the new station besides."""
    try:
        after = tomllib.loads(text)
        for group in (_STATIONS, _CONTRACTS):
            del after["project"]["entry-points"][group][name]
    except (ValueError, KeyError, TypeError):
        after = {}
    kept = {**before, "project": {**before["project"]}}
    kept["project"]["entry-points"] = {_CONTRACTS: {}, **before["project"]["entry-points"]}
    if after != kept:
        raise UsageError(
            "pyproject.toml is written in a way that cannot be added to safely",
            hint=f"declare the entry points of '{_STATIONS}' and '{_CONTRACTS}' as a table each:"
            f' [project.entry-points."{_STATIONS}"]',
        )


def _check(name: str, what: str) -> None:
    if not _NAME.fullmatch(name) or len(name) > _LONGEST:
        hint = f"lower-case words joined by hyphens, at most {_LONGEST} characters, such as my-{what}"
        raise UsageError(f"'{name}' is no name for a {what}", hint=hint)
    package = name.replace("-", "_")
    taken = what == "station" and keyword.iskeyword(package)
    if what == "plugin":
        taken = keyword.iskeyword(package) or package in sys.stdlib_module_names or package in _TAKEN
    if taken:
        raise UsageError(f"'{name}' cannot be the name of a {what}: '{package}' means something else in Python")
    if what == "plugin" and _is_installed(package):
        raise UsageError(
            f"'{name}' cannot be the name of a plugin: a package '{package}' is installed, and one would hide the other"
        )


def _is_installed(package: str) -> bool:
    from importlib.util import find_spec

    spec = find_spec(package)
    return spec is not None and spec.origin is not None


def _check_free(name: str, project: str) -> None:
    """Two plugins with the same station cannot be used together."""
    from mityflow.plugins import entry_points

    for entry in entry_points(_STATIONS).get(name, ()):
        if _normal(entry.distribution) != _normal(project):
            raise UsageError(
                f"{entry.distribution} has a station '{name}' already",
                hint=f"names are shared by all plugins; begin with your own, such as '{_normal(project)}-{name}'",
            )


def _normal(distribution: str) -> str:
    return re.sub("[-_.]+", "-", distribution).lower()


def _station_values(name: str, package: str) -> dict[str, str]:
    module = name.replace("-", "_")
    cls = "".join(word.capitalize() for word in name.split("-"))
    if cls in _IN_TEMPLATES or keyword.iskeyword(cls):
        cls += "Station"
    return {"station": name, "package": package, "module": module, "class": cls, "key": f"{module}_count"}


def _scalar(text: str) -> str:
    """Text as YAML reads it as text: ``on`` must stand in quotes."""
    from mityflow.source.scalars import resolve

    return text if resolve(text) == (text, None) else f'"{text}"'


def _filled(path: str, values: Mapping[str, str]) -> str:
    """A path with the names in it: ``src/@package@``."""
    return re.sub("@([a-z]+)@", lambda found: values[found[1]], path)


def _rendered(template: str, values: Mapping[str, str]) -> str:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(  # noqa: S701 - these are programs and YAML, and no web pages
        loader=FileSystemLoader(_TEMPLATES), undefined=StrictUndefined, keep_trailing_newline=True
    )
    return environment.get_template(template).render(values)


@contextmanager
def _written(files: Mapping[Path, str]) -> Iterator[None]:
    """Write new files; where that or what follows fails, nothing of them stays."""
    for path in files:
        if os.path.lexists(path):
            raise UsageError(f"{path} is there already", hint="nothing was written; choose another name")
    with _undone() as made:
        for path, text in files.items():
            _make_folder(path.parent, made)
            with path.open("x", encoding="utf-8") as file:
                made.append(path)
                file.write(text)
        yield


def _make_folder(folder: Path, made: list[Path]) -> None:
    missing = [path for path in (folder, *folder.parents) if not os.path.lexists(path)]
    for path in reversed(missing):
        path.mkdir()
        made.append(path)
    if not folder.is_dir():
        raise UsageError(f"{folder} is no folder")


@contextmanager
def _undone() -> Iterator[list[Path]]:
    """What the block puts into the list is removed again, the last first, where it fails or is interrupted."""
    made: list[Path] = []
    try:
        yield made
    except BaseException as error:
        for path in reversed(made):
            with suppress(OSError):
                path.rmdir() if path.is_dir() else path.unlink()
        if isinstance(error, OSError):
            raise UsageError(f"cannot write {error.filename or 'a file'}: {error.strerror}") from error
        raise
