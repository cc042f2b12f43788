"""What an application is made of, as a CycloneDX 1.6 document, from what is installed or locked."""

from __future__ import annotations

import json
import os
import tempfile
import uuid
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from mityflow.sdk import CommandError, StationContext
from mityflow_stations._evidence import parse_xml
from mityflow_stations.scanners import BrokenError, NotCheckedError, Scan
from mityflow_stations.scanners._tools import installed, module, run_tool

NAME = "sbom"
_VERSION = "1.6"
_SCHEMA = "http://cyclonedx.org/schema/bom-1.6.schema.json"
_MAVEN_PLUGIN = "org.cyclonedx:cyclonedx-maven-plugin:2.9.1:makeAggregateBom"

Bom = dict[str, Any]


class Made(NamedTuple):
    """An SBOM, None where none can be made; and how that went."""

    bom: Bom | None
    scan: Scan

    @property
    def components(self) -> list[Mapping[str, Any]]:
        """The packages in it."""
        return list((self.bom or {}).get("components") or ())


def make(context: StationContext, root: Path, name: str) -> Made:
    """The SBOM of the application in ``root``; ``name`` is the application's. It fits the schema of CycloneDX."""
    try:
        installed("cyclonedx-bom")  # it has the schema too
        bom, tool = _made(context, root, name)
    except NotCheckedError as reason:
        return Made(None, Scan(NAME, "not checked", detail=str(reason)))
    except CommandError as error:
        return Made(None, Scan(NAME, "not checked", detail=error.message))
    except BrokenError as error:
        return Made(None, Scan(NAME, "failed", detail=str(error)))
    problem = _problem(bom)
    if problem:
        return Made(None, Scan(NAME, "failed", detail=f"what {tool} made does not fit CycloneDX {_VERSION}: {problem}"))
    count = len(bom.get("components") or ())
    return Made(bom, Scan(NAME, "clean", detail=f"CycloneDX {_VERSION}, {count} components, by {tool}"))


def _made(context: StationContext, root: Path, name: str) -> tuple[Bom, str]:
    if (root / "package.json").is_file():
        return _npm(context, root)
    if (root / "Cargo.toml").is_file():
        return _cargo(context, root)
    if (root / "pom.xml").is_file():
        return _maven(context, root)
    if (root / "pyproject.toml").is_file() or (root / ".venv").is_dir():
        return _python(context, root)
    assets = sorted(root.glob("**/obj/project.assets.json"))
    if assets:
        return _nuget(assets, name), "mityflow from project.assets.json"
    if next(root.glob("**/*.csproj"), None):
        raise NotCheckedError(
            "there is no obj/project.assets.json to read packages from; restore the application first"
        )
    raise NotCheckedError("which packages it has is not known: none of the manifests that are read is there")


def _python(context: StationContext, root: Path) -> tuple[Bom, str]:
    python = root / ".venv" / "bin" / "python"
    if not python.exists():
        raise NotCheckedError("there is no .venv to read packages from; install the application first")
    about = ["--pyproject", "pyproject.toml"] if (root / "pyproject.toml").is_file() else []
    argv = [
        *module("cyclonedx_py"),
        "environment",
        "--no-validate",
        "--sv",
        _VERSION,
        "--of",
        "JSON",
        *about,
        str(python),
    ]
    done = run_tool(context, argv, root)
    if done.exit_code != 0:
        raise NotCheckedError(f"cyclonedx-py failed{done.last_line}")
    return done.data("cyclonedx-py"), f"cyclonedx-py {installed('cyclonedx-bom')}"


def _npm(context: StationContext, root: Path) -> tuple[Bom, str]:
    lock = [] if (root / "node_modules").is_dir() else ["--package-lock-only"]
    argv = ["npm", "sbom", "--sbom-format", "cyclonedx", "--sbom-type", "application", *lock]
    done = run_tool(context, argv, root)
    if done.exit_code != 0:
        raise NotCheckedError(f"npm sbom failed{done.last_line}")
    bom = done.data("npm sbom")
    for part in bom.get("components") or ():
        references = part.get("externalReferences") or []
        part["externalReferences"] = [{**each, "url": _address(each["url"])} for each in references if each.get("url")]
    # npm writes 1.5, of which 1.6 is an extension.
    return {**bom, "$schema": _SCHEMA, "specVersion": _VERSION}, "npm sbom"


def _address(text: str) -> str:
    """An address as the schema wants it; npm passes on git's short form, which is none."""
    user, colon, path = text.partition(":")
    if colon and "@" in user and "/" not in user:
        return f"ssh://{user}/{path}"
    return quote(text, safe="/:?#[]@!$&'()*+,;=%~")


