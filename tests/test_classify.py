"""The classifier: what it makes of any text, how fast, and what its rules are made of."""

from __future__ import annotations

import re
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stationkit import declare_distribution

from mityflow.healing.classify import classify, diagnoses
from mityflow.healing.needles import needles
from mityflow.healing.rulebook import CLASSES, KINDS, RANKS, Pattern, check_patterns, compiled, read_rules, rulebook
from mityflow.models.rules import Rank, RuleClass

ROOT = Path(__file__).parent.parent
PATTERNS = [pattern for rule in rulebook().rules for pattern in rule.patterns]
TRACE = "Traceback (most recent call last):\n"


@pytest.mark.slow
def test_the_page_of_its_accuracy_is_fresh_and_good_enough() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "docs" / "accuracy.py"), "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, "python docs/accuracy.py writes it"
    shares = dict(re.findall(r"^\| ([^|]+) \| \d+ of \d+ \(([\d.]+) %\)", done.stdout, re.MULTILINE))
    assert float(shares["all"]) >= 95
    assert float(shares["misleading on purpose"]) >= 95


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=2000))
def test_any_bytes_have_a_class(data: bytes) -> None:
    found = classify(data)
    assert found.error_type in CLASSES
    assert found.signature
    assert found.reason
    assert found == type(found).from_data(found.to_data())


WORDS = st.sampled_from(
    [
        *(
            "error: ",
            "Traceback (most recent call last):",
            "E   ",
            "● a",
            "[ERROR] ",
            "FAILED",
            "  1) x",
            "panicked at ",
        ),
        *(
            "'",
            "`",
            "(",
            "\t",
            "│ ",
            "\x1b[31m",
            "Caused by: ",
            "npm error ",
            "Cannot find module '",
            "No module named '",
        ),
        *("1 failing", "<<< ERROR!", "---- a stdout ----", "failures:"),
    ]
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(WORDS | st.text(max_size=12), max_size=6).map("".join), max_size=25))
def test_pieces_of_reports_have_a_class_however_they_are_put_together(lines: list[str]) -> None:
    assert classify("\n".join(lines)).error_type in CLASSES


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Error: connect ECONNREFUSED 127.0.0.1:5432", "Error: connect ECONNREFUSED 127.0.0.1:61133"),
        ("/home/a/x/m.py:3: error: Missing return  [return]", "/srv/b/m.py:77: error: Missing return  [return]"),
        ("2026-03-04T10:22:05Z ERROR Application run failed", "2027-01-14T01:02:03Z ERROR Application run failed"),
        ("OSError: [Errno 98] Address already in use: 8000", "OSError: [Errno 98] Address already in use: 41"),
    ],
)
def test_a_signature_stays_when_numbers_paths_and_times_change(before: str, after: str) -> None:
    first, second = classify(before), classify(after)
    assert first.error_type != "Unknown"
    assert first.signature == second.signature


def test_a_signature_tells_failures_apart() -> None:
    names = {classify(f"ModuleNotFoundError: No module named '{name}'").signature for name in ("httpx", "yaml")}
    assert len(names) == 2


MAVEN = "[INFO] ----\n[ERROR] COMPILATION ERROR : \n[INFO] ----\n{}\n[INFO] 1 error\n[INFO] BUILD FAILURE\n"


def test_faults_that_javac_finds_in_one_file_are_told_apart() -> None:
    place = "[ERROR] /home/a/shop/src/main/java/com/example/shop/Item.java:[9,2]"
    faults = [
        "';' expected",
        "cannot find symbol\n  symbol:   class Some",
        "cannot find symbol\n  symbol:   class Other",
    ]
    found = [classify(MAVEN.format(f"{place} {fault}"), stack="java-springboot") for fault in faults]
    assert len({one.signature for one in found}) == 3
    assert found[0].evidence[0] == f"{place} ';' expected"
    assert {(one.error_type, one.line) for one in found} == {("BuildError", 9)}


def test_a_warning_of_javac_is_the_cause_where_warnings_are_errors() -> None:
    place = "/home/a/shop/src/main/java/com/example/shop/Item.java"
    warning = f"[WARNING] {place}:[9,2] [rawtypes] found raw type: List"
    refused = MAVEN.format(f"[ERROR] {place}: warnings found and -Werror specified")
    found = classify(f"{warning}\n{refused}", stack="java-quarkus")
    assert (found.error_type, found.file, found.line, found.evidence[0]) == ("BuildError", place, 9, warning)
    other = classify(f"{warning}\n" + MAVEN.format(f"[ERROR] {place}:[30,1] ';' expected"), stack="java-quarkus")
    assert other.line == 30


