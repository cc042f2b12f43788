"""Vulnerable packages, as a server says that speaks the protocol of OSV; only packages' names and versions are sent."""

from __future__ import annotations

import json
import math
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from typing import Any

from mityflow.sdk import Finding, Severity
from mityflow_stations._checks import counted
from mityflow_stations.scanners import NotCheckedError, Scan, answer

NAME = "osv"
_AT_ONCE = 500
_REQUEST_LIMIT = 20.0
_TIME_LIMIT = 180.0
_LARGEST = 32 * 1024 * 1024
_SEVERITIES: Mapping[str, Severity] = {"CRITICAL": "critical", "HIGH": "high", "MODERATE": "medium", "LOW": "low"}
_WEIGHTS = {
    "AV": {"N": 0.85, "A": 0.62, "L": 0.55, "P": 0.2},
    "AC": {"L": 0.77, "H": 0.44},
    "PR": {"N": 0.85, "L": 0.62, "H": 0.27},
    "UI": {"N": 0.85, "R": 0.62},
    "C": {"H": 0.56, "L": 0.22, "N": 0.0},
    "I": {"H": 0.56, "L": 0.22, "N": 0.0},
    "A": {"H": 0.56, "L": 0.22, "N": 0.0},
}
_CHANGED_PRIVILEGES = {"N": 0.85, "L": 0.68, "H": 0.5}


def scan(url: str, components: Sequence[Mapping[str, Any]], place: str) -> Scan:
    """What the server knows against the components of an SBOM; ``place`` is the file that names them."""
    return answer(NAME, lambda: _look(url.rstrip("/"), components, place))


def _look(url: str, components: Sequence[Mapping[str, Any]], place: str) -> tuple[list[Finding], str]:
    known = {_plain(str(c["purl"])): c for c in components if c.get("purl") and c.get("version")}
    if not known:
        raise NotCheckedError("there is no SBOM to read packages from")
    end = time.monotonic() + _TIME_LIMIT
    purls = list(known)
    hits: list[tuple[str, str]] = []
    for at in range(0, len(purls), _AT_ONCE):
        some = purls[at : at + _AT_ONCE]
        queries = [{"package": {"purl": purl}} for purl in some]
        results = _asked(f"{url}/v1/querybatch", end, {"queries": queries}).get("results")
        if not isinstance(results, list) or len(results) != len(some):
            raise NotCheckedError(f"{url} does not answer as an OSV server does")
        if any((result or {}).get("next_page_token") for result in results):
            raise NotCheckedError(f"{url} answers in pages, which are not followed")
        hits += [(p, v["id"]) for p, r in zip(some, results, strict=True) for v in (r or {}).get("vulns") or ()]
    advisories = {
        name: _asked(f"{url}/v1/vulns/{urllib.parse.quote(name)}", end) for name in {name for _, name in hits}
    }
    findings = [_finding(known[purl], advisories[name], name, place) for purl, name in hits]
    return findings, f"{url}, {counted(len(purls), 'package')}"


def _plain(purl: str) -> str:
    """A package's address without qualifiers."""
    return purl.partition("?")[0].partition("#")[0]


def _asked(url: str, end: float, body: Any = None) -> Any:
    left = end - time.monotonic()
    if left <= 0:
        raise NotCheckedError(f"{url} took longer than {_TIME_LIMIT:g} s")
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})  # noqa: S310 - http(s) only
    try:
        with urllib.request.urlopen(request, timeout=min(left, _REQUEST_LIMIT)) as response:  # noqa: S310
            answered = json.loads(response.read(_LARGEST))
    except (OSError, ValueError, RecursionError) as error:
        raise NotCheckedError(f"{url} has no answer: {error}") from error
    if not isinstance(answered, dict):
        raise NotCheckedError(f"{url} does not answer as an OSV server does")
    return answered


def _finding(component: Mapping[str, Any], advisory: Mapping[str, Any], name: str, place: str) -> Finding:
    package = "/".join(filter(None, (component.get("group"), component["name"])))
    title = advisory.get("summary") or str(advisory.get("details") or "").partition("\n")[0] or "a known vulnerability"
    told = f"{package} {component['version']}: {' '.join(str(title).split())[:300]}"
    return Finding(name, _severity(advisory), told, NAME, "dependency", place)


def _severity(advisory: Mapping[str, Any]) -> Severity:
    """What the advisory's database says, else the score of its CVSS vector; high where neither is there."""
    named = (advisory.get("database_specific") or {}).get("severity")
    if str(named).upper() in _SEVERITIES:
        return _SEVERITIES[str(named).upper()]
    scores = [
        cvss3(str(entry.get("score"))) for entry in advisory.get("severity") or () if entry.get("type") == "CVSS_V3"
    ]
    score = max(scores, default=-1.0)
    if score < 0:
        return "high"
    return "critical" if score >= 9 else "high" if score >= 7 else "medium" if score >= 4 else "low"


def cvss3(vector: str) -> float:
    """The base score of a CVSS 3 vector; -1 for what is none.

    >>> cvss3("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H")
    9.8
    """
    parts = dict(part.split(":", 1) for part in vector.split("/") if ":" in part)
    try:
        weights = {name: options[parts[name]] for name, options in _WEIGHTS.items()}
        changed = {"U": False, "C": True}[parts["S"]]
    except KeyError:
        return -1.0
    if changed:
        weights["PR"] = _CHANGED_PRIVILEGES[parts["PR"]]
    lost = 1 - (1 - weights["C"]) * (1 - weights["I"]) * (1 - weights["A"])
    impact = 7.52 * (lost - 0.029) - 3.25 * (lost - 0.02) ** 15 if changed else 6.42 * lost
    ease = 8.22 * weights["AV"] * weights["AC"] * weights["PR"] * weights["UI"]
    if impact <= 0:
        return 0.0
    return math.ceil(min((impact + ease) * (1.08 if changed else 1), 10) * 10 - 1e-9) / 10
