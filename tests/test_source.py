"""Reading YAML: values, places, and every fault where it stands."""

from __future__ import annotations

import json
import math
import os
import re
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from mityflow.source import MAX_BYTES, MAX_LISTED, MAX_NODES, MAX_SHOWN, Node, Source, line_text, parse

FOLDER = Path(__file__).parent / "cases" / "source"


def read(text: str | bytes) -> Source:
    return parse(text if isinstance(text, bytes) else text.encode(), "f.yaml")


def root(text: str) -> Node:
    source = read(text)
    assert source.root is not None, source.faults
    return source.root


def data(text: str) -> Any:
    source = read(text)
    assert source.faults == []
    assert source.root is not None
    return source.root.data()


def rules(text: str | bytes) -> list[tuple[int, int, str]]:
    return [(fault.line, fault.column, fault.rule) for fault in read(text).faults]


@pytest.fixture(params=["C parser", "Python parser"])
def either_parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run a test with libyaml, and again as where PyYAML was built without it."""
    if request.param == "Python parser":
        monkeypatch.delattr(yaml, "CBaseLoader")


# Files as bytes


def test_a_file_is_read_with_and_without_a_last_line_end() -> None:
    assert data("a: 1\nb: x") == data("a: 1\nb: x\n") == {"a": 1, "b": "x"}


def test_a_byte_order_mark_is_skipped_and_shifts_no_column() -> None:
    source = read(b"\xef\xbb\xbfa: @\n")
    assert source.text == "a: @\n"
    assert rules(b"\xef\xbb\xbfa: @\n") == [(1, 4, "syntax")]


def test_windows_line_ends_count_as_one() -> None:
    node = root("a: 1\r\nb:\r\n  c: |\r\n    one\r\n    two\r\n")
    assert node.data() == {"a": 1, "b": {"c": "one\ntwo\n"}}
    assert node.key_place(["b", "c"]) == (3, 3)
    assert node.at(["b", "c"]).position(4) == (5, 5)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"])
def test_other_encodings_are_refused(encoding: str) -> None:
    assert rules("a: 1\n".encode(encoding)) == [(1, 1, "encoding")]


def test_a_byte_that_is_no_utf_8_is_named_where_it_stands() -> None:
    source = read("ok: ü\nname: Zoë\n".encode() + "name: Zoë\n".encode("latin-1"))
    (fault,) = source.faults
    assert (fault.line, fault.column, fault.rule) == (3, 9, "encoding")
    assert "0xEB" in fault.message
    assert source.root is None


def test_columns_count_characters() -> None:
    assert rules('"é😀": @\n') == [(1, 7, "syntax")]
    assert root("é: {😀: 1, b: 2}\n").key_place(["é", "b"]) == (1, 11)


def test_a_file_of_the_largest_size_is_read_and_one_byte_more_is_not() -> None:
    text = "a: " + "x" * (MAX_BYTES - 3)
    assert read(text).faults == []
    assert rules(text + "x") == [(1, 1, "size")]


# Every fault where it stands

FAULTS: dict[str, tuple[str, list[tuple[int, int, str]]]] = {
    "nothing": ("", [(1, 1, "empty")]),
    "blank lines": ("\n\n", [(1, 1, "empty")]),
    "only comments": ("# a\n  # b", [(1, 1, "empty")]),
    "only a document start": ("---\n", [(1, 1, "empty")]),
    "null": ("null\n", [(1, 1, "empty")]),
    "control character": ("a: x\x07y\nb: 1\n", [(1, 5, "character")]),
    "NUL": ("a: 1\nb: \0\n", [(2, 4, "character")]),
    "next line": ("# a\x85b\nc: 1\n", [(1, 4, "character")]),
    "line separator": ("a: 1 # \u2028\n", [(1, 8, "character")]),
    "byte order mark inside": ("a: 1\n\ufeffb: 2\n", [(2, 1, "character")]),
    "noncharacter": ('a: "\uffff"\n', [(1, 5, "character")]),
    "unknown directive": ("%FOO bar\n---\na: 1\n", [(1, 1, "directive")]),
    "tag directive": ("# x\n\n%TAG ! tag:x,2000:\n---\na: 1\n", [(3, 1, "directive")]),
    "later version": ("%YAML 1.3\n---\na: 1\n", [(1, 1, "directive")]),
    "two bad directives": ("%A\n%YAML 1.2 # fine\n%B\n---\na: 1\n", [(1, 1, "directive"), (3, 1, "directive")]),
    "second document": ("---\na: 1\n---\nb: 1\n", [(3, 1, "multiple-documents")]),
    "text after the end of the document": ("a: 1\n...\nb: 1\n", [(3, 1, "syntax")]),
    "duplicate key": ("a: 1\nb: 2\na: 3\n", [(3, 1, "duplicate-key")]),
    "duplicate keys of two spellings": (
        "{a: 1, 'b': 2, \"a\": 3, b: 4}",
        [(1, 16, "duplicate-key"), (1, 24, "duplicate-key")],
    ),
    "key three times": ("a: 1\na: 2\na: 3\n", [(2, 1, "duplicate-key"), (3, 1, "duplicate-key")]),
    "two merges": ("a: &a {x: 1}\nb:\n  <<: *a\n  <<: *a\n", [(4, 3, "duplicate-key")]),
    "on as a key": ("on: push\n", [(1, 1, "yaml-1.1-boolean")]),
    "booleans as keys": (
        "Yes: 1\nNO: 2\noff: 3\ny: 4\nN: 5\n",
        [(line, 1, "yaml-1.1-boolean") for line in range(1, 6)],
    ),
    "true as a key": ("true: 1\n", [(1, 1, "non-string-key")]),
    "number as a key": ("a:\n  8080: 1\n  1.5: 2\n", [(2, 3, "non-string-key"), (3, 3, "non-string-key")]),
    "null as a key": ("~: 1\n", [(1, 1, "non-string-key")]),
    "no key": ("a: 1\n: 2\n", [(2, 1, "syntax")]),
    "no key in braces": ("{a: 1, : 2}\n", [(1, 8, "syntax")]),
    "empty key": ("?\n: 1\n", [(1, 2, "non-string-key")]),
    "date as a key": ("2024-01-01: 1\n", [(1, 1, "non-string-key")]),
    "octal as a key": ("0b1: 1\n", [(1, 1, "non-string-key")]),
    "huge number as a key": ("9" * 600 + ": 1\n", [(1, 1, "non-string-key")]),
    "sequence as a key": ("? [a]\n: 1\n", [(1, 3, "non-string-key")]),
    "mapping as a key": ("? {a: {1: 2}}\n: {2: 3}\n", [(1, 3, "non-string-key"), (2, 4, "non-string-key")]),
    "alias of a list as a key": ("a: &a [1]\n*a : 2\n", [(2, 1, "non-string-key")]),
    "tag": ("a: !foo 1\n", [(1, 4, "tag")]),
    "standard tag": ("a: !!str 1\nb: !!python/object:os.system {}\n", [(1, 4, "tag"), (2, 4, "tag")]),
    "verbatim tag": ("- !<tag:x,y> a\n", [(1, 3, "tag")]),
    "non-specific tag": ("a: ! 1\n", [(1, 4, "tag")]),
    "tag after an anchor": ("a: &x !foo [1]\nb: !foo &y\n  c: 1\n", [(1, 7, "tag"), (2, 4, "tag")]),
    "tag of a key": ("!foo a: 1\n", [(1, 1, "tag")]),
    "unknown alias": ("a: *b\n", [(1, 4, "unknown-alias")]),
    "alias before its anchor": ("a: *b\nc: &b 1\n", [(1, 4, "unknown-alias")]),
    "unknown alias as a key": ("*b : 1\n", [(1, 1, "unknown-alias")]),
    "recursive alias": ("a: &a\n  b: [*a]\n", [(2, 7, "recursive-alias")]),
    "recursive merge": ("a: &a\n  <<: *a\n", [(2, 7, "recursive-alias")]),
    "merge of text": ("a:\n  <<: b\n", [(2, 7, "merge")]),
    "merge of nothing": ("<<:\n", [(1, 4, "merge")]),
    "merge of a list with more": ("x: &x {a: 1}\nz:\n  <<: [*x, 1, [2]]\n", [(3, 12, "merge"), (3, 15, "merge")]),
    "merge of an unknown alias": ("a:\n  <<: [*x]\n", [(2, 8, "unknown-alias")]),
    "integer of 501 digits": ("a: " + "9" * 501, [(1, 4, "number")]),
    "float beyond all": ("a: 1e999\n", [(1, 4, "number")]),
    "101 levels": ("[" * 101 + "]" * 101, [(1, 101, "too-deep")]),
    "101 levels through an alias": (
        "- &a " + "[" * 60 + "]" * 60 + "\n- " + "[" * 40 + "*a" + "]" * 40,
        [(2, 43, "too-deep")],
    ),
    "tab as indentation": ("a:\n\tb: 1\n", [(2, 1, "syntax")]),
    "no space after a colon": ("a: 1\nb:2\nc: 3\n", [(2, 2, "syntax")]),
    "no space after the first colon": ("a:1\nb: 2\n", [(1, 2, "syntax")]),
    "no space after a dash": ("- a\n-b\n", [(2, 1, "syntax")]),
    "colon in a value": ("a: b: c\n", [(1, 5, "syntax")]),
    "quote never closed": ("a: 1\nb: 'x\nc: 2\n", [(2, 4, "syntax")]),
    "quote closed too late": ('a: "x\nb: "y"\n', [(1, 4, "syntax")]),
    "quote inside quotes": ("a: 'it's'\n", [(1, 8, "syntax")]),
    "bracket never closed": ("a: [b, c\nd: 1\n", [(1, 4, "syntax")]),
    "bracket never closed at the end": ("a: {b: [c", [(1, 8, "syntax")]),
    "wrong bracket": ("a: [b}\n", [(1, 6, "syntax")]),
    "stray bracket": ("a: [b]]\n", [(1, 7, "syntax")]),
    "no comma": ('a: ["b" "c"]\n', [(1, 9, "syntax")]),
    "no comma in JSON": ('{\n  "a": 1\n  "b": 2\n}\n', [(1, 1, "syntax")]),
    "indented too much": ("a: 1\n  b: 2\n", [(2, 3, "syntax")]),
    "indented too little": ("a:\n    b: 1\n  c: 2\n", [(3, 3, "syntax")]),
    "list item among keys": ("a: 1\n- b\n", [(2, 1, "syntax")]),
    "key among list items": ("- a\nb: 1\n", [(2, 1, "syntax")]),
    "list on the line of its key": ("a: - b\n", [(1, 4, "syntax")]),
    "line without a colon": ("a: 1\nhello\nb: 2\n", [(2, 1, "syntax")]),
    "braces": ("a: {{ x }}\nb: [{{ y }}, z]\n", [(1, 4, "syntax"), (2, 5, "syntax")]),
    "braces with text": ("a: {{ x }}-{{ y }}\n", [(1, 4, "syntax")]),
    "braces with an index": ("a: {{ x['y'] }}\n", [(1, 4, "syntax")]),
    "braces with what nothing begins with": ("a: {{ @ }}\n", [(1, 4, "syntax")]),
    "braces as a key": ("{{ x }}: 1\n", [(1, 1, "syntax")]),
    "percent": ("a: {% if %}\n", [(1, 4, "syntax")]),
    "at sign": ("a: @b\n", [(1, 4, "syntax")]),
    "backtick": ("- `b`\n", [(1, 3, "syntax")]),
    "asterisk": ("a: *.py\n", [(1, 4, "syntax")]),
    "ampersand": ("a: && b\n", [(1, 4, "syntax")]),
    "exclamation marks": ("a: !!\n", [(1, 4, "syntax")]),
    "exclamation mark and a percent sign": ("a: !50%\n", [(1, 4, "syntax")]),
    "undefined tag handle": ("a: !b!c d\n", [(1, 4, "syntax")]),
    "first line without a colon": ("hello\n\nb: 2\n", [(1, 1, "syntax")]),
    "no space after a colon above a comment": ("a:1\n# note\nb: 2\n", [(1, 2, "syntax")]),
    "no space after a colon above a blank line": ("x: 1\n\na:1\n\nb: 2\n", [(3, 2, "syntax")]),
    "long line without a colon": ("a: 1\n" + "k" * 1100 + "\nb: 2\n", [(2, 1, "syntax")]),
    "no comma after text": ("[b 'c', 'd' e]\n", [(1, 13, "syntax")]),
    "no comma after a list": ("[[b] c]\n", [(1, 6, "syntax")]),
    "two colons": ("{a: : 2}\n", [(1, 5, "syntax")]),
    "two anchors": ("a: &a &b c\n", [(1, 7, "syntax")]),
    "directive given twice": ("%YAML 1.2\n%YAML 1.2\n---\na: 1\n", [(2, 1, "syntax")]),
    "question mark": ("a: ? b\n", [(1, 4, "syntax")]),
    "percent sign at the start of a late line": ("a: 1\n%b c\n", [(2, 1, "syntax")]),
    "bar": ("a: | b\n", [(1, 4, "syntax")]),
    "unindented block": ("a: |\nb\nc: 1\n", [(2, 1, "syntax")]),
    "backslash": ('a: "C:\\dir"\n', [(1, 7, "syntax")]),
    "backslash and too few digits": ('a: "C:\\Users"\n', [(1, 7, "syntax")]),
    "comma first": ("a: [, b]\n", [(1, 5, "syntax")]),
    "long key": ("k" * 1100 + ": 1\n", [(1, 1, "syntax")]),
    "long key in braces": ('{"' + "k" * 1100 + '": 1}\n', [(1, 1104, "syntax")]),
    "text after the document": ('{"a": 1} // b\n', [(1, 10, "syntax")]),
    "directive without a document start": ("%YAML 1.2\na: 1\n", [(1, 1, "syntax")]),
    "faults before a syntax fault": (
        "a: !t 1\na: 2\nb: @\n",
        [(1, 4, "tag"), (2, 1, "duplicate-key"), (3, 4, "syntax")],
    ),
}


@pytest.mark.usefixtures("either_parser")
@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_stands_where_its_cause_is(name: str) -> None:
    text, expected = FAULTS[name]
    assert rules(text) == expected


@pytest.mark.skipif(not yaml.__with_libyaml__, reason="PyYAML's own parser takes it for a key")
def test_a_colon_at_the_end_of_a_word_in_brackets_is_a_fault() -> None:
    assert rules("[b:]\n") == [(1, 3, "syntax")]


@pytest.mark.parametrize("case", sorted(FOLDER.glob("*.yaml")), ids=lambda path: path.stem)
def test_the_message_of_a_fault_reads_as_agreed(case: Path) -> None:
    """``UPDATE_GOLDEN=1`` writes what is expected anew."""
    text = "".join(f"{fault}\n" for fault in parse(case.read_bytes(), case.name).faults)
    expected = case.with_suffix(".expected")
    if os.environ.get("UPDATE_GOLDEN"):
        expected.write_text(text, encoding="utf-8")
    assert text
    assert text == expected.read_text(encoding="utf-8")


@pytest.mark.usefixtures("either_parser")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("---\na: 1\n...\n", {"a": 1}),
        ("%YAML 1.1\n---\na: 1\n", {"a": 1}),
        ("# note\n%YAML 1.2 # note\n---\na: 1\n", {"a": 1}),
        ('"on": 1\n\'8080\': 2\n"": 3\n', {"on": 1, "8080": 2, "": 3}),
        ("? a\n: 1\n", {"a": 1}),
        ("&k a: 1\nb: *k\n", {"a": 1, "b": "a"}),
        ("a: &k b\n*k : 1\n", {"a": "b", "b": 1}),
        ("- &a 1\n- *a\n- &a 2\n- *a\n", [1, 1, 2, 2]),
        ("a: &x\nb: *x\n", {"a": None, "b": None}),
        ("[" * 100 + "]" * 100, json.loads("[" * 100 + "]" * 100)),
        ('{"a": [1, 2.5, true, null], "b": "\\u00e9\\/"}', {"a": [1, 2.5, True, None], "b": "é/"}),
        ("- \"\\ud83d\\ude00\"\n- \\ud83d\\uDE00\n- '\\uD83D\\ude00'\n", ["😀", "\\ud83d\\uDE00", "\\uD83D\\ude00"]),
        ("a: {}\nb: []\nc: ''\nd:\n", {"a": {}, "b": [], "c": "", "d": None}),
        ("a: >-\n  one\n  two\n\n  three\n", {"a": "one two\nthree"}),
    ],
)
def test_what_is_allowed_is_read(text: str, expected: Any) -> None:
    assert data(text) == expected


def test_a_fault_names_the_place_of_a_first_key_and_shows_its_line() -> None:
    (fault,) = read("a:\n  name: 1\n  name: 2\n").faults
    assert fault.message == "duplicate key 'name'; it stands first in line 2, column 3"
    assert fault.source == "  name: 2"


@pytest.mark.usefixtures("either_parser")
@pytest.mark.parametrize("text", ['"\\UFFFFFFFF"', '"\\U00110000"', "!%ED%A0%80 a"])
def test_an_escape_of_what_is_no_character_is_refused(text: str) -> None:
    assert [rule for *_, rule in rules(f"- {text}\n")] == ["syntax"]


@pytest.mark.usefixtures("either_parser")
@pytest.mark.parametrize("escape", ["\\udc00", "\\ud83d", "\\\\ud83d\\ude00"])
def test_half_of_a_character_is_refused(escape: str) -> None:
    (fault,) = read(f'- "{escape}"\n').faults
    assert (fault.rule, fault.line) == ("syntax", 1)
    assert "half of a character" in fault.message


def test_the_first_of_two_equal_keys_is_kept() -> None:
    assert root("a: 1\na: 2\n").data() == {"a": 1}


def test_an_unknown_alias_suggests_an_anchor() -> None:
    (fault,) = read("a: &defaults 1\nb: *default\n").faults
    assert fault.suggestion == "defaults"


def test_an_unquoted_expression_is_kept_as_the_text_it_was_meant_to_be() -> None:
    node = root("a: {{ x | default('b') }}\n").at(["a"])
    assert (node.kind, node.value) == ("scalar", "{{ x | default('b') }}")


def test_a_message_holds_no_control_characters() -> None:
    (fault,) = read('"\\e[31m": 1\n"\\e[31m": 2\n').faults
    assert "\x1b" not in str(fault)


def test_of_many_faults_of_one_rule_the_first_are_listed_and_the_others_counted() -> None:
    faults = read("a: 1\n" * 200 + "on: 1\n").faults
    assert [fault.rule for fault in faults].count("duplicate-key") == MAX_LISTED
    (more,) = [fault for fault in faults if fault.rule == "too-many-faults"]
    assert (more.line, more.message) == (52, "149 more [duplicate-key] from here on")
    assert faults[-1].rule == "yaml-1.1-boolean"


def test_of_many_forbidden_characters_the_first_are_listed_and_the_others_counted() -> None:
    faults = read("a: " + "\x01" * 60).faults
    assert len(faults) == MAX_LISTED + 1
    assert (faults[-1].column, faults[-1].message) == (54, "10 more [character] from here on")


def test_faults_come_in_the_order_of_their_places() -> None:
    faults = read("a: 1\na: !t 2\nb: \x01\non: *x\n").faults
    assert [fault.rule for fault in faults] == [
        "duplicate-key",
        "tag",
        "character",
        "yaml-1.1-boolean",
        "unknown-alias",
    ]


# Scalars

NAN = float("nan")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("null", None), ("~", None), ("Null", None), ("true", True), ("FALSE", False), ("tRUE", "tRUE"),
        ("0", 0), ("-0", 0), ("12", 12), ("+12", 12), ("007", 7), ("0x1F", 31), ("0x", "0x"),
        ("1.5", 1.5), ("-.5", -0.5), ("1.", 1.0), ("1.5e+3", 1500.0), (".", "."), ("1.2.3", "1.2.3"),
        (".inf", math.inf), ("-.INF", -math.inf), ("-.nan", "-.nan"),
        ("8080:80", "8080:80"), ("08:30", "08:30"), ("-", "-"), ("--x", "--x"), ("1²", "1²"), ("١", "١"),
        ("yesterday", "yesterday"), ("1_" * 400, "1_" * 400), ("2024-1-1", "2024-1-1"),
    ],
)  # fmt: skip
def test_a_plain_scalar_is_read_by_the_core_schema(text: str, value: Any) -> None:
    node = root(f"[{text}]" if text != "-" else "- '-'").at([0])
    assert (node.value, type(node.value)) == (value, type(value))
    assert node.ambiguous is None
    assert node.raw == text


def test_nan_is_a_number() -> None:
    assert math.isnan(root("a: .NaN").at(["a"]).value)


@pytest.mark.parametrize(
    ("text", "value", "old", "new"),
    [
        ("yes", "yes", "true", "text"), ("Off", "Off", "false", "text"), ("y", "y", "true", "text"),
        ("N", "N", "false", "text"), ("010", 10, "8", "10"), ("-010", -10, "-8", "-10"), ("08", 8, "text", "8"),
        ("0b101", "0b101", "5", "text"), ("-0x1F", "-0x1F", "-31", "text"), ("1_000", "1_000", "1000", "text"),
        ("0.1_5", "0.1_5", "0.15", "text"), ("1:30", "1:30", "90", "text"), ("-1:30", "-1:30", "-90", "text"),
        ("1:30.5", "1:30.5", "a number in base 60", "text"), ("2024-01-01", "2024-01-01", "a date", "text"),
        ("2024-01-01T10:00:00Z", "2024-01-01T10:00:00Z", "a date", "text"), ("0o10", 8, "text", "8"),
        ("1e3", 1000.0, "text", "1000.0"), ("=", "=", "a special word", "text"),
    ],
)  # fmt: skip
def test_what_two_versions_of_yaml_read_differently_is_marked(text: str, value: Any, old: str, new: str) -> None:
    node = root(f"a: {text}\n").at(["a"])
    assert node.value == value
    assert node.ambiguous == f"YAML 1.1 reads this as {old}, YAML 1.2 as {new}; put it in quotes"


@pytest.mark.parametrize("text", ["1.10", "1.0", "007", "+1", "0x1F", "1e3", "TRUE", "~"])
def test_a_scalar_keeps_its_text_as_it_was_written(text: str) -> None:
    assert root(f"a: {text} # note\n").at(["a"]).raw == text


def test_quoted_and_block_scalars_are_text() -> None:
    node = root("a: 'yes'\nb: \"010\"\nc: |-\n  1\nd: >-\n  null\ne: x\n")
    assert [(n.value, n.style, n.ambiguous) for n in node.value.values()] == [
        ("yes", "single", None),
        ("010", "double", None),
        ("1", "literal", None),
        ("null", "folded", None),
        ("x", "plain", None),
    ]


# Nodes

TREE = """\
first: 1
list:
  - a
  - name: &b "b"
    more: [1, {x: y}]
