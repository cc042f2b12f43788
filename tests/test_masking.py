"""Secrets never show, in whatever form and however output is cut into pieces."""

from __future__ import annotations

import json
import shlex
import time
from itertools import pairwise
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mityflow.masking import Masker

AWKWARD = "pä\"ss' w\\o/r<d>&\t€😀$x"

# Few characters, so that secrets repeat, overlap and begin like each other.
SECRETS = st.lists(st.text(alphabet='abé_" \n\r%/', max_size=7), max_size=4)
TEXTS = st.text(alphabet='abé_" \n\r%/\\n2F*C3A9😀', max_size=60)


def in_pieces(masker: Masker, data: bytes, cuts: list[int]) -> bytes:
    stream = masker.stream()
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    return b"".join([stream.feed(data[a:b]) for a, b in pairwise(edges)]) + stream.flush()


def test_a_secret_is_replaced_wherever_it_stands() -> None:
    assert Masker(["hunter22"]).text("a hunter22, hunter22hunter22!") == "a ***, ******!"


def test_text_without_secrets_is_left_as_it_is() -> None:
    masker = Masker(["hunter22"])
    text = "nothing here"
    assert masker.text(text) is text


@pytest.mark.parametrize("values", [[], [""], ["", " ", "\n"]])
def test_nothing_to_mask_is_false_and_gives_back_the_very_same_object(values: list[str]) -> None:
    masker = Masker(values)
    data = {"a": ["b", 1]}
    assert not masker
    assert masker.data(data) is data
    assert masker.text("a b\n") == "a b\n"
    assert masker.stream().feed(b"\xff a") == b"\xff a"
    assert masker.stream().flush() == b""


@pytest.mark.parametrize(
    ("secrets", "text", "masked"),
    [
        (["abcd", "abcdef"], "abcdef", "***"),
        (["abcdef", "abcd"], "abcd abcdef", "*** ***"),
        (["abcdef", "defghi"], "abcdefghi", "***"),
        (["abcdefgh", "cdef"], "abcdefgh", "***"),
        (["aaaa"], "aaaaaa", "***"),
        (["abcd", "efgh"], "abcdefgh", "******"),
    ],
)
def test_secrets_that_overlap_leave_no_tail(secrets: list[str], text: str, masked: str) -> None:
    assert Masker(secrets).text(text) == masked


def test_each_line_of_a_secret_is_masked_too() -> None:
    masker = Masker(["first line\r\n  second line\n\nthird\n"])
    assert masker.text("third|second line|first line") == "***|***|***"
    assert masker.text("x\nfirst line\n  second line\n\nthird\ny") == "x\n***\ny"
    assert masker.text("x\r\nfirst line\r\n  second line\r\n\r\nthird\r\ny") == "x\r\n***\r\ny"


def test_a_line_of_brackets_alone_does_not_spoil_the_output() -> None:
    masker = Masker(['{\n  "key": "abcdefgh"\n}\n'])
    assert masker.text('{\n  "key": "abcdefgh"\n}') == "***"
    assert masker.text('"key": "abcdefgh"') == "***"
    assert masker.text('{"a": {}}') == '{"a": {}}'


def test_the_line_end_of_a_secret_stays() -> None:
    assert Masker(["hunter22\n"]).text("hunter22\nnext") == "***\nnext"


@pytest.mark.parametrize("beside", ["x", "7", "_", "é", "日"])
def test_a_short_secret_is_none_inside_a_word(beside: str) -> None:
    masker = Masker(["abc"])
    assert masker.text(f"{beside}abc abc{beside} abcabc") == f"{beside}abc abc{beside} abcabc"


@pytest.mark.parametrize("beside", ["", " ", "-", "→", "\u00a0", "\n", '"'])
def test_a_short_secret_is_masked_as_a_word(beside: str) -> None:
    assert Masker(["abc"]).text(f"{beside}abc{beside}") == f"{beside}***{beside}"


def test_values_too_short_to_be_told_from_other_words_are_counted() -> None:
    assert Masker(["abc", "1", "abcd", "", "ab\n"]).weak == 3
    assert Masker(["abcd"]).weak == 0


@pytest.mark.parametrize(
    "written",
    [
        json.dumps(AWKWARD),
        json.dumps(AWKWARD, ensure_ascii=False),
        json.dumps(AWKWARD)
        .replace("\\u00e4", "\\u00E4")
        .replace("\\u20ac", "\\u20AC")
        .replace("d83d", "D83D")
        .replace("de00", "DE00"),
        json.dumps(AWKWARD).replace("/", "\\/"),
        json.dumps(AWKWARD).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"),
        quote(AWKWARD),
        quote(AWKWARD, safe=""),
        quote_plus(AWKWARD),
        quote(AWKWARD, safe="!'()*"),
        "p%c3%a4%22ss%27%20w%5co%2fr%3cd%3e%26%09%e2%82%ac%f0%9f%98%80%24x",
        shlex.quote(AWKWARD),
        "'" + AWKWARD.replace("'", "'\\''") + "'",
        '"' + AWKWARD.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$") + '"',
        "$'pä\"ss\\' w\\\\o/r<d>&\\t€😀$x'",
        repr(AWKWARD),
    ],
)
def test_a_secret_is_masked_as_tools_quote_it(written: str) -> None:
    masked = Masker([AWKWARD]).text(f"token={written};")
    assert masked.replace("'", "").replace('"', "").replace("$", "") == "token=***;"


