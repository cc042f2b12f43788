"""Vulnerable packages: clean, vulnerable or not checked, as the tool of each kind of package or an OSV server says.

An answer counts only for packages that were really asked for: what a tool passes over is not checked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mityflow.sdk import Finding, Severity, StationContext
from mityflow_stations._checks import counted
from mityflow_stations.scanners import NotCheckedError, Scan, answer, osv
from mityflow_stations.scanners._tools import installed, module, run_tool

NAME = "dependencies"
_NPM_SEVERITIES: Mapping[str, Severity] = {
    "critical": "critical",
    "high": "high",
    "moderate": "medium",
    "low": "low",
    "info": "info",
}
_NO_TOOL = "no tool for it is run here; 'osv_url' names a server that knows the advisories of Maven and NuGet too"
_SHOWN = 3


def scans(
    context: StationContext, root: Path, *, osv_url: str | None = None, components: Sequence[Mapping[str, Any]] = ()
) -> list[Scan]:
    """What is known against the packages of the application in ``root``.

    With ``osv_url``, an OSV server is asked for the ``components`` of its SBOM instead of the tools' own sources.
    """
    if osv_url:
        return [osv.scan(osv_url, components, manifest(root))]
    found = []
    if _has(root, "pyproject.toml", "requirements.txt", "setup.py", "setup.cfg"):
        found.append(answer("pip-audit", lambda: _pip_audit(context, root)))
    if _has(root, "package.json"):
        found.append(answer("npm audit", lambda: _npm_audit(context, root)))
    if _has(root, "Cargo.toml"):
        found.append(answer("cargo audit", lambda: _cargo_audit(context, root)))
    for kind, place in (("Maven", "pom.xml"), ("Gradle", "build.gradle*"), ("NuGet", "**/*.csproj")):
        if next(root.glob(place), None):
            found.append(Scan(NAME, "not checked", detail=f"{kind}: {_NO_TOOL}"))
    return found


def manifest(root: Path) -> str:
    """The file that says which packages the application has."""
    names = ("package-lock.json", "Cargo.lock", "pyproject.toml", "requirements.txt", "pom.xml", "package.json")
    return next((name for name in names if (root / name).is_file()), "")


def _has(root: Path, *names: str) -> bool:
    return any((root / name).is_file() for name in names)


def _pip_audit(context: StationContext, root: Path) -> tuple[list[Finding], str]:
    version = installed("pip-audit")
    folders = sorted(root.glob(".venv/lib/python*/site-packages"))
    if not folders:
        raise NotCheckedError("there is no .venv to read packages from; install the application first")
    options = [
        "--format",
        "json",
        "--output",
        "stdout",
        "--progress-spinner",
        "off",
        "--desc",
        "off",
        "--aliases",
        "on",
    ]
    paths = [part for folder in folders for part in ("--path", str(folder))]
    done = run_tool(context, [*module("pip_audit"), *options, *paths], root)
    if not done.output.strip():
        raise NotCheckedError(f"pip-audit {version} has no answer{done.last_line}")
    packages = done.data("pip-audit")["dependencies"]
    place = manifest(root)
    findings = [_of_pip_audit(package, found, place) for package in packages for found in package.get("vulns") or ()]
    passed_over = [p for p in packages if p.get("skip_reason") and "editable" not in p["skip_reason"]]
    asked = len([p for p in packages if not p.get("skip_reason")])
    if passed_over:
        first = passed_over[0]["skip_reason"]
        raise NotCheckedError(
            f"pip-audit {version} checked {asked} of {asked + len(passed_over)} packages; of the others: {first}",
            findings,
        )
    if not asked:
        raise NotCheckedError(f"pip-audit {version} found no package in .venv")
    return findings, f"pip-audit {version}, {counted(asked, 'package')}"


def _of_pip_audit(package: Any, found: Any, place: str) -> Finding:
    names = ", ".join([found["id"], *found.get("aliases", ())][:_SHOWN])
    fixed = ", ".join(found.get("fix_versions") or ())
    told = f"{package['name']} {package['version']} has a known vulnerability ({names}); {_fixed(fixed)}"
    return Finding(found["id"], "high", told, "pip-audit", "dependency", place)


def _npm_audit(context: StationContext, root: Path) -> tuple[list[Finding], str]:
    if not _has(root, "package-lock.json", "npm-shrinkwrap.json"):
        raise NotCheckedError("there is no package-lock.json, which npm audit reads")
    done = run_tool(context, ["npm", "audit", "--json"], root)
    data = done.data("npm audit") if done.output.strip() else {}
    if not isinstance(data.get("vulnerabilities"), dict) or not isinstance(data.get("metadata"), dict):
        told = data.get("error")
        error: Mapping[str, Any] = told if isinstance(told, dict) else {}
        why = data.get("message") or error.get("summary") or done.last_line.removeprefix(": ") or "it says nothing"
        raise NotCheckedError(f"npm audit has no answer: {' '.join(str(why).split())[:300]}")
    findings = {
        _of_npm(name, via)
        for name, entry in data["vulnerabilities"].items()
        for via in entry["via"]
        if isinstance(via, dict)
    }
    total = data["metadata"].get("dependencies", {}).get("total", 0)
    return list(findings), f"npm audit, {counted(total, 'package')}"


def _of_npm(name: str, via: Any) -> Finding:
    rule = str(via.get("url") or "").rpartition("/")[2] or f"npm-{via.get('source')}"
    told = f"{via.get('name') or name} {via.get('range')} has a known vulnerability: {via.get('title')}"
    severity = _NPM_SEVERITIES.get(str(via.get("severity")), "high")
    return Finding(rule, severity, " ".join(told.split()), "npm audit", "dependency", "package-lock.json")


def _cargo_audit(context: StationContext, root: Path) -> tuple[list[Finding], str]:
    if not _has(root, "Cargo.lock"):
        raise NotCheckedError("there is no Cargo.lock, which cargo audit reads")
    asked = run_tool(context, ["cargo", "audit", "--version"], root, timeout=30)
    if asked.exit_code != 0:
        raise NotCheckedError("cargo audit is not installed: cargo install cargo-audit --locked")
    done = run_tool(context, ["cargo", "audit", "--json", "--quiet"], root)
    data = done.data("cargo audit") if done.output.strip() else {}
    if "vulnerabilities" not in data or not data.get("database", {}).get("advisory-count"):
        raise NotCheckedError(f"cargo audit has no answer{done.last_line}")
    findings = [_of_cargo(entry, "high") for entry in data["vulnerabilities"]["list"]]
    for entries in data.get("warnings", {}).values():
        findings += [_of_cargo(entry, "low") for entry in entries if entry.get("advisory")]
    count = data.get("lockfile", {}).get("dependency-count", 0)
    return findings, f"{asked.output.split(chr(10))[0].strip()}, {counted(count, 'package')}"


def _of_cargo(entry: Any, severity: Severity) -> Finding:
    advisory, package = entry["advisory"], entry["package"]
    fixed = ", ".join((entry.get("versions") or {}).get("patched") or ())
    told = f"{package['name']} {package['version']}: {advisory['title']}; {_fixed(fixed)}"
    return Finding(advisory["id"], severity, " ".join(told.split()), "cargo audit", "dependency", "Cargo.lock")


def _fixed(versions: str) -> str:
    return f"mended in {versions}" if versions else "no version mends it yet"