empty:
"""


def test_places_are_those_of_values_and_keys() -> None:
    node = root(TREE)
    assert (node.line, node.column) == (1, 1)
    assert node.keys == {"first": (1, 1), "list": (2, 1), "empty": (6, 1)}
    assert node.place_of(["list"]) == (3, 3)
    assert node.place_of(["list", 1]) == (4, 5)
    assert node.place_of(["list", 1, "name"]) == (4, 14)
    assert node.key_place(["list", 1, "name"]) == (4, 5)
    assert node.place_of(["list", 1, "more", 1, "x"]) == (5, 19)
    assert node.key_place(["list", 1, "more", 1]) == (5, 15)


def test_a_path_is_followed_as_far_as_it_exists() -> None:
    node = root(TREE)
    assert node.at([]) is node
    assert node.at(["list", 5, "x"]) is node.at(["list"])
    assert node.at(["list", -1]) is node.at(["list"])
    assert node.at(["first", "x", 0]) is node.at(["first"])
    assert node.key_place(["list", 1, "missing"]) == (4, 5)
    assert node.key_place(["missing", "first"]) == (1, 1)
    assert node.place_of(["empty", "x"]).line == 6


def test_an_alias_has_the_place_of_what_it_refers_to_and_data_of_its_own() -> None:
    node = root("a: &a [1]\nb: *a\n")
    assert node.place_of(["b", 0]) == (1, 8)
    values = node.data()
    values["a"].append(2)
    assert values == {"a": [1, 2], "b": [1]}


def test_a_merge_gives_way_to_own_keys_and_to_earlier_merges() -> None:
    text = "x: &x {a: 1, b: 1}\nv: &v {b: 2, c: 2}\nz:\n  <<: [*x, *v]\n  a: 3\n  '<<': text\n"
    node = root(text)
    assert node.at(["z"]).data() == {"a": 3, "b": 1, "c": 2, "<<": "text"}
    assert node.key_place(["z", "a"]) == (5, 3)
    assert node.key_place(["z", "b"]) == (1, 14)
    assert node.key_place(["z", "c"]) == (2, 14)


def test_merges_of_merges_and_of_mappings_in_place_are_read() -> None:
    assert data("x: &x {a: 1}\nv: &v {<<: *x, b: 2}\nz: {<<: *v}\nw:\n  <<: {c: 3}\n") == {
        "x": {"a": 1},
        "v": {"a": 1, "b": 2},
        "z": {"a": 1, "b": 2},
        "w": {"c": 3},
    }


def test_a_line_is_shown_without_its_end_and_cut_when_long() -> None:
    source = read("a: 1\r\nb: " + "x" * 20_000 + "\n")
    assert line_text(source, 1) == "a: 1"
    assert len(line_text(source, 2)) == MAX_SHOWN
    assert line_text(source, 3) == line_text(source, 0) == line_text(source, 99) == ""


# Positions inside of a scalar


def shown_at(text: str, place: tuple[int, int]) -> str:
    lines = re.split("\r\n|\n|\r", text)
    return lines[place[0] - 1][place[1] - 1 :][:1]


@pytest.mark.parametrize(
    ("text", "part", "place"),
    [
        ("a: x {{ y }}\n", "y", (1, 9)),
        ("a: 'x {{ y }}'\n", "y", (1, 10)),
        ('- &z "x {{ y }}"\n', "y", (1, 12)),
        ("a: 'it''s {{ y }}'\n", "y", (1, 14)),
        ('a: "{{ y }}\\n"\n', "y", (1, 8)),
        ('a: "\\t{{ y }}"\n', "y", (1, 4)),
        ("a: one\n  two\n\n  {{ y }}\n", "y", (4, 6)),
        ('a: "one\n  {{ y }}"\n', "y", (2, 6)),
        ("a: 'one''\n  {{ y }}'\n", "y", (2, 6)),
        ("a: |\n  one\n\n    {{ y }}\n", "y", (4, 8)),
        ("a: |2-  # note\n    {{ y }}\n", "y", (2, 8)),
        ("a:\n- |+\n one\n {{ y }}\n\n", "y", (4, 5)),
        ("a: |\n\n\n  {{ y }}", "y", (4, 6)),
        ("a: |\r\n  one\r\n  {{ y }}\r\n", "y", (3, 6)),
        ("a: >\n  one\n  two\n\n    three\n  {{ y }}\n", "y", (6, 6)),
        ("a: >-\n  one {{\n  y }}\n", "y", (3, 3)),
    ],
)
def test_a_character_of_a_value_is_found_in_the_file(text: str, part: str, place: tuple[int, int]) -> None:
    node = next(n for n in walk(root(text)) if isinstance(n.value, str) and part in n.value)
    assert node.position(node.value.index(part)) == place


@pytest.mark.parametrize("text", ["a: |\n", "a: ''\n", "a: 10\n", "a: []\n", "a: |\n\n"])
@pytest.mark.parametrize("offset", [-1, 0, 5])
def test_a_position_outside_of_a_value_is_still_a_place(text: str, offset: int) -> None:
    assert root(text).at(["a"]).position(offset) >= (1, 4)


def walk(node: Node) -> list[Node]:
    children: list[Node] = []
    if node.kind == "mapping":
        children = list(node.value.values())
    elif node.kind == "sequence":
        children = node.value
    return [node, *(found for child in children for found in walk(child))]


words = st.text(alphabet="abcxyzé😀{}|_.", min_size=1, max_size=6).filter(lambda word: word[0] in "abcxyz")
word_lines = st.lists(words, min_size=1, max_size=4).map(" ".join)


@given(word_lines, st.sampled_from(["", "'", '"']))
def test_each_character_of_a_text_of_one_line_is_found(value: str, quote: str) -> None:
    text = f"a:\n  - &n {quote}{value}{quote} # note\n"
    node = root(text).at(["a", 0])
    assert node.value == value
    assert [shown_at(text, node.position(i)) for i in range(len(value))] == list(value)


@given(
    st.lists(st.tuples(st.integers(0, 3), word_lines | st.just("")), min_size=1, max_size=6),
    st.integers(1, 5),
    st.sampled_from(["", "-", "+"]),
    st.sampled_from(["\n", "\r\n"]),
)
def test_each_character_of_a_literal_block_is_found(
    content: list[tuple[int, str]], indentation: int, chomping: str, line_end: str
) -> None:
    lines = ["first", *(" " * more + line for more, line in content)]
    text = line_end.join([f"k: |{chomping}", *(" " * indentation + line for line in lines), "z: 1", ""])
    node = root(text).at(["k"])
    for i, character in enumerate(node.value):
        if character != "\n":
            assert shown_at(text, node.position(i)) == character


@given(st.lists(word_lines | st.just(""), min_size=1, max_size=6), st.sampled_from([">", ">-", "", "'", '"']))
def test_each_character_of_a_folded_text_is_found(content: list[str], style: str) -> None:
    lines = ["first", *content, "last"]
    if style.startswith(">"):
        text = "\n".join([f"k: {style}", *(f"  {line}" for line in lines)])
    else:
        text = f"k: {style}" + "\n   ".join(lines) + f"{style}\n"
    node = root(text).at(["k"])
    for i, character in enumerate(node.value):
        if not character.isspace():
            assert shown_at(text, node.position(i)) == character


# Whatever is written

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
texts = st.text(alphabet=st.characters(exclude_categories=["Cs", "Co"], exclude_characters="\x7f"), max_size=20)


def json_like(text: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    return st.recursive(
        scalars | text,
        lambda children: st.lists(children, max_size=4) | st.dictionaries(text, children, max_size=4),
        max_leaves=12,
    ).filter(lambda value: value is not None)


@given(json_like(texts), st.sampled_from([None, 2]))
def test_json_is_read_as_it_was_written(value: Any, indent: int | None) -> None:
    assert data(json.dumps(value, indent=indent)) == value


def is_read_alike(text: str) -> bool:
    """Whether it is text without quotes for YAML 1.2 whenever it is for the writer, which knows 1.1 alone."""
    return not re.match(r"[-+.0-9]", text)


@given(json_like(texts.filter(is_read_alike)), st.sampled_from([None, False, True]))
def test_yaml_is_read_as_it_was_written(value: Any, flow_style: bool | None) -> None:
    assert root(yaml.safe_dump(value, default_flow_style=flow_style)).data() == value


def test_shared_values_are_written_and_read_as_aliases() -> None:
    shared = {"x": [1, 2]}
    text = yaml.safe_dump([shared, shared, [shared]])
    assert "*id001" in text
    assert data(text) == [shared, shared, [shared]]


def check_any(source: Source) -> None:
    """What holds for every file: a tree or a fault, places inside the text, faults that can be shown."""
    assert source.root is not None or source.faults
    last = len(re.split("\r\n|\n|\r", source.text))
    for fault in source.faults:
        assert 1 <= fault.line <= last
        assert 1 <= fault.column <= len(source.lines.line(fault.line)) + 1
        assert "\n" not in fault.message
        assert fault.rule in str(fault)
    for node in walk(source.root) if source.root else []:
        assert 1 <= node.line <= last
        assert all(place >= (1, 1) for place in node.keys.values())
        if isinstance(node.value, str):
            assert node.position(len(node.value) // 2) >= (1, 1)


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(some: bytes) -> None:
    check_any(read(some))


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(some: str) -> None:
    check_any(read(some.encode("utf-8", "surrogatepass")))


SAMPLE = """\
version: 1
base: &base {command: [ruff, "check {{ x }}"], when: 'a''b'}
stations:
  - station: shell   # note
    <<: *base
    script: |
      echo "{{ y }}"
        more
  - text: >-
      folded
      text
    name: "tab\\tand \\ud83d\\ude00"
