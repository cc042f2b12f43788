"""What a command printed, as clean lines: without escapes, of bounded length and number."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator

LONGEST_LINE = 800
_HEAD = 3000
_MIDDLE = 5000
_TAIL = 5000
_REPEATS = 4
_AFTER = 8
"""Lines that are kept after one that may matter: its details."""

_ESCAPE = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # colours, cursor
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?"  # titles, links
    r"|\x1b[@-Z\\-_()#][0-9A-Za-z]?"
    r"|\x9b[0-?]*[ -/]*[@-~]"
    r"|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]"
)
# In front of what a tool printed, by what ran the tool.
_PREFIX = re.compile(
    r"^(?:\ufeff|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z |##\[error\]|::error[^:]*::|#\d+ \d+\.\d+ |(?!std(?:out|err) )[\w.-]+ +\| (?=\S))"
)
_MATTERS = (
    "error",
    "fail",
    "fatal",
    "panic",
    "exception",
    "not found",
    "cannot",
    "can't",
    "could not",
    "couldn't",
    "unable",
    "missing",
    "invalid",
    "unexpected",
    "eaddrinuse",
    "already in use",
    "in use",
    "10048",
    "errno",
    "killed",
    "unresolved",
    "conflict",
    "traceback",
    "caused by",
    "required",
    "refused",
    "denied",
    "no space",
    "memory",
    "err!",
)
_NUMBERS = re.compile(r"\d+")


def text_of(data: bytes) -> str:
    """Bytes as text; a byte order mark tells UTF-16, what is no UTF-8 is read as Latin-1 where it must be."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("utf-8", "replace")


def clean(line: str) -> str:
    """One line as a person would see it."""
    if len(line) > LONGEST_LINE * 4:
        line = line[: LONGEST_LINE * 4]
    if "\x1b" in line or "\x9b" in line or not line.isprintable():
        line = _ESCAPE.sub("", line.replace("\t", "    ") if "\x08" not in line else _overstruck(line))
    if "\r" in line:
        parts = [part for part in line.split("\r") if part.strip()]
        line = parts[-1] if parts else ""
    if line[:1] in "2#:\ufeff" or " | " in line[:40]:
        line = _PREFIX.sub("", line, count=1)
    return line[:LONGEST_LINE].rstrip()


def clean_lines(lines: Iterable[str]) -> list[str]:
    """The lines that can matter: all of a short text; of a long one its beginning, its end, and in between those
    that tell of something wrong, each kind of them a few times, with what follows."""
    head: list[str] = []
    middle: list[str] = []
    tail: deque[str] = deque(maxlen=_TAIL)
    seen: dict[str, int] = {}
    after = 0
    for raw in lines:
        if len(head) < _HEAD:
            head.append(clean(raw))
            continue
        if len(tail) == _TAIL and len(middle) < _MIDDLE:
            oldest = tail[0]
            lowered = oldest.lower()
            if any(word in lowered for word in _MATTERS):
                kind = _NUMBERS.sub("0", lowered[:200])
                seen[kind] = seen.get(kind, 0) + 1
                if seen[kind] <= _REPEATS:
                    middle.append(clean(oldest))
                    after = _AFTER
            elif after:
                middle.append(clean(oldest))
                after -= 1
        tail.append(raw[: LONGEST_LINE * 4])
    return [*head, *middle, *(clean(line) for line in tail)]


def lines_of(text: str | bytes | Iterable[str]) -> Iterator[str]:
    """The lines of a text, or of pieces of one."""
    if isinstance(text, bytes):
        text = text_of(text)
    if isinstance(text, str):
        start = 0
        while start < len(text):
            end = text.find("\n", start)
            end = len(text) if end < 0 else end
            yield text[start:end]
            start = end + 1
    else:
        for line in text:
            yield line.rstrip("\n")


def _overstruck(line: str) -> str:
    """The line after its backspaces."""
    kept: list[str] = []
    for character in line:
        if character == "\x08":
            if kept:
                kept.pop()
        else:
            kept.append(character)
    return "".join(kept)
