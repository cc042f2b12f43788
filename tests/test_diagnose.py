"""``mityflow diagnose``, and the rules that a team adds."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mityflow.errors import FaultsError, UsageError
from mityflow.healing.limits import Guardrails
from mityflow.loader import load_guardrails

Write = Callable[[str, str], Path]
RULE = "{id: licence, class: Unknown, rank: host, patterns: ['licence (?P<server>\\S+) is gone']}"


def diagnose(folder: Path, *arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mityflow", "diagnose", *arguments],
        cwd=folder,
        input=text,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_class_the_evidence_and_the_reason_are_told(tmp_path: Path) -> None:
    done = diagnose(tmp_path, "-", text="sh: 1: vitest: not found\nnpm error command failed\n")
    assert done.returncode == 0
    assert done.stdout.splitlines() == [
        "DependencyError",
        "  | sh: 1: vitest: not found",
        "  | npm error command failed",
        "why: a tool that the command needs is not there (rule shell-not-found)",
        "tool: vitest",
        "signature: DependencyError shell-not-found sh: <n>: vitest: not found",
        "not the root cause:",
        "  Unknown: npm error command failed (rule npm-wrapper)",
    ]


def test_json_holds_all_of_it(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("x.ts(3,1): error TS2322: no\n1 failed\n", encoding="utf-16")
    found = json.loads(diagnose(tmp_path, "log", "--format", "json", "--stack", "frontend-vue").stdout)
    assert (found["error_type"], found["file"], found["line"]) == ("BuildError", "x.ts", 3)
    assert [other["error_type"] for other in found["others"]] == ["TestFailure"]


def test_the_exit_code_counts(tmp_path: Path) -> None:
    assert diagnose(tmp_path, "-", "--exit-code", "137", text="...").stdout.startswith(
        "Unknown\n  | ...\nwhy: it was killed"
    )


@pytest.mark.parametrize("name", ["gone.log", "."])
def test_what_cannot_be_read_is_one_error(tmp_path: Path, name: str) -> None:
    done = diagnose(tmp_path, name)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"error: cannot read {name}: ")


def test_rules_of_a_team_count(tmp_path: Path, write: Write) -> None:
    write("team.rules.yaml", f"rules: [{RULE}]\n")
    write("guardrails.yaml", "max_total_iterations: 3\nrules: [team.rules.yaml]\n")
    for name in ("team.rules.yaml", "guardrails.yaml"):
        done = diagnose(
            tmp_path,
            "-",
            "--rules",
            str(write(name, (tmp_path / name).read_text())),
            text="licence lm7 is gone\nError: x\n",
        )
        assert done.stdout.startswith("Unknown\n"), done.stderr
        assert "server: lm7" in done.stdout


def test_guardrails_hold_the_rules_of_the_files_they_name(write: Write) -> None:
    write("more.yaml", f"stacks: [rust-api]\nrules: [{RULE}]\n")
    path = write("guardrails.yaml", f"rules:\n  - more.yaml\n  - {RULE.replace('licence', 'other')}\n")
    rules = Guardrails.from_data(load_guardrails(path)).rules()
    assert [(rule.id, rule.stacks) for rule in rules] == [("licence", ("rust-api",)), ("other", ())]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("rules: [gone.yaml]", "guardrails.yaml:1:9: cannot read the rules file"),
        ("rules: [{id: a, class: Nope, patterns: [x]}]", "guardrails.yaml:1:24: 'class' is one of "),
        ("rules: [{id: a, class: Unknown, patterns: ['(x']}]", "guardrails.yaml:1:44: is no regular expression: "),
        ("rules: [{id: a, class: Unknown, patern: x, patterns: [x]}]", "unknown key 'patern'; did you mean 'p"),
        ("rules: [3]", "guardrails.yaml:1:9:"),
        ("rules: [wrong.yaml]", "wrong.yaml:1:9: "),
    ],
)
def test_faults_of_rules_have_their_place(write: Write, text: str, expected: str) -> None:
    write("wrong.yaml", "rules: [1]")
    with pytest.raises(FaultsError) as raised:
        load_guardrails(write("guardrails.yaml", text + "\n"))
    assert expected in str(raised.value)


def test_a_step_s_own_rules_are_written_inline() -> None:
    with pytest.raises(UsageError, match=r"name the rules file 'x\.yaml'"):
        Guardrails.from_data({"rules": ["x.yaml"]}).rules()
