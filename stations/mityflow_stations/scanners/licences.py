"""The licences of an application's packages, as what is installed says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.metadata import PathDistribution, distributions
from pathlib import Path
from typing import NamedTuple

from mityflow.sdk import StationContext

_TIME_LIMIT = 120.0
_LARGEST = 64 * 1024 * 1024


class Package(NamedTuple):
    """A package that is installed; ``licence`` is what it says of it, empty where it says nothing."""

    name: str
    version: str
    licence: str


def packages(context: StationContext, root: Path) -> dict[str, Package] | str:
    """The packages of an application by their names; a sentence where they cannot be known."""
    if (root / "package.json").is_file():
        return {p.name: p for p in _node(root)} or "there is no node_modules to read licences from"
    if (root / "Cargo.toml").is_file():
        return _cargo(context, root)
    if (root / "pyproject.toml").is_file():
        return {p.name: p for p in _python(root)} or "there is no .venv to read licences from"
    return "the licences of this stack's packages are not known to any tool that works offline"


def _python(root: Path) -> Iterator[Package]:
    for folder in sorted(root.glob(".venv/lib/python*/site-packages")):
        for found in distributions(path=[str(folder)]):
            if isinstance(found, PathDistribution) and found.metadata["Name"]:
                metadata = found.metadata
                classifiers = [c for c in metadata.get_all("Classifier") or () if c.startswith("License :: ")]
                told = _first(metadata.get_all("License-Expression")) or _short(_first(metadata.get_all("License")))
                named = "; ".join(c.rpartition(" :: ")[2] for c in classifiers)
                yield Package(_normal(metadata["Name"]), found.version, told or named)


def _node(root: Path) -> Iterator[Package]:
    modules = root / "node_modules"
    for place in sorted([*modules.glob("*/package.json"), *modules.glob("@*/*/package.json")]):
        try:
            data = json.loads(place.read_bytes())
        except (OSError, ValueError, RecursionError):
            continue
        if isinstance(data, dict) and isinstance(data.get("name"), str):
            licence = data.get("license")
            told = licence.get("type") if isinstance(licence, dict) else licence
            yield Package(data["name"], str(data.get("version") or ""), told if isinstance(told, str) else "")


def _cargo(context: StationContext, root: Path) -> dict[str, Package] | str:
    argv = ["cargo", "metadata", "--format-version", "1", "--locked", "--offline"]
    done = context.run(argv, cwd=root, timeout=_TIME_LIMIT, keep=_LARGEST)
    if not done.ok or done.stdout_truncated:
        return f"cargo metadata does not tell: {(done.stderr.strip().splitlines() or ['no reason'])[-1]}"
    own = set(json.loads(done.stdout)["workspace_members"])
    found = (p for p in json.loads(done.stdout)["packages"] if p["id"] not in own)
    return {p["name"]: Package(p["name"], p["version"], p["license"] or "") for p in found}


def _first(texts: list[str] | None) -> str:
    return texts[0] if texts else ""


def _normal(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")


def _short(text: str) -> str:
    """A licence that is named, not one that is written out."""
    return text if text and "\n" not in text and len(text) < 100 else ""
