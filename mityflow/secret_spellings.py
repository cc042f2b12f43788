"""How a secret looks where it is quoted: in JSON, in an address, in a shell command, in Python."""

from __future__ import annotations

import json
from collections.abc import Iterator

_UNRESERVED = "-._~"
# What encoders leave as it is, beside letters and digits: RFC 3986, paths, encodeURIComponent, forms.
_LEFT_IN_ADDRESSES = (_UNRESERVED, _UNRESERVED + "/", _UNRESERVED + "!'()*", "*-._")
_SPECIAL_IN_QUOTES = '\\"$`'
_SPECIAL_IN_SHELL = " \t!\"$&'()*,;<>?[\\]^`{|}"


def spellings(text: str) -> set[str]:
    """The text itself and every form of it that tools commonly write."""
    return {text, repr(text)[1:-1], *_in_json(text), *_in_addresses(text), *_in_shell(text)}


def _in_json(text: str) -> Iterator[str]:
    """With other characters than ASCII as they are or escaped, and with what some encoders add."""
    plain = [json.dumps(c, ensure_ascii=False)[1:-1] for c in text]
    ascii_only = [json.dumps(c)[1:-1] for c in text]
    upper = ["\\u" + e[2:].upper().replace("\\U", "\\u") if e.startswith("\\u") else e for e in ascii_only]
    for escaped in (plain, ascii_only, upper):
        yield "".join(escaped)
        yield "".join("\\/" if e == "/" else e for e in escaped)
        yield "".join(f"\\u{ord(e):04x}" if e in "<>&" else e for e in escaped)


def _in_addresses(text: str) -> Iterator[str]:
    for left in _LEFT_IN_ADDRESSES:
        for space in ("%20", "+"):
            upper = "".join(space if c == " " else c if _stays(c, left) else _percent(c) for c in text)
            lower = "".join(space if c == " " else c if _stays(c, left) else _percent(c).lower() for c in text)
            yield upper
            yield lower


def _stays(character: str, left: str) -> bool:
    return character in left or (character.isascii() and character.isalnum())


def _percent(character: str) -> str:
    try:
        data = character.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # half a pair, which no encoding has a place for
        data = character.encode("utf-8", "surrogatepass")
    return "".join(f"%{byte:02X}" for byte in data)


def _in_shell(text: str) -> Iterator[str]:
    """In single quotes in two ways, in double quotes, without quotes, and in ``$''``."""
    yield text.replace("'", "'\\''")
    yield text.replace("'", "'\"'\"'")
    yield "".join("\\" + c if c in _SPECIAL_IN_QUOTES else c for c in text)
    yield "".join("\\" + c if c in _SPECIAL_IN_SHELL else c for c in text)
    yield "".join(json.dumps(c, ensure_ascii=False)[1:-1] if c < " " else "\\" + c if c in "\\'" else c for c in text)
