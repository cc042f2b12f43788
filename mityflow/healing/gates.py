"""The gates of a project: thresholds, strictness, suppressions, and the commands that check it."""

from __future__ import annotations

import json
import re
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

_SUPPRESSION = re.compile(
    r"#\s*noqa\b|#\s*type:\s*ignore|#\s*pyright:\s*ignore|#\s*pragma:\s*no cover|#\s*nosec\b|#\s*ruff:\s*noqa|#\s*mypy:\s*ignore|#\s*pylint:\s*disable"
    r"|@ts-ignore|@ts-nocheck|@ts-expect-error|eslint-disable|oxlint-disable|prettier-ignore|biome-ignore|istanbul ignore|[cv]8 ignore|stylelint-disable"
    r"|#!?\[\s*allow\s*\(|#\[\s*rustfmt::skip|@SuppressWarnings|#pragma warning disable|//\s*NOSONAR|SuppressMessage\b|CHECKSTYLE[.:]? ?OFF|ExcludeFromCodeCoverage|@Generated\b"
)
_SOFTENED = re.compile(
    r"\|\|\s*(?:true|:|exit 0|echo\b)|;\s*exit 0\b|--passWithNoTests|passWithNoTests|--no-verify\b|\bset \+e\b|-DskipTests|-Dmaven\.test\.skip|skipITs"
    r"|--deselect\b|--ignore(?:-glob)?[ =]|-k [\"']?not |--exit-zero\b|--cap-lints|-A\s*clippy|--max-warnings|--continue-on-collection-errors|--lf\b|--no-cov\b"
    r"|--runInBand --bail|-Dcheckstyle\.skip|-Dspotless\.check\.skip|-Djacoco\.skip|/p:TreatWarningsAsErrors=false|--filter[ =]",
)
# Larger is stricter.
_THRESHOLD = re.compile(
    r"[\"']?(fail_under|fail-under|--cov-fail-under|lines|branches|functions|statements|minimum|minimumCoverage|Threshold|threshold|min_coverage)[\"']?"
    r"\s*(?:[:=> ]|</?\w+>)\s*[\"']?(\d+(?:\.\d+)?)",
)
# Smaller is stricter.
_BUDGET = re.compile(
    r"[\"']?(maximumError|maximumWarning|max-lines|complexity|max-warnings|maxSize)[\"']?\s*[:= ]\s*[\"']?(\d+(?:\.\d+)?)\s*([kKmM]?)"
)
_STRICT = re.compile(
    r"<?[\"']?(strict\w*|noImplicit\w*|noUnused\w*|noFallthrough\w*|noUnchecked\w*|exactOptional\w*|noPropertyAccess\w*|useUnknown\w*|alwaysStrict|check_untyped_defs"
    r"|disallow_\w+|warn_\w+|no_implicit_\w+|TreatWarningsAsErrors|EnforceCodeStyleInBuild|failOnViolation|failsOnError|failOnError|haltOnFailure|forbidOnly|deny_warnings"
    r"|strictTemplates|strictInjectionParameters|fail_on_warning|xfail_strict|branch)[\"']?\s*(?:[:=>])\s*[\"']?([Tt]rue|[Ff]alse)"
)
_LOOSE = re.compile(
    r"<?[\"']?(ignore_errors|ignore_missing_imports|follow_imports_skip|testFailureIgnore|skipTests|skip|maven\.test\.skip|passWithNoTests|continue-on-error|allow_failure|allowOnly|skipITs"
    r"|dangerouslyIgnoreUnhandledErrors|implicit_reexport|allow_untyped_\w+)[\"']?\s*(?:[:=>])\s*[\"']?([Tt]rue|[Ff]alse)"
)
_NARROWED = re.compile(
    r"^\s*<?[\"']?(addopts|testpaths|python_files|python_functions|python_classes|norecursedirs|collect_ignore\w*|testPathIgnorePatterns|testMatch|testRegex"
    r"|per-file-ignores|extend-ignore|ignore|extend-exclude|exclude|excludes|omit|disable_error_code|NoWarn|WarningsNotAsErrors|coveragePathIgnorePatterns|select|extend-select|ignorePatterns|exclude_lines)[\"']?\s*[:=>]"
)
_LOOKED_AT = ("addopts", "testpaths", "select", "extend-select")
_EXACT = ("python_files", "python_functions", "python_classes", "testMatch", "testRegex")
_RULE_OFF = re.compile(r"[\"']?([\w@/-]+)[\"']?\s*:\s*\[?\s*[\"']?(off|warn|allow|0|1)[\"']?\s*[,\]}\n]")
_LINTER_FILE = re.compile(r"(^|/)(\.?eslint[^/]*|\.?oxlint[^/]*|\.?stylelint[^/]*|biome\.jsonc?)$", re.IGNORECASE)
_GATE_FILE = re.compile(
    r"(^|/)(package\.json|[tj]sconfig[^/]*\.json|angular\.json|pyproject\.toml|setup\.cfg|tox\.ini|pytest\.ini|mypy\.ini|noxfile\.py|\.coveragerc|\.?ruff\.toml|\.flake8|\.pylintrc"
    r"|pom\.xml|build\.gradle(\.kts)?|Cargo\.toml|\.?clippy\.toml|\.?rustfmt\.toml|[^/]+\.(cs|fs)proj|Directory\.Build\.(props|targets)|\.editorconfig|\.runsettings|[^/]*\.runsettings|Makefile|justfile|Taskfile\.ya?ml"
    r"|stack\.yaml|\.pre-commit-config\.yaml|[^/]*\.config\.[cm]?[jt]s|karma\.conf\.js|\.?eslint[^/]*|\.?oxlint[^/]*|\.?stylelint[^/]*|biome\.jsonc?|checkstyle[^/]*\.xml|[^/]+\.sh)$"
    r"|(^|/)\.(github|gitlab|ci|circleci)(/|[^/]*$)",
    re.IGNORECASE,
)
_CHECKING = ("test", "lint", "build", "check", "typecheck", "type-check", "verify", "coverage", "ci", "format:check")