"""
edits = st.lists(
    st.tuples(
        st.integers(0, len(SAMPLE)),
        st.integers(0, 3),
        st.text(alphabet=list("a:-?!&*{}[]'\"|>%@`#,~ \t\r\n\\ud8é😀\0\ufeff"), max_size=3)
        | st.sampled_from(
            ["\n---\n", "\n...\n", "{{ ", "<<: ", "- ", ": ", "*base", "&base ", "!!str ", "\\U", "%YAML 1.2\n"]
        ),
    ),
    max_size=4,
)


def edited(changes: list[tuple[int, int, str]]) -> str:
    text = SAMPLE
    for at, removed, inserted in changes:
        text = text[:at] + inserted + text[at + removed :]
    return text


@settings(max_examples=300, deadline=2000)
@given(edits)
def test_a_file_with_slips_is_read_or_refused(changes: list[tuple[int, int, str]]) -> None:
    check_any(read(edited(changes)))


@settings(max_examples=100, deadline=2000)
@given(edits)
def test_a_file_with_slips_is_read_or_refused_without_the_c_parser(changes: list[tuple[int, int, str]]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.delattr(yaml, "CBaseLoader")
        check_any(read(edited(changes)))


# Hostile files

BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 50)
)
MERGE_BOMB = "a0: &a0 {x: 1}\n" + "".join(
    f"a{i}: &a{i} {{<<: [{', '.join([f'*a{i - 1}'] * 9)}], y{i}: 1}}\n" for i in range(1, 50)
)
HOSTILE: dict[str, tuple[str, str | None]] = {
    "brackets": ("[" * MAX_BYTES, "too-deep"),
    "braces": ("{a: " * 100_000, "too-deep"),
    "dashes": ("- " * 100_000, "too-deep"),
    "question marks": ("? " * 100_000, "too-deep"),
    "alias bomb": (BOMB, "too-many-nodes"),
    "merge bomb": (MERGE_BOMB, "too-many-nodes"),
    "chain of aliases": ("- &a0 [x]\n" + "".join(f"- &a{i} [*a{i - 1}]\n" for i in range(1, 50_000)), "too-deep"),
    "many items": ("- \n" * (MAX_BYTES // 3), "too-many-nodes"),
    "many keys at once": ("a: 1\n" * (MAX_BYTES // 5), "duplicate-key"),
    "many unknown aliases": ("- &a x\n- *b\n" * 40_000, "unknown-alias"),
    "many tags": ("!t " * (MAX_BYTES // 3), "tag"),
    "many directives": ("%x\n" * (MAX_BYTES // 3), "directive"),
    "many line ends": ("\n" * MAX_BYTES, "empty"),
    "many control characters": ("a\x01" * (MAX_BYTES // 2), "character"),
    "long number": ("9" * MAX_BYTES, "number"),
    "long line": ("a: " + "x" * (MAX_BYTES - 3), None),
    "long quoted text": ("'" + "a b\n" * (MAX_BYTES // 4 - 1) + "'", None),
    "long open quote": ("a: '" + "\n" * (MAX_BYTES - 4), "syntax"),
    "long list in a line": ("[" + "ab, " * (MAX_NODES - 1) + "]", None),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_dealt_with_in_bounded_time(name: str) -> None:
    text, rule = HOSTILE[name]
    before = time.process_time()
    source = read(text)
    assert time.process_time() - before < 3
    assert (rule is None) == (source.faults == [])
    assert rule is None or rule in {fault.rule for fault in source.faults}
    assert len(source.faults) <= 3 * (MAX_LISTED + 1)


def test_an_alias_bomb_is_refused_within_milliseconds() -> None:
    read(BOMB)
    before = time.process_time()
    read(BOMB)
    assert time.process_time() - before < 0.1


def test_the_limit_of_values_counts_each_use_of_an_alias() -> None:
    item = "- &a [" + "x, " * 998 + "x]\n"  # 1,000 values with the list itself
    assert read(item + "- *a\n" * 98 + "- [" + "y, " * 997 + "y]\n").faults == []
    assert rules(item + "- *a\n" * 99) == [(100, 3, "too-many-nodes")]


def test_fifty_thousand_values_are_read_within_seconds() -> None:
    call = '  - station: shell\n    id: s{0}\n    with: {{command: [echo, "a {0}", x]}}\n    timeout: 10\n'
    text = "stations:\n" + "".join(call.format(i) for i in range(5_600))
    before = time.process_time()
    node = root(text)
    assert len(node.data()["stations"]) == 5_600
    assert time.process_time() - before < 3
