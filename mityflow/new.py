"""Making what an author begins with: a workflow, a plugin, another station of a plugin. Nothing is ever overwritten."""

from __future__ import annotations

import keyword
import os
import re
import shutil
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mityflow import __version__
from mityflow.errors import UsageError
from mityflow.store import write_atomically

_TEMPLATES = Path(__file__).parent / "new_templates"
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_LONGEST = 40
_TAKEN = {"mityflow", "mityflow_stations", "test", "tests"}
_STATIONS = '[project.entry-points."mityflow.stations"]'
_CONTRACTS = '[project.entry-points."mityflow.contracts"]'


def new_workflow(name: str, folder: Path) -> list[Path]:
    """Write ``NAME.yaml``, a workflow that runs at once. Raises UsageError for a wrong name or a file that is there."""
    _check(name, "workflow")
    path = folder / f"{name}.yaml"
    schema = next((s for s in ("workflow.schema.json", "schemas/workflow.schema.json") if (folder / s).is_file()), "")
    values = {"name": name, "title": _title(name), "file": path.name, "schema": schema}
    _write({path: _rendered("workflow/workflow.yaml.j2", values)})
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
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for template in sorted((_TEMPLATES / "plugin").rglob("*.j2")):
            path = building / _filled(
                template.relative_to(_TEMPLATES / "plugin").as_posix().removesuffix(".j2"), values
            )
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(_rendered(template.relative_to(_TEMPLATES).as_posix(), values), encoding="utf-8")
        building.rename(root)
    except OSError as error:
        raise UsageError(f"cannot write {error.filename or root}: {error.strerror}") from error
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
    stations = before["project"]["entry-points"]["mityflow.stations"]
    if name in stations:
        raise UsageError(f"the plugin has a station '{name}' already")
    package = next(iter(stations.values())).partition(":")[0].partition(".")[0]
    source = next((p for p in (project / "src" / package, project / package) if p.is_dir()), None)
    if source is None:
        raise UsageError(f"the package '{package}' is neither in {project / 'src'} nor in {project}")
    values = _station_values(name, package)
    module, cls = values["module"], values["class"]
    text = _declared(text, _STATIONS, f'{name} = "{package}.{module}:{cls}"')
    text = _declared(text, _CONTRACTS, f'{name} = "{package}.{module}_contract:{cls}Contract"')
    _check_declared(before, text, name)
    made = {
        source / f"{module}.py": _rendered("station/station.py.j2", values),
        source / f"{module}_contract.py": _rendered("station/contract.py.j2", values),
        project / "tests" / f"test_{module}.py": _rendered("station/test.py.j2", values),
    }
    _write(made)
    write_atomically(path, text.encode())
    return [*made, path]


def _read_project(path: Path) -> tuple[dict[str, Any], str]:
    hint = "'mityflow new plugin NAME' makes one"
    try:
        text = path.read_text(encoding="utf-8")
        data = tomllib.loads(text)
    except FileNotFoundError:
        raise UsageError(f"{path.parent} holds no plugin: there is no pyproject.toml", hint=hint) from None
    except (OSError, ValueError) as error:
        raise UsageError(f"cannot read {path}: {error}") from error
    if not data.get("project", {}).get("entry-points", {}).get("mityflow.stations"):
        raise UsageError(f"{path} declares no station of mityflow, so {path.parent} holds no plugin", hint=hint)
    return data, text


def _declared(text: str, table: str, line: str) -> str:
    """The text of a pyproject.toml with one more line in a table, at the table's beginning."""
    lines = text.splitlines()
    if table in lines:
        lines.insert(lines.index(table) + 1, line)
    else:
        lines += ["", table, line]
    return "\n".join(lines) + "\n"


def _check_declared(before: Mapping[str, Any], text: str, name: str) -> None:
    """The text must say what it said, and the new station besides."""
    try:
        after = tomllib.loads(text)
        for group in ("mityflow.stations", "mityflow.contracts"):
            del after["project"]["entry-points"][group][name]
    except (ValueError, KeyError):
        after = {}
    kept = {**before, "project": {**before["project"]}}
    kept["project"]["entry-points"] = {"mityflow.contracts": {}, **before["project"]["entry-points"]}
    if after != kept:
        raise UsageError(
            "pyproject.toml is written in a way that cannot be added to safely",
            hint=f"declare the entry points of {_STATIONS} and {_CONTRACTS} by hand, one table each",
        )


def _check(name: str, what: str) -> None:
    if not _NAME.fullmatch(name) or len(name) > _LONGEST:
        hint = f"lower-case words joined by hyphens, at most {_LONGEST} characters, such as my-{what}"
        raise UsageError(f"'{name}' is no name for a {what}", hint=hint)
    package = name.replace("-", "_")
    if what != "workflow" and (keyword.iskeyword(package) or package in sys.stdlib_module_names or package in _TAKEN):
        raise UsageError(f"'{name}' cannot be the name of a {what}: '{package}' means something else in Python")


def _station_values(name: str, package: str) -> dict[str, str]:
    module = name.replace("-", "_")
    words = [word.capitalize() for word in name.split("-")]
    return {"station": name, "package": package, "module": module, "class": "".join(words), "key": f"{module}_count"}


def _title(name: str) -> str:
    return name.replace("-", " ").capitalize()


def _filled(path: str, values: Mapping[str, str]) -> str:
    """A path with the names in it: ``src/@package@``."""
    return re.sub("@([a-z]+)@", lambda found: values[found[1]], path)


def _rendered(template: str, values: Mapping[str, str]) -> str:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(  # noqa: S701 - these are programs and YAML, and no web pages
        loader=FileSystemLoader(_TEMPLATES), undefined=StrictUndefined, keep_trailing_newline=True
    )
    return environment.get_template(template).render(values)


def _write(files: Mapping[Path, str]) -> None:
    """Write new files: all, or none."""
    for path in files:
        if os.path.lexists(path):
            raise UsageError(f"{path} is there already", hint="nothing was written; choose another name")
    written: list[Path] = []
    try:
        for path, text in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            written.append(path)
            write_atomically(path, text.encode())
    except OSError as error:
        for path in written:
            path.unlink(missing_ok=True)
        raise UsageError(f"cannot write {error.filename or 'a file'}: {error.strerror}") from error