def lowered_gates(path: str, before: str | None, after: str | None) -> Iterator[str]:
    """Every way in which a changed file checks less than it did, as sentences without the path."""
    if before is None or after is None or not _parses(path, before):
        if before is not None and after is None and _GATE_FILE.search(path):
            yield "the file was deleted"
        return
    yield from _suppressions(before, after)
    if not _GATE_FILE.search(path):
        return
    yield from _softened(before, after)
    yield from _numbers(before, after)
    yield from _switches(before, after)
    yield from _lists(before, after)
    if _LINTER_FILE.search(path):
        yield from _rules(before, after)
    if path.rpartition("/")[2] == "package.json":
        yield from _scripts(before, after)


def _suppressions(before: str, after: str) -> Iterator[str]:
    known = Counter(m[0] for m in _SUPPRESSION.finditer(before))
    for number, line in enumerate(after.splitlines(), 1):
        for found in _SUPPRESSION.finditer(line):
            if known[found[0]]:
                known[found[0]] -= 1
            else:
                yield f":{number}: a checker was silenced ({found[0].strip()})"


def _softened(before: str, after: str) -> Iterator[str]:
    known = Counter(m[0] for m in _SOFTENED.finditer(before))
    for number, line in enumerate(after.splitlines(), 1):
        for found in _SOFTENED.finditer(line):
            if known[found[0]]:
                known[found[0]] -= 1
            else:
                yield f":{number}: a command fails less often ({found[0].strip()})"


def _numbers(before: str, after: str) -> Iterator[str]:
    for pattern, stricter in ((_THRESHOLD, 1), (_BUDGET, -1)):
        old, new = _values(pattern, before), _values(pattern, after)
        for name, value in old.items():
            if name not in new:
                yield f": the limit '{name}' was removed"
            elif stricter * new[name] < stricter * value:
                yield f": the limit '{name}' was changed from {value:g} to {new[name]:g}"


