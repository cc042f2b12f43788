"""Escaped surrogate pairs, which JSON has and YAML has not."""

from __future__ import annotations

import re

_PAIR = r"(\\u)([dD])([89abAB][0-9a-fA-F]{2}\\u)([dD])([c-fC-F][0-9a-fA-F]{2})"
_STAND_IN = r"(\\u)([eE])([89abAB][0-9a-fA-F]{2}\\u)([eE])([c-fC-F][0-9a-fA-F]{2})"
_STAND_INS_TAKEN = "[\ue800-\uefff]|\\\\[uU](?:0000)?[eE][89a-fA-F]"
STAND_IN_CHARACTERS = "([\ue800-\uebff])([\uec00-\uefff])"
HALF = "[\ud800-\udfff]"
HALF_OR_STAND_IN = "[\ud800-\udfff\ue800-\uefff]"
HALF_MESSAGE = "a '\\u' escape here is half of a character; write the character, or '\\U' and 8 hexadecimal digits"


def replace_pairs(text: str) -> tuple[str, bool]:
    """The text with each escaped pair such as ``\\ud83d\\ude00`` moved to private-use characters.

    The parser refuses surrogates, and the length of the text must not change. Done only where the
    text has none of these private-use characters itself, so that the way back is exact.
    """
    if "\\u" not in text or not re.search(_PAIR, text) or re.search(_STAND_INS_TAKEN, text):
        return text, False
    return re.sub(_PAIR, lambda m: m[1] + _SHIFTED[m[2]] + m[3] + _SHIFTED[m[4]] + m[5], text), True


_SHIFTED = {"d": "e", "D": "E", "e": "d", "E": "D"}


def restore_text(text: str) -> str:
    """The text of a scalar in which a backslash is no escape."""
    return re.sub(_STAND_IN, lambda m: m[1] + _SHIFTED[m[2]] + m[3] + _SHIFTED[m[4]] + m[5], text)


def join_pairs(text: str) -> str:
    """The text of a double-quoted scalar, with one character for each pair."""
    return re.sub(STAND_IN_CHARACTERS, lambda m: chr(0x10000 + (ord(m[1]) - 0xE800) * 0x400 + ord(m[2]) - 0xEC00), text)
