"""Writes what validate-iac knows of Terraform's providers: their types' arguments, blocks and attributes.

The npm packages of the CDK for Terraform carry each provider's schema as TypeScript declarations (licence MPL-2.0).
This takes of each type no more than names, whether they are required, and whether they are blocks.
``python scripts/provider_schemas.py`` fetches the packages with npm.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent.parent / "stations" / "mityflow_stations" / "iac" / "schemas"
PACKAGES = {
    "aws": "@cdktf/provider-aws@21.22.1",
    "azurerm": "@cdktf/provider-azurerm@14.23.1",
    "google": "@cdktf/provider-google@16.12.1",
}
_KINDS = {"TerraformResource": "", "TerraformDataSource": "data.", "TerraformProvider": "provider."}
_INTERFACE = re.compile(r"^export interface (\w+)[^{]*\{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
_CLASS = re.compile(r"^export declare class (\w+) extends cdktf\.\w+ \{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
_MEMBER = re.compile(r"/\*\*(.*?)\*/\s*readonly (\w+)(\??): ([^;]+);", re.DOTALL)
_NAME = re.compile(r"#(\w+) \w+#\w+\}")
_BLOCK = re.compile(r"\* \w+ block$", re.MULTILINE)
_GETTER = re.compile(r"^ {4}get (\w+)\(\)", re.MULTILINE)


def main() -> int:
    """Fetch the packages, and write an archive for each."""
    with tempfile.TemporaryDirectory() as folder:
        for provider, package in PACKAGES.items():
            subprocess.run(["npm", "pack", "--silent", package], cwd=folder, check=True)
            (archive,) = Path(folder).glob(f"cdktf-provider-{provider}-*.tgz")
            write(provider, archive)
            archive.unlink()
    return 0


def write(provider: str, archive: Path) -> None:
    """Read one package, and write what it knows: a member for each type, and one about all of them."""
    schemas, version = {}, ""
    for text in _texts(archive):
        name = re.search(r"static readonly tfResourceType = \"(\w+)\"", text)
        if name is None:
            continue
        base = re.search(
            r"^export declare class \w+ extends cdktf\.(\w+) \{\s*static readonly tfResourceType", text, re.MULTILINE
        )
        kind = _KINDS[base[1] if base else ""]
        schemas[f"{kind}{name[1]}"] = _schema(text)
        version = version or re.search(rf"{provider}/([\d.]+)/docs", text)[1]  # type: ignore[index]
    about = {"provider": provider, "version": version, "package": PACKAGES[provider], "licence": "MPL-2.0"}
    place = FOLDER / f"{provider}.zip"
    with zipfile.ZipFile(place, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as packed:
        for name, data in [("about", about), *sorted(schemas.items())]:
            packed.writestr(zipfile.ZipInfo(f"{name}.json"), _json(data), zipfile.ZIP_DEFLATED, 9)
    print(f"{place.name}: {len(schemas)} types of {provider} {version}, {place.stat().st_size} bytes")


def _json(data: Any) -> str:
    return json.dumps(data, separators=(",", ":"), sort_keys=True)


def _texts(archive: Path) -> Iterator[str]:
    """The declarations of each type."""
    with tarfile.open(archive) as packed:
        for member in packed:
            parts = member.name.split("/")
            if parts[-1] == "index.d.ts" and len(parts) == 4:
                found = packed.extractfile(member)
                if found:
                    yield found.read().decode()


def _schema(text: str) -> dict[str, Any]:
    interfaces = {m[1]: m[2] for m in _INTERFACE.finditer(text)}
    constructor = re.search(r"constructor\(scope: Construct, id: string, config\??: (\w+)\)", text)
    assert constructor is not None
    schema = _body(interfaces[constructor[1]], interfaces)
    resource = next(m[2] for m in _CLASS.finditer(text) if "tfResourceType" in m[2])
    getters = {_snake(name) for name in _GETTER.findall(resource) if not name.endswith("Input")}
    schema["gives"] = sorted(getters - set(schema["arguments"]) - set(schema["blocks"]))
    return schema


def _body(body: str, interfaces: dict[str, str]) -> dict[str, Any]:
    arguments, blocks = {}, {}
    for comment, name, optional, kind in _MEMBER.findall(body):
        found = _NAME.search(comment)
        plain = found[1] if found else _snake(name)
        inner = kind.split("|")[0].strip().removesuffix("[]")
        if inner in interfaces and _BLOCK.search(comment):
            blocks[plain] = {"required": not optional, **_body(interfaces[inner], interfaces)}
        else:
            arguments[plain] = not optional
    return {"arguments": arguments, "blocks": blocks}


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


if __name__ == "__main__":
    sys.exit(main())
