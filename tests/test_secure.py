"""The station ``secure`` and the workflow ``validate``: what counts, what fails, and what is written."""

from __future__ import annotations

import datetime as dt
import json
import re
import shutil
import subprocess
from collections.abc import Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from conftest import BIN
from mityflow_stations._security import Judged, Rules, Waiver, judged
from mityflow_stations._security_page import page
from mityflow_stations.scanners import Scan
from mityflow_stations.secure import Secure
from stationkit import context, execute

from mityflow.sdk import Finding, StationResult

TODAY = dt.date(2026, 11, 23)
AWS = "AKIA" + "IOSFODNN7EXAMPLQ"
SHELL = "import subprocess\n\n\ndef f(x):\n    subprocess.call(x, shell=True)\n"
FAIL_AT = {"secrets": "low", "code": "high", "dependencies": "high", "licences": "high", "policies": "high"}
WEAK = Finding("B602", "high", "a shell", "bandit", "code", "src/a.py", 3)
MILD = Finding("B404", "low", "a module", "bandit", "code", "src/a.py", 1)


def rules(**changes: Any) -> Rules:
    return Rules(FAIL_AT | changes.pop("fail_at", {}), changes.pop("require", ()), changes.pop("ignore", ()), TODAY)


def of_code(*findings: Finding) -> dict[str, list[Scan]]:
    return {"code": [Scan("bandit", "found", findings)]}


def write(workspace: Path, files: Mapping[str, str]) -> None:
    for path, text in files.items():
        place = workspace / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")


def look(workspace: Path, files: Mapping[str, str], /, **settings: Any) -> StationResult:
    """What ``secure`` says of an application of these files."""
    write(workspace / "my-app", files)
    return execute(Secure(), context(Secure(), workspace, **settings))


# --- what counts


@pytest.mark.parametrize(
    ("severity", "threshold", "fails"),
    [
        ("high", "high", True),
        ("critical", "high", True),
        ("medium", "high", False),
        ("info", "info", True),
        ("low", "info", True),
        ("critical", "never", False),
    ],
)
def test_a_finding_at_its_threshold_or_worse_fails(severity: Any, threshold: str, fails: bool) -> None:
    found = judged(of_code(WEAK._replace(severity=severity)), rules(fail_at={"code": threshold}))
    assert bool(found.reasons) is bool(found.over) is fails
    assert len(found.counted) == 1


def test_each_look_has_a_threshold_of_its_own() -> None:
    scans = {
        "code": [Scan("bandit", "found", (MILD,))],
        "secrets": [Scan("secrets", "found", (MILD._replace(rule="key"),))],
    }
    found = judged(scans, rules())
    assert found.reasons == ["1 finding too severe (secrets from low on)"]
    assert not judged(of_code(MILD), rules()).reasons


def test_not_checked_fails_only_where_it_is_required() -> None:
    scans = {"dependencies": [Scan("pip-audit", "not checked", detail="no answer")]}
    free = judged(scans, rules())
    assert (free.reasons, free.not_checked) == ([], ["dependencies: pip-audit: no answer"])
    assert judged(scans, rules(require=["dependencies"])).reasons == [
        "dependencies must be checked, and could not be: no answer"
    ]
    assert judged(scans, rules(require=["code"])).reasons == ["code must be checked, and is not among the 'checks'"]


def test_a_scanner_that_broke_always_fails() -> None:
    found = judged({"code": [Scan("bandit", "failed", detail="it crashed")]}, rules(fail_at={"code": "never"}))
    assert found.reasons == ["bandit: failed: it crashed"]


@pytest.mark.parametrize(
    ("change", "ignored"),
    [
        ({}, True),
        ({"rule": "bandit/*"}, True),
        ({"rule": "B602"}, False),
        ({"path": "src/*.py"}, True),
        ({"path": "lib/*.py"}, False),
        ({"text": "shell"}, True),
        ({"text": "package"}, False),
        ({"until": TODAY}, True),
        ({"until": TODAY - dt.timedelta(days=1)}, False),
    ],
)
def test_what_is_ignored_does_not_count_until_its_last_day(change: dict[str, Any], ignored: bool) -> None:
    waiver = Waiver("bandit/B602", None, None, "it is checked by hand", TODAY + dt.timedelta(days=9))._replace(**change)
    found = judged(of_code(WEAK), rules(ignore=[waiver]))
    assert [each.rule for each, _ in found.ignored] == (["B602"] if ignored else [])
    assert bool(found.reasons) is not ignored
    assert bool(found.remarks) is not ignored


# --- the station


