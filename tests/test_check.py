"""``check``: which kind of file is checked as what, and the formats it prints."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import BIN
from jsonschema import validators

from mityflow.errors import Fault
from mityflow.filekind import kind_of
from mityflow.resources import schema_text
from mityflow.rules import rule, rule_ids
from mityflow.sarif import sarif_log

ROOT = Path(__file__).parent.parent
Write = Callable[[str, str], Path]
WORKFLOW = "version: 1\nid: w\nstations:\n  - station: shell\n    with: {command: [echo]}\n"
STACK = "version: 1\nid: site\nname: Site\ndescription: A site.\ncommands:\n  test: [[make, test]]\n"


def check(folder: Path, *arguments: str | bytes) -> subprocess.CompletedProcess[str]:
    command = [str(BIN / "mityflow"), "check", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)


def lines(done: subprocess.CompletedProcess[str]) -> list[str]:
    """The faults of the text format, without the lines they mark."""
    return [line for line in done.stdout.splitlines() if line.endswith("]") and not re.match(r" *\d* \|", line)]


# Which kind


@pytest.mark.parametrize(
    ("keys", "name", "kind"),
    [
        (["version", "id", "stations"], "ci.yaml", "workflow"),
        (["stations", "commands", "tools"], "stack.yaml", "workflow"),
        (["inputs", "statoins"], "x.yaml", "workflow"),
        (["max_total_iterations"], "limits.yaml", "guardrails"),
        (["version", "agents"], "stack.yaml", "guardrails"),
        (["id", "name", "commands"], "ci.yaml", "stack"),
        (["agents", "commands"], "my-guardrails.yml", "guardrails"),
        (["agents", "commands"], "x.yaml", None),
        (["max_totl_iterations"], "limits.yaml", "guardrails"),
        (["version", "statoins"], "x.yaml", "workflow"),
        (["comands"], "guardrails.yaml", "guardrails"),
        (["version"], "stack.yaml", "stack"),
        (["version"], "x.yaml", None),
        (["apiVersion", "kind"], "x.yaml", None),
        ([], "strict.guardrails.yaml", "guardrails"),
        ([], "x.yaml", None),
    ],
)
def test_the_keys_tell_what_a_file_is_and_then_its_name(keys: list[str], name: str, kind: str | None) -> None:
    assert kind_of(dict.fromkeys(keys), name) == kind


@pytest.mark.parametrize("tree", [None, "text", ["stations"], 3])
def test_of_what_is_no_mapping_only_the_name_tells(tree: Any) -> None:
    assert kind_of(tree, "stack.yaml") == "stack"
    assert kind_of(tree, "x.yaml") is None


def test_a_file_that_could_be_anything_is_told_what_it_was_checked_as(tmp_path: Path, write: Write) -> None:
    write("x.yaml", "kind: Service\n")
    first, *others = lines(check(tmp_path, "x.yaml"))
    assert first.startswith("x.yaml:1:1: unknown key 'kind'; the file was checked as a workflow, for none of its keys")
    assert others
    assert not [line for line in others if "checked as" in line]


def test_an_empty_file_is_one_fault_whatever_its_name(tmp_path: Path, write: Write) -> None:
    for name in ("x.yaml", "guardrails.yaml", "site/stack.yaml"):
        write(name, "")
    (tmp_path / "site" / "template").mkdir()
    done = check(tmp_path, "x.yaml", "guardrails.yaml", "site/stack.yaml")
    assert [line.split(": ", 1)[1] for line in lines(done)] == ["the file is empty [empty]"] * 3
    assert done.stdout.endswith("3 faults in 3 of 3 files\n")


# Guardrails and stacks


def test_every_fault_of_a_guardrails_file_comes_with_its_place(tmp_path: Path, write: Write) -> None:
    write(
        "limits.yaml",
        "max_total_iteration: 3\nmax_healing_time_secs: 0\nprotected_paths: .git\n"
        "specialists: {TestFailur: tester, BuildError: implementor}\n"
        "agents:\n  a: {}\n  b: {kind: llm}\n  c: {kind: comand}\nagents: {}\n",
    )
    done = check(tmp_path, "limits.yaml")
    assert lines(done) == [
        "limits.yaml:1:1: unknown key 'max_total_iteration'; did you mean 'max_total_iterations'? [unknown-key]",
        "limits.yaml:2:24: 'max_healing_time_secs' must be more than 0, not 0 [exclusiveMinimum]",
        "limits.yaml:3:18: 'protected_paths' must be a list [type]",
        "limits.yaml:4:15: unknown key 'TestFailur'; one of BuildError, DependencyError, TestFailure, RuntimeError,"
        " ConfigError, PortInUse, Unknown; did you mean 'TestFailure'? [unknown-key]",
        "limits.yaml:4:47: no agent 'implementor' is declared; did you mean 'implementer'? [agent]",
        "limits.yaml:6:6: the key 'kind' is missing [missing-key]",
        "limits.yaml:7:6: the key 'model' is missing [missing-key]",
        "limits.yaml:8:13: 'kind' is one of playbook, llm, command, not \"comand\"; did you mean 'command'? [enum]",
        "limits.yaml:9:1: duplicate key 'agents'; it stands first in line 5, column 1 [duplicate-key]",
    ]
    assert done.returncode == 2


def test_every_fault_of_a_stack_file_comes_with_its_place(tmp_path: Path, write: Write) -> None:
    write(
        "site/stack.yaml",
        "version: 1\nid: sit\nnmae: Site\ndescription: A site.\n"
        'commands:\n  tst: [[make]]\n  build: [[make, "{{ nope }}"]]\n'
        "tools:\n  - name: make\n    version_command: [make, --version]\n  - 7\n"
        "variables:\n  size: {type: intger}\n  port: {type: string, patern: x}\n"
        "required_files: [../x]\nport: {default: 99999}\nhealth: {path: health}\n",
    )
    done = check(tmp_path, "site/stack.yaml")
    assert [line.removeprefix("site/").removeprefix("stack.yaml:") for line in lines(done)] == [
        "2:5: the id must be the folder's name, 'site' [stack-id]",
        "3:1: unknown key 'nmae'; did you mean 'name'? [unknown-key]",
        "6:3: unknown key 'tst'; did you mean 'test'? [unknown-key]",
        "7:18: '{{ nope }}' holds more than known names in braces (known here: app_name, app_name_flat, app_name_kebab,"
        " app_name_pascal, app_name_snake, app_name_title, python) [placeholder]",
        "9:5: the key 'get' is missing [missing-key]",
        "11:5: entry 2 of 'tools' must be a mapping [type]",
        "13:16: 'type' is one of array, boolean, integer, null, number, object, string, not 'intger';"
        " did you mean 'integer'? [variable-schema]",
        "14:3: 'port' is a name that every template has [variable-name]",
        "14:24: unknown schema keyword 'patern'; did you mean 'pattern'? [unknown-key]",
        "15:18: \"../x\" is no path inside the application: no '/' at its start, no '..' and no '\\' in it [pattern]",
        "16:17: 'default' must be at most 65535, not 99999 [maximum]",
        "17:16: \"health\" is no path of a request: it begins with '/' [pattern]",
        "template: is missing; a stack's files are in it [stack-folder]",
    ]


def test_files_without_a_fault_are_none_whatever_they_are(tmp_path: Path, write: Write) -> None:
    write("w.yaml", WORKFLOW)
    write("limits.yaml", "max_total_iterations: 3\n")
    write("site/stack.yaml", STACK)
    (tmp_path / "site" / "template").mkdir()
    done = check(tmp_path, "w.yaml", "limits.yaml", "site/stack.yaml")
    assert (done.returncode, done.stdout, done.stderr) == (0, "no fault in 3 files\n", "")
    inside = check(tmp_path / "site", "stack.yaml")
    assert inside.stdout == "no fault in 1 file\n"


def test_a_stack_file_of_another_name_is_told_that_it_would_not_be_found(tmp_path: Path, write: Write) -> None:
    write("site/draft.yaml", STACK)
    (tmp_path / "site" / "template").mkdir()
    assert lines(check(tmp_path, "site/draft.yaml")) == [
        "site/draft.yaml: is not found under this name; a stack's file is called stack.yaml [stack-folder]"
    ]


@pytest.mark.parametrize("form", ["text", "json", "sarif"])
def test_what_cannot_be_read_is_one_fault_and_no_traceback(tmp_path: Path, write: Write, form: str) -> None:
    write("w.yaml", WORKFLOW)
    done = check(tmp_path, ".", "nope.yaml", "w.yaml", "--format", form)
    assert done.returncode == 2
    assert done.stderr == ""
    assert "there is no file nope.yaml" in done.stdout
    assert ". is a folder" in done.stdout


def test_a_fault_that_two_files_lead_to_is_told_once(tmp_path: Path, write: Write) -> None:
    write("w.yaml", WORKFLOW + "guardrails: guardrails.yaml\n")
    write("guardrails.yaml", "max_total_iterations: 0\n")
    done = check(tmp_path, "w.yaml", "guardrails.yaml")
    assert len(lines(done)) == 1
    assert done.stdout.endswith("1 fault in 2 of 2 files\n")


# SARIF


def sarif(folder: Path, *arguments: str | bytes) -> dict[str, Any]:
    """The document that ``check`` prints; standard output holds nothing else."""
    done = check(folder, *arguments, "--format", "sarif")
    document: dict[str, Any] = json.loads(done.stdout)
    assert done.stderr == ""
    assert done.returncode == (2 if document["runs"][0]["results"] else 0)
    return document


def places(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [result["locations"][0]["physicalLocation"] for result in document["runs"][0]["results"]]


def test_a_sarif_result_has_its_place_rule_and_suggestion(tmp_path: Path, write: Write) -> None:
    write("w.yaml", WORKFLOW.replace("with:", "wiht:"))
    document = sarif(tmp_path, "w.yaml")
    [run] = document["runs"]
    [result] = run["results"]
    assert document["version"] == "2.1.0"
    assert result == {
        "ruleId": "unknown-key",
        "ruleIndex": 0,
        "level": "error",
        "message": {"text": "unknown key 'wiht'; did you mean 'with'?"},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": "w.yaml", "uriBaseId": "%SRCROOT%"},
                    "region": {"startLine": 5, "startColumn": 5},
                }
            }
        ],
        "properties": {"suggestion": "with"},
    }
    assert run["tool"]["driver"]["rules"][0]["help"]["text"] == rule("unknown-key").help
    assert run["originalUriBaseIds"]["%SRCROOT%"]["uri"] == tmp_path.as_uri() + "/"
    assert run["columnKind"] == "unicodeCodePoints"


def test_without_a_fault_there_is_a_run_without_results(tmp_path: Path, write: Write) -> None:
    write("w.yaml", WORKFLOW)
    document = sarif(tmp_path, "w.yaml")
    assert document["runs"][0]["results"] == []
    assert document["runs"][0]["tool"]["driver"]["rules"] == []


def test_uris_are_relative_below_the_folder_and_whole_elsewhere(tmp_path: Path, write: Write) -> None:
    for name in ("below/sub dir/ä#?%:.yaml", "elsewhere.yaml"):
        write(name, "stations: []\n")
    inside = tmp_path / "below"
    below, whole = "sub dir/ä#?%:.yaml", str(tmp_path / "elsewhere.yaml")
    found = places(
        sarif(inside, below, str(inside / below), "../below/" + below, "../elsewhere.yaml", whole, "nope.yaml")
    )
    relative = {"uri": "sub%20dir/%C3%A4%23%3F%25%3A.yaml", "uriBaseId": "%SRCROOT%"}
    outside = {"uri": (tmp_path / "elsewhere.yaml").as_uri()}
    locations = [place["artifactLocation"] for place in found]
    assert [location for i, location in enumerate(locations) if location not in locations[:i]] == [
        relative,
        outside,
        {"uri": "nope.yaml", "uriBaseId": "%SRCROOT%"},
    ]
    assert "region" not in found[-1], "what cannot be read has no place in a text"


def test_a_name_that_is_not_utf_8_makes_a_document_that_is(tmp_path: Path) -> None:
    name = b"caf\xe9.yaml"
    (tmp_path / os.fsdecode(name)).write_text("stations: []\n")
    document = sarif(tmp_path, name, b"no\xe9.yaml")
    text = json.dumps(document, ensure_ascii=False)
    assert text.encode()
    assert {place["artifactLocation"]["uri"] for place in places(document)} == {"caf%E9.yaml", "no%E9.yaml"}


def test_the_rules_of_a_log_are_those_of_its_results_each_once() -> None:
    faults = [Fault(rule_id, "m", "a.yaml", 1, 1) for rule_id in ("type", "syntax", "type", "made-up")]
    [run] = sarif_log(faults, root="/r", version="1")["runs"]
    ids = [each["id"] for each in run["tool"]["driver"]["rules"]]
    assert ids == ["type", "syntax", "made-up"]
    assert [ids[result["ruleIndex"]] for result in run["results"]] == ["type", "syntax", "type", "made-up"]


@pytest.mark.slow
def test_a_log_is_valid_by_the_schema_of_sarif(
    tmp_path: Path, write: Write, tmp_path_factory: pytest.TempPathFactory
) -> None:
    if not shutil.which("npm"):
        pytest.skip("npm, with which the schema is fetched, is not installed")
    folder = tmp_path_factory.mktemp("schema")
    install = ["npm", "install", "--ignore-scripts", "--legacy-peer-deps", "--no-audit", "--no-fund"]
    package = "@microsoft/jest-sarif@1.0.0-beta.0"
    subprocess.run([*install, package], cwd=folder, check=True, capture_output=True, timeout=300)
    [path] = folder.glob("node_modules/@microsoft/jest-sarif/lib/schemas/sarif-2.1.0*.json")
    schema = json.loads(path.read_text())
    validator = validators.validator_for(schema)(schema)
    faults = sorted((ROOT / "tests" / "cases" / "faults").glob("*.yaml"))
    write("w.yaml", WORKFLOW)
    document = sarif(tmp_path, *map(str, faults), "w.yaml", "nope.yaml", ".")
    assert len(document["runs"][0]["results"]) > 50
    assert not [error.message for error in validator.iter_errors(document)]
    assert [*validator.iter_errors({**document, "runs": [{}]})], "the schema refuses what is wrong"
    assert not [*validator.iter_errors(sarif(tmp_path, "w.yaml"))]


# Rules


def _rules_of_the_code() -> Iterator[str]:
    """The first argument of everything that makes a fault."""
    makers = {"Problem", "Fault", "Finding", "add", "count_more", "_fault"}
    for path in (ROOT / "mityflow").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
                name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                value = node.args[0].value
                several = name != "add" or len(node.args) > 2
                if name in makers and several and isinstance(value, str):
                    yield value


def _checking_keywords(schema: Any) -> Iterator[str]:
    """The keywords of a schema under which a fault is told."""
    if isinstance(schema, dict):
        for key, part in schema.items():
            if re.fullmatch("type|enum|const|pattern|exclusiveM(in|ax)imum|m(in|ax)(imum|[A-Z].*)", key):
                yield from () if isinstance(part, dict) else (key,)
            yield from _checking_keywords(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from _checking_keywords(part)


def test_every_rule_of_the_code_and_of_the_schemas_is_explained() -> None:
    used = {*_rules_of_the_code()}
    for name in ("workflow", "guardrails", "stack", "rules", "policy"):
        used |= {*_checking_keywords(json.loads(schema_text(name)))}
    assert {"syntax", "missing-key", "unknown-station", "stack-id", "unreadable", "minLength"} <= used
    assert used - set(rule_ids()) == set()


def test_every_rule_says_what_is_wrong_and_what_to_do() -> None:
    for rule_id in rule_ids():
        for sentence in rule(rule_id):
            assert re.fullmatch(r"[A-Z'\"<].*\.", sentence), f"{rule_id}: {sentence}"