def test_a_secret_of_several_lines_is_masked_inside_json() -> None:
    key = "-----BEGIN KEY-----\nabc+/=\n-----END KEY-----\n"
    assert Masker([key]).text(json.dumps({"k": key})) == '{"k": "***\\n"}'


def test_a_secret_of_bytes_that_are_no_text_is_masked_as_text_and_in_output() -> None:
    masker = Masker([b"pass\xff\xfeword".decode("utf-8", "surrogateescape")])
    stream = masker.stream()
    assert stream.feed(b"a pass\xff\xfeword b") + stream.flush() == b"a *** b"
    assert masker.text("a pass\udcff\udcfeword b") == "a *** b"
    assert Masker(["half \ud800 a pair"]).text("half \ud800 a pair") == "***"


def test_data_is_masked_in_depth_with_keys_and_numbers() -> None:
    masker = Masker(["hunter22", "1234", "true"])
    data = {"hunter22": [("x hunter22", 1234), 99.1234, 12.5, True, False, None], 5: {"a": 11234}}
    assert masker.data(data) == {"***": [("x ***", "***"), "***", 12.5, "***", False, None], 5: {"a": "***"}}


def test_a_short_secret_hides_the_number_it_is_and_no_other() -> None:
    masker = Masker(["1"])
    assert masker.data([1, 10, 21, "1"]) == ["***", 10, 21, "***"]


@given(SECRETS, TEXTS, st.lists(st.integers(0, 100), max_size=8))
@example(["ab", "abé"], "abéab", [1, 2, 3, 4])
def test_output_in_pieces_is_masked_as_the_whole(secrets: list[str], text: str, cuts: list[int]) -> None:
    masker = Masker(secrets)
    assert in_pieces(masker, text.encode(), cuts).decode() == masker.text(text)


@given(SECRETS, TEXTS)
def test_output_byte_by_byte_is_masked_as_the_whole(secrets: list[str], text: str) -> None:
    masker = Masker(secrets)
    assert in_pieces(masker, text.encode(), list(range(200))).decode() == masker.text(text)


@given(st.text(alphabet="abc*", min_size=4, max_size=8).filter(lambda s: "*" not in s), TEXTS, TEXTS)
def test_a_secret_never_shows(secret: str, before: str, after: str) -> None:
    assert secret not in Masker([secret]).text(before + secret + after)


@given(st.binary(max_size=60), st.lists(st.integers(0, 60), max_size=8))
def test_bytes_that_are_no_text_pass_unharmed(data: bytes, cuts: list[int]) -> None:
    assert in_pieces(Masker(["a secret that is not there"]), data, cuts) == data


def test_only_what_may_become_a_secret_is_held_back() -> None:
    stream = Masker(["hunter22"]).stream()
    assert stream.feed(b"password: ") == b"password: "
    assert stream.feed(b"hunt") == b""
    assert stream.feed(b"ing") == b"hunting"
    assert stream.feed(b"hunter22") == b"***"
    assert stream.feed(b" h") == b" "
    assert stream.flush() == b"h"


def test_a_short_secret_waits_for_the_end_of_its_word_only() -> None:
    stream = Masker(["abc"]).stream()
    assert stream.feed(b"abc") == b""
    assert stream.feed(b" ") == b"*** "
    assert stream.feed(b"xabc") == b"xabc"
    assert stream.feed(b" abc") == b" "
    assert stream.flush() == b"***"


def test_a_long_secret_shows_as_masked_although_a_longer_one_may_follow() -> None:
    stream = Masker(["abcdefgh", "ghijkl"]).stream()
    assert stream.feed(b"abcdefgh") == b"***"
    assert stream.feed(b"ijkl.") == b"."
    assert stream.feed(b"abcdefgh") == b"***"
    assert stream.feed(b"xy") == b"xy"


def test_masking_takes_time_in_proportion_to_the_output() -> None:
    masker = Masker([f"secret-{i}-{'x' * i}" for i in range(40)])
    chunk = b"an ordinary line of output, secret-but-not-quite\n" * 1300
    begun = time.perf_counter()
    stream = masker.stream()
    for _ in range(30):
        stream.feed(chunk)
    assert time.perf_counter() - begun < 5  # ten times what it takes; quadratic work takes minutes