def test_planted_things_are_found_and_the_secret_is_nowhere(workspace: Path) -> None:
    files = {"src/a.py": SHELL, "conf.py": f"key = '{AWS}'\npassword = '{AWS}'\n"}
    where = context(Secure(), workspace, checks=["secrets", "code"])
    write(workspace / "my-app", files)
    result = execute(Secure(), where)
    assert not result.success
    assert {(f["rule"], f["path"], f["line"]) for f in result.outputs["findings"]} >= {
        ("aws-access-key", "conf.py", 1),
        ("B602", "src/a.py", 5),
    }
    assert "secrets from low on, code from high on" in result.message
    runtime: Any = where._runtime
    written = [(workspace / artifact.path).read_text() for artifact in result.artifacts]
    assert len(written) == 2
    assert all(AWS not in text for text in (repr(result.to_data()), runtime.output.decode(), *written))
    sarif = json.loads(written[0])
    assert {run["ruleId"] for run in sarif["runs"][0]["results"]} >= {"detect-secrets/aws-access-key", "bandit/B602"}


def test_a_clean_application_passes_and_says_what_was_not_checked(workspace: Path) -> None:
    result = look(workspace, {"src/a.py": "x = 1\n"})
    assert result.success, result.message
    assert {scan["check"]: scan["status"] for scan in result.outputs["scans"]} == {
        "secrets": "clean",
        "code": "clean",
        "dependencies": "not checked",
        "sbom": "not checked",
        "licences": "not checked",
        "policies": "clean",
    }
    assert len(result.outputs["not_checked"]) == 3
    assert "not checked: dependencies: no manifest of packages is there" in result.message


def test_what_is_required_must_have_been_checked(workspace: Path) -> None:
    result = look(workspace, {"src/a.py": "x = 1\n"}, require=["dependencies"])
    assert not result.success
    assert "dependencies must be checked, and could not be: no manifest" in result.message


def test_ignored_findings_are_told_as_such(workspace: Path) -> None:
    waiver = {"rule": "bandit/B602", "path": "src/**", "reason": "reviewed", "until": "2999-12-31"}
    result = look(workspace, {"src/a.py": SHELL}, checks=["code"], require=[], ignore=[waiver])
    assert result.success, result.message
    (entry,) = result.outputs["ignored"]
    assert (entry["rule"], entry["reason"], entry["until"]) == ("B602", "reviewed", "2999-12-31")
    old = look(workspace, {}, checks=["code"], require=[], ignore=[waiver | {"until": "2020-01-01"}])
    assert not old.success
    assert "remark: what 'ignore' says of bandit/B602 ended on 2020-01-01: reviewed" in old.message


POLICY = "version: 1\npolicies:\n  - id: licence\n    description: A licence.\n    file_exists: {paths: [LICENSE]}\n"


def test_policies_of_workspace_and_application_are_evaluated(workspace: Path) -> None:
    write(workspace, {"policies/house.yaml": POLICY})
    files = {"a.py": "", "policies/own.yaml": POLICY.replace("id: licence", "id: own").replace("LICENSE", "a.md")}
    result = look(workspace, {**files, "LICENSE": "MIT"}, checks=["policies"])
    assert not result.success
    assert [(p["id"], p["status"], p["file"]) for p in result.outputs["policies"]] == [
        ("licence", "passed", "policies/house.yaml"),
        ("own", "failed", "my-app/policies/own.yaml"),
    ]
    given = look(workspace, {}, checks=["policies"], policies=["policies/house.yaml"])
    assert (given.success, len(given.outputs["policies"])) == (True, 1)


def test_a_policy_that_cannot_be_told_fails_unless_it_need_not_be(workspace: Path) -> None:
    coverage = POLICY.replace("file_exists: {paths: [LICENSE]}", "coverage: {minimum: 1}")
    write(workspace, {"policies/house.yaml": coverage})
    result = look(workspace, {"a.py": ""}, checks=["policies"])
    assert not result.success
    assert "policies must be checked, and could not be: 1 of 1: licence: there is no coverage report" in result.message
    assert look(workspace, {}, checks=["policies"], require=[]).success


def test_a_wrong_policy_file_is_told_with_its_place_before_anything_runs(workspace: Path) -> None:
    write(workspace, {"policies/house.yaml": POLICY.replace("paths:", "path:")})
    where = context(Secure(), workspace)
    write(workspace / "my-app", {"a.py": ""})
    result = execute(Secure(), where)
    assert not result.success
    assert "policies/house.yaml:5:19: unknown key 'path'; did you mean 'paths'?" in result.message
    runtime: Any = where._runtime
    assert runtime.commands == []


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"policies": ["none.yaml"]}, "'policies' names none.yaml"),
        ({"semgrep_rules": ["none.yaml"]}, "'semgrep_rules' names none.yaml"),
        ({"allow_licences": ["MITT"]}, "'MITT' is no SPDX id"),
        ({"stack": "none"}, "unknown stack 'none'"),
    ],
)
def test_a_wrong_setting_is_a_clear_failure(workspace: Path, settings: dict[str, Any], message: str) -> None:
    result = look(workspace, {"a.py": ""}, **settings)
    assert (result.success, message in result.message) == (False, True), result.message