def _values(pattern: re.Pattern[str], text: str) -> dict[str, float]:
    """The strictest that is said of each name."""
    found: dict[str, float] = {}
    for match in pattern.finditer(text):
        unit = match[3].lower() if match.lastindex and match.lastindex > 2 and match[3] else ""
        value = float(match[2]) * {"k": 1e3, "m": 1e6}.get(unit, 1)
        found[match[1]] = max(found.get(match[1], value), value)
    return found


def _switches(before: str, after: str) -> Iterator[str]:
    for pattern, good in ((_STRICT, "true"), (_LOOSE, "false")):
        old = Counter((m[1], m[2].lower()) for m in pattern.finditer(before))
        new = Counter((m[1], m[2].lower()) for m in pattern.finditer(after))
        for name in sorted({name for name, _ in old | new}):
            lost = old[name, good] - new[name, good] > 0 if good == "true" else False
            bad = "false" if good == "true" else "true"
            if lost or new[name, bad] > old[name, bad]:
                yield f": '{name}' is {bad} now" if new[name, bad] > old[name, bad] else f": '{name}' was removed"


def _lists(before: str, after: str) -> Iterator[str]:
    """Settings that say what is looked at, which must lose nothing, and what is left out, which must gain nothing."""
    old, new = _blocks(before), _blocks(after)
    for name in sorted(old.keys() | new.keys()):
        had, has = old.get(name, "").split(), new.get(name, "").split()
        lost = [word for word in had if word not in has]
        gained = [word for word in has if word not in had]
        if name in _EXACT and had != has:
            yield f": what '{name}' says was changed"
        elif name in _LOOKED_AT:
            gone = [word for word in lost if not get_close_matches(word, gained, 1, 0.8)]
            if gone:
                yield f": '{name}' lost {', '.join(gone)}"
        elif gained:
            yield f": '{name}' leaves out {', '.join(gained)} too"


def _blocks(text: str) -> dict[str, str]:
    """The value of each such setting, up to the end of its brackets."""
    found: dict[str, str] = {}
    lines = text.splitlines()
    for i, line in enumerate(lines):
        match = _NARROWED.match(line)
        if not match:
            continue
        value = line[match.end() :]
        for following in lines[i + 1 : i + 200]:
            if sum(map(value.count, "[{(")) <= sum(map(value.count, "]})")):
                break
            value += following
        found[match[1]] = found.get(match[1], "") + re.sub(r"[\s,\"']+", " ", value).strip()
    return found


def _rules(before: str, after: str) -> Iterator[str]:
    known = Counter(m[1] for m in _RULE_OFF.finditer(before))
    for found in _RULE_OFF.finditer(after):
        if known[found[1]]:
            known[found[1]] -= 1
        else:
            yield f": the rule '{found[1]}' is '{found[2]}' now"


def _scripts(before: str, after: str) -> Iterator[str]:
    old, new = _json_scripts(before), _json_scripts(after)
    for name, command in old.items():
        if name.split(":")[0] in _CHECKING and new.get(name) != command:
            yield f": the script '{name}' was changed" if name in new else f": the script '{name}' was removed"


def _json_scripts(text: str) -> Mapping[str, Any]:
    try:
        scripts = json.loads(text)["scripts"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return {}
    return scripts if isinstance(scripts, dict) else {}


def _parses(path: str, text: str) -> bool:
    """False for a configuration that was broken, so that there is nothing to compare with."""
    try:
        if path.endswith(".json") and not re.search(r"(^|/)[tj]sconfig[^/]*\.json$", path):
            json.loads(text)
        elif path.endswith(".toml"):
            tomllib.loads(text)
    except (ValueError, RecursionError):
        return False
    return bool(text.strip())
