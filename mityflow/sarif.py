"""Faults and findings as a SARIF 2.1.0 log, the format in which code scanning takes results."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote

from mityflow.errors import Fault
from mityflow.rules import rule

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_BASE = "%SRCROOT%"


class SarifResult(NamedTuple):
    """One result: ``level`` is SARIF's ``error``, ``warning`` or ``note``; ``path`` may be empty, ``line`` 0."""

    rule: str
    level: str
    message: str
    path: str = ""
    line: int = 0
    column: int = 0
    properties: Mapping[str, Any] = {}


def sarif_log(faults: Iterable[Fault], *, root: str, version: str) -> dict[str, Any]:
    """The log of one run of ``check`` by this version, started in the folder ``root`` (an absolute path).

    Files below that folder are told relative to it, others by their whole path. Lines and
    columns count as in a fault's own place.
    """
    results = [_of_fault(fault) for fault in faults]
    rules = {result.rule: _rule(result.rule) for result in results}
    return sarif({"name": "mityflow", "version": version}, rules, results, root=root)


def sarif(
    driver: Mapping[str, Any], rules: Mapping[str, Mapping[str, Any]], results: Iterable[SarifResult], *, root: str
) -> dict[str, Any]:
    """The log of one run of a tool; ``rules`` are SARIF's descriptions of rules, by their ids."""
    ids = list(rules)
    run = {
        "tool": {"driver": {**driver, "rules": [rules[rule_id] for rule_id in ids]}},
        "columnKind": "unicodeCodePoints",
        "newlineSequences": ["\r\n", "\n", "\r"],
        "originalUriBaseIds": {_BASE: {"uri": _file_uri(root.rstrip("/") + "/")}},
        "results": [_result(result, ids.index(result.rule), root) for result in results],
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(rule_id: str) -> dict[str, Any]:
    meaning = rule(rule_id)
    return {
        "id": rule_id,
        "shortDescription": {"text": meaning.summary},
        "fullDescription": {"text": f"{meaning.summary} {meaning.help}"},
        "help": {"text": meaning.help},
        "defaultConfiguration": {"level": "error"},
    }


def _of_fault(fault: Fault) -> SarifResult:
    meant = f"; did you mean '{fault.suggestion}'?" if fault.suggestion else ""
    properties = {"suggestion": _text(fault.suggestion)} if fault.suggestion else {}
    return SarifResult(fault.rule, "error", fault.message + meant, fault.path, fault.line, fault.column, properties)


def _result(result: SarifResult, rule_index: int, root: str) -> dict[str, Any]:
    data: dict[str, Any] = {
        "ruleId": result.rule,
        "ruleIndex": rule_index,
        "level": result.level,
        "message": {"text": _text(result.message)},
    }
    if result.path:
        place: dict[str, Any] = {"artifactLocation": _location(result.path, root)}
        if result.line:
            place["region"] = {"startLine": result.line, "startColumn": max(result.column, 1)}
        data["locations"] = [{"physicalLocation": place}]
    if result.properties:
        data["properties"] = dict(result.properties)
    return data


def _location(path: str, root: str) -> dict[str, str]:
    whole = os.path.normpath(os.path.join(root, path))
    below = os.path.relpath(whole, root)
    if below == os.pardir or below.startswith(os.pardir + os.sep):
        return {"uri": _file_uri(whole)}
    return {"uri": _quoted(below), "uriBaseId": _BASE}


def _file_uri(path: str) -> str:
    return "file://" + _quoted(path)


def _quoted(path: str) -> str:
    """Percent-encoded, also where a name is not UTF-8; a colon too, which would make a scheme of a name."""
    return quote(os.fsencode(path), safe="/")


def _text(text: str) -> str:
    """Without halves of characters, which a file's name can bring in and JSON cannot hold."""
    return text.encode("utf-8", "replace").decode("utf-8")
