"""From the bytes of a file to the text that is parsed, with what YAML forbids made harmless."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import islice

from mityflow.source.places import MAX_BYTES, MAX_LISTED, Faults, Finding


def decode(data: bytes) -> tuple[str, Finding | None]:
    """The text without a byte order mark, and why it cannot be parsed."""
    if len(data) > MAX_BYTES:
        return "", Finding("size", f"the file has {len(data):,} bytes; at most {MAX_BYTES:,} are read", 0)
    if data[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in data[:4]:
        return "", Finding("encoding", "the file looks like UTF-16 or UTF-32; save it as UTF-8", 0)
    body = data.removeprefix(b"\xef\xbb\xbf")
    try:
        return body.decode(), None
    except UnicodeDecodeError as error:
        message = f"byte 0x{body[error.start]:02X} is not valid UTF-8; save the file as UTF-8"
        index = len(body[: error.start].decode())
        return body.decode(errors="replace"), Finding("encoding", message, index)


# What YAML forbids, and the line ends that YAML 1.1 alone knows: a comment that goes on after U+2028 for
# one reader has ended for another.
_FORBIDDEN = "[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]"
_LINE_ENDS_OF_YAML_11 = "\x85\u2028\u2029"


def replace_forbidden(text: str, faults: Faults) -> str:
    """The text with a harmless character in place of each forbidden one, so that parsing can go on."""
    return _replace(_FORBIDDEN, "\ufffd", text, "character", _forbidden_message, faults)


def _replace(pattern: str, by: str, text: str, rule: str, message: Callable[[str], str], faults: Faults) -> str:
    """The text with one character in place of each that the pattern finds, all of which are faults."""
    found = list(islice(re.finditer(pattern, text), MAX_LISTED + 1))
    if not found:
        return text
    for match in found[:MAX_LISTED]:
        faults.add(rule, message(match[0]), match.start())
    clean, count = re.subn(pattern, by, text)
    if count > MAX_LISTED:
        faults.count_more(rule, count - MAX_LISTED, found[-1].start())
    return clean


def _forbidden_message(character: str) -> str:
    name = f"U+{ord(character):04X}"
    if character == "\ufeff":
        return f"a byte order mark ({name}) may stand at the very start of a file only"
    if character in _LINE_ENDS_OF_YAML_11:
        return f'{name} ends a line in YAML 1.1 but not in YAML 1.2; write it as "\\u{ord(character):04x}"'
    return f"the character {name} is not allowed in YAML; in double quotes it can be written as an escape"


# Possessive, since what can be tried again is remembered for each of millions of lines.
_HEAD = r"(?:[ \t]*+(?:#[^\r\n]*+)?+(?:\r\n|\r|\n)|%[^\r\n]*+(?:\r\n|\r|\n|\Z))*+"
_UNKNOWN_DIRECTIVE = r"(?<![^\r\n])%(?!YAML[ \t]+1\.[12](?:[ \t]++#[^\r\n]*+)?[ \t]*+(?:[\r\n]|\Z))"
_DIRECTIVE_MESSAGE = "a line that begins with '%' is a directive; only '%YAML 1.1' and '%YAML 1.2' are known"


def replace_directives(text: str, faults: Faults) -> str:
    """The text with each unknown directive before the document made a comment."""
    end = end_of_match(_HEAD, text, 0)
    head = _replace(_UNKNOWN_DIRECTIVE, "#", text[:end], "directive", lambda _: _DIRECTIVE_MESSAGE, faults)
    return head + text[end:]


def end_of_match(pattern: str, text: str, at: int) -> int:
    """The index behind what the pattern matches at this one."""
    match = re.compile(pattern).match(text, at)
    return match.end() if match else at
