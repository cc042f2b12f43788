"""Policy files: read with their defaults, and every fault of a wrong one told at its place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mityflow import StationRegistry
from mityflow.errors import FaultsError, UsageError
from mityflow.filekind import check_any_file, kind_of
from mityflow.policyfile import check_policies
from mityflow.sdk import read_policies

Write = Callable[[str, str], Path]
EXAMPLES = sorted((Path(__file__).parent.parent / "examples" / "policies").glob("*.yaml"))

HEAD = "version: 1\npolicies:\n"
GOOD = HEAD + (
    "  - id: readme\n    description: A readme.\n    severity: low\n    when: stack == 'rust-api'\n"
    "    file_exists: {paths: [README.md]}\n"
    "  - id: checked\n    description: It is checked.\n    command: {run: [make, check]}\n"
)


def faults(text: str) -> list[tuple[int, int, str, str]]:
    return [(f.line, f.column, f.rule, f.message) for f in check_policies(text.encode(), "p.yaml")]


def policy(check: str) -> str:
    return HEAD + f"  - id: p\n    description: A policy.\n    {check}\n"


def test_policies_are_read_with_the_defaults_of_their_checks(write: Write) -> None:
    first, second = read_policies(write("p.yaml", GOOD))
    assert (first.id, first.severity, first.check, first.settings) == (
        "readme", "low", "file_exists", {"paths": ["README.md"]},
    )  # fmt: skip
    assert second.severity == "high"
    assert second.settings == {"run": ["make", "check"], "exit_code": 0, "timeout": "1m"}


def test_when_is_told_by_stack_and_name(write: Write) -> None:
    first, second = read_policies(write("p.yaml", GOOD))
    assert first.applies(stack="rust-api", app_name=None)
    assert not first.applies(stack="python-fastapi", app_name=None)
    assert not first.applies(stack=None, app_name="a")
    assert second.applies(stack=None, app_name=None)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot read the policy file"):
        read_policies(tmp_path / "none.yaml")


@pytest.mark.parametrize(
    ("check", "place", "rule", "message"),
    [
        ("severity: high", (3, 5), "policy", "no check"),
        ("file_exists: {paths: [a]}\n    secrets: {}", (6, 5), "policy", "the check 'file_exists' already"),
        ("file_exsts: {paths: [a]}", (5, 5), "unknown-key", "unknown key 'file_exsts'"),
        ("file_exists: {paths: []}", (5, 26), "minItems", "must not be empty"),
        ("file_exists: {paths: [../a]}", (5, 27), "pattern", "path inside"),
        ("file_exists: {paths: [/etc/passwd]}", (5, 27), "pattern", "path inside"),
        ("forbidden_pattern: {files: [a]}", (5, 24), "missing-key", "'pattern' is missing"),
        ("forbidden_pattern: {pattern: '(', files: [a]}", (5, 34), "pattern", "no regular expression"),
        ("forbidden_pattern: {pattern: a, files: [a], timeout: 0s}", (5, 58), "duration", "longer than zero"),
        ("forbidden_pattern: {pattern: a, files: [a], timeout: soon}", (5, 58), "pattern", "duration"),
        ("coverage: {minimum: 101}", (5, 25), "maximum", "at most 100"),
        ("coverage: {minimum: '80'}", (5, 25), "type", "a number"),
        ("command: {run: make}", (5, 20), "type", "a list"),
        ("docs: {file: README.md}", (5, 5), "policy", "nothing is demanded"),
        ("secrets: {}\n    when: stak == 'a'", (6, 11), "expression", "there is no 'stak'"),
        ("secrets: {}\n    when: stack ==", (6, 18), "expression", ""),
        ("secrets: {}\n    severity: hgh", (6, 15), "enum", "is one of critical"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_once_where_it_stands(
    check: str, place: tuple[int, int], rule: str, message: str
) -> None:
    found = faults(policy(check))
    assert [(line, column, each) for line, column, each, _ in found] == [(*place, rule)], found
    assert message in found[0][3]


def test_all_faults_are_told_in_the_order_of_their_places() -> None:
    found = faults(GOOD.replace("id: checked", "id: readme").replace("severity: low", "severity: lw"))
    assert [(line, rule) for line, _, rule, _ in found] == [(5, "enum"), (8, "policy")]
    assert "'readme' already" in found[1][3]


def test_a_wrong_file_is_not_read(write: Write) -> None:
    with pytest.raises(FaultsError) as error:
        read_policies(write("p.yaml", policy("secrets: {exclud: []}")))
    assert [fault.suggestion for fault in error.value.faults] == ["exclude"]


def test_a_policy_file_is_known_by_its_keys_and_by_its_name(write: Write, registry: StationRegistry) -> None:
    assert kind_of({"version": 1, "policies": []}, "house.yaml") == "policy"
    assert kind_of({}, "house.policy.yaml") == "policy"
    assert kind_of({"version": 1, "polices": []}, "house.yaml") == "policy"
    (fault,) = check_any_file(write("house.yaml", policy("secret: {}")), registry)
    assert fault.suggestion == "secrets"


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda p: p.name)
def test_the_examples_have_no_fault(example: Path, registry: StationRegistry) -> None:
    assert check_any_file(example, registry) == []
    assert read_policies(example)


def test_there_are_examples_of_every_check() -> None:
    checks = {policy.check for example in EXAMPLES for policy in read_policies(example)}
    assert checks == {"command", "file_exists", "forbidden_pattern", "coverage", "secrets", "docs"}
