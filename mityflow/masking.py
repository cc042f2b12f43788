"""Keeping secrets out of whatever is written: ``***`` in place of their values."""

from __future__ import annotations

import json
import os
import re
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

MASK = "***"
SHORT = 4


class Masker:
    """Replaces secret values by ``***``.

    An empty value masks nothing. Each line of a value of several lines is masked as well. A value
    shorter than four characters is masked only where it stands as a word of its own. So are the
    forms a value takes inside JSON, in an address (percent-encoded) and quoted for a shell.
    """

    def __init__(self, values: Iterable[str]) -> None:
        forms = {form for value in values for part in _parts(value) for form in _forms(part)}
        self._forms = sorted({data for form in forms for data in _encoded(form)})
        self._pattern = _pattern(self._forms)

    def __bool__(self) -> bool:
        return self._pattern is not None

    def text(self, text: str) -> str:
        """The text without secrets."""
        if self._pattern is None:
            return text
        data = text.encode("utf-8", "surrogatepass")
        return self.bytes(data).decode("utf-8", "surrogatepass")

    def bytes(self, data: bytes) -> bytes:
        """UTF-8 text without secrets; bytes that are no text are left as they are."""
        return data if self._pattern is None else self._pattern.sub(MASK.encode(), data)

    def data(self, value: Any) -> Any:
        """JSON data without secrets, keys and numbers included; the very same object if there are none."""
        if self._pattern is None:
            return value
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self.text(str(key)): self.data(part) for key, part in value.items()}
        if isinstance(value, list | tuple):
            return [self.data(part) for part in value]
        if isinstance(value, int | float) and not isinstance(value, bool):
            return MASK if self.text(text := json.dumps(value)) != text else value
        return value

    def stream(self) -> StreamMasker:
        """A masker for output that comes in pieces."""
        return StreamMasker(self._pattern, self._forms)


class StreamMasker:
    """Masks bytes as they come, however a secret is cut into pieces.

    It holds back no more than what may be the beginning of a secret.
    """

    def __init__(self, pattern: re.Pattern[bytes] | None, forms: Sequence[bytes]) -> None:
        self._pattern = pattern
        self._forms = forms
        self._longest = max(map(len, forms), default=0)
        self._held = b""
        self._before = b""

    def feed(self, chunk: bytes) -> bytes:
        """What can be shown now."""
        if self._pattern is None:
            return chunk
        return self._release(self._held + chunk, last=False)

    def flush(self) -> bytes:
        """What was held back, at the end."""
        if self._pattern is None:
            return b""
        return self._release(self._held, last=True)

    def _release(self, data: bytes, *, last: bool) -> bytes:
        """Mask ``data`` as far as what follows cannot change it.

        The byte before counts too: a short secret is none within a word.
        """
        assert self._pattern is not None  # noqa: S101 - feed and flush see to it
        text = self._before + data
        start = len(self._before)
        shown: list[bytes] = []
        end = len(text) if last else self._safe_end(text, start)
        at = start
        for match in self._pattern.finditer(text, start):
            if match.start() >= end or (not last and match.end() >= len(text)):
                end = min(end, match.start())
                break
            shown += [text[at : match.start()], MASK.encode()]
            at = match.end()
        end = max(end, at)
        shown.append(text[at:end])
        self._held = text[end:]
        self._before = text[max(0, end - 1) : end]
        return b"".join(shown)

    def _safe_end(self, text: bytes, start: int) -> int:
        """Where the tail begins that may be the start of a secret, or the end of a short one."""
        for at in range(max(start, len(text) - self._longest), len(text)):
            tail = text[at:]
            next_form = bisect_left(self._forms, tail)
            if next_form < len(self._forms) and self._forms[next_form].startswith(tail):
                return at
        return len(text)


def _parts(value: str) -> list[str]:
    """The value, and each of its lines."""
    lines = [line for line in (part.strip("\r") for part in value.split("\n")) if line.strip()]
    whole = [value, value.replace("\r\n", "\n"), value.replace("\n", "\r\n")] if "\n" in value else [value]
    return [part for part in dict.fromkeys([*whole, *lines]) if part.strip()]


def _forms(value: str) -> set[str]:
    """How a value looks as it is, in JSON, in an address and in a shell's quotes."""
    import shlex
    from urllib.parse import quote, quote_plus

    forms = {
        value,
        json.dumps(value)[1:-1],
        json.dumps(value, ensure_ascii=False)[1:-1],
        shlex.quote(value).strip("'") if "'" in value else value,
    }
    encodable = value.encode("utf-8", "surrogatepass")
    return {form for form in forms | {quote(encodable, safe=""), quote_plus(encodable)} if form}


def _encoded(form: str) -> set[bytes]:
    """The form in UTF-8, and as the very bytes it was read from where those were no UTF-8."""
    encoded = {form.encode("utf-8", "surrogatepass")}
    with suppress(UnicodeEncodeError):
        encoded.add(os.fsencode(form))
    return encoded


def _pattern(forms: Sequence[bytes]) -> re.Pattern[bytes] | None:
    """The longest first, so that no secret leaves the tail of another."""
    if not forms:
        return None
    parts = []
    for form in sorted(forms, key=len, reverse=True):
        escaped = re.escape(form)
        word = rb"(?<![\w\x80-\xff])" + escaped + rb"(?![\w\x80-\xff])"
        parts.append(word if len(form.decode(errors="replace")) < SHORT else escaped)
    return re.compile(b"|".join(parts))