def test_why_spring_did_not_start_comes_before_that_it_did_not() -> None:
    why = "Parameter 0 of constructor in com.example.Shop required a bean of type 'Clock' that could not be found."
    printed = f"***\nAPPLICATION FAILED TO START\n***\n\nDescription:\n\n{why}\n"
    assert classify(printed, stack="java-springboot").evidence[0] == why
    assert classify("APPLICATION FAILED TO START", stack="java-springboot").error_type == "RuntimeError"


@pytest.mark.parametrize(
    ("text", "exit_code", "expected"),
    [
        ("", 0, "Unknown"),
        ("", 137, "Unknown"),
        ("....\n....", 1, "Unknown"),
        ("ModuleNotFoundError: No module named 'httpx'", 1, "DependencyError"),
        ("$ uvicorn hr.main:api\nModuleNotFoundError: No module named 'hr.models'", 1, "BuildError"),
        # The host ended it, unless what had to be right first is known.
        ("RuntimeError: half way", 137, "Unknown"),
        ("ModuleNotFoundError: No module named 'httpx'", 143, "DependencyError"),
        ("Unhandled exception. System.InvalidOperationException: no", 134, "RuntimeError"),
        ("Aborted (core dumped)", 134, "Unknown"),
        # Escapes, carriage returns, other encodings.
        ("src/a.ts(1,2): \x1b[91merror\x1b[0m\x1b[90m TS2322: \x1b[0mno", 2, "BuildError"),
        ("10 %\r50 %\rError: listen EADDRINUSE :::80", 1, "PortInUse"),
    ],
)
def test_a_class_is_read(text: str, exit_code: int, expected: str) -> None:
    assert classify(text, exit_code=exit_code).error_type == expected
    assert classify(text.encode("utf-16"), exit_code=exit_code).error_type == expected
    assert classify(iter(text.splitlines(keepends=True)), exit_code=exit_code).error_type == expected


QUOTED = "E   AssertionError: assert 'a' == \"ModuleNotFoundError: No module named 'x'\"\n"
SURVIVED = "Error: connect ECONNREFUSED 127.0.0.1:1\nPort 5173 is in use, trying another one...\n"
UNSET = f"{TRACE}  File \"/x/app/a.py\", line 1, in <module>\nKeyError: 'API_TOKEN'"


@pytest.mark.parametrize(
    ("quoting", "raised", "expected"),
    [
        (QUOTED, "1 failed in 0.1s", "TestFailure"),
        (f"{SURVIVED}  Local:   http://localhost:5174/\n", "SyntaxError: Unexpected token '}'", "BuildError"),
        ("warning: unused import\n", "error[E0432]: unresolved import `crate::a`\n --> src/a.rs:1:2", "BuildError"),
        ("INFO started\n", UNSET, "ConfigError"),
    ],
)
def test_what_is_quoted_or_survived_is_no_cause(quoting: str, raised: str, expected: str) -> None:
    assert classify(quoting + raised, exit_code=1).error_type == expected


def test_what_else_was_wrong_is_told_after_the_root_cause() -> None:
    text = "sh: 1: vitest: not found\n src/a.ts(1,2): error TS2322: no\n1 failed\n"
    assert [d.error_type for d in diagnoses(text)] == ["DependencyError", "BuildError", "TestFailure"]


def test_named_parts_are_told() -> None:
    assert classify("sh: 1: vitest: not found").details == {"tool": "vitest"}
    found = classify(
        TRACE + "  File \"/x/shop/a.py\", line 7, in <module>\nModuleNotFoundError: No module named 'httpx'"
    )
    assert (found.details, found.file, found.line) == ({"module": "httpx"}, "/x/shop/a.py", 7)


# How fast.


def long_log(size: int) -> Iterator[str]:
    """Lines as services and tools print them, each of them different."""
    written = number = 0
    while written < size:
        number += 1
        line = (
            f"2026-03-04T10:00:{number % 60:02d}.000Z  INFO 71 --- [exec-{number}] a.b.C : error GET /v/{number}\n"
            if number % 3
            else f"npm warn deprecated rimraf@{number}: versions prior to {number} are no longer supported\n"
        )
        written += len(line)
        yield line
    yield "ModuleNotFoundError: No module named 'httpx'\n"


