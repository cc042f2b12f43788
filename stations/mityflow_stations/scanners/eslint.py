"""Weak JavaScript and TypeScript code, by the application's own ESLint or oxlint, with rules that are about safety.

ESLint reads the application's configuration too, which knows how to parse its files; what its other rules say is
left out. Comments that disable a rule hold.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mityflow.sdk import Finding, Severity, StationContext
from mityflow_stations._checks import counted
from mityflow_stations.scanners import NotCheckedError, Scan, answer
from mityflow_stations.scanners._tools import run_tool

SUFFIXES = (".js", ".jsx", ".mjs", ".cjs", ".ts", ".tsx", ".mts", ".cts", ".vue")
_OLDEST = 9  # the first ESLint whose configuration is a module
_AT_ONCE = 500
_CONFIGURATIONS = ("eslint.config.js", "eslint.config.mjs", "eslint.config.cjs")
_OWN = "mityflow/"
_RULES: Mapping[str, Severity] = {
    "no-eval": "high",
    "no-implied-eval": "high",
    "no-new-func": "high",
    "no-script-url": "medium",
    "react/no-danger": "high",
    "vue/no-v-html": "high",
}
_PLUGINS = ("security/", "no-unsanitized/", "no-secrets/")
_SYNTAX: Mapping[str, tuple[Severity, str, str]] = {
    "html-from-code": (
        "high",
        "HTML is set from a value; text from outside becomes part of the page",
        "AssignmentExpression[left.type='MemberExpression'][left.property.name=/^(inner|outer)HTML$/]"
        "[right.type!='Literal']",
    ),
    "html-inserted": (
        "high",
        "HTML is inserted; text from outside becomes part of the page",
        "CallExpression[callee.property.name='insertAdjacentHTML']",
    ),
    "document-write": (
        "high",
        "document.write() makes text part of the page",
        "CallExpression[callee.object.name='document'][callee.property.name=/^write(ln)?$/]",
    ),
    "dangerous-html": (
        "high",
        "dangerouslySetInnerHTML makes text part of the page",
        "JSXAttribute[name.name='dangerouslySetInnerHTML']",
    ),
    "sanitizing-bypassed": (
        "high",
        "Angular is told to trust a value",
        "CallExpression[callee.property.name=/^bypassSecurityTrust/]",
    ),
    "command-from-code": (
        "high",
        "a shell command is made from a value",
        "CallExpression[callee.name=/^exec(Sync)?$/][arguments.length>0][arguments.0.type!='Literal']",
    ),
    "certificates-ignored": (
        "high",
        "certificates are not checked",
        "Property[key.name='rejectUnauthorized'][value.value=false]",
    ),
    "node-in-page": ("critical", "pages get all of Node.js", "Property[key.name='nodeIntegration'][value.value=true]"),
    "context-shared": (
        "critical",
        "pages share their context with the preload script",
        "Property[key.name='contextIsolation'][value.value=false]",
    ),
    "web-security-off": ("high", "the same-origin rule is off", "Property[key.name='webSecurity'][value.value=false]"),
}
_CONFIG = """\
import own from %(own)s;
import { createRequire } from "node:module";

