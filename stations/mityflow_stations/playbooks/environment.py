"""Settings that are absent, taken from the example that documents them."""

from __future__ import annotations

import re

from mityflow.sdk import Case, Hands

_EXAMPLES = (".env.example", ".env.sample", ".env.template", ".env.dist")
_LINE = re.compile(r"^\s*(?:export\s+)?([A-Za-z_]\w*)\s*=\s*(.*)$")
_NO_VALUE = re.compile(r"^$|^<.*>$|^(?:change.?me|your[-_ ].*|xxx+|todo|secret|password|\.\.\.)$", re.IGNORECASE)
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def set_documented_variable(case: Case, hands: Hands) -> tuple[str, str] | None:
    """A variable that the failure names, with the value of the example, for the runs that follow; no file changes."""
    known = _documented(hands)
    if not known:
        return None
    said = " ".join([*case.diagnosis.details.values(), *case.diagnosis.evidence])
    words = {word.upper() for word in _WORD.findall(said)}
    wanted = {
        name: value
        for name, value in known.items()
        if name not in case.adjustments.env and (name.upper() in words or any(_is_field(name, word) for word in words))
    }
    fix = "environment:" + ",".join(sorted(wanted))
    if not wanted or case.was_tried(fix):
        return None
    hands.adjust(env=wanted)
    names = ", ".join(sorted(wanted))
    return fix, f"{names} set as .env.example has it, for this run only: set it where the application runs"


def _is_field(name: str, word: str) -> bool:
    """Whether a settings class has this field for the variable: APP_DATABASE_URL is read as database_url."""
    return len(word) > 3 and "_" in word and name.upper().endswith("_" + word)


def _documented(hands: Hands) -> dict[str, str]:
    for example in _EXAMPLES:
        if hands.exists(example):
            break
    else:
        return {}
    found = {}
    for line in hands.read(example).splitlines():
        match = _LINE.match(line)
        if match:
            value = match[2].strip()
            value = (
                value[1:-1]
                if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
                else value.split(" #")[0].strip()
            )
            if not _NO_VALUE.match(value):
                found[match[1]] = value
    return found
