"""A name for a failure that is the same when the same failure comes again."""

from __future__ import annotations

import re

_LONGEST = 200
_CHANGES = (
    (re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?"), "<time>"),
    (re.compile(r"\b\d\d:\d\d:\d\d(?:[.,]\d+)?"), "<time>"),
    (re.compile(r"\b0x[0-9a-fA-F]+\b|\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}\b|\b[0-9a-f]{12,}\b"), "<id>"),
    (re.compile(r"(?:file://|webpack://)?(?:[A-Za-z]:)?(?:[\\/][^\s\\/:'\"`(),\[\]<>]+){2,}"), "<path>"),
    (re.compile(r"\d+(?:[.,]\d+)*"), "<n>"),
    (re.compile(r"\s+"), " "),
)


def steady(text: str) -> str:
    """The text without what changes by itself: numbers, times, ids, the folders that paths lead through."""
    for pattern, put in _CHANGES:
        text = pattern.sub(put, text)
    return text.strip()


def signature(error_type: str, rule: str, evidence: str, file: str | None) -> str:
    """The class, the rule, the file's own name, and the first line of evidence without what changes by itself."""
    place = re.split(r"[\\/]", file)[-1] if file else ""
    return " ".join(filter(None, [error_type, rule, place, steady(evidence)[:_LONGEST]]))