const plain = [own].flat(Infinity).filter(Boolean);
const files = ["**/*.{js,jsx,mjs,cjs,ts,tsx,mts,cts,vue}"];
const rules = %(rules)s;
const more = [];
const vue = plain.map((part) => part.plugins?.vue).find(Boolean);
if (vue) more.push({ files: ["**/*.vue"], plugins: { vue }, rules: { "vue/no-v-html": "error" } });
try {
  const security = createRequire(%(package)s)("eslint-plugin-security");
  const { plugins, rules } = security.configs.recommended;
  if (!plain.some((part) => part.plugins?.security)) more.push({ files, plugins, rules });
} catch {
  // It is not installed.
}
export default [
  ...plain,
  { files, linterOptions: { reportUnusedDisableDirectives: "off" }, rules },
  ...more,
];
"""


def scan(context: StationContext, root: Path, files: Sequence[str]) -> Scan:
    """What the linter has against these files, which are paths below ``root``."""
    modules = root / "node_modules"
    if not (modules / "eslint").is_dir() and (modules / "oxlint").is_dir():
        return answer("oxlint", lambda: _oxlint(context, root, [f for f in files if not f.endswith(".vue")]))
    return answer("eslint", lambda: _eslint(context, root, files))


def _eslint(context: StationContext, root: Path, files: Sequence[str]) -> tuple[list[Finding], str]:
    version = _version(root, "eslint")
    if int(version.partition(".")[0]) < _OLDEST:
        raise NotCheckedError(f"ESLint {version} is too old: {_OLDEST} or newer is needed")
    own = next((root / name for name in _CONFIGURATIONS if (root / name).is_file()), None)
    if own is None:
        raise NotCheckedError(f"ESLint has no configuration here: none of {', '.join(_CONFIGURATIONS)}")
    findings: list[Finding] = []
    unread: list[str] = []
    with tempfile.TemporaryDirectory(prefix="mity-scan-") as folder:
        config = Path(folder, "eslint.config.mjs")
        config.write_text(_config(own, root), encoding="utf-8")
        program = "node_modules/eslint/bin/eslint.js"
        options = ["--config", str(config), "--format", "json", "--no-error-on-unmatched-pattern", "--no-warn-ignored"]
        for at in range(0, len(files), _AT_ONCE):
            some = files[at : at + _AT_ONCE]
            done = run_tool(context, ["node", program, *options, "--", *map(_literal, some)], root)
            for result in done.data("ESLint"):
                path = _relative(result["filePath"], root)
                for message in result["messages"]:
                    if message.get("fatal"):
                        unread.append(path)
                    else:
                        findings += _of_eslint(message, path)
    if unread:
        raise NotCheckedError(f"ESLint {version} cannot read {', '.join(unread[:3])}", findings)
    return findings, f"ESLint {version}, {counted(len(files), 'file')}"


def _config(own: Path, root: Path) -> str:
    syntax = [
        {"selector": selector, "message": f"{_OWN}{name}: {message}"}
        for name, (_, message, selector) in _SYNTAX.items()
    ]
    rules = {
        **{name: "error" for name in _RULES if "/" not in name},
        "no-restricted-syntax": ["error", *syntax],
    }
    return _CONFIG % {
        "own": json.dumps(own.resolve().as_uri()),
        "rules": json.dumps(rules, indent=2),
        "package": json.dumps(str(root.resolve() / "package.json")),
    }


def _of_eslint(message: Any, path: str) -> Iterator[Finding]:
    rule, text = message["ruleId"] or "", message["message"]
    severity = _RULES.get(rule)
    if rule == "no-restricted-syntax" and text.startswith(_OWN):
        rule, _, text = text.removeprefix(_OWN).partition(": ")
        severity = _SYNTAX[rule][0]
    elif rule.startswith(_PLUGINS):
        severity, text = "medium", text.split("\n")[0]
    if severity:
        yield Finding(
            rule, severity, text, "eslint", "code", path, message.get("line") or 0, message.get("column") or 0
        )


def _oxlint(context: StationContext, root: Path, files: Sequence[str]) -> tuple[list[Finding], str]:
    version = _version(root, "oxlint")
    wanted = [name for name in _RULES if not name.startswith("vue/")]
    options = ["-A", "all", *(part for name in wanted for part in ("-D", name)), "--format", "json"]
    findings = []
    for at in range(0, len(files), _AT_ONCE):
        some = [os.path.join(".", path) for path in files[at : at + _AT_ONCE]]
        done = run_tool(context, ["node", "node_modules/oxlint/bin/oxlint", *options, *some], root)
        for entry in done.data("oxlint")["diagnostics"]:
            rule = str(entry.get("code") or "").rpartition("(")[2].rstrip(")")
            rule = next((name for name in wanted if name.rpartition("/")[2] == rule), "")
            if not rule:
                raise NotCheckedError(f"oxlint {version} cannot read {entry.get('filename')}: {entry['message'][:200]}")
            place = entry["labels"][0]["span"] if entry.get("labels") else {"line": 0, "column": 0}
            path = _relative(entry["filename"], root)
            findings.append(
                Finding(rule, _RULES[rule], entry["message"], "oxlint", "code", path, place["line"], place["column"])
            )
    return findings, f"oxlint {version}, {counted(len(files), 'file')}: {', '.join(wanted)}"


def _version(root: Path, name: str) -> str:
    try:
        return str(json.loads((root / "node_modules" / name / "package.json").read_bytes())["version"])
    except (OSError, ValueError, KeyError) as error:
        raise NotCheckedError(f"{name} is not installed in the application: there is no node_modules/{name}") from error


def _literal(path: str) -> str:
    """A path as a pattern of ESLint's that fits nothing else."""
    return "".join(f"[{char}]" if char in "*?{}[]!()" else char for char in path)


def _relative(shown: str, root: Path) -> str:
    place = Path(shown)
    if place.is_absolute():
        place = Path(os.path.relpath(place.resolve(), root.resolve()))
    return Path(os.path.normpath(place)).as_posix()
