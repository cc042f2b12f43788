from __future__ import annotations

import json
import urllib.parse
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mityflow.masking import Masker


def test_nothing_to_mask_gives_back_the_very_same_object() -> None:
    data = {"a": ["b"]}
    assert Masker([]).data(data) is data
    assert Masker([""]).text("text") == "text"
    assert not Masker([""])


@pytest.mark.parametrize(
    ("secrets", "text", "shown"),
    [
        (["s3cret"], "a s3cret b", "a *** b"),
        (["s3cret"], "xs3crety", "x***y"),
        (["abcd", "abcdef"], "abcdef abcd", "*** ***"),
        (["line one\nline two"], "line two, line one", "***, ***"),
        (["line one\r\nline two\r\n"], "line one\nline two", "***\n***"),
        (["abc"], "abc abcd xabc (abc)", "*** abcd xabc (***)"),
        (["a.c+"], "a.c+ abcc", "*** abcc"),
        (['q"uo\\te'], json.dumps({"x": 'q"uo\\te'}), '{"x": "***"}'),
        (["grün!"], json.dumps("grün!"), '"***"'),
        (["a b&c/d"], urllib.parse.quote("a b&c/d", safe=""), "***"),
    ],
)
def test_what_is_masked(secrets: list[str], text: str, shown: str) -> None:
    assert Masker(secrets).text(text) == shown


def test_data_is_masked_in_keys_values_and_numbers() -> None:
    masked = Masker(["12345", "hush"]).data({"hush": ["a hush", 12345, 1234567, True, None], "n": 1.5})
    assert masked == {"***": ["a ***", "***", "***", True, None], "n": 1.5}


def test_only_what_may_be_a_secret_is_held_back() -> None:
    stream = Masker(["secret"]).stream()
    assert stream.feed(b"hello sec") == b"hello "
    assert stream.feed(b"ond") == b"second"
    assert stream.feed(b"secre") == b""
    assert stream.feed(b"t!") == b"***!"
    assert stream.flush() == b""


def test_bytes_that_are_no_text_pass_unharmed() -> None:
    stream = Masker(["secret"]).stream()
    data = bytes(range(256)) + b"secret\xff"
    assert stream.feed(data) + stream.flush() == bytes(range(256)) + b"***\xff"


SECRETS = st.lists(st.text(alphabet='ab"\n é', max_size=6), max_size=4)


@given(SECRETS, st.text(alphabet='ab"\n é%2\\nc', max_size=40), st.lists(st.integers(0, 60), max_size=6))
@example(["ab"], "ab", [1])
@example(["a"], "ab", [1])
def test_a_stream_shows_what_the_whole_would_show(secrets: list[str], text: str, cuts: list[int]) -> None:
    masker, data = Masker(secrets), text.encode()
    places = sorted({min(c, len(data)) for c in cuts} | {0, len(data)})
    stream = masker.stream()
    shown = b"".join(stream.feed(data[a:b]) for a, b in pairwise(places)) + stream.flush()
    assert shown == masker.bytes(data)


@given(st.lists(st.text(min_size=4, max_size=8), min_size=1, max_size=3), st.text(max_size=30))
def test_no_secret_is_left_in_any_text(secrets: list[str], around: str) -> None:
    secrets = [s for s in secrets if "*" not in s and s.strip() and "\n" not in s and "\r" not in s]
    shown = Masker(secrets).text(around + "".join(secrets) + around)
    assert not [s for s in secrets if s in shown]