def test_without_an_application_there_is_nothing_to_look_at(workspace: Path) -> None:
    result = execute(Secure(), context(Secure(), workspace))
    assert (result.success, "there is no application folder" in result.message) == (False, True)


# --- the page

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>&\"'\u202egnp.exe{{ 7 * 7 }}"


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]


def hostile_page() -> str:
    finding = Finding(HOSTILE, "high", HOSTILE, HOSTILE, "code", HOSTILE, 3)
    waiver = Waiver("*", None, None, HOSTILE, TODAY)
    scans = {"code": [Scan(HOSTILE, "found", (finding,), HOSTILE)]}
    found = Judged(scans, [finding], [(finding, waiver)], [finding], [HOSTILE], [HOSTILE], [HOSTILE])
    policy = {"id": "p", "description": HOSTILE, "severity": "low", "check": "docs", "status": "failed"}
    outputs = {
        "findings_count": {"critical": 0, "high": 1, "medium": 0, "low": 0, "info": 0},
        "scans": [{"check": "code", "scanner": HOSTILE, "status": "found", "findings": 1, "detail": HOSTILE}],
        "policies": [policy | {"detail": HOSTILE, "file": HOSTILE}],
        "licences": {HOSTILE: 1},
    }
    package = {"name": HOSTILE, "version": HOSTILE, "licence": HOSTILE}
    return page({"application": HOSTILE, "stack": HOSTILE, "at": "now", "packages": [package]}, found, outputs)


def test_the_page_escapes_everything_and_loads_nothing() -> None:
    text = hostile_page()
    seen = _Tags()
    seen.feed(text)
    assert not {"script", "img", "iframe", "object", "a"} & set(seen.tags)
    assert not [name for name in seen.attributes if name.startswith("on") or name == "src"]
    assert not re.search(r"https?://|url\(|@import", text)
    assert "\u202e" not in text
    assert "{{ 7 * 7 }}" in text
    assert text.count("&lt;script&gt;") > 10


@pytest.mark.slow
def test_the_page_can_be_read_in_a_browser_light_and_dark(tmp_path: Path) -> None:
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("chromium not found (install it with the system's package manager)")
    from playwright.sync_api import sync_playwright

    place = tmp_path / "security.html"
    place.write_text(hostile_page(), encoding="utf-8")
    complaints: list[str] = []
    grounds = set()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for scheme in ("light", "dark"):
            shown = browser.new_page(color_scheme=scheme, viewport={"width": 420, "height": 800})
            shown.on("console", lambda message: complaints.append(message.text))
            shown.on("dialog", lambda dialog: complaints.append(dialog.message))
            shown.goto(place.as_uri())
            grounds.add(shown.evaluate("getComputedStyle(document.body).backgroundColor"))
            assert shown.evaluate("document.documentElement.scrollWidth <= innerWidth")
            assert "<script>alert(1)</script>" in shown.inner_text("h1")
        browser.close()
    assert complaints == []
    assert len(grounds) == 2


# --- the workflow

STACK = """\
version: 1
id: small
name: Small
description: A stack whose commands need nothing but a shell.
commands:
  lint: [[sh, -c, "test -f a.py"]]
"""


def run(workspace: Path, *arguments: str) -> tuple[int, str]:
    argv = ["run", "validate", "-i", "app_name=my-app", "-i", "stack=small", *arguments]
    command = [str(BIN / "mityflow"), *argv]
    done = subprocess.run(command, cwd=workspace, capture_output=True, text=True, timeout=120, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.slow
def test_the_workflow_checks_an_application_and_looks_at_its_security(workspace: Path) -> None:
    write(
        workspace, {"templates/small/stack.yaml": STACK, "templates/small/template/a.py": "", "my-app/a.py": "x = 1\n"}
    )
    code, output = run(workspace)
    assert code == 0, output
    assert "1/2 validate  ok" in output
    assert "2/2 secure  ok" in output
    assert "not checked: dependencies" in output
    write(workspace, {"my-app/b.py": SHELL})
    assert run(workspace)[0] == 1
    assert run(workspace, "-i", 'fail_at={"code": "critical"}')[0] == 0
    code, output = run(workspace, "-i", 'fail_at={"code": "hgh"}')
    assert (code, "hgh" in output) == (2, True), output
    assert run(workspace, "-i", 'require=["dependencies"]', "-i", 'fail_at={"code": "never"}')[0] == 1