@pytest.mark.slow
def test_memory_does_not_grow_with_the_log() -> None:
    tracemalloc.start()
    try:
        found = classify(long_log(4_000_000))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found.error_type == "DependencyError"
    assert peak < 30_000_000


@pytest.mark.slow
def test_fifty_megabytes_are_read_in_a_few_seconds() -> None:
    text = "".join(long_log(50_000_000))
    begun = time.process_time()
    assert classify(text).error_type == "DependencyError"
    assert time.process_time() - begun < 8


HOSTILE = ["a", "A_", "é", " ", "(", "[", "'a' ", "a.b", "/a", "0:", "- ", "E ", "error ", "cannot load ", "config "]


@pytest.mark.parametrize("piece", HOSTILE)
def test_no_line_takes_long(piece: str) -> None:
    line = f"error: {piece * (1_000_000 // len(piece))}"
    begun = time.process_time()
    classify(line)
    classify([piece * 300 + str(i) for i in range(100)])
    assert time.process_time() - begun < 2


# The rules.


@pytest.mark.slow
@pytest.mark.parametrize("pattern", PATTERNS, ids=range(len(PATTERNS)))
def test_what_a_pattern_matches_holds_a_text_it_is_found_by(pattern: Pattern) -> None:
    @settings(max_examples=5, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.from_regex(compiled(pattern.text)))
    def holds(example: str) -> None:
        line = next((part for part in example.split("\n") if compiled(pattern.text).search(part)), None)
        assert line is None or any(needle in line.lower() for needle in pattern.needles)

    if pattern.needles:
        holds()


def test_few_patterns_are_tried_on_every_line() -> None:
    assert len([pattern for pattern in PATTERNS if not pattern.needles]) < 10


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("Port (?P<n>\\d+) is in use", {" is in use"}),
        ("[Cc]annot find", {"cannot find"}),
        ("ab|cd", set()),
        ("abc|def", {"abc", "def"}),
        ("(?:abc)?def", {"def"}),
        ("abcd*", {"abc"}),
        ("a{2,}bcd", {"bcd"}),
        ("(?!no)yes", {"yes"}),
        ("\\d+\\w", set()),
        ("a\\.b\\(c", {"a.b(c"}),
        ("[^']abc", {"abc"}),
        ("(broken", set()),
    ],
)
def test_needles(pattern: str, expected: set[str]) -> None:
    assert needles(pattern) == expected


def test_the_rules_that_come_with_mityflow_are_sound() -> None:
    rules = rulebook().rules
    check_patterns(rules, "mityflow")
    assert len({rule.id for rule in rules}) == len(rules)
    assert all(rule.reason for rule in rules)
    assert rulebook().faults == ()
    assert set(get_args(RuleClass)) == set(KINDS)
    assert set(get_args(Rank)) == set(RANKS)


def test_a_plugin_brings_rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good = "rules: [{id: quota, class: Unknown, rank: host, patterns: [licence quota]}]"
    for name, text in (("good", good), ("bad", "rules: [1]")):
        (tmp_path / f"acme_{name}").mkdir()
        (tmp_path / f"acme_{name}" / "acme.yaml").write_text(text)
        declare_distribution(monkeypatch, tmp_path, f"acme-{name}", {"mityflow.rules": {name: f"acme_{name}"}})
    rulebook.cache_clear()
    try:
        assert classify("the licence quota is used up\nError: x").rule == "quota"
        assert [fault.partition(":")[0] for fault in rulebook().faults] == ["acme.yaml, rule 1 is no rule"]
    finally:
        rulebook.cache_clear()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rules: [", "while parsing"),
        ("a: 1", "there is no list 'rules'"),
        ("rules: [{id: a, class: Nope, patterns: [x]}]", "r, rule 1: 'Nope' is no class"),
        ("rules: [{id: a, class: Unknown, rank: first, patterns: [x]}]", "'first' is no rank"),
        ("rules: [{id: a, class: Unknown, patterns: x}]", "'patterns' is no list of texts"),
        ("rules: [{id: a, class: Unknown}]", "r, rule 1 is no rule"),
    ],
)
def test_a_wrong_rule_is_named(text: str, message: str) -> None:
    from mityflow.errors import UsageError

    with pytest.raises(UsageError, match=re.escape(message)):
        read_rules(text, "r")
