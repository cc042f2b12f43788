"""The licences of an application's packages, as what is installed says."""

from __future__ import annotations

import fnmatch
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, PathDistribution, distributions, version
from pathlib import Path
from typing import Any, NamedTuple

from mityflow.sdk import CommandError, Finding, StationContext
from mityflow_stations._checks import counted
from mityflow_stations.scanners import MISSING, NotCheckedError, Scan, scanned
from mityflow_stations.scanners._tools import run_tool

NAME = "licences"


class Package(NamedTuple):
    """A package that is installed; ``licence`` is what it says of it, empty where it says nothing."""

    name: str
    version: str
    licence: str


_SPELLINGS = {
    "apache 2": "Apache-2.0",
    "apache 2 0": "Apache-2.0",
    "apache license 2 0": "Apache-2.0",
    "apache license version 2 0": "Apache-2.0",
    "apache software license 2 0": "Apache-2.0",
    "bsd 2 clause license": "BSD-2-Clause",
    "bsd 3 clause license": "BSD-3-Clause",
    "gnu affero general public license v3": "AGPL-3.0-only",
    "gnu general public license v2 gplv2": "GPL-2.0-only",
    "gnu general public license v3 gplv3": "GPL-3.0-only",
    "gnu lesser general public license v3 lgplv3": "LGPL-3.0-only",
    "isc license": "ISC",
    "isc license iscl": "ISC",
    "mit license": "MIT",
    "mozilla public license 2 0 mpl 2 0": "MPL-2.0",
    "python software foundation license": "PSF-2.0",
    "the mit license": "MIT",
    "the unlicense unlicense": "Unlicense",
}
"""What packages say that know no SPDX, where it has one meaning."""


def packages(context: StationContext, root: Path) -> dict[str, Package] | str:
    """The packages of an application by their names; a sentence where they cannot be known."""
    if (root / "package.json").is_file():
        return {p.name: p for p in _node(root)} or "there is no node_modules to read licences from"
    if (root / "Cargo.toml").is_file():
        return _cargo(context, root)
    if (root / "pyproject.toml").is_file():
        return {p.name: p for p in _python(root)} or "there is no .venv to read licences from"
    return "the licences of this stack's packages are not known to any tool that works offline"


def packages_of(components: Sequence[Mapping[str, Any]]) -> dict[str, Package]:
    """The packages that an SBOM tells of, by their names."""
    found = {}
    for part in components:
        name = "/".join(filter(None, (part.get("group"), part.get("name"))))
        found[name] = Package(name, str(part.get("version") or ""), _told_in(part.get("licenses") or ()))
    return found


def scan(known: Mapping[str, Package] | str, allow: Sequence[str], deny: Sequence[str], place: str) -> Scan:
    """Which packages have licences that are denied, or not among those that are allowed.

    Both lists hold SPDX ids, in which * stands for any text; without ``allow`` everything is allowed that is not
    denied. Of licences to choose from, one that may be had is enough. ``place`` is the file that names the packages.
    """
    if isinstance(known, str):
        return Scan(NAME, "not checked", detail=known)
    try:
        tool = version("license-expression")
    except PackageNotFoundError:
        return Scan(NAME, "not checked", detail=MISSING.format("license-expression"))
    findings = []
    for package in known.values() if allow or deny else ():
        judged = _judged(package, allow, deny)
        if judged:
            rule, severity, what = judged
            told = f"{package.name} {package.version} {what}"
            findings.append(Finding(rule, severity, told, "mityflow", "licence", place))  # type: ignore[arg-type]
    rules = "" if allow or deny else ", no licence is allowed or denied"
    return scanned(NAME, findings, f"license-expression {tool}, {counted(len(known), 'package')}{rules}")


def spdx(text: str) -> str:
    """The SPDX expression of what a package says of its licence; empty where that is not known."""
    from license_expression import ExpressionError

    spelt = _SPELLINGS.get(" ".join(re.findall(r"[a-z0-9]+", text.lower())), text)
    old = " OR ".join(part.strip() for part in spelt.split("/")) if " " not in spelt.strip() else spelt
    try:
        parsed = _licensing().parse(old, validate=True)
    except (ExpressionError, AttributeError):
        return ""
    return str(parsed) if parsed is not None else ""


