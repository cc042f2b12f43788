"""Faults as a SARIF 2.1.0 log, the format in which code scanning takes results."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from mityflow.errors import Fault
from mityflow.rules import rule

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_BASE = "%SRCROOT%"


def sarif_log(faults: Iterable[Fault], *, root: str, version: str) -> dict[str, Any]:
    """The log of one run of ``check`` by this version, started in the folder ``root`` (an absolute path).

    Files below that folder are told relative to it, others by their whole path. Lines and
    columns count as in a fault's own place.
    """
    faults = list(faults)
    ids = list(dict.fromkeys(fault.rule for fault in faults))
    driver = {"name": "mityflow", "version": version, "rules": [_rule(rule_id) for rule_id in ids]}
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "newlineSequences": ["\r\n", "\n", "\r"],
        "originalUriBaseIds": {_BASE: {"uri": _file_uri(root.rstrip("/") + "/")}},
        "results": [_result(fault, ids.index(fault.rule), root) for fault in faults],
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


def _result(fault: Fault, rule_index: int, root: str) -> dict[str, Any]:
    meant = f"; did you mean '{fault.suggestion}'?" if fault.suggestion else ""
    place: dict[str, Any] = {"artifactLocation": _location(fault.path, root)}
    if fault.line:
        place["region"] = {"startLine": fault.line, "startColumn": max(fault.column, 1)}
    result: dict[str, Any] = {
        "ruleId": fault.rule,
        "ruleIndex": rule_index,
        "level": "error",
        "message": {"text": _text(fault.message + meant)},
        "locations": [{"physicalLocation": place}],
    }
    if fault.suggestion:
        result["properties"] = {"suggestion": _text(fault.suggestion)}
    return result


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