def _maven(context: StationContext, root: Path) -> tuple[Bom, str]:
    wrapper = root / "mvnw"
    program = str(wrapper) if os.access(wrapper, os.X_OK) else "mvn"
    with tempfile.TemporaryDirectory(prefix="mity-scan-") as folder:
        settings = {
            "schemaVersion": _VERSION,
            "outputFormat": "json",
            "outputDirectory": folder,
            "outputName": "bom",
            "cyclonedx.skipAttach": "true",
        }
        options = [f"-D{key}={value}" for key, value in settings.items()]
        argv = [program, "-B", "-ntp", "-q", "-Dstyle.color=never", _MAVEN_PLUGIN, *options]
        done = run_tool(context, argv, root)
        place = Path(folder, "bom.json")
        if done.exit_code != 0 or not place.is_file():
            why = next((line for line in done.output.splitlines() if line.startswith("[ERROR]")), "")
            raise NotCheckedError(f"{_MAVEN_PLUGIN.rpartition(':')[0]} made no SBOM: {why[8:300] or 'no reason given'}")
        return json.loads(place.read_bytes()), "cyclonedx-maven-plugin"


def _cargo(context: StationContext, root: Path) -> tuple[Bom, str]:
    argv = ["cargo", "metadata", "--format-version", "1", "--locked", "--offline"]
    done = run_tool(context, argv, root)
    if done.exit_code != 0:
        raise NotCheckedError(f"cargo metadata does not tell{done.last_line}")
    data = done.data("cargo metadata")
    packages = {package["id"]: package for package in data["packages"]}
    own = data["resolve"].get("root") or data["workspace_members"][0]
    parts = {name: _crate(package) for name, package in packages.items()}
    links = [
        {"ref": parts[node["id"]]["bom-ref"], "dependsOn": [parts[name]["bom-ref"] for name in node["dependencies"]]}
        for node in data["resolve"]["nodes"]
    ]
    main = {**parts.pop(own), "type": "application"}
    return _bom(main, parts.values(), links), "cargo metadata"


def _crate(package: Mapping[str, Any]) -> dict[str, Any]:
    licence = str(package.get("license") or "").replace("/", " OR ")
    part = _component("cargo", package["name"], package["version"], licence)
    return {**part, **({"description": package["description"]} if package.get("description") else {})}


def _nuget(assets: Iterable[Path], name: str) -> Bom:
    parts: dict[str, dict[str, Any]] = {}
    for place in assets:
        try:
            data = json.loads(place.read_bytes())
            folders = [Path(folder) for folder in data["packageFolders"]]
            for key, library in data["libraries"].items():
                if library["type"] == "package":
                    title, _, version = key.partition("/")
                    parts[key] = _component("nuget", title, version, _nuspec_licence(folders, library["path"], title))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise BrokenError(f"{place} cannot be read: {error}") from error
    return _bom({"type": "application", "name": name, "bom-ref": "application"}, parts.values(), [])


def _nuspec_licence(folders: Iterable[Path], path: str, title: str) -> str:
    for folder in folders:
        try:
            found = parse_xml((folder / path / f"{title.lower()}.nuspec").read_bytes()).find(".//{*}license")
        except (OSError, SyntaxError, ValueError):
            continue
        if found is not None and found.get("type") == "expression":
            return (found.text or "").strip()
    return ""


def _component(kind: str, name: str, version: str, licence: str) -> dict[str, Any]:
    purl = f"pkg:{kind}/{quote(name)}@{quote(version)}"
    part = {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}
    return {**part, **({"licenses": [{"expression": licence}]} if licence else {})}


def _bom(main: Mapping[str, Any], parts: Iterable[Mapping[str, Any]], links: list[dict[str, Any]]) -> Bom:
    from mityflow import __version__

    return {
        "$schema": _SCHEMA,
        "bomFormat": "CycloneDX",
        "specVersion": _VERSION,
        "serialNumber": f"urn:uuid:{uuid.uuid4()}",
        "version": 1,
        "metadata": {
            "tools": {"components": [{"type": "application", "name": "mityflow", "version": __version__}]},
            "component": dict(main),
        },
        "components": [dict(part) for part in parts],
        **({"dependencies": links} if links else {}),
    }


def _problem(bom: Bom) -> str:
    """What the schema of CycloneDX has against a document, in a line."""
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    found = JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(bom))
    data: Any = getattr(found, "data", None)
    return "" if found is None else f"{getattr(data, 'json_path', '')} {getattr(data, 'message', found)}"[:300]
