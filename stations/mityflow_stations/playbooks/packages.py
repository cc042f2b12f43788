"""Packages that the source uses and the manifest does not name, and those that are named and not there.

A package is only added where the project's own source imports it: what a log says may have been put there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mityflow.sdk import Case, CommandResult, Hands, NotAllowedError

_INSTALL = 240.0
_NPM = ["--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
_NAME = re.compile(r"(?:@[a-z0-9~][\w.~-]*/)?[a-z0-9~][\w.~-]*", re.IGNORECASE)
_IMPORT = re.compile(r"\b(import|from|require|environment|preset)\b|@use|@plugin")
_SOURCES = ("*.ts", "*.tsx", "*.js", "*.jsx", "*.mjs", "*.cjs", "*.mts", "*.cts", "*.vue", "*.css", "*.scss")
# What is imported under another name than it is published.
_PYTHON = {
    "yaml": "pyyaml",
    "PIL": "pillow",
    "cv2": "opencv-python-headless",
    "sklearn": "scikit-learn",
    "bs4": "beautifulsoup4",
    "dateutil": "python-dateutil",
    "dotenv": "python-dotenv",
    "jose": "python-jose",
    "jwt": "pyjwt",
    "multipart": "python-multipart",
    "psycopg2": "psycopg2-binary",
    "MySQLdb": "mysqlclient",
    "magic": "python-magic",
    "git": "gitpython",
    "attr": "attrs",
    "Crypto": "pycryptodome",
    "serial": "pyserial",
    "google.protobuf": "protobuf",
    "websocket": "websocket-client",
    "markdown": "markdown",
}


def add_package(case: Case, hands: Hands) -> tuple[str, str] | None:
    """The package that is missing, added to the manifest and installed."""
    for ecosystem in (_npm, _python, _cargo):
        done = ecosystem(case, hands)
        if done:
            return done
    return None


def install_again(case: Case, hands: Hands) -> tuple[str, str] | None:
    """What the manifest names, installed anew: something of it is not there, or was made for another runtime."""
    if case.was_tried("install-again"):
        return None
    if hands.exists("package.json"):
        name = _js_package(case)
        broken = case.diagnosis.rule in ("node-abi", "shell-not-found", "node-missing-package", "npx-missing")
        if (name and _declares(_package_json(hands), name)) or broken:
            argv = ["npm", "ci" if hands.exists("package-lock.json") else "install", *_NPM[:2], _NPM[3]]
            if _ran(hands, argv):
                return "install-again", "the packages were installed again"
    python = _venv_python(case)
    module = case.diagnosis.details.get("module", "")
    if python and hands.exists("pyproject.toml") and module:
        wanted = _distribution(module)
        if re.search(rf"[\"']{re.escape(wanted)}\b", _read(hands, "pyproject.toml"), re.IGNORECASE):
            extra = ".[dev]" if "dev = [" in _read(hands, "pyproject.toml") else "."
            if _ran(hands, [python, "-m", "pip", "install", "-q", "--editable", extra]):
                return "install-again", "the packages were installed again"
    return None


def add_types(case: Case, hands: Hands) -> tuple[str, str] | None:
    """The package that holds the types of another one."""
    details = case.diagnosis.details
    if case.diagnosis.rule == "python-mypy-stubs":
        name = _distribution(details.get("module") or details.get("other") or "").partition(".")[0]
        return _add_python(case, hands, f"types-{name}", dev=True) if name else None
    if case.diagnosis.rule != "ts-types":
        return None
    wanted = details.get("package") or details.get("module") or _types_hint(case)
    if not wanted or not _NAME.fullmatch(wanted):
        return None
    bare = wanted.removeprefix("@types/")
    return _add_npm(case, hands, "@types/" + bare.removeprefix("@").replace("/", "__"), dev=True)


# npm


def _npm(case: Case, hands: Hands) -> tuple[str, str] | None:
    name = _js_package(case)
    if not name or not hands.exists("package.json"):
        return None
    manifest = _package_json(hands)
    if not manifest or _declares(manifest, name) or not (places := _imports(hands, name)):
        return None
    tests = all(re.search(r"(^|/)(tests?|__tests__|e2e)/|\.(test|spec)\.|\.config\.", path) for path in places)
    return _add_npm(case, hands, name, dev=tests)


def _add_npm(case: Case, hands: Hands, name: str, *, dev: bool) -> tuple[str, str] | None:
    fix = f"add-package:{name}"
    manifest = _package_json(hands)
    if case.was_tried(fix) or not manifest or _declares(manifest, name):
        return None
    versions = [str(v) for key in ("dependencies", "devDependencies") for v in (manifest.get(key) or {}).values()]
    exact = ["--save-exact"] if versions and all(v[:1].isdigit() for v in versions) else []
    kind = "--save-dev" if dev else "--save"
    if not _ran(hands, ["npm", "install", kind, *exact, *_NPM, "--", name]):
        return None
    return fix, f"{name} was added to package.json{' as a development dependency' if dev else ''}"


def _js_package(case: Case) -> str | None:
    """The package whose import failed."""
    details = case.diagnosis.details
    name = details.get("module") or details.get("package") or details.get("plugin") or ""
    if not name or name.startswith((".", "/", "node:")) or case.diagnosis.error_type != "DependencyError":
        return None
    parts = name.split("/")
    name = "/".join(parts[:2]) if name.startswith("@") else parts[0]
    return name if _NAME.fullmatch(name) else None


def _imports(hands: Hands, name: str) -> list[str]:
    """Files of the project that import a package."""
    quoted = re.compile(rf"[\"'(]{re.escape(name)}(?:/[^\"')]*)?[\"')]")
    lines = (match for pattern in _SOURCES for match in hands.search(name, pattern))
    return [line.path for line in lines if quoted.search(line.text) and _IMPORT.search(line.text)]


def _types_hint(case: Case) -> str | None:
    said = "\n".join(case.diagnosis.evidence)
    hint = re.search(r"@types/([\w.-]+)", said)
    return hint[1] if hint else None


def _package_json(hands: Hands) -> dict[str, Any]:
    try:
        data = json.loads(hands.read("package.json"))
    except (ValueError, NotAllowedError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}


def _declares(manifest: Mapping[str, Any], name: str) -> bool:
    keys = ("dependencies", "devDependencies", "optionalDependencies", "peerDependencies")
    return any(isinstance(manifest.get(key), dict) and name in manifest[key] for key in keys)


# Python


def _python(case: Case, hands: Hands) -> tuple[str, str] | None:
    details = case.diagnosis.details
    module = details.get("module", "")
    if module and case.diagnosis.rule.startswith("python-"):
        if not _imports_python(hands, module):
            return None
        return _add_python(case, hands, _distribution(module), dev=_only_tests_import(hands, module))
    said = case.diagnosis.evidence[0] if case.diagnosis.evidence else ""
    if case.diagnosis.rule == "python-extra" and "python-multipart" in said and _uses_forms(hands):
        return _add_python(case, hands, "python-multipart", dev=False)
    return None


def _add_python(case: Case, hands: Hands, name: str, *, dev: bool) -> tuple[str, str] | None:
    fix = f"add-package:{name}"
    python = _venv_python(case)
    if case.was_tried(fix) or not _NAME.fullmatch(name) or python is None:
        return None
    manifest = "pyproject.toml" if hands.exists("pyproject.toml") else "requirements.txt"
    declared = rf"^[\s\"']*{re.escape(name)}\b(?![-.\w])"
    if not hands.exists(manifest) or re.search(declared, _read(hands, manifest), re.IGNORECASE | re.MULTILINE):
        return None
    if not _ran(hands, [python, "-m", "pip", "install", "-q", "--", name]):
        return None
    asked = hands.run([python, "-c", f"import importlib.metadata as m; print(m.version({name!r}))"], timeout=30)
    version = asked.stdout.strip()
    if not asked.ok or not re.fullmatch(r"\d[\w.]*", version):
        return None
    if manifest == "requirements.txt":
        text = _read(hands, "requirements.txt")
        hands.write("requirements.txt", f"{text.rstrip()}\n{name}=={version}\n".lstrip())
        return fix, f"{name} {version} was added to requirements.txt"
    text = _read(hands, "pyproject.toml")
    line = f'"{name}>={version},<{int(version.split(".")[0]) + 1}"'
    changed = _with_dependency(text, line, "dev" if dev else "dependencies")
    if changed is None:
        return None
    hands.write("pyproject.toml", changed)
    return fix, f"{name} {version} was added to pyproject.toml{' as a development dependency' if dev else ''}"


def _with_dependency(text: str, line: str, key: str) -> str | None:
    """A pyproject.toml with one more entry in the list of this key, in its own style."""
    found = re.search(rf"^{key}\s*=\s*\[", text, re.MULTILINE)
    if not found:
        return None
    end = text.find("]", found.end())
    inside = text[found.end() : end]
    if "[" in inside:  # an extra such as "uvicorn[standard]"
        depth, end = 1, found.end()
        while end < len(text) and depth:
            depth += {"[": 1, "]": -1}.get(text[end], 0)
            end += 1
        end -= 1
        inside = text[found.end() : end]
    if "\n" in inside:
        indent = re.search(r"\n([ \t]*)\S", inside)
        space = indent[1] if indent else "  "
        joined = inside.rstrip()
        comma = "" if joined.endswith(",") or not joined.strip() else ","
        return text[: found.end()] + f"{joined}{comma}\n{space}{line},\n" + text[end:]
    comma = ", " if inside.strip() else ""
    return text[: found.end()] + f"{inside.rstrip().rstrip(',')}{comma}{line}" + text[end:]


def _distribution(module: str) -> str:
    first = module.partition(".")[0]
    return _PYTHON.get(module) or _PYTHON.get(first) or first.replace("_", "-").lower()


def _imports_python(hands: Hands, module: str) -> list[str]:
    first = re.escape(module.partition(".")[0])
    line = re.compile(rf"^\s*(?:import {first}\b|from {first}\b|import .*, *{first}\b)")
    return [match.path for match in hands.search(module.partition(".")[0], "*.py") if line.match(match.text)]


def _only_tests_import(hands: Hands, module: str) -> bool:
    return all(
        re.search(r"(^|/)tests?/|(^|/)(test_[^/]*|conftest)\.py$", path) for path in _imports_python(hands, module)
    )


def _uses_forms(hands: Hands) -> bool:
    return bool(
        hands.search("Form(", "*.py")
        or hands.search("UploadFile", "*.py")
        or hands.search("OAuth2PasswordRequestForm", "*.py")
    )


def _venv_python(case: Case) -> str | None:
    for folder in (".venv", "venv"):
        for name in ("bin/python", "Scripts/python.exe"):
            place = case.root / folder / name
            if place.exists():
                return str(Path(folder, name))
    return None


# Cargo


def _cargo(case: Case, hands: Hands) -> tuple[str, str] | None:
    name = case.diagnosis.details.get("module", "").split("::")[0].strip("`")
    if case.diagnosis.rule != "rustc-crate" or not hands.exists("Cargo.toml") or not re.fullmatch(r"\w+", name):
        return None
    fix = f"add-package:{name}"
    used = re.compile(rf"\b(?:use|extern crate)\s+(?:::)?{name}\b|\b{name}::")
    places = [match.path for match in hands.search(name, "*.rs") if used.search(match.text)]
    manifest = _read(hands, "Cargo.toml")
    if case.was_tried(fix) or not places or re.search(rf"^{name.replace('_', '[-_]')}\s*=", manifest, re.MULTILINE):
        return None
    dev = ["--dev"] if all(re.search(r"(^|/)(tests|benches|examples)/", path) for path in places) else []
    if not _ran(hands, ["cargo", "add", "--quiet", *dev, "--", name]):
        return None
    if hands.exists("Cargo.lock"):
        _ran(hands, ["cargo", "update", "--quiet", "--workspace"])
    return fix, f"the crate {name} was added to Cargo.toml"


def _read(hands: Hands, path: str) -> str:
    return hands.read(path) if hands.exists(path) else ""


def _ran(hands: Hands, argv: list[str]) -> bool:
    done: CommandResult = hands.run(argv, timeout=_INSTALL)
    return done.ok
