"""Keeping secrets out of whatever is written: ``***`` in place of their values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

MASK = "***"
SHORT = 4


class Form(NamedTuple):
    """One way a secret is spelled; ``word``: it is one only where it stands as a word of its own."""

    text: str
    word: bool


class Masker:
    """Replaces secret values by ``***``.

    An empty value, or one of white space, masks nothing. Each line of a value of several lines is
    masked as well. A value shorter than four characters is masked only where no letter, digit or
    underscore stands beside it. Masked too are the forms a value takes inside JSON, in an address
    (percent-encoded) and quoted for a shell. Where secrets overlap, all that belongs to one of them
    is masked.

    ``secrets`` are the values that are masked; ``weak`` counts those that are so short that they may
    also stand for something else.
    """

    def __init__(self, values: Iterable[str]) -> None:
        secrets = [value for value in dict.fromkeys(values) if value.strip()]
        self.secrets = tuple(secrets)
        self.weak = sum(len(value.strip()) < SHORT for value in secrets)
        self._forms = _forms(secrets)

    def __bool__(self) -> bool:
        return bool(self._forms)

    def text(self, text: str) -> str:
        """The text without secrets."""
        spans = _spans(self._forms, text, 0)
        return _masked(text, 0, len(text), spans)[0] if spans else text

    def data(self, value: Any) -> Any:
        """JSON data without secrets, keys and numbers included; the very same object if there are none."""
        if not self._forms:
            return value
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self.data(key): self.data(part) for key, part in value.items()}
        if isinstance(value, list):
            return [self.data(part) for part in value]
        if isinstance(value, tuple):
            return tuple(self.data(part) for part in value)
        if isinstance(value, int | float):
            spellings = {str(value), str(value).lower()}  # a truth value is spelled in two ways
            return MASK if any(_spans(self._forms, text, 0) for text in spellings) else value
        return value

    def stream(self) -> StreamMasker:
        """A masker for output that comes in pieces."""
        return StreamMasker(self._forms)


class StreamMasker:
    """Masks bytes as they come, however a secret is cut into pieces; bytes that are no text pass.

    The pieces together are what :meth:`Masker.text` gives for the whole. Held back is no more than
    what may be the beginning of a secret, or of a character.
    """

    def __init__(self, forms: tuple[Form, ...]) -> None:
        self._forms = forms
        self._text = ""  # what is held back, after the character before it
        self._start = 0  # where in _text the held part begins
        self._covered = 0  # how far of _text a mask stands for that has been given out
        if forms:
            import codecs

            self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")

    def feed(self, chunk: bytes) -> bytes:
        """What can be shown now."""
        if not self._forms:
            return chunk
        return self._release(self._decoder.decode(chunk), last=False)

    def flush(self) -> bytes:
        """What was held back, at the end."""
        if not self._forms:
            return b""
        return self._release(self._decoder.decode(b"", True), last=True)

    def _release(self, more: str, *, last: bool) -> bytes:
        text = self._text + more
        end = len(text) if last else _undecided(self._forms, text, self._start)
        shown, covered = _masked(text, self._covered, end, _spans(self._forms, text, self._start))
        before = max(end - 1, 0)
        self._text = text[before:]
        self._start = end - before
        self._covered = max(covered, end) - before
        return shown.encode("utf-8", "surrogateescape")


def _forms(secrets: Iterable[str]) -> tuple[Form, ...]:
    """Every spelling of every secret; one that belongs to a long and to a short one is the long one's."""
    words: dict[str, bool] = {}
    for secret in secrets:
        for part in _parts(secret):
            for spelling in _spellings(part):
                words[spelling] = words.get(spelling, True) and len(part) < SHORT
    return tuple(Form(text, word) for text, word in words.items())


def _parts(value: str) -> set[str]:
    """The value, and each of its lines, with and without the space around it.

    A line of a bracket or two tells nothing, and masking it would spoil whatever is printed.
    """
    lines = value.replace("\r\n", "\n").replace("\r", "\n").strip("\n").split("\n")
    if len(lines) == 1:
        return {lines[0], lines[0].strip()}
    telling = {line for line in lines if len(line.strip()) >= SHORT or any(map(_in_word, line))}
    return {"\n".join(lines), "\r\n".join(lines)} | telling | {line.strip() for line in telling}


def _spellings(part: str) -> Iterable[str]:
    if part.isascii() and part.isalnum():
        return (part,)
    from mityflow.secret_spellings import spellings

    return spellings(part)


def _in_word(character: str) -> bool:
    return character.isalnum() or character == "_"


def _spans(forms: Iterable[Form], text: str, start: int) -> list[tuple[int, int]]:
    """Where secrets stand in ``text`` from ``start`` on, in order, overlapping ones included."""
    spans = []
    for form, word in forms:
        at = text.find(form, start)
        while at >= 0:
            end = at + len(form)
            if not word or (_word_begins(text, at) and _word_ends(text, end)):
                spans.append((at, end))
            at = text.find(form, at + 1)
    spans.sort()
    return spans


def _word_begins(text: str, at: int) -> bool:
    return at == 0 or not _in_word(text[at - 1])


def _word_ends(text: str, end: int) -> bool:
    return end == len(text) or not _in_word(text[end])


def _masked(text: str, covered: int, end: int, spans: Iterable[tuple[int, int]]) -> tuple[str, int]:
    """``text`` up to ``end`` with its spans masked, and how far the last mask reaches.

    The text up to ``covered`` was given out before. Of spans that overlap one mask is made.
    """
    shown = []
    for first, last in spans:
        if first >= end:
            break
        if first >= covered:
            shown += [text[covered:first], MASK]
        covered = max(covered, last)
    shown.append(text[covered:end])
    return "".join(shown), covered


def _undecided(forms: Iterable[Form], text: str, start: int) -> int:
    """Where the tail begins that may be the start of a secret, or a short one if a word ends there."""
    undecided = len(text)
    for form, word in forms:
        longest = len(form) if word else len(form) - 1
        at = text.find(form[0], max(start, len(text) - longest), undecided)
        while at >= 0:
            if form.startswith(text[at:]) and (not word or _word_begins(text, at)):
                undecided = at
                break
            at = text.find(form[0], at + 1, undecided)
    return undecided
