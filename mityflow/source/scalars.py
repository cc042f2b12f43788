"""Plain scalars: their value by YAML 1.2's core schema, and where YAML 1.1 reads them differently."""

from __future__ import annotations

import re
from typing import Any

from mityflow.source.places import MAX_DIGITS, short

_CORE_WORDS: dict[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}
BOOLEANS_11 = {
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "on", "On", "ON"), "true"),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "off", "Off", "OFF"), "false"),
}
_CORE_INTEGER = r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+"
_CORE_FLOAT = r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
_BINARY_11 = r"[-+]?0b_*[01][01_]*"
_OCTAL_11 = r"[-+]?0[0-7_]+"
_HEXADECIMAL_11 = r"[-+]?0x_*[0-9a-fA-F][0-9a-fA-F_]*"
_DECIMAL_11 = r"[-+]?(?:0|[1-9][0-9_]*)"
_FLOAT_11 = r"[-+]?(?:[0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*)(?:[eE][-+][0-9]+)?"
_SEXAGESIMAL_11 = r"[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?"
_DATE_11 = (
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt]|[ \t]+)[0-9]{1,2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]*)?"
    r"(?:[ \t]*(?:Z|[-+][0-9]{1,2}(?::[0-9]{2})?))?"
)


class NumberError(ValueError):
    """A number that cannot be read as one: too long, or too large for a float."""


def resolve(text: str) -> tuple[Any, str | None]:
    """The value of a plain scalar, and the sentence about its readings. Raises NumberError."""
    if text in _CORE_WORDS:
        return _CORE_WORDS[text], None
    if text[0] in "0123456789+-.":
        return _resolve_number(text)
    if text in BOOLEANS_11:
        return text, _two_readings(BOOLEANS_11[text], "text")
    if text in ("=", "<<"):
        return text, _two_readings("a special word", "text")
    return text, None


def _resolve_number(text: str) -> tuple[Any, str | None]:
    value = _core_number(text)
    old = _number_11(text)
    if type(value) is type(old) and value == old:
        return value, None
    return value, _two_readings(_reading(old, text), _reading(value, text))


def _two_readings(old: str, new: str) -> str:
    return f"YAML 1.1 reads this as {old}, YAML 1.2 as {new}; put it in quotes"


def _reading(value: int | float | str, text: str) -> str:
    if isinstance(value, str):
        return "text" if value == text else value
    return short(str(value))


def _core_number(text: str) -> int | float | str:
    """The number of the YAML 1.2 core schema, or the text itself. Raises NumberError."""
    is_integer = re.fullmatch(_CORE_INTEGER, text)
    if not is_integer and not re.fullmatch(_CORE_FLOAT, text):
        return text
    if len(text) > MAX_DIGITS:
        raise NumberError(f"a number of {len(text):,} characters is too long; put it in quotes if it is text")
    if is_integer:
        return int(text, {"0o": 8, "0x": 16}.get(text[:2], 10))
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise NumberError(f"the number {short(text)} is too large; put it in quotes if it is text")
    return value


def _number_11(text: str) -> int | float | str:
    """What YAML 1.1 makes of the text: a number, ``a date`` and the like, or the text itself."""
    if len(text) > MAX_DIGITS:
        return text
    readers = (
        (_DECIMAL_11, int),
        (_OCTAL_11, lambda digits: int(digits, 8)),
        (_HEXADECIMAL_11, lambda digits: int(digits, 16)),
        (_BINARY_11, lambda digits: int(digits, 2)),
        (_FLOAT_11, float),
        (_SEXAGESIMAL_11, _sexagesimal),
    )
    for pattern, read in readers:
        if re.fullmatch(pattern, text):
            return read(text.replace("_", ""))
    return "a date" if re.fullmatch(_DATE_11, text) else text


def _sexagesimal(digits: str) -> int | float | str:
    parts = digits.lstrip("+-").split(":")
    if len(parts) > 8 or "." in digits:
        return "a number in base 60"
    total = 0
    for part in parts:
        total = total * 60 + int(part)
    return -total if digits.startswith("-") else total