def count(known: Mapping[str, Package]) -> dict[str, int]:
    """How many packages have each licence, the most frequent first."""
    counts: dict[str, int] = {}
    for package in known.values():
        name = _readable(package.licence) or "not told"
        counts[name] = counts.get(name, 0) + 1
    return dict(sorted(counts.items(), key=lambda entry: (-entry[1], entry[0])))


def _readable(text: str) -> str:
    """A licence's expression where it has one and can be read, else what the package says."""
    try:
        return spdx(text) or text
    except ImportError:
        return text


def _judged(package: Package, allow: Sequence[str], deny: Sequence[str]) -> tuple[str, str, str] | None:
    if not package.licence:
        return "licence-unknown", "medium", "names no licence"
    expression = spdx(package.licence)
    if not expression:
        return "licence-unknown", "medium", f"has a licence that is no SPDX expression: {package.licence}"
    if not _permitted(expression, lambda name: not _among(name, deny)):
        return "licence-denied", "high", f"has a licence that is denied: {expression}"
    if allow and not _permitted(expression, lambda name: _among(name, allow) and not _among(name, deny)):
        return "licence-not-allowed", "high", f"has a licence that is not among those allowed: {expression}"
    return None


def _permitted(expression: str, may: Any) -> bool:
    """Whether the licences can be chosen so that each one may be had."""
    return _holds(_licensing().parse(expression), may)


def _holds(node: Any, may: Any) -> bool:
    kind = type(node).__name__
    if kind == "OR":
        return any(_holds(part, may) for part in node.args)
    if kind == "AND":
        return all(_holds(part, may) for part in node.args)
    return bool(may(str(node)))


def _among(name: str, patterns: Sequence[str]) -> bool:
    """Whether a licence is in a list, by itself or without its exception."""
    names = {name.lower(), name.partition(" WITH ")[0].lower()}
    return any(fnmatch.fnmatchcase(each, pattern.lower()) for each in names for pattern in patterns)


@cache
def _licensing() -> Any:
    from license_expression import get_spdx_licensing

    return get_spdx_licensing()


def _told_in(licences: Sequence[Mapping[str, Any]]) -> str:
    """What a component of an SBOM says of its licences; several are to be chosen from."""
    told = [
        str(
            entry.get("expression")
            or (entry.get("license") or {}).get("id")
            or (entry.get("license") or {}).get("name")
        )
        for entry in licences
    ]
    return told[0] if len(told) == 1 else " OR ".join(f"({spdx(text) or text})" for text in told)


def _python(root: Path) -> Iterator[Package]:
    for folder in sorted(root.glob(".venv/lib/python*/site-packages")):
        for found in distributions(path=[str(folder)]):
            if isinstance(found, PathDistribution) and found.metadata["Name"] and not _is_own(found):
                metadata = found.metadata
                classifiers = [c for c in metadata.get_all("Classifier") or () if c.startswith("License :: ")]
                told = _first(metadata.get_all("License-Expression")) or _short(_first(metadata.get_all("License")))
                named = "; ".join(c.rpartition(" :: ")[2] for c in classifiers)
                yield Package(_normal(metadata["Name"]), found.version, told or named)


def _is_own(found: PathDistribution) -> bool:
    """Whether it is what is worked on, which is installed as a link to its source."""
    return '"editable": true' in (found.read_text("direct_url.json") or "")


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
    try:
        done = run_tool(context, argv, root)
    except (NotCheckedError, CommandError) as error:
        return str(error)
    if done.exit_code != 0:
        return f"cargo metadata does not tell{done.last_line}"
    data = json.loads(done.output)
    found = (p for p in data["packages"] if p["id"] not in data["workspace_members"])
    return {p["name"]: Package(p["name"], p["version"], p["license"] or "") for p in found}


def _first(texts: list[str] | None) -> str:
    return texts[0] if texts else ""


def _normal(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")


def _short(text: str) -> str:
    """A licence that is named, not one that is written out."""
    return text if text and "\n" not in text and len(text) < 100 else ""
